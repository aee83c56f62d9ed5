"""Boxes without scores: F1, precision and recall at IoU 0.5, counted over all pictures.

One-to-one matching by falling IoU: the best remaining pair is taken until none reaches the threshold. An answer that could not be read
misses every truth box of its picture; a picture with no box on either side adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.answers import BoxAnswers
from harness.metrics.base import Additive, Columns, Family, Floats, Ints, Kernel, Layout, Metric, Support, divide

IOU_THRESHOLD = 0.5


def box_family(answers: BoxAnswers) -> Family:
    """Return ``f1_iou_50``, ``precision_iou_50`` and ``recall_iou_50``."""
    counts = np.array([_counts(t, a) for t, a in zip(answers.truth, answers.answer, strict=True)], float).reshape(-1, 3)
    has_truth, has_answer = counts[:, 0] + counts[:, 2] > 0, counts[:, 0] + counts[:, 1] > 0
    with_truth = Support("with boxes in the truth", has_truth)
    with_answer = Support("with boxes in the answer", has_answer)
    metrics = (
        Metric("f1_iou_50", True, (0.0, 1.0), has_truth | has_answer, (with_truth,)),
        Metric("precision_iou_50", True, (0.0, 1.0), has_answer, (with_answer,)),
        Metric("recall_iou_50", True, (0.0, 1.0), has_truth, (with_truth,)),
    )

    def statistics(rows: Ints) -> Columns:
        return [(np.full(len(rows), k), counts[rows, k]) for k in range(3)]

    def finish(sums: Floats) -> Floats:
        hit, extra, missed = sums[:, 0], sums[:, 1], sums[:, 2]
        return np.stack([divide(2 * hit, 2 * hit + extra + missed), divide(hit, hit + extra), divide(hit, hit + missed)])

    def prepare(layout: Layout) -> Kernel:
        return Additive(layout, statistics, 3, finish)

    return Family(metrics, prepare, lambda: _reference(answers))


def iou(truth: Floats, answer: Floats) -> Floats:
    """Return ``(k, m)`` intersection over union of xyxy boxes; 0 where a union has no area."""
    low = np.maximum(truth[:, None, :2], answer[None, :, :2])
    high = np.minimum(truth[:, None, 2:], answer[None, :, 2:])
    side = np.maximum(high - low, 0.0)
    shared = side[..., 0] * side[..., 1]
    area_t, area_a = (np.maximum(b[:, 2] - b[:, 0], 0.0) * np.maximum(b[:, 3] - b[:, 1], 0.0) for b in (truth, answer))
    union = area_t[:, None] + area_a[None, :] - shared
    overlap: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def match(truth: Floats, answer: Floats, *, threshold: float = IOU_THRESHOLD) -> list[tuple[int, int]]:
    """Return matched ``(truth, answer)`` indices, best first; equal IoU goes by the order of the boxes."""
    overlap = iou(truth, answer)
    candidates = np.argwhere(overlap >= threshold)
    order = np.argsort(-overlap[candidates[:, 0], candidates[:, 1]], kind="stable")
    used_truth: set[int] = set()
    used_answer: set[int] = set()
    pairs = []
    for t, a in candidates[order].tolist():
        if t not in used_truth and a not in used_answer:
            used_truth.add(t)
            used_answer.add(a)
            pairs.append((t, a))
    return pairs


def _counts(truth: Floats, answer: Floats | None) -> tuple[int, int, int]:
    """True positives, false positives, false negatives of one picture."""
    if answer is None:
        return 0, 0, len(truth)
    if len(truth) == 0 or len(answer) == 0:
        return 0, len(answer), len(truth)
    hits = len(match(truth, answer))
    return hits, len(answer) - hits, len(truth) - hits


def _reference(answers: BoxAnswers) -> Mapping[str, float]:
    """The textbook loop: no library has this count for boxes without scores."""
    hit = extra = missed = 0
    for truth, answer in zip(answers.truth, answers.answer, strict=True):
        left = [] if answer is None else [[float(v) for v in box] for box in answer]
        open_ = [[float(v) for v in box] for box in truth]
        while open_ and left:
            best = max((_plain_iou(t, a), -i, -j) for i, t in enumerate(open_) for j, a in enumerate(left))
            if best[0] < IOU_THRESHOLD:
                break
            del open_[-best[1]], left[-best[2]]
            hit += 1
        extra, missed = extra + len(left), missed + len(open_)
    shares = {
        "f1_iou_50": (2 * hit, 2 * hit + extra + missed),
        "precision_iou_50": (hit, hit + extra),
        "recall_iou_50": (hit, hit + missed),
    }
    return {name: top / bottom for name, (top, bottom) in shares.items() if bottom}


def _plain_iou(a: list[float], b: list[float]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [max(c[2] - c[0], 0.0) * max(c[3] - c[1], 0.0) for c in (a, b)]
    union = areas[0] + areas[1] - shared
    return shared / union if union > 0 else 0.0
