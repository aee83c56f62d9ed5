"""Score intervals for proportions and their differences on the effective sample size.

Wilson (1927) for one proportion; Newcombe (1998, method 10) and Zou & Donner (2008, MOVER, with correlation) for a difference. Pictures
of one patient resemble each other, so n becomes n / (1 + (m - 1) ICC): m is the size-weighted mean number of pictures a patient gives
to the denominator, ICC the analysis-of-variance estimator (Donner 1986; Ridout, Demetrio & Firth 1999), pooled over groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from harness.stats.clusters import Clusters

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share with what its interval needs.

    Attributes:
        successes, n: Rows that succeeded, rows in the denominator.
        n_clusters: Patients in the denominator.
        n_effective: ``n`` after the design effect.
    """

    successes: float
    n: int
    n_clusters: int
    n_effective: float

    @property
    def value(self) -> float:
        """The share; NaN when the denominator is empty."""
        return self.successes / self.n if self.n else math.nan


def z_of(level: float) -> float:
    """Return the two-sided normal quantile of a confidence level, 1.96 for 0.95."""
    return float(ndtri(0.5 + level / 2))


def wilson(p: float, n: float, z: float) -> tuple[float, float]:
    """Return Wilson's score limits of a proportion.

    Args:
        p: Observed share.
        n: Effective sample size, not necessarily whole.
        z: Normal quantile.
    """
    if not n > 0 or math.isnan(p):
        return math.nan, math.nan
    zz = z * z
    centre = (p + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * math.sqrt(max(p * (1 - p) / n + zz / (4 * n * n), 0.0))
    # At 0 and 1 the limit is exactly 0 or 1; rounding must not move it inside.
    return (0.0 if p <= 0 else max(centre - half, 0.0)), (1.0 if p >= 1 else min(centre + half, 1.0))


def square_and_add(
    reference: tuple[float, float, float], compared: tuple[float, float, float], *, rho: float = 0.0
) -> tuple[float, float]:
    """Return limits of ``compared - reference`` from the limits of each.

    Newcombe's hybrid score interval when those limits are Wilson's; with ``rho`` it is Zou & Donner's MOVER for paired shares.

    Args:
        reference: ``(value, low, high)``.
        compared: ``(value, low, high)``.
        rho: Correlation of the two estimates.
    """
    # Resampled limits can lie beyond their own value; an arm that points the wrong way is no arm.
    down1, up1 = _arms(*reference)
    down2, up2 = _arms(*compared)
    down = down2**2 + up1**2 - 2 * rho * down2 * up1
    up = up2**2 + down1**2 - 2 * rho * up2 * down1
    d = compared[0] - reference[0]
    if math.isnan(down) or math.isnan(up):
        return math.nan, math.nan
    return d - math.sqrt(max(down, 0.0)), d + math.sqrt(max(up, 0.0))


def _arms(value: float, low: float, high: float) -> tuple[float, float]:
    if math.isnan(low) or math.isnan(high):
        return math.nan, math.nan
    return max(value - low, 0.0), max(high - value, 0.0)


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows of a denominator counted by group and patient.

    Attributes:
        size: ``(groups, clusters)`` rows in the denominator.
        hits: ``(groups, clusters)`` successes among them.
    """

    size: Floats
    hits: Floats

    @property
    def n(self) -> Ints:
        """``(groups,)`` rows in the denominator."""
        rows: Ints = self.size.sum(axis=1).astype(np.int64)
        return rows

    @property
    def n_clusters(self) -> Ints:
        """``(groups,)`` patients in the denominator."""
        patients: Ints = np.count_nonzero(self.size, axis=1).astype(np.int64)
        return patients


def tabulate(clusters: Clusters, groups: Ints, n_groups: int, included: Mask, success: Mask | None = None) -> Cells:
    """Count a denominator by group and patient.

    Args:
        clusters: The rows' patients.
        groups: ``(n,)`` index of each row's group.
        n_groups: Number of groups.
        included: ``(n,)`` mask of the denominator.
        success: ``(n,)`` outcomes; ``None`` when only sizes are wanted.
    """
    place = groups * clusters.count + clusters.codes
    shape = (n_groups, clusters.count)

    def count(rows: Mask) -> Floats:
        return np.bincount(place[rows], minlength=n_groups * clusters.count).reshape(shape).astype(np.float64)

    size = count(included)
    return Cells(size, np.zeros((0, 0)) if success is None else count(included & success))


def anova_icc(cells: Cells) -> float:
    """Estimate the intra-patient correlation of a yes/no outcome, pooled over groups (their means are taken out).

    Returns:
        The estimate in 0..1. Where it cannot be estimated (every outcome the same, one patient a group, one picture a patient, or
        sizes so unequal that the estimator has no positive variance to divide by) it is 1: then a patient counts as one observation,
        which can only widen an interval.
    """
    group, cluster = np.nonzero(cells.size)
    size, hits = cells.size[group, cluster], cells.hits[group, cluster]
    group_n = cells.size.sum(axis=1)
    group_mean = cells.hits.sum(axis=1) / np.maximum(group_n, 1)
    n, k, g = float(size.sum()), len(size), int(np.count_nonzero(group_n))
    within = float(np.sum(hits * (1 - hits / size)))
    between = float(np.sum(size * (hits / size - group_mean[group]) ** 2))
    if k <= g or n <= k or within + between < 1e-12:
        return 1.0
    ms_between, ms_within = between / (k - g), within / (n - k)
    typical = (n - float(np.sum(size**2 / group_n[group]))) / (k - g)
    total = ms_between + (typical - 1) * ms_within
    return float(np.clip((ms_between - ms_within) / total, 0.0, 1.0)) if total > 0 else 1.0


def proportions(cells: Cells) -> list[Proportion]:
    """Return every group's share with its effective sample size, the intra-patient correlation pooled over the groups."""
    icc = anova_icc(cells)
    n, hits, squares = cells.size.sum(axis=1), cells.hits.sum(axis=1), (cells.size**2).sum(axis=1)
    found = []
    for g in range(len(n)):
        m = squares[g] / n[g] if n[g] else 1.0
        effective = float(n[g] / (1 + (m - 1) * icc))
        found.append(Proportion(float(hits[g]), int(n[g]), int(np.count_nonzero(cells.size[g])), effective))
    return found


def correlation(cells: Cells, reference: int, compared: int) -> float:
    """Estimate the correlation of two groups' shares from the clusters they have in common.

    Each cluster contributes ``sum(y - p) / n`` to each share (its linearised contribution); without a common cluster it is 0. A
    positive covariance is reduced by half a cluster, Newcombe's correction for paired shares (1998, method 10): two groups that agree
    in every cluster are not known to agree always, and their difference must not get a point interval.
    """
    z = []
    for g in (reference, compared):
        size, hits = cells.size[g], cells.hits[g]
        z.append(hits - size * (hits.sum() / max(size.sum(), 1.0)))
    scale = math.sqrt(float(z[0] @ z[0]) * float(z[1] @ z[1]))
    covariance, products = float(z[0] @ z[1]), cells.size[reference] * cells.size[compared]
    common = int(np.count_nonzero(products))
    if covariance > 0 and common:
        covariance = max(covariance - float(products.sum()) / common / 2, 0.0)
    return float(np.clip(covariance / scale, -1.0, 1.0)) if scale > 0 else 0.0
