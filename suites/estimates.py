"""From resampled values to estimates: which interval is used when.

- A share: Wilson on the effective sample size.
- A calibration error or average precision: percentiles of the resamples moved onto the estimate, since resampling biases these.
- Everything else: percentiles. Where they would miss the estimate itself, the resamples are moved onto it too, and the reason says so.
- Resamples that all agree never make a point interval: for a bounded metric Wilson on the number of patients stands in, else it is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import Metric
from harness.stats.percentiles import centred, percentile_limits
from harness.stats.proportions import Cells, Proportion, proportions, tabulate, wilson, z_of
from harness.suites.groups import Grouping
from harness.suites.resampling import Resampled
from harness.suites.settings import Settings
from harness.types import Estimate

Floats = NDArray[np.float64]
PERCENTILE, CENTRED, WILSON, WILSON_PATIENTS = (
    "bootstrap_percentile",
    "bootstrap_centred",
    "wilson_effective_n",
    "wilson_patients",
)

MOVED = "the resamples lie to one side of the estimate: they were moved so that their median is the estimate"


@dataclass(frozen=True, slots=True)
class GroupEstimates:
    """Every metric for every level of one grouping.

    Attributes:
        grouping: The division.
        cells: For each metric, its denominator by level and patient.
        shares: For each metric, one `Proportion` a level when it is a share, else nothing.
        estimates: ``estimates[metric][level]``.
        constant: ``(K, levels)`` whether every resample gave the same value.
    """

    grouping: Grouping
    cells: tuple[Cells, ...]
    shares: tuple[list[Proportion], ...]
    estimates: tuple[tuple[Estimate, ...], ...]
    constant: NDArray[np.bool_]


def estimate_groups(found: Resampled, index: int, settings: Settings) -> GroupEstimates:
    """Make the estimates of one grouping.

    Args:
        found: Resampled values of a task.
        index: Which of its groupings.
        settings: Level and interval.
    """
    grouping, point, draws = found.groupings[index], found.point[index], found.draws[index]
    low, high, undefined = percentile_limits(draws, settings.level)
    auto = settings.interval == "auto"
    rounding = np.array([m.rounding for m in found.metrics])[:, None] * np.maximum(1.0, np.abs(point))
    biased = np.array([m.centred and auto for m in found.metrics], bool)[:, None]
    moved = biased | (low > point + rounding) | (high < point - rounding)
    own_low, own_high = low.copy(), high.copy()
    own_low[moved], own_high[moved], _ = percentile_limits(centred(draws[moved], point[moved]), settings.level)
    # What is left between limit and estimate is rounding.
    own_low, own_high = np.minimum(own_low, point), np.maximum(own_high, point)
    cells = tuple(tabulate(found.clusters, grouping.codes, len(grouping.levels), m.included, m.success) for m in found.metrics)
    shares = tuple(proportions(c) if m.success is not None else [] for m, c in zip(found.metrics, cells, strict=True))
    constant = (high - low) <= rounding
    rows = []
    for k, metric in enumerate(found.metrics):
        n, n_clusters = cells[k].n, cells[k].n_clusters
        row, partial = [], _averaged_over_fewer(metric, grouping)
        for g in range(len(grouping.levels)):
            estimate = Estimate(
                value=float(point[k, g]),
                low=float(own_low[k, g]),
                high=float(own_high[k, g]),
                bootstrap_low=float(low[k, g]),
                bootstrap_high=float(high[k, g]),
                level=settings.level,
                method=CENTRED if moved[k, g] else PERCENTILE,
                n=int(n[g]),
                n_clusters=int(n_clusters[g]),
                n_resamples=settings.n_resamples,
                n_undefined=int(undefined[k, g]),
                reason=MOVED if moved[k, g] and not biased[k] else "",
            )
            if math.isnan(estimate.value):
                reason = undefined_reason(metric, grouping.codes == g)
                row.append(replace(estimate, low=math.nan, high=math.nan, method="", reason=reason))
            else:
                share = shares[k][g] if shares[k] else None
                primary = _primary(estimate, metric, share, settings, constant=bool(constant[k, g]))
                row.append(replace(primary, reason="; ".join(filter(None, (partial[g], primary.reason)))))
        rows.append(tuple(row))
    return GroupEstimates(grouping, cells, shares, tuple(rows), constant)


def _averaged_over_fewer(metric: Metric, grouping: Grouping) -> list[str]:
    """For each level, why a mean over classes is not one over all of them; empty where it is."""
    if len(metric.support) < 2:
        return [""] * len(grouping.levels)
    there = [
        np.bincount(grouping.codes[s.rows & (grouping.codes >= 0)], minlength=len(grouping.levels)) for s in metric.support
    ]
    reasons = []
    for g in range(len(grouping.levels)):
        absent = [s.label for s, counts in zip(metric.support, there, strict=True) if not counts[g]]
        reasons.append(f"no sample {' nor '.join(absent)}: averaged over the classes that occur" if absent else "")
    return reasons


def _primary(plain: Estimate, metric: Metric, share: Proportion | None, settings: Settings, *, constant: bool) -> Estimate:
    """Choose the primary interval of a defined estimate that comes with its bootstrap one."""
    z = z_of(settings.level)
    if share is not None and settings.interval == "auto":
        low, high = wilson(share.value, share.n_effective, z)
        return replace(plain, low=low, high=high, method=WILSON, reason="")
    if constant:
        return _instead_of_a_point(plain, metric, share, z)
    if math.isnan(plain.low):
        return replace(plain, method="", reason=f"{undefined_resamples(plain)}: too many for an interval")
    lowest, highest = metric.bounds
    low, high = max(plain.low, lowest), min(plain.high, highest)
    if high - low <= metric.rounding:
        return _instead_of_a_point(plain, metric, share, z)
    return replace(plain, low=low, high=high, reason=joined(plain.reason, undefined_resamples(plain)))


def undefined_resamples(estimate: Estimate) -> str:
    """Say how many resamples were undefined; nothing when none was."""
    return f"{estimate.n_undefined} of {estimate.n_resamples} resamples were undefined" if estimate.n_undefined else ""


def joined(*reasons: str) -> str:
    """Put reasons together, empty ones left out."""
    return "; ".join(filter(None, reasons))


def _instead_of_a_point(plain: Estimate, metric: Metric, share: Proportion | None, z: float) -> Estimate:
    low, high = bounded_limits(plain.value, metric, share.n_effective if share else plain.n_clusters, z)
    if math.isnan(low):
        return replace(
            plain,
            low=low,
            high=high,
            method="",
            reason="every resample gave the same value, which says nothing about the spread",
        )
    units = "effective sample size" if share else "number of patients"
    reason = f"every resample gave the same value; Wilson limits on the {units} instead"
    return replace(plain, low=low, high=high, method=WILSON if share else WILSON_PATIENTS, reason=reason)


def bounded_limits(value: float, metric: Metric, n: float, z: float) -> tuple[float, float]:
    """Wilson limits of a bounded metric: no bounded mean spreads more than the share with the same value. NaN when unbounded."""
    lowest, highest = metric.bounds
    width = highest - lowest
    if not math.isfinite(width):
        return math.nan, math.nan
    low, high = wilson((value - lowest) / width, n, z)
    return lowest + width * low, lowest + width * high


def undefined_reason(metric: Metric, rows: NDArray[np.bool_]) -> str:
    """Say in words why a metric has no value for the rows of a group."""
    if not rows.any():
        return "no samples"
    missing = [s.label for s in metric.support if not (s.rows & rows).any()]
    return f"no sample {missing[0]}".strip() if missing else "undefined for these samples"
