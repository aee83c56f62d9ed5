"""What a metric declares, and the machinery its weighted form rests on.

A family of metrics is prepared once for fixed groups of rows; the result (a *kernel*) turns weights of clusters into values. Unit
weights give the point estimate, resampled weights its distribution: both by the same code, so they never disagree about what they
estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from harness.stats.clusters import Clusters, Weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Support:
    """Samples without which a metric is undefined, and whose patients are counted before a gap is judged.

    Attributes:
        label: Completes "no sample ..." and "patients ... ", e.g. ``"with true class melanoma"``.
        rows: ``(n,)`` mask.
    """

    label: str
    rows: Mask


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of one task.

    Attributes:
        name: Snake-case name of the field; a per-class one is ``recall[melanoma]``.
        higher_is_better: Direction, ``None`` where there is none.
        bounds: Smallest and largest possible value.
        included: ``(n,)`` mask of the denominator: what ``n`` counts.
        support: What the metric rests on; every part needs patients in both groups of a gap.
        success: ``(n,)`` outcomes when the metric is a share of ``included``, else ``None``.
        centred: Whether resamples sit above the estimate (calibration errors, average precision) and are moved onto it.
        comparable: Whether a gap between unequal groups means anything (raw ECE depends on n).
        scale: What a margin of 1 means in the metric's unit.
        rounding: How far two computations of the same value may differ, relative to values above 1: resamples are taken in single
            precision where that is enough. Spreads below it are no spread.
        alias_of: The metric of another name that this one always equals, e.g. recall of the positive class: it is reported, but not
            compared, lest one hypothesis count several times among many.
    """

    name: str
    higher_is_better: bool | None
    bounds: tuple[float, float]
    included: Mask
    support: tuple[Support, ...]
    success: Mask | None = None
    centred: bool = False
    comparable: bool = True
    scale: float = 1.0
    rounding: float = 1e-9
    alias_of: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which rows belong to whom.

    Attributes:
        clusters: The rows' patients.
        groups: For each group, the ``(k,)`` indices of its rows.
    """

    clusters: Clusters
    groups: tuple[Ints, ...]


class Kernel(Protocol):
    """The weighted form of a family: ``(clusters, b)`` weights to ``(metrics, groups, b)`` values, NaN where undefined."""

    def __call__(self, weights: Weights) -> Floats:
        """Compute every metric of the family for every group under each column of weights."""
        ...


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics computed together.

    Attributes:
        metrics: In the order of the kernel's first axis.
        prepare: Makes the kernel for fixed groups.
        reference: Metric name to its value on all rows, by the field's own library or the textbook; imports that library lazily.
        notes: Rules applied that a reader must know.
    """

    metrics: tuple[Metric, ...]
    prepare: Callable[[Layout], Kernel]
    reference: Callable[[], Mapping[str, float]]
    notes: tuple[str, ...] = ()


Columns = Sequence[tuple[Ints, Floats]]
"""Per-row statistics: pairs of (statistic each row adds to, or -1 for none; amount added)."""


class Additive:
    """Kernel of metrics that are functions of sums over rows.

    Rows are summed by patient once, for all groups, into one sparse matrix; a chunk of resamples is then one matrix product.

    Args:
        layout: Clusters and groups.
        statistics: Gives a group's row statistics; may depend on the group (bins of equal mass do).
        size: Number of statistics, ``k``.
        finish: ``(groups, k, b)`` sums to ``(metrics, groups, b)`` values.
    """

    def __init__(
        self, layout: Layout, statistics: Callable[[Ints], Columns], size: int, finish: Callable[[Floats], Floats]
    ) -> None:
        self._shape = (len(layout.groups), size)
        self._finish = finish
        self._sums = _sum_matrix(layout, statistics, size)

    def __call__(self, weights: Weights) -> Floats:
        """Sum in double precision, then finish."""
        sums = np.asarray(self._sums @ weights.astype(np.float64, copy=False))
        return self._finish(sums.reshape(*self._shape, weights.shape[1]))


def _sum_matrix(layout: Layout, statistics: Callable[[Ints], Columns], size: int) -> Any:
    """Return the ``(groups * size, clusters)`` sparse matrix whose product with weights is every group's sums."""
    rows, columns, values = [], [], []
    for index, members in enumerate(layout.groups):
        owner = layout.clusters.codes[members]
        for statistic, amount in statistics(members):
            used = (statistic >= 0) & (amount != 0)
            rows.append(index * size + statistic[used])
            columns.append(owner[used])
            values.append(amount[used])
    shape = (len(layout.groups) * size, layout.clusters.count)
    if not rows:
        return sparse.csr_matrix(shape)
    return sparse.coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape).tocsr()


def divide(top: Any, bottom: Any) -> Any:
    """Divide, giving NaN where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


def mean_defined(values: Floats) -> Floats:
    """Average over the first axis, leaving undefined (NaN) entries out; NaN where none is defined."""
    known = ~np.isnan(values)
    result: Floats = divide(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0))
    return result
