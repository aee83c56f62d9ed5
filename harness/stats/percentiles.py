"""Limits and p-values from resamples.

Calibration errors are an absolute value of noise: a resample adds its own noise to the sample's, so the resamples sit above the
estimate and a plain percentile interval can miss its own point. Average precision is biased upward too: a positive drawn twice ranks
beside itself. For those the resamples are moved so that their median falls on the estimate (`centred`); everything else takes plain
percentiles, and is moved only where these would miss the estimate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def percentile_limits(draws: Floats, level: float) -> tuple[Floats, Floats, Ints]:
    """Return equal-tailed limits over the last axis, undefined (NaN) resamples left out and counted.

    Args:
        draws: ``(..., B)`` resampled values.
        level: Confidence level.

    Returns:
        Lower limits, upper limits, and the number of undefined resamples, each ``(...)``. Linear interpolation between order
        statistics, as ``numpy.percentile``. Where more than half of the resamples are undefined the limits are NaN.
    """
    ordered = np.sort(draws, axis=-1)  # NaN sorts last
    total = draws.shape[-1]
    defined = total - np.isnan(ordered).sum(axis=-1)
    tail = (1 - level) / 2
    low, high = _quantile(ordered, defined, tail), _quantile(ordered, defined, 1 - tail)
    unusable = 2 * defined < total
    return np.where(unusable, np.nan, low), np.where(unusable, np.nan, high), total - defined


def centred(draws: Floats, value: Any) -> Floats:
    """Move resamples so that their median is the estimate. Shapes ``(..., B)`` and ``(...)``."""
    ordered = np.sort(draws, axis=-1)
    defined = draws.shape[-1] - np.isnan(ordered).sum(axis=-1)
    shift: Floats = np.asarray(value) - _quantile(ordered, defined, 0.5)
    return draws + shift[..., None]


def percentile_p(draws: Floats) -> float:
    """Return the two-sided p-value of 0: one minus the level at which `percentile_limits` just reaches it.

    Never below ``2 / (B + 1)``: so few resamples cannot show less. NaN where more than half of the resamples are undefined.

    Args:
        draws: ``(B,)`` resampled differences.
    """
    ordered = np.sort(draws[~np.isnan(draws)])
    if not len(ordered) or 2 * len(ordered) < len(draws):
        return float("nan")
    tail = min(_share_reaching_zero(ordered), _share_reaching_zero(-ordered[::-1]))
    return float(np.clip(2 * tail, 2 / (len(ordered) + 1), 1.0))


def _share_reaching_zero(ordered: Floats) -> float:
    """Largest share whose quantile, interpolated as in `percentile_limits`, is not above 0."""
    above = int(np.searchsorted(ordered, 0.0, side="right"))
    if above in (0, len(ordered)):
        return above / len(ordered)
    a, b = float(ordered[above - 1]), float(ordered[above])
    return (above - 1 - a / (b - a)) / (len(ordered) - 1)


def _quantile(ordered: Floats, defined: Ints, share: float) -> Floats:
    position = np.maximum(defined - 1, 0) * share
    lower = np.floor(position).astype(np.int64)
    upper = np.minimum(lower + 1, np.maximum(defined - 1, 0))
    a = np.take_along_axis(ordered, lower[..., None], -1)[..., 0]
    b = np.take_along_axis(ordered, upper[..., None], -1)[..., 0]
    result: Floats = a + (b - a) * (position - lower)
    return result
