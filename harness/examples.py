"""The worst confident errors, as pictures: what a reader looks at first.

Saved as ``examples.json`` in a run's folder, so that reports need no model and no data set. Only for data that may be shown.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.answers import ClassAnswers
from harness.types import Answer, Prediction, Sample, Status, Task

N_EXAMPLES = 12


def worst_confident_errors(
    samples: Sequence[Sample], predictions: Sequence[Prediction], readings: Sequence[Answer], answers: ClassAnswers
) -> list[dict[str, Any]]:
    """Return the wrong answers the model was surest of, at most `N_EXAMPLES`, the surest first.

    Args:
        samples: Every sample of the run, with ``predictions`` and ``readings`` in the same order.
        predictions: What the model said.
        readings: What was read of it.
        answers: The closed questions among them.

    Returns:
        JSON-ready records: ids, truth and answer with their boxes in pixels, confidence, and the picture as a data URL.
    """
    if answers.probabilities is None:
        return []
    confidence = np.nan_to_num(answers.probabilities.max(axis=1))
    wrong = np.flatnonzero((answers.answer != answers.truth) & (answers.answer >= 0))
    # Ties are broken by the sample's id, so that the choice never depends on the order of the rows.
    order = sorted(wrong, key=lambda row: (-confidence[row], str(answers.units.ids[row])))[:N_EXAMPLES]
    positions = {sample.id: position for position, sample in enumerate(samples)}
    boxes = _boxes_by_picture(samples, readings)
    examples = []
    for row in order:
        position = positions[str(answers.units.ids[row])]
        sample = samples[position]
        shown = _example(sample, predictions[position], float(confidence[row]), boxes)
        if shown is not None:
            shown["answer"]["label"] = answers.classes[answers.answer[row]]
            examples.append(shown)
    return examples


def _example(
    sample: Sample, prediction: Prediction, confidence: float, boxes: Mapping[str, tuple[list[Any], list[Any]]]
) -> dict[str, Any] | None:
    try:
        picture = sample.images[0].load()
    except (OSError, IndexError):
        return None
    truth_boxes, answer_boxes = boxes.get(sample.images[0].digest, ([], []))
    return {
        "id": sample.id,
        "task": str(sample.task),
        "group": {name: str(value) for name, value in sample.attributes.items() if value is not None},
        "text": prediction.text,
        "status": str(prediction.status),
        "truth": {"label": sample.target, "boxes": truth_boxes},
        "answer": {"label": prediction.text, "boxes": answer_boxes},
        "confidence": round(confidence, 6),
        "image": _data_url(picture),
        "size": list(picture.size),
    }


def _boxes_by_picture(samples: Sequence[Sample], readings: Sequence[Answer]) -> dict[str, tuple[list[Any], list[Any]]]:
    """Boxes of truth and answer by the picture's digest, from the detection question about the same picture."""
    found = {}
    for sample, reading in zip(samples, readings, strict=True):
        if sample.task is Task.DETECTION and sample.images:
            answered = reading.value if reading.status is Status.OK else ()
            found[sample.images[0].digest] = (_plain_boxes(sample.target), _plain_boxes(answered))
    return found


def _plain_boxes(boxes: Sequence[Any]) -> list[list[float]]:
    """Boxes of ``(label, box)`` pairs or bare boxes, rounded to a tenth of a pixel."""
    bare = [box[1] if len(box) == 2 else box for box in boxes]
    return [[round(float(v), 1) for v in box] for box in bare]


def _data_url(picture: Any) -> str:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
