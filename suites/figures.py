"""Data of the figures, JSON-ready: reliability diagrams and confusion matrices, overall and by skin-type contrast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.answers import ClassAnswers
from harness.metrics.calibration import confidences, equal_mass_bins
from harness.metrics.confusion import is_binary
from harness.metrics.probability import has_probabilities
from harness.stats.clusters import Clusters
from harness.stats.proportions import proportions, tabulate, wilson, z_of
from harness.suites.groups import SKIN, UNKNOWN, Grouping, key

UNREAD = "unread"
_BINS, _ROWS_A_BIN = 10, 20  # fewer than the metric's: a point of a curve needs an interval that says something
Rows = NDArray[np.int64]


def shown_groups(groupings: Sequence[Grouping], n: int) -> list[tuple[Mapping[str, str] | None, Rows]]:
    """Everybody, then each known side of the skin-type contrast."""
    found: list[tuple[Mapping[str, str] | None, Rows]] = [(None, np.arange(n))]
    contrast = next((g for g in groupings if g.attribute == SKIN), None)
    if contrast is not None:
        found += [(key(contrast, v), contrast.rows(v)) for v in contrast.levels if v != UNKNOWN]
    return found


def reliability(
    task: str, answers: ClassAnswers, groups: Sequence[tuple[Mapping[str, str] | None, Rows]], clusters: Clusters, level: float
) -> list[dict[str, Any]]:
    """Return one curve a group.

    Returns:
        ``{"task", "group", "kind", "n", "bins": [{"confidence", "observed", "low", "high", "n"}, ...]}``: at most ten bins of equal mass,
        of about 20 rows or more, with mean confidence, observed share with its Wilson interval on the effective sample size, and rows.
        ``kind`` is ``"positive class"`` or ``"likeliest class"``: what the confidence is about.
    """
    if answers.probabilities is None:
        return []
    known, (confidence, outcome) = has_probabilities(answers), confidences(answers)
    kind = "positive class" if is_binary(answers) else "likeliest class"
    curves = []
    for group, rows in groups:
        used = rows[known[rows]]
        bins = equal_mass_bins(confidence[used], most=_BINS, rows_a_bin=_ROWS_A_BIN)
        names, codes = np.unique(bins, return_inverse=True)
        owners = Clusters(clusters.codes[used], clusters.count)
        cells = tabulate(owners, codes.reshape(-1), len(names), np.ones(len(used), bool), outcome[used] > 0)
        points = []
        for b, share in enumerate(proportions(cells)):
            low, high = wilson(share.value, share.n_effective, z_of(level))
            mean = float(confidence[used][codes.reshape(-1) == b].mean())
            points.append({"confidence": mean, "observed": share.value, "low": low, "high": high, "n": share.n})
        curves.append({"task": task, "group": group, "kind": kind, "n": len(used), "bins": points})
    return curves


def confusion(
    task: str, answers: ClassAnswers, groups: Sequence[tuple[Mapping[str, str] | None, Rows]]
) -> list[dict[str, Any]]:
    """Return one matrix a group: ``{"task", "group", "classes", "columns", "counts"}``; rows by truth, last column: unread."""
    size = len(answers.classes)
    column = np.where(answers.answer < 0, size, answers.answer)
    matrices = []
    for group, rows in groups:
        counts = np.bincount(answers.truth[rows] * (size + 1) + column[rows], minlength=size * (size + 1))
        table = counts.reshape(size, size + 1).tolist()
        matrices.append(
            {
                "task": task,
                "group": group,
                "classes": list(answers.classes),
                "columns": [*answers.classes, UNREAD],
                "counts": table,
            }
        )
    return matrices
