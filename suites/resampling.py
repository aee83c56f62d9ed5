"""One pass over a task: every metric, for every group, under every patient resample, with the same weights for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import Family, Layout, Metric
from harness.metrics.families import check_double_entry
from harness.stats.clusters import Clusters, clusters_of, resample_weights, strata
from harness.suites.groups import Grouping, contrast_codes
from harness.suites.settings import Settings

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Resampled:
    """Values of one task's metrics.

    Attributes:
        metrics: ``K`` metrics.
        groupings: Divisions of the rows; the first holds everybody in one level.
        clusters: The rows' patients.
        point: For each grouping, ``(K, levels)`` estimates.
        draws: For each grouping, ``(K, levels, B)`` resampled values.
    """

    metrics: tuple[Metric, ...]
    groupings: tuple[Grouping, ...]
    clusters: Clusters
    point: tuple[Floats, ...]
    draws: tuple[Floats, ...]


EVERYBODY = "everybody"


def resample(families: Sequence[Family], ids: NDArray[np.object_], divisions: Sequence[Grouping], settings: Settings) -> Resampled:
    """Compute point estimates and resampled values.

    Args:
        families: The task's metrics.
        ids: ``(n,)`` patient ids.
        divisions: Groupings of the rows.
        settings: Number of resamples and seed.

    Raises:
        DoubleEntryError: When a point estimate disagrees with its reference library.
    """
    n = len(ids)
    groupings = (Grouping("", (EVERYBODY,), np.zeros(n, np.int64)), *divisions)
    clusters = clusters_of(ids)
    layout = Layout(clusters, tuple(g.rows(level) for g in groupings for level in g.levels))
    kernels = [family.prepare(layout) for family in families]
    unit = np.ones((clusters.count, 1))
    point = np.concatenate([kernel(unit) for kernel in kernels])[:, :, 0]
    if settings.double_entry:
        start = 0
        for family in families:
            check_double_entry(family, {m.name: float(v) for m, v in zip(family.metrics, point[start:, 0], strict=False)})
            start += len(family.metrics)
    draws = np.full((*point.shape, settings.n_resamples), np.nan)
    at = 0
    parts = strata(clusters, contrast_codes(divisions, n))
    rng = np.random.default_rng(settings.seed)
    for weights in resample_weights(rng, parts, clusters.count, n_resamples=settings.n_resamples):
        stop, start = at + weights.shape[1], 0
        for kernel, family in zip(kernels, families, strict=True):
            draws[start : start + len(family.metrics), :, at:stop] = kernel(weights)
            start += len(family.metrics)
        at = stop
    cuts = np.cumsum([len(g.levels) for g in groupings])[:-1]
    metrics = tuple(m for family in families for m in family.metrics)
    return Resampled(
        metrics, groupings, clusters, tuple(np.split(point, cuts, axis=1)), tuple(np.split(draws, cuts, axis=1))
    )
