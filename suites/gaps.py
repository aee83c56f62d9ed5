"""Signed gaps between groups: their intervals, verdicts, and what could have been seen.

A share's gap is Newcombe's hybrid score interval on the effective sample sizes, with the correlation of the groups where patients have
pictures in both. Every other gap is taken inside each resample. Where a group's resamples all agree, its own limits (Wilson) enter by
square-and-add: the other group's spread alone would make the interval too narrow. A metric that always equals another one is compared
under the other's name only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from harness.metrics.base import Metric
from harness.stats.percentiles import centred, percentile_limits, percentile_p
from harness.stats.proportions import correlation, square_and_add, tabulate, wilson, z_of
from harness.stats.verdicts import POWER, adjust, detectable_difference, p_by_inversion, verdict
from harness.suites.estimates import (
    CENTRED,
    MOVED,
    PERCENTILE,
    GroupEstimates,
    bounded_limits,
    joined,
    undefined_resamples,
)
from harness.suites.groups import SKIN
from harness.suites.resampling import Resampled
from harness.suites.settings import Settings
from harness.types import Estimate, Gap, Verdict

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEWCOMBE, SQUARE_AND_ADD = "newcombe_effective_n", "square_and_add"
DECLARED, EXPLORATORY = "declared", "exploratory"


@dataclass(frozen=True, slots=True)
class _Pair:
    """One metric between two levels of a grouping.

    Attributes:
        k, reference, compared: Index of the metric and of the two levels.
        draws: ``(2, B)`` resampled values of the two groups.
        rho: Correlation of the two shares.
        patients: ``(support, patients of the reference, patients of the compared group)`` of the scarcest part.
    """

    metric: Metric
    k: int
    reference: int
    compared: int
    draws: Floats
    rho: float
    patients: tuple[str, int, int]


def task_gaps(found: Resampled, index: int, estimates: GroupEstimates, settings: Settings) -> list[Gap]:
    """Return the gaps of every comparable metric between the reference of a grouping and its other levels."""
    grouping = estimates.grouping
    if not grouping.compared:
        return []
    reference = grouping.levels.index(grouping.reference)
    gaps = []
    for k, metric in enumerate(found.metrics):
        if not metric.comparable or _repeats(metric, settings):
            continue
        counts = [
            (s.label, tabulate(found.clusters, grouping.codes, len(grouping.levels), s.rows).n_clusters) for s in metric.support
        ]
        for level in grouping.compared:
            compared = grouping.levels.index(level)
            draws = found.draws[index][k][[reference, compared]]
            rho = correlation(estimates.cells[k], reference, compared) if metric.success is not None else 0.0
            pair = _Pair(metric, k, reference, compared, draws, rho, _scarcest(counts, reference, compared))
            gaps.append(_gap(pair, estimates, settings))
    return gaps


def _repeats(metric: Metric, settings: Settings) -> bool:
    """Whether a metric is compared under another name; one that was asked for by its own name is compared under that as well."""
    return bool(metric.alias_of) and _plain(metric.name) not in settings.primary


def _plain(name: str) -> str:
    return name.rpartition("/")[2]


def adjusted(gaps: Sequence[Gap]) -> list[Gap]:
    """Fill in ``p_adjusted``: Holm inside the declared family, Benjamini-Hochberg elsewhere."""
    p_adjusted: dict[int, float] = {}
    for family, method in ((DECLARED, "holm"), (EXPLORATORY, "fdr_bh")):
        members = [i for i, gap in enumerate(gaps) if gap.family == family]
        p_adjusted |= dict(zip(members, adjust([gaps[i].p_value for i in members], method=method), strict=True))
    return [replace(gap, p_adjusted=p_adjusted[i]) for i, gap in enumerate(gaps)]


def _scarcest(counts: Sequence[tuple[str, Ints]], reference: int, compared: int) -> tuple[str, int, int]:
    """The part of a metric's support with the fewest patients; a class in neither group drops out of macro averages, so of this too."""
    both = [(label, int(n[reference]), int(n[compared])) for label, n in counts]
    present = [c for c in both if c[1] or c[2]] or both
    return min(present, key=lambda c: min(c[1:]), default=("", 0, 0))


