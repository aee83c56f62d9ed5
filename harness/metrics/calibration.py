"""Calibration errors: does a confidence of 80% mean right in 80% of cases?

Confidence is the probability of the positive class against the outcome (two classes, one declared positive), else the probability of
the likeliest class against being right. Rows without probabilities are left out, and a note says how many.

- ``ece``: 15 bins of equal width, closed above (Guo et al. 2017). Descriptive only: it depends on n, and perfectly calibrated answers
  give .214 at n = 30, .041 at 1,000.
- ``ece_debiased``: root of the debiased squared error over 15 bins of equal mass (Kumar, Liang & Ma 2019), 0 where it is below 1e-6:
  the root would blow rounding up to that.
- ``smooth_ece``: kernel-smoothed error at the bandwidth that equals it (Blasiok & Nakkiran 2023).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.answers import ClassAnswers
from harness.metrics.base import Additive, Columns, Family, Floats, Ints, Kernel, Layout, Mask, Metric, Support, divide
from harness.metrics.confusion import is_binary
from harness.metrics.probability import has_probabilities
from harness.metrics.smooth_ece import DRAW_TOLERANCE, NODES, node_weights, smooth_ece

BINS = 15
_ROWS_A_BIN = 10
_NO_ERROR = 1e-12  # squared


def calibration_family(answers: ClassAnswers) -> Family:
    """Return ``ece``, ``ece_debiased`` and ``smooth_ece``."""
    confidence, outcome = confidences(answers)
    known = has_probabilities(answers)
    support = (Support("with probabilities", known),)
    metrics = (
        Metric("ece", False, (0.0, 1.0), known, support, centred=True, comparable=False),
        Metric("ece_debiased", False, (0.0, 1.0), known, support, centred=True, rounding=2e-6),
        Metric("smooth_ece", False, (0.0, 1.0), known, support, centred=True, rounding=2 * DRAW_TOLERANCE),
    )
    residual = confidence - outcome
    width_bin = equal_width_bins(confidence)
    left, share = node_weights(confidence)

    def statistics(rows: Ints) -> Columns:
        used = known[rows]
        mass_bin = np.full(len(rows), -1)
        mass_bin[used] = equal_mass_bins(confidence[rows][used])

        def at(start: int, code: Ints) -> Ints:
            return np.where(used & (code >= 0), start + code, -1)

        r = residual[rows]
        return [
            (at(0, width_bin[rows]), r),
            (at(BINS, mass_bin), r),
            (at(2 * BINS, mass_bin), outcome[rows]),
            (at(3 * BINS, mass_bin), np.ones(len(rows))),
            (at(4 * BINS, left[rows]), r * (1 - share[rows])),
            (at(4 * BINS, left[rows] + 1), r * share[rows]),
        ]

    def prepare(layout: Layout) -> Kernel:
        return Additive(layout, statistics, 4 * BINS + NODES, _finish)

    return Family(metrics, prepare, lambda: _reference(confidence[known], outcome[known]))


def confidences(answers: ClassAnswers) -> tuple[Floats, Floats]:
    """Return ``(n,)`` confidences and 0/1 outcomes; a confidence is 0 where unknown (see `has_probabilities`)."""
    assert answers.probabilities is not None
    p = np.nan_to_num(answers.probabilities)
    if is_binary(answers):
        c = answers.classes.index(answers.positive[0])
        return p[:, c], (answers.truth == c).astype(float)
    return p.max(axis=1, initial=0.0), (p.argmax(axis=1) == answers.truth).astype(float)


def equal_width_bins(confidence: Floats) -> Ints:
    """Number the bins ``(0, 1/15], ..., (14/15, 1]``; 0 joins the first, 1.0 the last, so certainty is never left out."""
    edges = np.linspace(0.0, 1.0, BINS + 1)
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)


def equal_mass_bins(confidence: Floats, *, most: int = BINS, rows_a_bin: int = _ROWS_A_BIN) -> Ints:
    """Number bins of equal mass; equal confidences share a bin.

    Args:
        confidence: ``(n,)`` in 0..1.
        most: Largest number of bins.
        rows_a_bin: Small groups get fewer bins, so that each holds about this many rows.
    """
    bins = int(np.clip(len(confidence) // rows_a_bin, 1, most))
    if len(confidence) == 0:
        return np.zeros(0, np.int64)
    edges = np.unique(np.quantile(confidence, np.arange(1, bins) / bins)) if bins > 1 else np.zeros(0)
    return np.searchsorted(edges, confidence, side="left")


def _finish(sums: Floats) -> Floats:
    """Turn ``(groups, k, b)`` sums into ``(3, groups, b)`` errors."""
    width, mass, hits, count = (sums[:, i * BINS : (i + 1) * BINS] for i in range(4))
    total = count.sum(axis=1)
    ece = divide(np.abs(width).sum(axis=1), total)
    rate, gap = divide(hits, count), divide(mass, count)
    # A bin of one row has no variance estimate; its term is 0, as in the authors' code.
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = np.where(count >= 2, gap**2 - rate * (1 - rate) / (count - 1), 0.0)
    error = divide((squared * count).sum(axis=1), total)
    debiased = np.sqrt(np.where(error < _NO_ERROR, 0.0, error))
    nodes = np.moveaxis(sums[:, 4 * BINS :], 1, 0)
    return np.stack([ece, debiased, smooth_ece(nodes, total)])


def _reference(confidence: Floats, outcome: Floats) -> Mapping[str, float]:
    """The textbook sums, bin by bin, and the smooth error by a dense kernel of reflected Gaussians."""
    from harness.metrics.smooth_ece import smooth_ece_dense

    if not len(confidence):
        return {}
    n = len(confidence)

    def bins(codes: Ints) -> list[Mask]:
        return [codes == b for b in np.unique(codes)]

    ece = sum(abs(confidence[b].sum() - outcome[b].sum()) for b in bins(equal_width_bins(confidence))) / n
    squared = 0.0
    for b in bins(equal_mass_bins(confidence)):
        if b.sum() >= 2:
            rate = outcome[b].mean()
            squared += b.sum() / n * ((confidence[b].mean() - rate) ** 2 - rate * (1 - rate) / (b.sum() - 1))
    debiased = 0.0 if squared < _NO_ERROR else squared**0.5
    return {"ece": float(ece), "ece_debiased": float(debiased), "smooth_ece": smooth_ece_dense(confidence, outcome)}
