"""AUROC and average precision, one class against the rest.

Rows are sorted once; every resample is then weighted cumulative sums. Two facts keep it cheap: AUROC and average precision both need
the weight of negatives only at the levels of positives; and the weight of negatives between two levels is a sparse matrix product
that gathers and adds in one pass, with the inner loop running over resamples.

Sources: Hanley & McNeil 1982 with half credit for ties; average precision as scikit-learn's ``average_precision_score``. A row whose
probabilities are missing takes the worst place: below everything when positive, above everything when negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from harness.answers import ClassAnswers
from harness.metrics.base import Family, Floats, Ints, Kernel, Layout, Mask, Metric, Support, divide, mean_defined
from harness.metrics.confusion import class_support, is_binary
from harness.stats.clusters import Weights

# Whole numbers up to 2^24 are exact in single precision; beyond half of it sums are taken in double precision.
_EXACT_ROWS = 1 << 23
_BLOCK = 16
_ROUNDING = 1e-6  # single precision, summed over levels


def ranking_family(answers: ClassAnswers) -> Family:
    """Return AUROC and average precision: per class one-vs-rest, and over classes (the positive one when binary, else macro)."""
    scores = worst_case_scores(answers)
    names = answers.classes
    head = names.index(answers.positive[0]) if is_binary(answers) else None
    # Of two classes, both AUROCs are one number, and the average precision without a class name is that of the positive one.
    same = "auroc" if len(names) == 2 else ""
    metrics = [_metric(f"auroc[{name}]", answers, c, alias_of=same) for c, name in enumerate(names)]
    for c, name in enumerate(names):
        alias = "average_precision" if c == head else ""
        metrics.append(_metric(f"average_precision[{name}]", answers, c, alias_of=alias))
    metrics += [_metric("auroc", answers, head), _metric("average_precision", answers, head)]

    def prepare(layout: Layout) -> Kernel:
        curves = [_OneVersusRest(scores[:, c], answers.truth == c, layout) for c in range(len(names))]

        def kernel(weights: Weights) -> Floats:
            both = np.stack([curve(weights) for curve in curves])  # (C, 2, groups, b)
            auroc, precision = both[:, 0], both[:, 1]
            if head is not None:
                return np.concatenate([auroc, precision, auroc[[head]], precision[[head]]])
            return np.concatenate([auroc, precision, mean_defined(auroc)[None], mean_defined(precision)[None]])

        return kernel

    return Family(tuple(metrics), prepare, lambda: _reference(answers, scores, head))


def worst_case_scores(answers: ClassAnswers) -> Floats:
    """Return ``(n, C)`` scores; rows without probabilities rank last for their true class and first for every other."""
    assert answers.probabilities is not None
    scores = np.array(answers.probabilities, np.float64)
    failed = np.flatnonzero(np.isnan(scores).any(axis=1))
    scores[failed] = 2.0
    scores[failed, answers.truth[failed]] = -1.0
    return scores


def _metric(name: str, answers: ClassAnswers, c: int | None, *, alias_of: str = "") -> Metric:
    included, sides = np.ones(len(answers.truth), bool), class_support(answers)
    if c is not None:
        included = answers.truth == c
        sides = _sides(answers, c)[: 2 if name.startswith("auroc") else 1]
    # A positive drawn twice ranks beside itself, which lifts average precision; the pairs of AUROC are not touched by that.
    centred = name.startswith("average_precision")
    return Metric(name, True, (0.0, 1.0), included, sides, centred=centred, rounding=_ROUNDING, alias_of=alias_of)


def _sides(answers: ClassAnswers, c: int) -> tuple[Support, Support]:
    true = answers.truth == c
    return Support(f"with true class {answers.classes[c]}", true), Support(f"without true class {answers.classes[c]}", ~true)


@dataclass(frozen=True, slots=True)
class _Levels:
    """One group's rows of the stacked matrices: its distinct scores of positives, ascending, and one row more for what lies above."""

    start: int
    stop: int


