"""Who is photographed, what they have, and how: every random choice of the phantom, with its distribution.

A lesion's class sets seven overlapping latent numbers with one common spread, so the best possible reader of the latents is a
linear one and still errs. A patient has a leading condition, from which age and site follow; each picture shows that condition with
probability `SAME_CONDITION` and any other otherwise; the history belongs to the picture. So the patient text carries information that
the picture lacks. Skin type is drawn independently of all of this, and changes the colour of the skin only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from harness.phantom.outline import overlaps
from harness.phantom.scene import (
    DIAGNOSES,
    FITZPATRICK,
    FRAME,
    PIXELS_PER_MM,
    Artefacts,
    Device,
    Hair,
    Lesion,
    Patient,
    Ruler,
    Scene,
    Spot,
)
from harness.phantom.skin import draw_skin


@dataclass(frozen=True, slots=True)
class Mix:
    """What differs between the split for training and those for evaluation.

    Attributes:
        skin_types: Shares of Fitzpatrick types I to VI among patients.
        lesion_numbers: Shares of pictures with one, two and three lesions, among those that are not normal.
        unrecorded: Share of patients whose skin type is not in the records.
    """

    skin_types: tuple[float, ...]
    lesion_numbers: tuple[float, ...]
    unrecorded: float


TRAINING: Final = Mix((0.22, 0.33, 0.25, 0.13, 0.05, 0.02), (0.60, 0.24, 0.16), 0.0)
"""Skin types as skewed as public collections are. Several lesions in two of five pictures: boxes of small lesions are what takes longest
to learn."""
EVALUATION: Final = Mix((0.2, 0.2, 0.2, 0.4 / 3, 0.4 / 3, 0.4 / 3), (0.74, 0.19, 0.07), 0.04)
"""Skin types as evaluation sets should have them, 40% IV to VI. Several lesions in one of four pictures."""

CLASS_SHARES: Final = (0.2075, 0.2075, 0.2075, 0.2075, 0.17)
SAME_CONDITION: Final = 0.85
PICTURES_PER_PATIENT: Final = (0.15, 0.25, 0.25, 0.20, 0.15)

LATENT_MEANS: Final = np.array(
    [  # asymmetry, border, colors, diameter, pink, scale, pigment
        [0.66, 0.66, 0.68, 0.60, 0.18, 0.15, 0.72],  # melanoma
        [0.25, 0.22, 0.20, 0.25, 0.12, 0.15, 0.52],  # nevus
        [0.35, 0.42, 0.35, 0.50, 0.18, 0.70, 0.50],  # keratosis
        [0.45, 0.42, 0.32, 0.42, 0.70, 0.25, 0.25],  # carcinoma
    ]
)
LATENT_SPREAD: Final = np.array([0.20, 0.20, 0.20, 0.16, 0.17, 0.19, 0.17])

SITES: Final = ("face", "back", "chest", "arm", "leg", "hand")
HISTORIES: Final = ("stable", "growing", "bleeding", "itching", "family melanoma", "sun damage")
AGE_MEAN: Final = (58, 36, 65, 68, 46)
AGE_SPREAD: Final = (16, 16, 14, 14, 20)
_SITE_ODDS: Final = np.array(
    [
        [0.12, 0.33, 0.15, 0.15, 0.22, 0.03],
        [0.12, 0.28, 0.20, 0.20, 0.15, 0.05],
        [0.25, 0.30, 0.25, 0.10, 0.07, 0.03],
        [0.50, 0.12, 0.10, 0.12, 0.06, 0.10],
        [0.17, 0.17, 0.17, 0.17, 0.16, 0.16],
    ]
)
_HISTORY_ODDS: Final = np.array(
    [
        [0.08, 0.38, 0.12, 0.10, 0.20, 0.12],
        [0.55, 0.12, 0.03, 0.10, 0.12, 0.08],
        [0.36, 0.16, 0.06, 0.22, 0.06, 0.14],
        [0.12, 0.20, 0.27, 0.09, 0.05, 0.27],
        [0.45, 0.08, 0.02, 0.20, 0.12, 0.13],
    ]
)
SITE_SHARES: Final = 0.9 * _SITE_ODDS / _SITE_ODDS.sum(1, keepdims=True) + 0.1 / 6
HISTORY_SHARES: Final = 0.9 * _HISTORY_ODDS / _HISTORY_ODDS.sum(1, keepdims=True) + 0.1 / 6

_CAMERAS: Final = {"A": (1.0, 1.0, 1.0), "B": (1.05, 1.0, 0.92), "C": (0.94, 1.0, 1.08), "D": (1.02, 0.95, 1.0)}


def draw_patient(rng: np.random.Generator, id_: str, mix: Mix) -> tuple[Patient, str, int]:
    """Draw a patient: who, the leading condition, and the number of pictures (1 to 5)."""
    fitzpatrick = FITZPATRICK[int(rng.choice(6, p=mix.skin_types))]
    condition = int(rng.choice(5, p=CLASS_SHARES))
    age = int(np.clip(rng.normal(AGE_MEAN[condition], AGE_SPREAD[condition]), 4, 94))
    site = SITES[int(rng.choice(6, p=SITE_SHARES[condition]))]
    sex = ("female", "male")[int(rng.integers(2))]
    pictures = 1 + int(rng.choice(5, p=PICTURES_PER_PATIENT))
    recorded = None if rng.random() < mix.unrecorded else fitzpatrick
    return Patient(id_, sex, age, site, fitzpatrick, recorded), DIAGNOSES[condition], pictures


def draw_diagnosis(rng: np.random.Generator, condition: str) -> str:
    """Draw what one picture of a patient with a leading condition shows."""
    if rng.random() < SAME_CONDITION:
        return condition
    return DIAGNOSES[int(rng.choice(5, p=CLASS_SHARES))]


def draw_scene(rng: np.random.Generator, id_: str, patient: Patient, diagnosis: str, mix: Mix) -> Scene:
    """Draw one picture's worth of parameters."""
    history = HISTORIES[int(rng.choice(6, p=HISTORY_SHARES[DIAGNOSES.index(diagnosis)]))]
    skin = draw_skin(rng, patient.fitzpatrick)
    artefacts = draw_artefacts(rng)
    lesions: tuple[Lesion, ...] = ()
    if diagnosis != "normal":
        lesions = draw_lesions(rng, diagnosis, 1 + int(rng.choice(3, p=mix.lesion_numbers)), artefacts.scope_rim)
    return Scene(id_, patient, history, diagnosis, skin, lesions, artefacts, draw_device(rng), _seed(rng))


