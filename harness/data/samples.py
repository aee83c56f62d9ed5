"""From what a model said to answers that metrics can be computed from, task by task."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.answers import BoxAnswers, ClassAnswers, Floats, NumberAnswers, Units
from harness.errors import AdapterError, TableError
from harness.parsing import read
from harness.types import Answer, Prediction, Sample, Status, Task

TaskAnswers = ClassAnswers | BoxAnswers | NumberAnswers

UNSCORED_TASKS = (Task.MULTILABEL, Task.CAPTION)
"""Tasks that are asked and read, and that no figure is computed from yet."""

_NUMBER_TASKS = (Task.COUNTING, Task.REGRESSION)


def read_answers(samples: Sequence[Sample], predictions: Iterable[Prediction]) -> tuple[dict[str, TaskAnswers], list[Answer]]:
    """Read every prediction: scored choices by their likelihoods, texts by the parser.

    Args:
        samples: What was asked. ``metadata`` may hold ``box_frame`` (width and height of the grid answers use; without it they are
            pixels) with ``image_size`` (pixels), ``bounds`` (lowest and highest number that can be; inferred from the targets without
            it) and ``unit`` of numbers, ``letters`` (see `harness.parsing.read`).
        predictions: What was answered, in any order; a sample without one counts as ``error``.

    Returns:
        Task to its answers, column-wise, and one answer a sample, in the samples' order, boxes in pixels. `UNSCORED_TASKS` have
        answers but no columns (`unscored` says so in words).

    Raises:
        AdapterError: A prediction scores another number of choices than were asked.
        TableError: A target is not among its choices, a task mixes units, ``bounds`` are no range, or there are none, all targets
            are the same number and some answers cannot be read.
    """
    by_id = {prediction.sample_id: prediction for prediction in predictions}
    asked = [by_id.get(sample.id, Prediction(sample.id, status=Status.ERROR, error="no prediction")) for sample in samples]
    answers = [read_one(sample, prediction) for sample, prediction in zip(samples, asked, strict=True)]
    by_task: dict[str, TaskAnswers] = {}
    for task in dict.fromkeys(sample.task for sample in samples):
        rows = [row for row, sample in enumerate(samples) if sample.task is task]
        mine, theirs = [samples[row] for row in rows], [answers[row] for row in rows]
        if task is Task.CLASSIFICATION:
            by_task[task.value] = _classes(mine, theirs, [asked[row] for row in rows])
        elif task is Task.DETECTION:
            by_task[task.value] = _boxes(mine, theirs)
        elif task in _NUMBER_TASKS:
            by_task[task.value] = _numbers(mine, theirs)
    return by_task, answers


def unscored(samples: Sequence[Sample]) -> list[str]:
    """Return a sentence for each task among the samples that no figure is computed from; empty when all are scored."""
    counts = Counter(sample.task for sample in samples)
    return [
        f"{task}: {counts[task]} questions were asked, and no figure is computed from the answers: this task is not scored yet."
        for task in UNSCORED_TASKS
        if counts[task]
    ]


def inferred_bounds(samples: Sequence[Sample]) -> list[str]:
    """Return a sentence for each task of numbers whose range is inferred from the targets, because no sample declares one."""
    tasks = [task for task in _NUMBER_TASKS if any(sample.task is task for sample in samples)]
    declared = {sample.task for sample in samples if sample.metadata.get("bounds") is not None}
    return [
        f"{task}: no bounds are declared, so the range that an unreadable answer costs is inferred from the targets."
        for task in tasks
        if task not in declared
    ]


def read_one(sample: Sample, prediction: Prediction) -> Answer:
    """Return one answer, boxes in pixels.

    Raises:
        AdapterError: Another number of choices was scored than asked.
    """
    if sample.task is Task.CLASSIFICATION and _is_scored(sample, prediction):
        return Answer(sample.choices[int(np.argmax(prediction.choice_logprobs))], Status.OK, "scored_choices")
    answer = read(sample.task, prediction.text, choices=sample.choices, metadata=sample.metadata, status=prediction.status)
    if sample.task is Task.DETECTION and answer.status is Status.OK:
        return _in_pixels(answer, sample.metadata)
    return answer


def _is_scored(sample: Sample, prediction: Prediction) -> bool:
    scores = prediction.choice_logprobs
    if prediction.status is not Status.OK or not scores:
        return False
    if len(scores) != len(sample.choices):
        raise AdapterError(
            f"sample {sample.id}: {len(sample.choices)} choices were asked and {len(scores)} scored. This is a fault of the adapter."
        )
    return not any(map(math.isnan, scores)) and math.isfinite(max(scores))


def _in_pixels(answer: Answer, metadata: Mapping[str, Any]) -> Answer:
    frame = metadata.get("box_frame")
    if frame is None:
        return answer
    size = metadata.get("image_size")
    if size is None:
        return Answer(None, Status.ERROR, "image_size_unknown")
    x, y = size[0] / frame[0], size[1] / frame[1]
    boxes = tuple((label, (box[0] * x, box[1] * y, box[2] * x, box[3] * y)) for label, box in answer.value)
    return Answer(boxes, answer.status, answer.rule, answer.span)


def units_of_samples(samples: Sequence[Sample]) -> Units:
    """Return whose answers the samples' are; an attribute that a sample lacks is unknown."""
    names = dict.fromkeys(name for sample in samples for name in sample.attributes)
    return Units(
        _column([sample.id for sample in samples]),
        _column([sample.patient_id for sample in samples]),
        {name: _column([sample.attributes.get(name) for sample in samples]) for name in names},
    )