def _gap(pair: _Pair, estimates: GroupEstimates, settings: Settings) -> Gap:
    grouping, metric = estimates.grouping, pair.metric
    names = grouping.levels[pair.reference], grouping.levels[pair.compared]
    estimate, p_value = _difference(pair, estimates, settings)
    margin = round(settings.margin_group * metric.scale, 12)
    decided, reason = verdict(estimate.low, estimate.high, margin), estimate.reason
    too_few = _too_few(pair, names, settings)
    if too_few:
        decided, reason, p_value = Verdict.INCONCLUSIVE, too_few, math.nan
    elif decided is Verdict.WITHIN_MARGIN and (estimate.low > 0 or estimate.high < 0):
        reason = joined(reason, "the interval excludes 0 as well: a gap too small to matter under this margin")
    declared = grouping.attribute == SKIN and _plain(metric.name) in settings.primary
    return Gap(
        metric=metric.name,
        attribute=grouping.attribute,
        reference=names[0],
        compared=names[1],
        estimate=estimate,
        margin=margin,
        verdict=decided,
        minimum_detectable=_detectable(pair, estimates, settings),
        p_value=p_value,
        p_adjusted=math.nan,
        family=DECLARED if declared else EXPLORATORY,
        higher_is_better=metric.higher_is_better,
        reason=reason,
    )


def _too_few(pair: _Pair, names: tuple[str, str], settings: Settings) -> str:
    label, *counts = pair.patients
    fewest = int(np.argmin(counts))
    count = counts[fewest]
    if count >= settings.min_patients:
        return ""
    who = "no patient" if count == 0 else "only 1 patient" if count == 1 else f"only {count} patients"
    return " ".join(f"{who} of {names[fewest]} {label} in the denominator; {settings.min_patients} are needed".split())


def _difference(pair: _Pair, estimates: GroupEstimates, settings: Settings) -> tuple[Estimate, float]:
    """Return the signed difference and its p-value."""
    own = estimates.estimates[pair.k]
    a, b = own[pair.reference], own[pair.compared]
    value, sizes = b.value - a.value, estimates.cells[pair.k].size
    draws = pair.draws[1] - pair.draws[0]
    low, high, undefined = (float(v) for v in percentile_limits(draws, settings.level))
    plain = Estimate(
        value=value,
        low=low,
        high=high,
        bootstrap_low=low,
        bootstrap_high=high,
        level=settings.level,
        method=PERCENTILE,
        n=a.n + b.n,
        n_clusters=int(np.count_nonzero(sizes[pair.reference] + sizes[pair.compared])),  # who is in both counts once
        n_resamples=settings.n_resamples,
        n_undefined=int(undefined),
    )
    if math.isnan(value):
        names = estimates.grouping.levels[pair.reference], estimates.grouping.levels[pair.compared]
        reasons = [f"{name}: {e.reason}" for name, e in zip(names, (a, b), strict=True) if math.isnan(e.value)]
        return replace(plain, low=math.nan, high=math.nan, method="", reason="; ".join(reasons)), math.nan
    auto = settings.interval == "auto"
    rounding = 2 * pair.metric.rounding * max(1.0, abs(a.value), abs(b.value))
    constant = estimates.constant[pair.k, [pair.reference, pair.compared]].any() or high - low <= rounding
    if (auto and pair.metric.success is not None) or constant:
        return _by_limits(plain, pair, estimates, settings)
    if math.isnan(low):
        return replace(plain, method="", reason=f"{undefined_resamples(plain)}: too many for an interval"), math.nan
    biased = auto and pair.metric.centred
    if biased or low > value + rounding or high < value - rounding:
        draws = centred(draws, value)
        low, high, _ = (float(v) for v in percentile_limits(draws, settings.level))
        plain = replace(plain, method=CENTRED, reason="" if biased else MOVED)
    lowest, highest = pair.metric.bounds
    width = highest - lowest
    # What is left between limit and estimate is rounding.
    low, high = max(min(low, value), -width), min(max(high, value), width)
    if high - low <= rounding:
        return _by_limits(plain, pair, estimates, settings)
    p_value = percentile_p(draws)
    if low <= 0 <= high:  # so that rounding parts neither
        p_value = max(p_value, 1 - settings.level)
    return replace(plain, low=low, high=high, reason=joined(plain.reason, undefined_resamples(plain))), p_value


