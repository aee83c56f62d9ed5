"""The fixed lists of scenes: train, calibration, test, and the matched set.

Every patient and every picture has a random generator of its own, seeded by (phantom, split, patient, picture), so that any scene can be
made alone and no split can leak into another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Final

import numpy as np

from harness.phantom.population import (
    EVALUATION,
    TRAINING,
    Mix,
    draw_diagnosis,
    draw_patient,
    draw_scene,
    on_other_skin,
)
from harness.phantom.scene import FITZPATRICK, Scene

SPLITS: Final = ("train", "calibration", "test", "matched")

TRAIN_PICTURES: Final = 24_000
CALIBRATION_PATIENTS: Final = 200
TEST_PATIENTS: Final = 520
MATCHED_SPOTS: Final = 430
"""Spots photographed on all six skins; about 360 of them show a lesion, the others normal skin, so that all five classes are there."""

_PHANTOM: Final = 20261122


@cache
def scenes(split: str, limit: int | None = None) -> tuple[Scene, ...]:
    """Return the scenes of a split, patients in order, or only the first ``limit`` of them.

    Raises:
        ValueError: If there is no such split.
    """
    return tuple(islice(_all_scenes(split), limit))


def _all_scenes(split: str) -> Iterator[Scene]:
    if split == "train":
        return islice(_patients(split, TRAIN_PICTURES, TRAINING), TRAIN_PICTURES)
    if split == "calibration":
        return _patients(split, CALIBRATION_PATIENTS, EVALUATION)
    if split == "test":
        return _patients(split, TEST_PATIENTS, EVALUATION)
    if split == "matched":
        return _matched()
    raise ValueError(f"unknown split {split!r}; there are {', '.join(SPLITS)}")


def _patients(split: str, number: int, mix: Mix) -> Iterator[Scene]:
    code = SPLITS.index(split)
    for index in range(number):
        rng = np.random.default_rng([_PHANTOM, code, index])
        patient, condition, pictures = draw_patient(rng, f"{split}-p{index:04d}", mix)
        for picture in range(pictures):
            own = np.random.default_rng([_PHANTOM, code, index, picture + 1])
            yield draw_scene(own, f"{patient.id}-{picture}", patient, draw_diagnosis(own, condition), mix)


def _matched() -> Iterator[Scene]:
    """Yield each lesion on six skins. The lesion stands for the patient, so that resampling draws all six together."""
    code = SPLITS.index("matched")
    for index in range(MATCHED_SPOTS):
        rng = np.random.default_rng([_PHANTOM, code, index])
        lesion = f"matched-l{index:04d}"
        patient, condition, _ = draw_patient(rng, lesion, EVALUATION)
        scene = draw_scene(rng, lesion, patient, draw_diagnosis(rng, condition), EVALUATION)
        skin_seed = int(rng.integers(2**32))
        for fitzpatrick in FITZPATRICK:
            yield replace(on_other_skin(scene, fitzpatrick, skin_seed), id=f"{lesion}-{fitzpatrick}")
