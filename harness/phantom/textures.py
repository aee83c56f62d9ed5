"""Coordinates and smooth random fields that drawing is made of. All arrays are float32 unless said otherwise."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.phantom.scene import FRAME

Field = NDArray[np.float32]
"""A plane of the picture or a part of it, shape (height, width)."""

_ROWS, _COLUMNS = np.mgrid[:FRAME, :FRAME]
Y: Final[Field] = (_ROWS + 0.5).astype(np.float32)
X: Final[Field] = (_COLUMNS + 0.5).astype(np.float32)
CORNER_DISTANCE: Final[Field] = (np.hypot(X - FRAME / 2, Y - FRAME / 2) / (FRAME / np.sqrt(2))).astype(np.float32)
"""Distance from the middle of the frame; 1 at the corners."""


def smooth_noise(rng: np.random.Generator, height: int, width: int, rows: int, columns: int) -> Field:
    """Return ``rows x columns`` independent standard normal numbers, interpolated (bicubic) to ``(height, width)``."""
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))


def window(x: float, y: float, reach: float) -> tuple[slice, slice]:
    """Return the rows and columns of the frame within ``reach`` pixels of (x, y); may be empty."""
    rows = slice(max(0, int(y - reach)), max(0, min(FRAME, int(y + reach) + 1)))
    columns = slice(max(0, int(x - reach)), max(0, min(FRAME, int(x + reach) + 1)))
    return rows, columns
