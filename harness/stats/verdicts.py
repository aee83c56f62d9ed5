"""What an interval of a gap says, what it could have shown, and what is left of a p-value among many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from harness.types import Verdict

POWER = 0.80
_FAR = 37.0  # beyond this quantile a double's tail probability is 0


def verdict(low: float, high: float, margin: float) -> Verdict:
    """Judge an interval of a signed gap: within margin, else gap, else inconclusive.

    Args:
        low, high: Interval; NaN is inconclusive.
        margin: Half-width of the region of practical equivalence.
    """
    if -margin <= low and high <= margin:
        return Verdict.WITHIN_MARGIN
    if low > 0 or high < 0:
        return Verdict.GAP
    return Verdict.INCONCLUSIVE


def p_by_inversion(limits: Callable[[float], tuple[float, float]], difference: float, *, z: float) -> float:
    """Return the two-sided p-value of no difference: one minus the level at which the interval just reaches 0.

    Args:
        limits: Normal quantile to ``(low, high)``.
        difference: The observed difference.
        z: Normal quantile of the interval that is reported. The level is looked for on its side of it, so that the p-value and the
            interval agree even where limits do not widen steadily (strongly correlated groups).
    """
    if math.isnan(difference) or difference == 0:
        return math.nan if math.isnan(difference) else 1.0
    side = 0 if difference > 0 else 1

    def clear(quantile: float) -> bool:
        return limits(quantile)[side] * difference > 0

    start, stop = (z, _FAR) if clear(z) else (0.0, z)
    if clear(stop):
        return float(2 * ndtr(-_FAR))
    if not clear(start):  # even the middle of the resamples lies on the other side of 0
        return 1.0
    reached = brentq(lambda quantile: limits(quantile)[side], start, stop, xtol=1e-10)
    return float(min(1.0, 2 * ndtr(-reached)))


def detectable_difference(
    p: float,
    n_reference: float,
    n_compared: float,
    *,
    level: float,
    worse: int,
    rho: float = 0.0,
    scarce: tuple[bool, bool] = (False, False),
) -> float:
    """Return the smallest true difference of two shares that a two-sided test would show with 80% power.

    The solution of ``d = (z_alpha + z_power) sqrt(p1 q1 / n1 + p2 q2 / n2)`` with ``p2 = p1 - d`` (towards worse; where there is none,
    towards better), n after the design effect.

    Args:
        p: Share in the reference group.
        n_reference, n_compared: Effective sample sizes.
        level: Confidence level of the interval.
        worse: -1 when a smaller share is worse, +1 when a larger one is.
        rho: Correlation of the two estimates.
        scarce: Whether each group has too few patients for its share to be trusted; then the largest variance, 1/4, stands for it.

    Returns:
        The difference in 0..1, NaN when a group is empty.
    """
    if math.isnan(p) or not (n_reference > 0 and n_compared > 0):
        return math.nan
    factor = float(ndtri(0.5 + level / 2) + ndtri(POWER))
    # A share of exactly 0 or 1 has no variance of its own; half an observation keeps the answer finite-sample honest.
    guard = min(0.5 / n_reference, 0.5)
    p1 = min(max(p, guard), 1 - guard)
    v1 = (0.25 if scarce[0] else p1 * (1 - p1)) / n_reference

    def excess(delta: float, direction: int) -> float:
        p2 = min(max(p1 + direction * delta, 0.0), 1.0)
        v2 = (0.25 if scarce[1] else p2 * (1 - p2)) / n_compared
        return factor * math.sqrt(max(v1 + v2 - 2 * rho * math.sqrt(v1 * v2), 0.0)) - delta

    for direction in (worse, -worse):
        room = 1.0 if any(scarce) else (p1 if direction < 0 else 1 - p1)
        if excess(0.0, direction) <= 0:
            return 0.0
        if excess(room, direction) <= 0:
            return float(brentq(excess, 0.0, room, args=(direction,), xtol=1e-12))
    return 1.0


def adjust(p_values: Sequence[float], *, method: str) -> list[float]:
    """Adjust p-values for their number; undefined ones stay NaN and do not count.

    Args:
        p_values: Raw p-values.
        method: ``"holm"`` (declared family) or ``"fdr_bh"`` (exploratory slices), as statsmodels names them.
    """
    values = np.asarray(p_values, float)
    known = ~np.isnan(values)
    adjusted = np.full(len(values), np.nan)
    if known.any():
        from statsmodels.stats.multitest import multipletests

        adjusted[known] = multipletests(values[known], method=method)[1]
    return [float(p) for p in adjusted]
