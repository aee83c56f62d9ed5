"""One pass over a task: every metric, for every group, under every patient resample, with the same weights for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from harness.metrics.base import Family, Kernel, Layout, Metric
from harness.metrics.families import check_double_entry
from harness.stats.clusters import Clusters, Ints, Weights, clusters_of, resample_weights, strata
from harness.suites.groups import Grouping, contrast_codes
from harness.suites.settings import Settings

Floats = NDArray[np.float64]
EVERYBODY = "everybody"
_KEPT_CELLS = 1 << 22  # 16 MB


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


def resample(
    families: Sequence[Family], ids: NDArray[np.object_], divisions: Sequence[Grouping], settings: Settings
) -> Resampled:
    """Compute point estimates and resampled values.

    Args:
        families: The task's metrics.
        ids: ``(n,)`` patient ids.
        divisions: Groupings of the rows.
        settings: Number of resamples and seed.

    Raises:
        DoubleEntryError: When a point estimate disagrees with its reference library.
    """
    groupings = (Grouping("", (EVERYBODY,), np.zeros(len(ids), np.int64)), *divisions)
    clusters = clusters_of(ids)
    layout = Layout(clusters, tuple(g.rows(level) for g in groupings for level in g.levels))
    parts = strata(clusters, contrast_codes(divisions, len(ids)))
    # Many small products: BLAS threads cost more than they bring here, and one thread gives the same bits everywhere.
    with _threads().limit(limits=1, user_api="blas"):
        kernels = [family.prepare(layout) for family in families]
        point = _apply(kernels, np.ones((clusters.count, 1)))[:, :, 0]
        if settings.double_entry:
            _check(families, point[:, 0])
        draws = _draw(kernels, parts, clusters.count, point.shape, settings)
    cuts = np.cumsum([len(g.levels) for g in groupings])[:-1]
    metrics = tuple(m for family in families for m in family.metrics)
    return Resampled(metrics, groupings, clusters, tuple(np.split(point, cuts, axis=1)), tuple(np.split(draws, cuts, axis=1)))


@cache
def _threads() -> Any:
    """Finding the libraries of the process is dear; it is done once."""
    return ThreadpoolController()


def _apply(kernels: Sequence[Kernel], weights: NDArray[np.float64]) -> Floats:
    return np.concatenate([kernel(weights) for kernel in kernels])


def _check(families: Sequence[Family], everybody: Floats) -> None:
    start = 0
    for family in families:
        values = everybody[start : start + len(family.metrics)].tolist()
        check_double_entry(family, {m.name: v for m, v in zip(family.metrics, values, strict=True)})
        start += len(family.metrics)


def _weights(parts: list[Ints], count: int, settings: Settings) -> Iterable[Weights]:
    """Tasks about the same patients share their weights; those too large to keep are drawn as they are used."""
    if count * settings.n_resamples <= _KEPT_CELLS:
        return _kept_weights(tuple(part.tobytes() for part in parts), count, settings.n_resamples, settings.seed)
    return resample_weights(np.random.default_rng(settings.seed), parts, count, n_resamples=settings.n_resamples)


@lru_cache(maxsize=1)
def _kept_weights(parts: tuple[bytes, ...], count: int, n_resamples: int, seed: int) -> tuple[Weights, ...]:
    indices = [np.frombuffer(part, np.int64) for part in parts]
    kept = tuple(resample_weights(np.random.default_rng(seed), indices, count, n_resamples=n_resamples))
    for weights in kept:
        weights.flags.writeable = False
    return kept


def _draw(kernels: Sequence[Kernel], parts: list[Ints], count: int, shape: tuple[int, ...], settings: Settings) -> Floats:
    draws = np.empty((*shape, settings.n_resamples))
    at = 0
    for weights in _weights(parts, count, settings):
        width = weights.shape[1]
        draws[:, :, at : at + width] = _apply(kernels, weights)
        at += width
    return draws