def _by_limits(plain: Estimate, pair: _Pair, estimates: GroupEstimates, settings: Settings) -> tuple[Estimate, float]:
    """Difference from the limits of each group: Newcombe for shares, square-and-add otherwise."""
    own = estimates.estimates[pair.k]
    sides = [_limits_of(pair, estimates, settings, i) for i in (0, 1)]
    values = own[pair.reference].value, own[pair.compared].value

    def limits(z: float) -> tuple[float, float]:
        return square_and_add((values[0], *sides[0](z)), (values[1], *sides[1](z)), rho=pair.rho)

    low, high = limits(z_of(settings.level))
    score = settings.interval == "auto" and pair.metric.success is not None
    if math.isnan(low) or math.isnan(high):
        unusable = 2 * plain.n_undefined > plain.n_resamples
        same = "every resample of a group gave the same value, which says nothing about the spread"
        reason = f"{undefined_resamples(plain)}: too many for an interval" if unusable else same
        return replace(plain, low=math.nan, high=math.nan, method="", reason=reason), math.nan
    p_value = p_by_inversion(limits, plain.value, z=z_of(settings.level))
    if score:
        return replace(plain, low=low, high=high, method=NEWCOMBE, reason=""), p_value
    reason = "every resample of a group gave the same value; its Wilson limits enter by square-and-add"
    return replace(plain, low=low, high=high, method=SQUARE_AND_ADD, reason=reason), max(p_value, 2 / (plain.n_resamples + 1))


def _limits_of(pair: _Pair, estimates: GroupEstimates, settings: Settings, side: int) -> Callable[[float], tuple[float, float]]:
    """One group's limits as a function of the normal quantile, by the rule its own estimate uses."""
    g = (pair.reference, pair.compared)[side]
    estimate, shares = estimates.estimates[pair.k][g], estimates.shares[pair.k]
    if shares and settings.interval == "auto":
        return lambda z: wilson(shares[g].value, shares[g].n_effective, z)
    if estimates.constant[pair.k, g]:
        n = shares[g].n_effective if shares else float(estimate.n_clusters)
        return lambda z: bounded_limits(estimate.value, pair.metric, n, z)
    moved = estimate.method == CENTRED
    draws = centred(pair.draws[side], estimate.value) if moved else pair.draws[side]

    def limits(z: float) -> tuple[float, float]:
        low, high, _ = percentile_limits(draws, float(2 * ndtr(z) - 1))
        return float(low), float(high)

    return limits


def _detectable(pair: _Pair, estimates: GroupEstimates, settings: Settings) -> float:
    """Smallest true difference that would show with 80% power."""
    own = estimates.estimates[pair.k]
    a, b = own[pair.reference], own[pair.compared]
    if math.isnan(a.value) or math.isnan(b.value):
        return math.nan
    _, *patients = pair.patients
    scarce = patients[0] < settings.min_patients, patients[1] < settings.min_patients
    worse = 1 if pair.metric.higher_is_better is False else -1
    lowest, highest = pair.metric.bounds
    width = highest - lowest
    shares = estimates.shares[pair.k]
    if shares:
        n = shares[pair.reference].n_effective, shares[pair.compared].n_effective
        return detectable_difference(a.value, *n, level=settings.level, worse=worse, rho=pair.rho, scarce=scarce)
    difference = pair.draws[1] - pair.draws[0]
    defined = difference[~np.isnan(difference)]
    spread = float(np.std(defined, ddof=1)) if len(defined) > 1 else math.nan
    if math.isfinite(width) and (any(scarce) or estimates.constant[pair.k, [pair.reference, pair.compared]].any()):
        # Resamples of so few patients do not show their spread: count patients, as for a share.
        share = (a.value - lowest) / width
        return width * detectable_difference(share, *map(float, patients), level=settings.level, worse=worse, scarce=scarce)
    # Resamples that never differ say nothing of what could have been seen.
    return float(ndtri(0.5 + settings.level / 2) + ndtri(POWER)) * spread if spread > 0 else math.nan