class _OneVersusRest:
    """``(clusters, b)`` weights to ``(2, groups, b)``: AUROC and average precision of one class in every group."""

    def __init__(self, scores: Floats, positive: Mask, layout: Layout) -> None:
        self._levels: list[_Levels] = []
        gained: list[Any] = []
        between: list[Any] = []
        tied: list[Any] = []
        start = 0
        for rows in layout.groups:
            value, truth, owner = scores[rows], positive[rows], layout.clusters.codes[rows]
            level = np.unique(value[truth])
            gained.append((start + np.searchsorted(level, value[truth]), owner[truth]))
            left = np.searchsorted(level, value[~truth], side="left")
            right = np.searchsorted(level, value[~truth], side="right")
            between.append((start + right, owner[~truth]))
            tied.append((start + left[left < right], owner[~truth][left < right]))
            self._levels.append(_Levels(start, start + len(level)))
            start += len(level) + 1
        shape = (start, layout.clusters.count)
        double = max((len(rows) for rows in layout.groups), default=0) > _EXACT_ROWS
        self._double = double
        self._gained, self._between = (_counts(part, shape) for part in (gained, between))
        self._tied = _counts(tied, shape) if any(len(r) for r, _ in tied) else None

    def __call__(self, weights: Weights) -> Floats:
        if self._double:
            weights = weights.astype(np.float64, copy=False)
        dtype = weights.dtype
        gained = self._gained.astype(dtype, copy=False) @ weights
        between = self._between.astype(dtype, copy=False) @ weights
        tied = None if self._tied is None else self._tied.astype(dtype, copy=False) @ weights
        out = np.empty((2, len(self._levels), weights.shape[1]))
        for g, at in enumerate(self._levels):
            below = cumulate(between[at.start : at.stop + 1])
            ties = None if tied is None else tied[at.start : at.stop]
            out[:, g] = _curve(gained[at.start : at.stop], below, ties)
        return out


def _curve(gained: Any, below: Any, tied: Any) -> Floats:
    """Return ``(2, b)`` AUROC and average precision.

    Args:
        gained: ``(levels, b)`` weight of positives at each level.
        below: ``(levels + 1, b)`` weight of negatives below each level; last: of all negatives.
        tied: ``(levels, b)`` weight of negatives at each level, or ``None``.
    """
    positives = gained.sum(axis=0, dtype=np.float64)
    negatives = below[-1].astype(np.float64)
    credit = below[:-1] if tied is None else below[:-1] + tied / 2
    auroc = divide((gained * credit).sum(axis=0, dtype=np.float64), positives * negatives)
    at_or_above = positives.astype(gained.dtype) - cumulate(gained) + gained
    called = at_or_above + (below[-1] - below[:-1])
    precision = np.divide(at_or_above, called, out=np.zeros_like(called), where=called > 0)
    average_precision = divide((gained * precision).sum(axis=0, dtype=np.float64), positives)
    return np.stack([auroc, average_precision])


def cumulate(values: Any) -> Any:
    """Cumulative sums over the first axis of ``(levels, b)`` whole numbers.

    ``numpy.cumsum`` walks down each column and misses the cache at every step (seven times slower here); products with a small
    triangle of ones keep to rows. Sums of whole numbers are exact in any order.
    """
    levels, width = values.shape
    if levels < 2 * _BLOCK:
        return np.cumsum(values, axis=0)
    blocks = -(-levels // _BLOCK)
    padded = np.zeros((blocks * _BLOCK, width), values.dtype)
    padded[:levels] = values
    inside = np.matmul(np.tri(_BLOCK, dtype=values.dtype), padded.reshape(blocks, _BLOCK, width))
    inside[1:] += cumulate(np.ascontiguousarray(inside[:-1, -1]))[:, None]
    return inside.reshape(-1, width)[:levels]


def _counts(parts: list[tuple[Ints, Ints]], shape: tuple[int, int]) -> Any:
    rows, columns = np.concatenate([r for r, _ in parts]), np.concatenate([c for _, c in parts])
    return sparse.coo_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape).tocsr()


def _reference(answers: ClassAnswers, scores: Floats, head: int | None) -> Mapping[str, float]:
    """The same by scikit-learn, class by class; classes without both sides are undefined and left out of macro averages."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    auroc = np.full(len(answers.classes), np.nan)
    precision = auroc.copy()
    for c in range(len(answers.classes)):
        true = answers.truth == c
        if true.any():
            precision[c] = average_precision_score(true, scores[:, c])
            if not true.all():
                auroc[c] = roc_auc_score(true, scores[:, c])
    found = {f"auroc[{name}]": auroc[c] for c, name in enumerate(answers.classes)}
    found |= {f"average_precision[{name}]": precision[c] for c, name in enumerate(answers.classes)}
    found["auroc"] = mean_defined(auroc) if head is None else auroc[head]
    found["average_precision"] = mean_defined(precision) if head is None else precision[head]
    return {name: float(value) for name, value in found.items()}
