"""Skin and lesions as pigment, and the light that comes back from them.

Each pixel has melanin, blood and scatter. Light is attenuated by them following Beer and Lambert; melanin saturates, so that a lesion adds
less to skin that is already dark: contrast falls on darker skin as it does in the clinic, and nothing else knows the skin type.
All is done on display-encoded values: under a power-law display an exponential stays an exponential, with the coefficients divided
by the exponent of the display.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.phantom.outline import outline_radius
from harness.phantom.scene import FRAME, Lesion, Scene
from harness.phantom.skin import display_rgb, melanin
from harness.phantom.textures import Field, X, Y, smooth_noise, window

SATURATION: Final = 1.9
"""Melanin absorbance saturates as ``SATURATION * tanh(melanin / SATURATION)``."""

_MELANIN_RGB: Final = np.array([0.66, 0.92, 1.14], np.float32)[:, None, None]
_BLOOD_RGB: Final = np.array([0.06, 0.42, 0.32], np.float32)[:, None, None]
_SCATTERED_RGB: Final = np.array([244.0, 212.0, 190.0], np.float32)[:, None, None]
_SURFACE: Final = 9.0
"""Light reflected by the surface, which no pigment takes away."""
_SKIN_BLOOD: Final = 0.16


def reflectance(scene: Scene, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the skin with its lesions under neutral light, before anything lies on it: (3, 112, 112), 0..255, not clipped.

    Args:
        scene: What to draw.
        rng: Texture of the skin is drawn from it; lesions bring seeds of their own.
    """
    own = melanin(scene.skin)
    texture = 1 + 0.07 * smooth_noise(rng, FRAME, FRAME, 7, 7) + 0.05 * smooth_noise(rng, FRAME, FRAME, 28, 28)
    layers = np.zeros((3, FRAME, FRAME), np.float32)
    layers[0] = own * texture
    layers[1] = _SKIN_BLOOD + 0.05 * smooth_noise(rng, FRAME, FRAME, 5, 5)
    for spot in scene.artefacts.freckles:
        rows, columns = window(spot.x, spot.y, 4)
        square = (X[rows, columns] - spot.x) ** 2 + (Y[rows, columns] - spot.y) ** 2
        layers[0, rows, columns] += spot.strength * np.exp(-square / (2 * spot.size**2))
    for lesion in scene.lesions:
        add_lesion(layers, lesion)
    return _light_back(layers, display_rgb(scene.skin), own)


def _light_back(layers: NDArray[np.float32], skin_rgb: NDArray[np.float32], own: float) -> NDArray[np.float32]:
    """Return the light from pigment ``layers`` (melanin, blood, scatter), where even skin gives ``skin_rgb``."""
    saturated = SATURATION * np.tanh(layers[0] / SATURATION)
    added = saturated - SATURATION * np.tanh(own / SATURATION)
    blood = np.clip(layers[1], 0, 3)
    transmitted = np.exp(-(_MELANIN_RGB * added + _BLOOD_RGB * (blood - _SKIN_BLOOD)))
    scattered = 0.8 * layers[2] * np.exp(-0.35 * (_MELANIN_RGB * saturated + _BLOOD_RGB * blood))
    light: NDArray[np.float32] = (skin_rgb[:, None, None] - _SURFACE) * transmitted + _SURFACE + _SCATTERED_RGB * scattered
    return light


def lesion_mask(lesion: Lesion) -> NDArray[np.bool_]:
    """Return which pixels of the frame have their centre inside the outline, shape (112, 112)."""
    dx, dy = X - lesion.x, Y - lesion.y
    inside: NDArray[np.bool_] = np.hypot(dx, dy) < outline_radius(lesion, np.arctan2(dy, dx))
    return inside


def add_lesion(layers: NDArray[np.float32], lesion: Lesion) -> None:
    """Add the pigment of one lesion to ``layers`` (melanin, blood, scatter), shape (3, 112, 112), in place."""
    _, border, colors, _, pink, scale, pigment = lesion.latents
    rng = np.random.default_rng(lesion.seed)
    rows, columns = window(lesion.x, lesion.y, lesion.radius * 1.75 + 4)
    dx, dy = X[rows, columns] - lesion.x, Y[rows, columns] - lesion.y
    height, width = dx.shape
    distance = np.hypot(dx, dy)
    outline = outline_radius(lesion, np.arctan2(dy, dx))
    softness = float(np.clip(0.7 + 1.5 * (1 - scale) - 0.5 * border, 0.6, 3)) * (lesion.radius / 14) ** 0.5
    inside = 1 / (1 + np.exp(np.clip((distance - outline) / softness, -20, 20)))

    def noise(cells_y: int, cells_x: int) -> Field:
        return smooth_noise(rng, height, width, cells_y, cells_x)

    coarse = max(3, int(2 * lesion.radius / 7))
    depth = 0.22 + pigment
    melanin_ = depth * (1 + colors * 0.55 * np.clip(noise(coarse, coarse), -1.5, 1.5))
    patches = noise(coarse, coarse)
    regression = np.clip((patches - 0.8) * 3, 0, 1) * colors  # pale areas, where a melanoma has regressed
    globules = np.clip((-patches - 0.9) * 3, 0, 1) * colors
    grain = noise(max(4, height // 3), max(4, width // 3))
    melanin_ = melanin_ * (1 - 0.6 * regression) + 0.5 * globules + scale * 0.30 * grain * (0.4 + depth)
    flakes = np.clip(noise(max(4, height // 4), max(4, width // 4)) - 0.5, 0, 2)
    rolled_edge = np.exp(-(((distance - outline * 0.85) / (lesion.radius * 0.12 + 0.8)) ** 2))
    layers[0, rows, columns] += inside * np.clip(melanin_, 0.02, 4)
    layers[1, rows, columns] += inside * (0.08 + 1.25 * pink) * (1 + 0.25 * grain)
    layers[2, rows, columns] += inside * (scale * 0.16 * flakes + pink * 0.20 * rolled_edge + 0.10 * regression)