def draw_lesions(rng: np.random.Generator, diagnosis: str, number: int, scope_rim: float | None) -> tuple[Lesion, ...]:
    """Draw the lesion in question and ``number - 1`` smaller nevi beside it (fewer where there is no room)."""
    lesions: list[Lesion] = []
    for _ in range(60):
        if len(lesions) == number:
            break
        lesion = _draw_lesion(rng, diagnosis) if not lesions else _draw_bystander(rng, lesions[0])
        # A lesion wholly behind the rim of the dermatoscope would be counted but could not be seen.
        hidden = scope_rim is not None and (
            math.hypot(lesion.x - FRAME / 2, lesion.y - FRAME / 2) > scope_rim * FRAME / math.sqrt(2) - 0.5 * lesion.radius
        )
        if not hidden and not overlaps(lesion.x, lesion.y, lesion.radius, lesions):
            lesions.append(lesion)
    others = sorted(lesions[1:], key=lambda lesion: (lesion.y, lesion.x))
    return (*lesions[:1], *others)


def _draw_lesion(rng: np.random.Generator, diagnosis: str) -> Lesion:
    latents = np.clip(LATENT_MEANS[DIAGNOSES.index(diagnosis)] + LATENT_SPREAD * rng.normal(size=7), 0.02, 1.0)
    return _place(rng, diagnosis, latents, 2.6 + 8.0 * float(latents[3]))


def _draw_bystander(rng: np.random.Generator, first: Lesion) -> Lesion:
    latents = np.clip(LATENT_MEANS[1] + 0.7 * LATENT_SPREAD * rng.normal(size=7), 0.02, 1.0)
    largest = 0.75 * 2 * first.radius / PIXELS_PER_MM
    return _place(rng, "nevus", latents, max(min(float(rng.uniform(2.4, 4.4)), largest), 2.2))


