"""The user's own data set: a table of pictures, truths and attributes beside a folder of pictures."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from harness.answers import Labels
from harness.data.class_truth import truth_of
from harness.data.columns import numbers
from harness.data.files import as_table
from harness.data.frame import Table, TableLike, name_rows
from harness.data.images import FileImage
from harness.data.joining import Note, no_note
from harness.data.labels import LabelsGiven
from harness.data.units import units_of
from harness.errors import TableError
from harness.parsing import read
from harness.types import Sample, Status, Task

TASKS = (Task.CLASSIFICATION, Task.DETECTION, Task.COUNTING, Task.REGRESSION)


def samples_from_table(
    table: TableLike,
    *,
    root: str | os.PathLike[str],
    image: str,
    target: str,
    prompt: str,
    task: str = Task.CLASSIFICATION,
    id: str | None = None,
    choices: LabelsGiven | None = None,
    patient: str | None = None,
    attributes: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    box_frame: tuple[float, float] | None = None,
    bounds: tuple[float, float] | None = None,
    unit: str = "",
    note: Note = no_note,
) -> list[Sample]:
    """Return one sample a row.

    Args:
        table: A DataFrame, a `Table`, or the path of a CSV, JSONL or Parquet file.
        root: Folder of the pictures; no path may leave it.
        image: Column of picture paths relative to ``root``; a JSON list names several pictures of one question.
        target: Column of truths: labels, whole numbers, numbers, or boxes (JSON, ``[[x_min, y_min, x_max, y_max], ...]`` in pixels,
            or objects with ``bbox`` and ``label``).
        prompt: The question.
        task: ``classification``, ``detection``, ``counting`` or ``regression``.
        id: Column of ids; rows are numbered without one.
        choices: The classes, in the order wanted; without it, the labels of ``target``.
        patient: Column of patient ids; without it each row is a patient of its own.
        attributes: Attribute name to column, e.g. ``{"fitzpatrick": "fst"}``.
        words: Attribute name to the data set's own words.
        box_frame: Width and height of the grid the model answers in; ``None``: pixels.
        bounds: Range of the targets, lowest and highest: an unreadable number costs its width. Without it the width is that of the
            range the targets have (see `harness.data.samples.inferred_bounds`).
        unit: Unit of the numbers.
        note: Told what was assumed or is unknown, and how many pictures are missing.

    Raises:
        TableError: A missing column, an unusable truth, a path that leaves the folder, or no picture at all.
    """
    if task not in TASKS:
        raise TableError(f"task='{task}' is not one a table can hold; allowed are {', '.join(TASKS)}.")
    kind = Task(task)
    table = as_table(table)
    units = units_of(
        table, id=id, cluster=patient, groups=attributes or {}, words=words or {}, note=note, settings=("patient", "attributes")
    )
    pictures = _pictures(table, image, Path(root), units.ids, note)
    classes, truths = _truths(table, target, kind, choices, units.ids)
    metadata: dict[str, Any] = {"unit": unit} if unit else {}
    if kind in (Task.COUNTING, Task.REGRESSION):
        metadata |= {} if bounds is None else {"bounds": _bounds(bounds)}
    if kind is Task.DETECTION and box_frame:
        metadata["box_frame"] = tuple(box_frame)
    return [
        Sample(
            id=str(units.ids[row]),
            patient_id=str(units.clusters[row]),
            task=kind,
            prompt=prompt,
            target=truths[row],
            images=pictures[row],
            choices=classes,
            attributes={name: values[row] for name, values in units.attributes.items()},
            metadata=metadata | _size(pictures[row][0]) if "box_frame" in metadata else metadata,
            source=f"{table.name}, row {row + 1}",
        )
        for row in range(len(table))
    ]


def _bounds(bounds: Sequence[float]) -> tuple[float, float]:
    """Return the range of numbers, checked: bounds of no width would make unreadable answers free."""
    try:
        low, high = bounds
        sound = -math.inf < low < high < math.inf
    except (TypeError, ValueError):  # not two, or not numbers
        sound = False
    if not sound:
        raise TableError(f"bounds={bounds!r} must be two numbers, the lower one first. Give the range the targets can have.")
    return low, high


def _pictures(table: Table, column: str, root: Path, ids: Labels, note: Note) -> list[tuple[FileImage, ...]]:
    cells = table.column(column, "image").tolist()
    if not root.is_dir():
        raise TableError(f"The folder of pictures {root} does not exist (root=).")
    pictures = []
    for row, cell in enumerate(cells):
        try:
            pictures.append(tuple(FileImage(path, root) for path in _paths(cell)))
        except TableError as error:
            raise TableError(
                f"{table.name}, column '{column}' (image=), {name_rows(table, np.array([row]), ids)}: {error}"
            ) from None
    missing = np.array([not all(os.path.isfile(picture.path) for picture in group) for group in pictures], dtype=np.bool_)
    if missing.all():
        raise TableError(
            f"{table.name}, column '{column}' (image=): none of the pictures is in {root}, e.g. '{cells[0]}'. "
            "Set root= to their folder."
        )
    if missing.any():
        note(
            f"{int(missing.sum())} of {len(table)} rows name a picture that is not in {root}: "
            f"{name_rows(table, missing, ids)}. They count as errors."
        )
    return pictures


def _paths(cell: Any) -> list[str]:
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        with suppress(ValueError):  # a file name may begin with a bracket
            cell = json.loads(cell)
    paths = list(cell) if isinstance(cell, (list, tuple, np.ndarray)) else [cell]
    if not paths or not all(isinstance(path, str) and path.strip() for path in paths):
        raise TableError(f"{cell!r} names no picture.")
    return [path.strip() for path in paths]


def _size(picture: FileImage) -> dict[str, Any]:
    try:
        return {"image_size": picture.size()}
    except OSError:  # that sample's error is told when it is asked
        return {}


def _truths(
    table: Table, target: str, task: Task, choices: LabelsGiven | None, ids: Labels
) -> tuple[tuple[str, ...], list[Any]]:
    if task is Task.CLASSIFICATION:
        classes, codes = truth_of(table, target, choices, ids)
        return classes, [classes[code] for code in codes.tolist()]
    if task is Task.DETECTION:
        return (), _boxes(table, target, ids)
    values = numbers(table, target, "target", ids)
    wrong = ~np.isfinite(values)
    wanted = "a finite number"
    if task is Task.COUNTING:
        wrong |= (values < 0) | (values != np.floor(values))
        wanted = "a whole number from 0 up"
    if wrong.any():
        raise TableError(
            f"{table.name}, column '{target}' (target=): a {task} target must be {wanted}, "
            f"and is not in {name_rows(table, wrong, ids)}."
        )
    return (), [int(value) for value in values.tolist()] if task is Task.COUNTING else values.tolist()


def _boxes(table: Table, target: str, ids: Labels) -> list[Any]:
    truths = []
    for row, cell in enumerate(table.column(target, "target").tolist()):
        text = cell if isinstance(cell, str) else json.dumps(cell, default=np.ndarray.tolist)
        answer = read(Task.DETECTION, text)
        if answer.status is not Status.OK or answer.rule != "json_boxes":
            raise TableError(
                f"{table.name}, column '{target}' (target=), {name_rows(table, np.array([row]), ids)}: {text[:80]!r} are no boxes "
                f"({answer.rule}). Write [[x_min, y_min, x_max, y_max], ...] in pixels, and [] where there is nothing."
            )
        truths.append(answer.value)
    return truths
