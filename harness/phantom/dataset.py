"""The phantom as samples: `load` for every split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.errors import ConfigError, near_match
from harness.phantom import truth
from harness.phantom.questions import QUESTIONS, prompt
from harness.phantom.render import PhantomImage
from harness.phantom.scene import DIAGNOSES, FRAME, MALIGNANT, Scene
from harness.phantom.splits import SPLITS, scenes
from harness.types import Sample, Task

TASKS: Final = tuple(task.value for task in QUESTIONS)

LICENCE: Final = "Apache-2.0"

LESION_LABEL: Final = "lesion"
"""Label of every box: the question is where, not what."""

COUNT_RANGE: Final = (0, 3)
DIAMETER_RANGE_MM: Final = (0.0, 20.0)


def load(
    split: str,
    *,
    tasks: Sequence[str] = ("classification", "detection", "counting"),
    patient_text: bool = True,
    limit: int | None = None,
) -> list[Sample]:
    """Return the questions of a split, picture by picture. Nothing is drawn.

    Args:
        split: ``"train"``, ``"calibration"``, ``"test"`` or ``"matched"``.
        tasks: What to ask of each picture, by the names of `harness.types.Task`.
        patient_text: Whether the line of patient text is part of the prompts.
        limit: Only the first so many pictures; ``None`` for all.

    Returns:
        Samples with ids ``<picture>/<task>``, for example ``test-p0123-2/detection``; in the matched split
        ``matched-l0123-VI/detection``, and the lesion is the patient. A diameter is asked only where there is a lesion.

    Raises:
        ConfigError: If a split or a task does not exist.
    """
    _check(split, SPLITS, "split")
    for task in tasks:
        _check(task, TASKS, "task")
    if limit is not None and limit < 0:
        raise ConfigError(f"limit={limit} of the phantom: a number of pictures cannot be negative.")
    chosen = scenes(split, limit)
    asked = [Task(task) for task in tasks]
    return [
        _sample(scene, image, task, split, patient_text)
        for scene, image in ((scene, PhantomImage(scene)) for scene in chosen)
        for task in asked
        if task is not Task.REGRESSION or scene.lesions
    ]


def _check(got: str, allowed: Sequence[str], what: str) -> None:
    if got not in allowed:
        hint = near_match(got, allowed)
        raise ConfigError(f"The phantom has no {what} {got!r}; there are {', '.join(allowed)}.{hint}")


def _sample(scene: Scene, image: PhantomImage, task: Task, split: str, patient_text: bool) -> Sample:
    return Sample(
        id=f"{scene.id}/{task.value}",
        patient_id=scene.patient.id,
        task=task,
        prompt=prompt(task, scene, patient_text),
        target=_target(task, scene),
        images=(image,),
        choices=_choices(task),
        attributes={
            "fitzpatrick": scene.patient.recorded_fitzpatrick,
            "sex": scene.patient.sex,
            "age": float(scene.patient.age),
            "site": scene.patient.site,
            "device": scene.device.name,
        },
        metadata={"image_id": scene.id, "image_size": [FRAME, FRAME], **_metadata(task)},
        source=f"skinphantom/{split}",
    )


def _target(task: Task, scene: Scene) -> Any:
    match task:
        case Task.CLASSIFICATION:
            return scene.diagnosis
        case Task.MULTILABEL:
            return truth.attributes(scene)
        case Task.DETECTION:
            return tuple((LESION_LABEL, box) for box in truth.boxes(scene))
        case Task.COUNTING:
            return len(scene.lesions)
        case Task.REGRESSION:
            return truth.diameter_mm(scene)
        case Task.CAPTION:
            return truth.caption(scene)


def _choices(task: Task) -> tuple[str, ...]:
    if task is Task.CLASSIFICATION:
        return DIAGNOSES
    return truth.ATTRIBUTES if task is Task.MULTILABEL else ()


def _metadata(task: Task) -> dict[str, Any]:
    """Return what reading the answers to a task needs."""
    match task:
        case Task.CLASSIFICATION:
            return {"positive": list(MALIGNANT)}
        case Task.DETECTION:
            # Answers are JSON [[x_min, y_min, x_max, y_max], ...] on a grid of 100 x 100 over the picture.
            return {"box_frame": [truth.GRID, truth.GRID], "box_format": "xyxy", "box_label": LESION_LABEL}
        case Task.COUNTING:
            return {"bounds": list(COUNT_RANGE)}
        case Task.REGRESSION:
            return {"bounds": list(DIAMETER_RANGE_MM), "unit": "mm"}
        case _:
            return {}
