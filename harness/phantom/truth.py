"""The truth of a scene for every task, computed without drawing.

Boxes are those of the part of a lesion inside the frame; what hair, rulers or the rim of a dermatoscope cover still belongs to it, as it
would for a human annotator.
"""

from __future__ import annotations

from typing import Final

from harness.phantom.outline import visible_box
from harness.phantom.scene import FRAME, PIXELS_PER_MM, Scene
from harness.types import Box

GRID: Final = 100
"""Boxes are answered on a 0..99 grid over the picture."""

ATTRIBUTES: Final = ("asymmetry", "irregular border", "many colors", "large")
LARGE_MM: Final = 6.5

_TONE: Final = {"I": "light", "II": "light", "III": "medium", "IV": "medium", "V": "dark", "VI": "dark"}
_NUMBER: Final = ("no", "one", "two", "three")


def boxes(scene: Scene) -> tuple[Box, ...]:
    """Return ``(x_min, y_min, x_max, y_max)`` in pixels of the visible part of each lesion, the one in question first."""
    return tuple(visible_box(lesion) for lesion in scene.lesions)


def diameter_mm(scene: Scene) -> float:
    """Return the longer side of the first lesion's box in millimetres, 0.0 where there is none."""
    if not scene.lesions:
        return 0.0
    x_min, y_min, x_max, y_max = visible_box(scene.lesions[0])
    return max(x_max - x_min, y_max - y_min) / PIXELS_PER_MM


def attributes(scene: Scene) -> tuple[str, ...]:
    """Return which of `ATTRIBUTES` the first lesion has, in that order."""
    if not scene.lesions:
        return ()
    asymmetry, border, colors, *_ = scene.lesions[0].latents
    present = (asymmetry > 0.5, border > 0.5, colors > 0.5, diameter_mm(scene) >= LARGE_MM)
    return tuple(name for name, there in zip(ATTRIBUTES, present, strict=True) if there)


def caption(scene: Scene) -> str:
    """Return the one-line description of the picture."""
    tone = _TONE[scene.skin.fitzpatrick]
    if not scene.lesions:
        return f"normal {tone} skin, no lesion"
    more = "" if len(scene.lesions) == 1 else f", {_NUMBER[len(scene.lesions)]} lesions"
    return f"{round(diameter_mm(scene))} mm {scene.diagnosis} on {tone} skin{more}"


def on_grid(box: Box) -> tuple[int, int, int, int]:
    """Return a box in pixels on the 0..99 grid of the answers."""
    x_min, y_min, x_max, y_max = (min(GRID - 1, round(value * GRID / FRAME)) for value in box)
    return x_min, y_min, x_max, y_max
