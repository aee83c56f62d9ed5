"""Proper scores of probabilities: Brier and negative log-likelihood.

Brier as scikit-learn's ``brier_score_loss``: squared error of the positive class for two classes, sum over classes for more. A row
without probabilities costs the worst score in Brier. The log-likelihood has no worst score: it is taken over the rows that have some.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.answers import ClassAnswers
from harness.metrics.base import Additive, Columns, Family, Floats, Ints, Kernel, Layout, Mask, Metric, Support, divide

# scikit-learn's `log_loss` clips to the resolution of doubles.
_SMALLEST = float(np.finfo(np.float64).eps)


def probability_family(answers: ClassAnswers) -> Family:
    """Return ``brier`` and ``nll``."""
    squared, known = squared_errors(answers), has_probabilities(answers)
    everybody = np.ones(len(known), bool)
    own = np.nan_to_num(_of_truth(answers), nan=1.0)
    surprise = -np.log(np.clip(own, _SMALLEST, 1 - _SMALLEST))
    worst = 1.0 if len(answers.classes) == 2 else 2.0
    metrics = (
        Metric("brier", False, (0.0, worst), everybody, (Support("", everybody),)),
        Metric("nll", False, (0.0, np.inf), known, (Support("with probabilities", known),)),
    )

    def statistics(rows: Ints) -> Columns:
        n = len(rows)
        with_probability = known[rows]
        return [
            (np.zeros(n, np.int64), np.ones(n)),
            (np.ones(n, np.int64), squared[rows]),
            (np.where(with_probability, 2, -1), np.ones(n)),
            (np.where(with_probability, 3, -1), surprise[rows]),
        ]

    def finish(sums: Floats) -> Floats:
        return np.stack([divide(sums[:, 1], sums[:, 0]), divide(sums[:, 3], sums[:, 2])])

    def prepare(layout: Layout) -> Kernel:
        return Additive(layout, statistics, 4, finish)

    return Family(metrics, prepare, lambda: _reference(answers), _notes(known))


def has_probabilities(answers: ClassAnswers) -> Mask:
    """``(n,)`` mask of the rows whose probabilities are known."""
    assert answers.probabilities is not None
    known: Mask = np.asarray(np.isfinite(answers.probabilities).all(axis=1))
    return known


def squared_errors(answers: ClassAnswers) -> Floats:
    """``(n,)`` Brier score of each row, the worst possible one where probabilities are missing."""
    assert answers.probabilities is not None
    hot = np.eye(len(answers.classes))[answers.truth]
    total = ((answers.probabilities - hot) ** 2).sum(axis=1)
    score: Floats = np.where(np.isnan(total), 2.0, total) / (2 if len(answers.classes) == 2 else 1)
    return score


def _of_truth(answers: ClassAnswers) -> Floats:
    assert answers.probabilities is not None
    own: Floats = answers.probabilities[np.arange(len(answers.truth)), answers.truth]
    return own


def _notes(known: Mask) -> tuple[str, ...]:
    missing = int((~known).sum())
    if not missing:
        return ()
    return (
        f"{missing} of {len(known)} answers have no probabilities: they take the worst place in AUROC, average precision and Brier, "
        "and are left out of log-likelihood and calibration errors.",
    )


def _reference(answers: ClassAnswers) -> Mapping[str, float]:
    from sklearn.metrics import brier_score_loss, log_loss

    assert answers.probabilities is not None
    known, size = has_probabilities(answers), len(answers.classes)
    # The worst distribution for a failed row: certain of a wrong class.
    worst = np.eye(size)[(answers.truth + 1) % size]
    filled = np.where(known[:, None], answers.probabilities, worst)
    labels = np.arange(size)
    found: dict[str, float] = {}
    if len(known):
        binary = size == 2
        brier = (
            brier_score_loss(answers.truth, filled[:, 1], pos_label=1, labels=labels)
            if binary
            else brier_score_loss(answers.truth, filled, labels=labels)
        )
        found["brier"] = float(brier)
    if known.any():
        found["nll"] = float(log_loss(answers.truth[known], answers.probabilities[known], labels=labels))
    return found
