"""Training pictures as arrays, with what the losses need to know about them, and the eight flips and turns."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.phantom.questions import answer, boxes_text, patient_text
from harness.phantom.render import render
from harness.phantom.scene import DIAGNOSES, FRAME, Scene
from harness.phantom.tissue import lesion_mask
from harness.phantom.truth import boxes
from harness.types import Box, Task

MASK: Final = FRAME // 2
"""Side of the lesion masks."""


@dataclass(frozen=True, slots=True)
class Example:
    """One picture to learn from.

    Attributes:
        pixels: (112, 112, 3) uint8.
        masks: (2, 56, 56) uint8: any lesion; the one in question.
        boxes: Boxes in pixels, the lesion in question first.
        answers: The true answer to every question.
        patient_text: The line of patient text.
        label: Index of the diagnosis.
        latents: (7,) of the lesion in question, zeros where there is none.
    """

    pixels: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    answers: dict[Task, str]
    patient_text: str
    label: int
    latents: NDArray[np.float32]


def draw_examples(chosen: Sequence[Scene], workers: int) -> list[Example]:
    """Draw scenes in parallel; the result does not depend on ``workers``."""
    with multiprocessing.Pool(workers) as pool:
        return pool.map(_example, chosen, chunksize=200)


def _example(scene: Scene) -> Example:
    masks = np.zeros((2, FRAME, FRAME), np.uint8)
    for index, lesion in enumerate(scene.lesions):
        mask = lesion_mask(lesion)
        masks[0] |= mask
        if index == 0:
            masks[1] = mask
    return Example(
        pixels=render(scene),
        masks=np.ascontiguousarray(masks[:, ::2, ::2]),
        boxes=boxes(scene),
        answers={task: answer(task, scene) for task in Task},
        patient_text=patient_text(scene.patient, scene.history),
        label=DIAGNOSES.index(scene.diagnosis),
        latents=np.array(scene.lesions[0].latents if scene.lesions else np.zeros(7), np.float32),
    )


def turned(example: Example, turn: int) -> Example:
    """Return the example mirrored left to right (bit 1), top to bottom (bit 2) and along the diagonal (bit 4)."""
    pixels, masks = example.pixels, example.masks
    corners = list(example.boxes)
    if turn & 1:
        pixels, masks = pixels[:, ::-1], masks[:, :, ::-1]
        corners = [(FRAME - c, b, FRAME - a, d) for a, b, c, d in corners]
    if turn & 2:
        pixels, masks = pixels[::-1], masks[:, ::-1]
        corners = [(a, FRAME - d, c, FRAME - b) for a, b, c, d in corners]
    if turn & 4:
        pixels, masks = pixels.transpose(1, 0, 2), masks.transpose(0, 2, 1)
        corners = [(b, a, d, c) for a, b, c, d in corners]
    # The lesions beside the one in question are listed from top to bottom, by their middles, as in a scene.
    others = sorted(corners[1:], key=lambda box: (box[1] + box[3], box[0] + box[2]))
    in_order = (*corners[:1], *others)
    answers = {**example.answers, Task.DETECTION: boxes_text(in_order)}
    return replace(example, pixels=pixels, masks=masks, boxes=in_order, answers=answers)
