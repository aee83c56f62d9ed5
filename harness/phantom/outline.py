"""The outline of a lesion as a radius over the angle, and the box around its visible part. Nothing is rasterised here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.phantom.scene import FRAME, Lesion

VERTICES: Final = 360

_ANGLES: Final = np.linspace(-math.pi, math.pi, VERTICES, endpoint=False)


def outline_radius(lesion: Lesion, theta: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the distance in pixels from the centre to the outline at angles ``theta`` (radians, any shape).

    A bulge to one side grows with the latent asymmetry, ripples of the border with the latent border irregularity.
    """
    asymmetry, border = lesion.latents[0], lesion.latents[1]
    bulge = np.exp((np.cos(theta - lesion.bulge) - 1.0) / 0.35)
    radius = 1.0 + 0.07 * np.sin(2.0 * theta + lesion.waist) + asymmetry * (0.50 * bulge - 0.10)
    for frequency, factor, phase in lesion.ripples:
        radius = radius + (0.008 + 0.075 * border) * factor * np.sin(frequency * theta + phase)
    scaled: NDArray[np.floating] = lesion.radius * radius
    return scaled


def polygon(lesion: Lesion) -> NDArray[np.float64]:
    """Return the outline as a polygon, shape (360, 2), pixels, not clipped to the frame."""
    radius = outline_radius(lesion, _ANGLES)
    return np.stack([lesion.x + radius * np.cos(_ANGLES), lesion.y + radius * np.sin(_ANGLES)], axis=1)


def visible_box(lesion: Lesion) -> tuple[float, float, float, float]:
    """Return ``(x_min, y_min, x_max, y_max)`` in pixels around the part of the lesion inside the frame."""
    points = polygon(lesion)
    for axis in (0, 1):
        points = _clip(points, axis, 0.0, 1.0)
        points = _clip(points, axis, float(FRAME), -1.0)
    if not len(points):
        raise ValueError(f"lesion at ({lesion.x:.1f}, {lesion.y:.1f}), radius {lesion.radius:.1f}, lies outside the frame")
    low, high = points.min(axis=0).clip(0, FRAME), points.max(axis=0).clip(0, FRAME)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def overlaps(x: float, y: float, radius: float, others: Sequence[Lesion]) -> bool:
    """Say whether a lesion of this nominal radius would come too near to one of the others."""
    return any(math.hypot(x - o.x, y - o.y) < 1.35 * (radius + o.radius) for o in others)


def _clip(points: NDArray[np.float64], axis: int, bound: float, sign: float) -> NDArray[np.float64]:
    """Clip a polygon to ``sign * (coordinate - bound) >= 0`` (Sutherland and Hodgman, 1974); only the extent must be right."""
    inside = sign * (points[:, axis] - bound)
    if not len(points) or inside.min() >= 0:
        return points
    following, inside_next = np.roll(points, -1, axis=0), np.roll(inside, -1)
    crossing = (inside >= 0) != (inside_next >= 0)
    share = inside[crossing] / (inside[crossing] - inside_next[crossing])
    cuts = points[crossing] + share[:, None] * (following[crossing] - points[crossing])
    # Order round the polygon matters to the next clip: each cut goes right after the vertex its edge starts from.
    order = np.concatenate([np.flatnonzero(inside >= 0) * 2, np.flatnonzero(crossing) * 2 + 1])
    return np.concatenate([points[inside >= 0], cuts])[np.argsort(order, kind="stable")]
