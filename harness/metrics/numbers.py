"""Counts and measurements: exact share and mean absolute error.

An answer that could not be read is not exact, and costs the width of the targets' range: never 0, never dropped, never infinite.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.answers import NumberAnswers
from harness.metrics.base import Additive, Columns, Family, Floats, Ints, Kernel, Layout, Metric, Support, divide
from harness.metrics.confusion import share


def number_family(answers: NumberAnswers) -> Family:
    """Return ``count_accuracy`` and ``count_mae`` for counts, ``mae`` for measurements (answers with a unit)."""
    width = float(answers.bounds[1] - answers.bounds[0])
    unread = np.isnan(answers.answer)
    error = np.where(unread, width, np.abs(answers.answer - answers.truth))
    exact = answers.answer == answers.truth
    everybody = np.ones(len(error), bool)
    name = "mae" if answers.unit else "count_mae"
    metrics = [Metric(name, False, (0.0, np.inf), everybody, (Support("", everybody),), scale=width)]
    if not answers.unit:
        metrics.insert(0, share("count_accuracy", "", everybody, exact))

    def statistics(rows: Ints) -> Columns:
        ones = np.ones(len(rows))
        return [
            (np.zeros(len(rows), np.int64), ones),
            (ones.astype(int), exact[rows] * 1.0),
            (2 * ones.astype(int), error[rows]),
        ]

    def finish(sums: Floats) -> Floats:
        values = np.stack([divide(sums[:, 1], sums[:, 0]), divide(sums[:, 2], sums[:, 0])])
        return values[-len(metrics) :]

    def prepare(layout: Layout) -> Kernel:
        return Additive(layout, statistics, 3, finish)

    def reference() -> Mapping[str, float]:
        return _reference(answers, name) if len(error) else {}

    unit = f" {answers.unit}" if answers.unit else ""
    cost = f"each costs the width of the targets' range, {width:g}{unit}"
    notes = (f"{int(unread.sum())} of {len(error)} numbers could not be read: {cost}.",) if unread.any() else ()
    return Family(tuple(metrics), prepare, reference, notes)


def _reference(answers: NumberAnswers, name: str) -> Mapping[str, float]:
    from sklearn.metrics import accuracy_score, mean_absolute_error

    unread = np.isnan(answers.answer)
    # An answer put at the declared distance from the truth stands for one that could not be read.
    filled = np.where(unread, answers.truth + (answers.bounds[1] - answers.bounds[0]), answers.answer)
    found = {name: float(mean_absolute_error(answers.truth, filled))}
    if not answers.unit:
        right = (filled == answers.truth) & ~unread
        found["count_accuracy"] = float(accuracy_score(np.ones(len(right)), right))
    return found