def _place(
    rng: np.random.Generator, diagnosis: str, latents: np.ndarray[tuple[int], np.dtype[np.float64]], mm: float
) -> Lesion:
    """Put a lesion of a nominal diameter somewhere in the frame; one in eight may stick out of it."""
    radius = mm * PIXELS_PER_MM / 2
    reach = -0.25 if rng.random() < 0.12 else 1.1
    low, high = min(radius * reach, FRAME / 2 - 1), max(FRAME - radius * reach, FRAME / 2 + 1)
    x, y = rng.uniform(low, high, 2)
    bulge, waist = rng.uniform(-math.pi, math.pi, 2)
    ripples = tuple((k, float(rng.uniform(0.4, 1.1)), float(rng.uniform(0, 2 * math.pi))) for k in (5, 7, 9))
    values = tuple(float(value) for value in latents)
    return Lesion(diagnosis, float(x), float(y), radius, values, float(bulge), float(waist), ripples, _seed(rng))


def draw_artefacts(rng: np.random.Generator) -> Artefacts:
    """Draw what lies on the skin."""

    def spots(
        chance: float, most: int, size: tuple[float, float], strength: tuple[float, float], stretch: bool = False
    ) -> tuple[Spot, ...]:
        if rng.random() >= chance:
            return ()
        return tuple(
            Spot(
                float(rng.uniform(0, FRAME)),
                float(rng.uniform(0, FRAME)),
                float(rng.uniform(*size)),
                float(rng.uniform(*strength)),
                float(rng.uniform(0.6, 1.6)) if stretch else 1.0,
            )
            for _ in range(int(rng.integers(1, most)))
        )

    freckles = spots(0.35, 13, (0.7, 1.5), (0.25, 0.7))
    hairs = tuple(_draw_hair(rng) for _ in range(int(rng.integers(1, 9)))) if rng.random() < 0.45 else ()
    dark = bool(rng.random() < 0.8)
    side = ("top", "bottom", "left", "right")[int(rng.integers(4))]
    ruler = Ruler(side, int(rng.integers(6, 10))) if rng.random() < 0.25 else None
    bubbles = spots(0.25, 6, (2.0, 8.0), (15.0, 60.0))
    glints = spots(0.35, 4, (1.0, 4.0), (40.0, 130.0), stretch=True)
    rim = float(rng.uniform(0.72, 0.80)) if rng.random() < 0.12 else None
    return Artefacts(freckles, hairs, dark, ruler, bubbles, glints, rim)


def _draw_hair(rng: np.random.Generator) -> Hair:
    ends = rng.uniform(-10, FRAME + 10, (2, 2))
    middle = ends.mean(0) + rng.uniform(-22, 22, 2)
    start, bend, end = ((float(x), float(y)) for x, y in (ends[0], middle, ends[1]))
    return Hair((start, bend, end), int(rng.uniform(120, 235)), 1 if rng.random() < 0.8 else 2)


def draw_device(rng: np.random.Generator) -> Device:
    """Draw the camera and the light of the day."""
    name = "ABCD"[int(rng.integers(4))]
    red, green, blue = (gain * float(day) for gain, day in zip(_CAMERAS[name], rng.uniform(0.96, 1.04, 3), strict=True))
    return Device(
        name,
        (red, green, blue),
        vignette=float(rng.uniform(0.1, 0.5)) if rng.random() < 0.6 else 0.0,
        exposure=float(rng.uniform(0.88, 1.12)),
        noise=float(rng.uniform(0.5, 1.3)),
        blur=float(rng.uniform(0.4, 1.3)) if rng.random() < 0.5 else 0.0,
        jpeg_quality=int(rng.integers(35, 92)) if rng.random() < 0.6 else 0,
    )


def on_other_skin(scene: Scene, fitzpatrick: str, seed: int) -> Scene:
    """Return the same lesion, artefacts, camera and noise on the skin of another type.

    One ``seed`` for all types of a lesion puts the six skins at the same place inside their bands.
    """
    skin = draw_skin(np.random.default_rng(seed), fitzpatrick)
    patient = replace(scene.patient, fitzpatrick=fitzpatrick, recorded_fitzpatrick=fitzpatrick)
    return replace(scene, patient=patient, skin=skin)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**32))
