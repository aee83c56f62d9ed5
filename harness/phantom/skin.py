"""Skin colour by Fitzpatrick type, in CIELAB, and its way to display RGB.

The individual typology angle, ``ITA = atan((L* - 50) / b*)``, sorts skin colours into six bands (Chardon, Cretois and Hourseau,
Int. J. Cosmet. Sci. 13, 1991; bounds for type VI after Del Bino and Bernerd, Br. J. Dermatol. 169 S3, 2013). The means of a* and
b* follow the measured course of constitutive skin: redness and yellowness rise from type I to V, and fall again in the darkest
skin, which is why it is brown and not orange.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.phantom.scene import FITZPATRICK, Skin


@dataclass(frozen=True, slots=True)
class SkinType:
    """Distribution of one Fitzpatrick type.

    Attributes:
        ita_low, ita_high: Published band of the typology angle, degrees.
        drawn_low, drawn_high: What is drawn from, inside the band; closes the two open bands.
        a, b: Means of CIELAB a* and b*.
    """

    ita_low: float
    ita_high: float
    drawn_low: float
    drawn_high: float
    a: float
    b: float


SKIN_TYPES: Final[dict[str, SkinType]] = {
    "I": SkinType(55.0, 90.0, 56.0, 66.0, 8.0, 13.0),
    "II": SkinType(41.0, 55.0, 42.0, 54.0, 9.5, 15.0),
    "III": SkinType(28.0, 41.0, 29.0, 40.0, 11.0, 17.0),
    "IV": SkinType(10.0, 28.0, 11.0, 27.0, 12.0, 18.5),
    "V": SkinType(-30.0, 10.0, -27.0, 6.0, 11.5, 17.0),
    "VI": SkinType(-90.0, -30.0, -54.0, -32.0, 9.0, 13.0),
}
A_SPREAD: Final = 1.0
B_SPREAD: Final = 1.1

_MELANIN_AT_ITA: Final = (
    (-60.0, -43.0, -10.0, 19.0, 34.5, 48.0, 61.0, 75.0),
    (2.15, 1.90, 1.35, 0.80, 0.45, 0.25, 0.10, 0.04),
)
"""Melanin of the skin (arbitrary units of absorbance) at typology angles, interpolated between."""

_LAB_TO_XYZ_WHITE: Final = (0.95047, 1.0, 1.08883)
_XYZ_TO_RGB: Final = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)


def draw_skin(rng: np.random.Generator, fitzpatrick: str) -> Skin:
    """Draw the skin colour of a person of one Fitzpatrick type (``"I"`` to ``"VI"``)."""
    kind = SKIN_TYPES[fitzpatrick]
    ita = float(rng.uniform(kind.drawn_low, kind.drawn_high))
    a = kind.a + A_SPREAD * float(np.clip(rng.normal(), -2, 2))
    b = kind.b + B_SPREAD * float(np.clip(rng.normal(), -2, 2))
    return Skin(fitzpatrick, ita, a, b)


def lightness(skin: Skin) -> float:
    """Return CIELAB L* of the skin, from its typology angle and b*."""
    return 50.0 + skin.b * math.tan(math.radians(skin.ita))


def melanin(skin: Skin) -> float:
    """Return the melanin of the skin, in the units lesions add to."""
    return float(np.interp(skin.ita, *_MELANIN_AT_ITA))


def display_rgb(skin: Skin) -> NDArray[np.float32]:
    """Return the colour of the skin as display-encoded sRGB, shape (3,), 0..255."""
    return lab_to_rgb(lightness(skin), skin.a, skin.b).astype(np.float32)


def lab_to_rgb(lightness_: float, a: float, b: float) -> NDArray[np.float64]:
    """Convert CIELAB (D65) to display-encoded sRGB (IEC 61966-2-1), shape (3,), 0..255, clipped to the gamut."""
    fy = (lightness_ + 16.0) / 116.0
    cubes = np.array([fy + a / 500.0, fy, fy - b / 200.0])
    xyz = np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29)) * np.array(_LAB_TO_XYZ_WHITE)
    linear = np.clip(_XYZ_TO_RGB @ xyz, 0.0, 1.0)
    encoded = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.asarray(encoded * 255.0, dtype=np.float64)


def rgb_to_lab(rgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """Convert display-encoded sRGB, shape (..., 3), 0..255, to CIELAB (D65), shape (..., 3)."""
    encoded = np.asarray(rgb, dtype=np.float64) / 255.0
    linear = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    xyz = linear @ np.linalg.inv(_XYZ_TO_RGB).T / np.array(_LAB_TO_XYZ_WHITE)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def typology_angle(lab: NDArray[np.floating]) -> float:
    """Return the typology angle in degrees of one CIELAB colour, shape (3,)."""
    return math.degrees(math.atan2(float(lab[0]) - 50.0, float(lab[2])))


def fitzpatrick_of(ita: float) -> str:
    """Return the Fitzpatrick type whose published band holds a typology angle in degrees."""
    return next(name for name in FITZPATRICK if ita > SKIN_TYPES[name].ita_low)