def _column(values: Sequence[Any]) -> Any:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _classes(samples: Sequence[Sample], answers: Sequence[Answer], said: Sequence[Prediction]) -> ClassAnswers:
    # Questions may differ in their choices: the classes are all of them, and a choice not offered has probability zero.
    classes = tuple(dict.fromkeys(choice for sample in samples for choice in sample.choices))
    index_of = {name: index for index, name in enumerate(classes)}
    probabilities = np.full((len(samples), len(classes)), np.nan)
    for row, (sample, prediction) in enumerate(zip(samples, said, strict=True)):
        if sample.target not in sample.choices:
            raise TableError(
                f"sample {sample.id}: its target {sample.target!r} is none of its choices ({', '.join(sample.choices)})."
            )
        if _is_scored(sample, prediction):
            scores = np.array(prediction.choice_logprobs)
            likelihood = np.exp(scores - scores.max())
            probabilities[row] = 0.0
            probabilities[row, [index_of[choice] for choice in sample.choices]] = likelihood / likelihood.sum()
    return ClassAnswers(
        units_of_samples(samples),
        [answer.status for answer in answers],
        classes,
        np.array([index_of[sample.target] for sample in samples], dtype=np.int64),
        np.array([index_of[answer.value] if answer.status is Status.OK else -1 for answer in answers], dtype=np.int64),
        None if np.isnan(probabilities).all() else probabilities,
    )


def _boxes(samples: Sequence[Sample], answers: Sequence[Answer]) -> BoxAnswers:
    return BoxAnswers(
        units_of_samples(samples),
        [answer.status for answer in answers],
        [_box_array(sample.target) for sample in samples],
        [_box_array(answer.value) if answer.status is Status.OK else None for answer in answers],
    )


def _box_array(boxes: Sequence[tuple[str, Any]]) -> Floats:
    return np.array([box for _, box in boxes], dtype=np.float64).reshape(-1, 4)


def _numbers(samples: Sequence[Sample], answers: Sequence[Answer]) -> NumberAnswers:
    truth = np.array([sample.target for sample in samples], dtype=np.float64)
    answer = np.array([answer.value if answer.status is Status.OK else np.nan for answer in answers], dtype=np.float64)
    units = {str(sample.metadata.get("unit", "")) for sample in samples}
    if len(units) > 1:
        raise TableError(
            f"{samples[0].task} samples are in several units ({', '.join(sorted(map(repr, units)))}): "
            "errors in them cannot be averaged."
        )
    return NumberAnswers(
        units_of_samples(samples),
        [answer.status for answer in answers],
        truth,
        answer,
        _bounds(samples, truth, int(np.isnan(answer).sum())),
        units.pop(),
    )


def _bounds(samples: Sequence[Sample], truth: Floats, n_unread: int) -> tuple[float, float]:
    """Return the range whose width an unreadable number costs: the widest declared, else inferred from the targets."""
    task = samples[0].task
    declared = [sample.metadata["bounds"] for sample in samples if sample.metadata.get("bounds") is not None]
    if declared:
        low, high = float(min(pair[0] for pair in declared)), float(max(pair[1] for pair in declared))
        if not -math.inf < low < high < math.inf:
            raise TableError(
                f"{task} samples declare bounds={low:g} to {high:g}, which is no range: give the lower number first, then the higher."
            )
        return low, high
    low, high = float(truth.min()), float(truth.max())
    if n_unread and low == high:
        raise TableError(
            f"{task}: {n_unread} of {len(samples)} answers could not be read and no bounds are declared. The range inferred from the "
            f"targets has no width (all are {low:g}), so they would cost nothing. Declare bounds=[LOW, HIGH] of the data set."
        )
    return low, high
