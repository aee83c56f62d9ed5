"""Patients as resampling units: who is drawn, how often, and from which stratum.

Resampling pictures as if they were independent makes intervals too narrow (27% for AUROC by patient on ISIC 2020): the unit that is
drawn is the patient (cluster). Strata are patients by the pattern of groups they have pictures in, so that no resample loses a group,
and a cluster that spans two groups is drawn whole, which makes their difference a paired one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Weights = NDArray[Any]
"""``(clusters, b)``: how often each cluster was drawn in each of ``b`` resamples. Contiguous over resamples."""

_CHUNK_CELLS = 1 << 24


@dataclass(frozen=True, slots=True)
class Clusters:
    """Rows grouped by patient.

    Attributes:
        codes: ``(n,)`` index of each row's cluster.
        count: Number of clusters.
    """

    codes: Ints
    count: int


def clusters_of(ids: NDArray[Any]) -> Clusters:
    """Number the clusters in the order of their sorted ids, so that the order of the rows changes nothing.

    Args:
        ids: ``(n,)`` patient ids of any type.
    """
    if len(ids) == 0:
        return Clusters(np.zeros(0, np.int64), 0)
    names, codes = np.unique(ids.astype(str), return_inverse=True)
    return Clusters(codes.astype(np.int64).reshape(-1), len(names))


def strata(clusters: Clusters, groups: Ints) -> list[Ints]:
    """Sort clusters into strata by the pattern of groups they have rows in.

    Args:
        clusters: The rows' clusters.
        groups: ``(n,)`` index of each row's group in the contrast, unknown being a group of its own.

    Returns:
        For each pattern that occurs, the ``(k,)`` clusters that have it; in a fixed order.
    """
    if clusters.count == 0:
        return []
    # Patterns are numbered one group at a time, so that any number of groups fits without a bit mask overflowing.
    pattern = np.zeros(clusters.count, np.int64)
    for group in np.unique(groups):
        present = np.zeros(clusters.count, np.int64)
        present[clusters.codes[groups == group]] = 1
        pattern = np.unique(2 * pattern + present, return_inverse=True)[1].reshape(-1)
    return [np.flatnonzero(pattern == p) for p in range(int(pattern.max()) + 1)]


def resample_weights(
    rng: np.random.Generator, parts: list[Ints], count: int, *, n_resamples: int, chunk: int | None = None
) -> Iterator[Weights]:
    """Draw clusters with replacement inside each stratum.

    Args:
        rng: Source of the draws. Resamples are drawn one after the other, so the chunk size changes nothing.
        parts: Strata as `strata` gives them.
        count: Number of clusters.
        n_resamples: Number of resamples.
        chunk: Resamples at a time; by default as many as keep a chunk at 64 MB, between 8 and 256.

    Yields:
        ``(count, b)`` float32 weights; every column sums to ``count``.
    """
    chunk = chunk or int(np.clip(_CHUNK_CELLS // max(count, 1), 8, 256))
    for start in range(0, n_resamples, chunk):
        width = min(chunk, n_resamples - start)
        drawn = np.zeros((width, count), np.float32)
        for b in range(width):
            for part in parts:
                drawn[b, part] = np.bincount(rng.integers(0, len(part), len(part)), minlength=len(part))
        yield np.ascontiguousarray(drawn.T)
