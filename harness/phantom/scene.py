"""What a picture of the phantom is made of, before anything is drawn.

A `Scene` holds every parameter of one picture as plain Python numbers, so that it is cheap to make, to compare, to hash by its
``repr`` and to change in one place: the same lesion on another skin is ``dataclasses.replace(scene, skin=other)``. Lengths are in
pixels of the 112 x 112 frame, x to the right and y down; the centre of the first pixel is at (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FRAME: Final = 112
"""Side of the picture in pixels."""

FIELD_OF_VIEW_MM: Final = 20.0
"""Side of the picture in millimetres of skin."""

PIXELS_PER_MM: Final = FRAME / FIELD_OF_VIEW_MM

FITZPATRICK: Final = ("I", "II", "III", "IV", "V", "VI")

DIAGNOSES: Final = ("melanoma", "nevus", "keratosis", "carcinoma", "normal")
MALIGNANT: Final = ("melanoma", "carcinoma")

LATENTS: Final = ("asymmetry", "border", "colors", "diameter", "pink", "scale", "pigment")
"""Names of `Lesion.latents`, each in 0..1."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Whoever is photographed. Everything here is shared by all pictures of the patient.

    Attributes:
        id: For example ``"test-p0123"``.
        sex: ``"female"`` or ``"male"``; carries no information about the diagnosis.
        age: Years.
        site: Where on the body.
        fitzpatrick: The skin type that is drawn.
        recorded_fitzpatrick: The skin type as the records have it; ``None`` where nobody wrote it down.
    """

    id: str
    sex: str
    age: int
    site: str
    fitzpatrick: str
    recorded_fitzpatrick: str | None


@dataclass(frozen=True, slots=True)
class Skin:
    """Colour of lesion-free skin under neutral light, in CIELAB (D65).

    Attributes:
        fitzpatrick: Skin type, I to VI.
        ita: Individual typology angle in degrees, ``atan((L* - 50) / b*)``.
        a: CIELAB a*.
        b: CIELAB b*.
    """

    fitzpatrick: str
    ita: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion: where its outline runs and what lies inside it.

    Attributes:
        diagnosis: One of `DIAGNOSES` without ``"normal"``.
        x, y: Centre, pixels; may be near or past the border of the frame.
        radius: Nominal radius, pixels.
        latents: Seven numbers in 0..1, see `LATENTS`.
        bulge: Direction of the asymmetric bulge, radians.
        waist: Phase of the two-fold elongation, radians.
        ripples: ``(frequency, amplitude factor, phase)`` of each irregularity of the border.
        seed: Of the textures inside.
    """

    diagnosis: str
    x: float
    y: float
    radius: float
    latents: tuple[float, ...]
    bulge: float
    waist: float
    ripples: tuple[tuple[int, float, float], ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A round thing at (x, y) of a size in pixels and a strength whose meaning depends on what it is (freckle, bubble, glint)."""

    x: float
    y: float
    size: float
    strength: float
    stretch: float = 1.0


@dataclass(frozen=True, slots=True)
class Hair:
    """A quadratic Bezier curve through the picture: ``(start, middle, end)`` points, opacity 0..255, width in pixels."""

    points: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    opacity: int
    width: int


@dataclass(frozen=True, slots=True)
class Ruler:
    """A millimetre ruler along one side: ``"top"``, ``"bottom"``, ``"left"`` or ``"right"``; its breadth in pixels."""

    side: str
    breadth: int


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What lies on the skin or in front of it."""

    freckles: tuple[Spot, ...] = ()
    hairs: tuple[Hair, ...] = ()
    dark_hair: bool = True
    ruler: Ruler | None = None
    bubbles: tuple[Spot, ...] = ()
    glints: tuple[Spot, ...] = ()
    scope_rim: float | None = None

    def names(self) -> tuple[str, ...]:
        """Return the names of those present, e.g. ``("hair", "ruler")``."""
        present = {
            "freckles": bool(self.freckles),
            "hair": bool(self.hairs),
            "ruler": self.ruler is not None,
            "gel": bool(self.bubbles),
            "highlight": bool(self.glints),
            "scope": self.scope_rim is not None,
        }
        return tuple(name for name, there in present.items() if there)


@dataclass(frozen=True, slots=True)
class Device:
    """The camera.

    Attributes:
        name: Which of the four cameras.
        gains: Channel gains (red, green, blue), the camera's own cast and the light of the day together.
        vignette: Darkening at the corners, 0..1.
        exposure: Error of the automatic exposure, a factor.
        noise: Level of shot and read noise, a factor.
        blur: Standard deviation of the blur in pixels; 0 for none.
        jpeg_quality: Quality of the JPEG round trip; 0 for none.
    """

    name: str
    gains: tuple[float, float, float]
    vignette: float
    exposure: float
    noise: float
    blur: float
    jpeg_quality: int


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything about one picture. Drawing it needs nothing else and no other picture.

    Attributes:
        id: For example ``"test-p0123-2"``.
        patient: Who.
        history: What the patient tells about this spot, e.g. ``"growing"``.
        diagnosis: One of `DIAGNOSES`: that of the first lesion, or ``"normal"`` when there is none.
        skin: Colour of the skin.
        lesions: The lesion in question first, then harmless nevi.
        artefacts: What lies on the skin.
        device: The camera.
        seed: Of skin texture and camera noise.
    """

    id: str
    patient: Patient
    history: str
    diagnosis: str
    skin: Skin
    lesions: tuple[Lesion, ...]
    artefacts: Artefacts
    device: Device
    seed: int
