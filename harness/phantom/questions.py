"""The questions the model was trained on, word for word, and how a perfect model would answer them.

A prompt is the question, and after a newline the patient text when it is in use::

    classify the lesion
    patient: 58 years, back, growing
"""

from __future__ import annotations

from typing import Final

from harness.phantom import truth
from harness.phantom.scene import Patient, Scene
from harness.types import Box, Task

QUESTIONS: Final[dict[Task, str]] = {
    Task.CLASSIFICATION: "classify the lesion",
    Task.MULTILABEL: "list the attributes",
    Task.DETECTION: "find the lesions",
    Task.COUNTING: "count the lesions",
    Task.REGRESSION: "diameter in mm",
    Task.CAPTION: "describe the image",
}


def patient_text(patient: Patient, history: str) -> str:
    """Return the line a clinician would add, e.g. ``"patient: 58 years, back, growing"``."""
    return f"patient: {patient.age} years, {patient.site}, {history}"


def prompt(task: Task, scene: Scene, with_patient_text: bool) -> str:
    """Return the user's turn for one question about one picture."""
    question = QUESTIONS[task]
    return f"{question}\n{patient_text(scene.patient, scene.history)}" if with_patient_text else question


def answer(task: Task, scene: Scene) -> str:
    """Return the true answer in the words the model was trained on."""
    match task:
        case Task.CLASSIFICATION:
            return scene.diagnosis
        case Task.MULTILABEL:
            return "; ".join(truth.attributes(scene)) or "none"
        case Task.DETECTION:
            return boxes_text(truth.boxes(scene))
        case Task.COUNTING:
            return str(len(scene.lesions))
        case Task.REGRESSION:
            return f"{round(truth.diameter_mm(scene))} mm"
        case Task.CAPTION:
            return truth.caption(scene)


def boxes_text(boxes: tuple[Box, ...]) -> str:
    """Return pixel boxes as compact JSON on the 0..99 grid, e.g. ``"[[12,30,45,71],[60,8,72,19]]"``."""
    return "[" + ",".join("[{},{},{},{}]".format(*truth.on_grid(box)) for box in boxes) + "]"
