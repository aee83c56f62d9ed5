"""A table's predictions: labels as they stand, texts through the parser, and what became of the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.answers import Ints, Labels
from harness.data.columns import coded
from harness.data.frame import Table, name_rows
from harness.data.joining import Note
from harness.errors import TableError, near_match
from harness.parsing import read
from harness.types import Status, Task

STATUSES = tuple(Status)
"""Statuses by code: columns of a million rows hold the codes."""

States = NDArray[np.int8]


def stated(table: Table, column: str | None, ids: Labels) -> States:
    """Return ``(n,)`` codes into `STATUSES` from a status column; ``ok`` without one, and where a cell is empty.

    Raises:
        TableError: No such column, or a cell that is no status.
    """
    if column is None:
        return np.full(len(table), STATUSES.index(Status.OK), dtype=np.int8)
    codes, names = coded(table, column, "status", lambda value: str(value).strip().lower())
    allowed = [member.value for member in STATUSES]
    wrong = np.array([name not in allowed for name in names] + [False], dtype=np.bool_)
    if wrong.any():
        first = names[int(np.flatnonzero(wrong)[0])]
        raise TableError(
            f"{table.name}, column '{column}' (status=): '{first}' is no status in {name_rows(table, wrong[codes], ids)}."
            f"{near_match(first, allowed)} Allowed are {', '.join(allowed)}, or an empty cell for ok."
        )
    lookup = [allowed.index(name) for name in names] + [STATUSES.index(Status.OK)]  # the last serves code -1
    return np.array(lookup, dtype=np.int8)[codes]


def predicted(table: Table, column: str, classes: tuple[str, ...], states: States, note: Note) -> tuple[Ints, States]:
    """Return the answered classes and what became of each row.

    Args:
        table: The table.
        column: Column of predictions.
        classes: The class names.
        states: ``(n,)`` stated statuses; a row that is not ``ok`` keeps its own, and no answer.
        note: Told how many predictions were read as text, and how many could not be read.

    Returns:
        ``(n,)`` class indices, -1 where there is no answer, and ``(n,)`` codes into `STATUSES`.

    Raises:
        TableError: No such column, or all its values are numbers that are not labels.
    """
    codes, names = coded(table, column, "prediction")
    index_of = {name: index for index, name in enumerate(classes)}
    answers = np.full(len(names) + 1, -1, dtype=np.int64)  # the last entry serves empty cells
    outcomes = np.full(len(names) + 1, STATUSES.index(Status.EMPTY), dtype=np.int8)
    texts: list[int] = []
    for code, name in enumerate(names):
        if name in index_of:
            answers[code], outcomes[code] = index_of[name], STATUSES.index(Status.OK)
            continue
        texts.append(code)
        reading = read(Task.CLASSIFICATION, name, choices=classes)
        outcomes[code] = STATUSES.index(reading.status)
        if reading.status is Status.OK:
            answers[code] = index_of[reading.value]
    if names and len(texts) == len(names) and all(map(_is_number, names)):
        raise TableError(
            f"{table.name}, column '{column}' (prediction=): {', '.join(names[:3])} are numbers, and none is one of the labels "
            f"({', '.join(classes)}). If they are probabilities, give the column as score=."
        )
    ok = states == STATUSES.index(Status.OK)
    _tell(column, names, texts, codes[ok], answers, note)
    return np.where(ok, answers[codes], -1), np.where(ok, outcomes[codes], states)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _tell(column: str, names: list[str], texts: list[int], codes: Ints, answers: Ints, note: Note) -> None:
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    read_rows = int(sum(counts[code] for code in texts if answers[code] >= 0))
    unread = [code for code in texts if answers[code] < 0 and counts[code]]
    if read_rows:
        note(f"Column '{column}': {read_rows} predictions are not labels and were read as text.")
    if unread:
        # Counts only: what a model wrote about a patient must not reach a report by way of a note.
        note(
            f"Column '{column}': {int(counts[unread].sum())} predictions name none of the classes. "
            "They count as unparsable or refused; if they are classes, give choices=[...]."
        )
    if (codes < 0).any():
        note(f"Column '{column}': {int((codes < 0).sum())} predictions are empty.")
