"""What lies on the skin: hairs, a ruler, gel bubbles, glints. Each function changes a picture (3, 112, 112), 0..255, in place."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from harness.phantom.scene import FIELD_OF_VIEW_MM, FRAME, PIXELS_PER_MM, Artefacts, Ruler, Spot
from harness.phantom.textures import X, Y, window

Picture = NDArray[np.float32]

_DARK_HAIR: Final = np.array([38.0, 28.0, 24.0], np.float32)[:, None, None]
_FAIR_HAIR: Final = np.array([150.0, 120.0, 85.0], np.float32)[:, None, None]
_CURVE: Final = np.linspace(0.0, 1.0, 7)[:, None]


def lay_over(picture: Picture, artefacts: Artefacts) -> None:
    """Draw everything that lies on the skin."""
    if artefacts.hairs:
        _hairs(picture, artefacts)
    if artefacts.ruler is not None:
        _ruler(picture, artefacts.ruler)
    for bubble in artefacts.bubbles:
        _bubble(picture, bubble)
    for glint in artefacts.glints:
        _glint(picture, glint)


def _hairs(picture: Picture, artefacts: Artefacts) -> None:
    layer = Image.new("L", (FRAME, FRAME))
    pen = ImageDraw.Draw(layer)
    for hair in artefacts.hairs:
        start, middle, end = (np.array(point) for point in hair.points)
        curve = (1 - _CURVE) ** 2 * start + 2 * _CURVE * (1 - _CURVE) * middle + _CURVE**2 * end
        pen.line([(float(x), float(y)) for x, y in curve], fill=hair.opacity, width=hair.width)
    alpha = np.asarray(layer, np.float32) / 255.0
    picture += alpha * ((_DARK_HAIR if artefacts.dark_hair else _FAIR_HAIR) - picture)


def _ruler(picture: Picture, ruler: Ruler) -> None:
    body = np.zeros((FRAME, FRAME), np.float32)
    ticks = np.zeros((FRAME, FRAME), np.float32)
    body[: ruler.breadth] = 0.55
    for millimetre in range(int(FIELD_OF_VIEW_MM) + 1):
        column = round(millimetre * PIXELS_PER_MM + 1)
        if column < FRAME:
            ticks[: ruler.breadth if millimetre % 5 == 0 else ruler.breadth // 2, column] = 0.8
    if ruler.side in ("bottom", "right"):
        body, ticks = body[::-1], ticks[::-1]
    if ruler.side in ("left", "right"):
        body, ticks = body.T, ticks.T
    picture += body * (225.0 - picture)
    picture += ticks * (25.0 - picture)


def _bubble(picture: Picture, bubble: Spot) -> None:
    rows, columns = window(bubble.x, bubble.y, bubble.size + 4)
    distance = np.hypot(X[rows, columns] - bubble.x, Y[rows, columns] - bubble.y)
    picture[:, rows, columns] += bubble.strength * np.exp(-((distance - bubble.size) ** 2))


def _glint(picture: Picture, glint: Spot) -> None:
    rows, columns = window(glint.x, glint.y, 7 * glint.size)
    square = (X[rows, columns] - glint.x) ** 2 + ((Y[rows, columns] - glint.y) * glint.stretch) ** 2
    picture[:, rows, columns] += glint.strength * np.exp(-square / (2 * glint.size**2))
