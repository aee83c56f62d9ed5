"""Columns of probabilities of a closed question: one of the positive class, or one a class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.answers import Floats, Labels
from harness.data.columns import numbers
from harness.data.frame import Table, name_rows
from harness.data.joining import Note
from harness.data.labels import label_text
from harness.errors import TableError

SUM_TOLERANCE = 1e-2
"""Probabilities of a row may miss one by this much, as columns rounded to two or three digits do; they are then rescaled."""

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows' probabilities count.

    Attributes:
        valid: ``(n,)`` rows whose status column does not say that the model failed; what the others hold is not looked at.
        answered: ``(n,)`` rows whose answer could be read as well: they must have a probability.
    """

    valid: NDArray[np.bool_]
    answered: NDArray[np.bool_]


def binary(table: Table, column: str, classes: tuple[str, ...], positive: str, rows: Rows, ids: Labels) -> Floats:
    """Return ``(n, 2)`` probabilities from a column of the positive class's.

    Args:
        table: The table.
        column: The column.
        classes: The two classes.
        positive: The one the column is about.
        rows: Which rows need and may have a score.
        ids: ``(n,)`` ids, for errors.

    Raises:
        TableError: Missing, infinite or impossible probabilities, or other than two classes.
    """
    if len(classes) != 2:
        raise TableError(
            f"{table.name}: score='{column}' is one probability a row, but there are {len(classes)} classes ({', '.join(classes)}). "
            "Give scores=[...], one column for each class."
        )
    of_positive = _probabilities(table, column, "score", rows, ids)
    found = np.stack([1.0 - of_positive, of_positive], axis=1)
    return found if classes[1] == positive else found[:, ::-1].copy()


def many(
    table: Table,
    columns: Sequence[str] | Mapping[str, str],
    classes: tuple[str, ...],
    *,
    ordered: bool,
    rows: Rows,
    ids: Labels,
    note: Note,
) -> Floats:
    """Return ``(n, C)`` probabilities from one column a class.

    Args:
        table: The table.
        columns: Class to column, or the columns: matched to the classes by name (``p_melanoma`` is melanoma's) and, where names do
            not tell, by order.
        classes: The ``C`` classes.
        ordered: Whether the user gave the classes in an order of theirs, without which an order says nothing.
        rows: Which rows need and may have scores.
        ids: ``(n,)`` ids, for errors.
        note: Told when names overrule the order given.

    Raises:
        TableError: Columns that cannot be matched to classes, impossible probabilities, or rows that do not sum to one.
    """
    matched = _match(table, columns, classes, ordered, note)
    found = np.stack([_probabilities(table, column, "scores", rows, ids) for column in matched], axis=1)
    n_empty = np.isnan(found).sum(axis=1)
    partly = (n_empty > 0) & (n_empty < len(classes))
    if partly.any():
        raise TableError(
            f"{table.name}, columns {_listed(matched)} (scores=): some but not all empty in {name_rows(table, partly, ids)}."
        )
    sums = found.sum(axis=1)
    off: NDArray[np.bool_] = np.abs(sums - 1.0) > SUM_TOLERANCE  # NaN compares as False
    if off.any():
        raise TableError(
            f"{table.name}, columns {_listed(matched)} (scores=): probabilities must sum to one, and sum to "
            f"{sums[off][0]:.4g} in {name_rows(table, off, ids)}. "
            "If they are logits, apply a softmax; if classes are missing, add their columns."
        )
    scaled: Floats = found / sums[:, None]
    return scaled


def _probabilities(table: Table, column: str, role: str, rows: Rows, ids: Labels) -> Floats:
    found = np.where(rows.valid, numbers(table, column, role, ids), np.nan)
    where = f"{table.name}, column '{column}' ({role}=): "
    missing = np.isnan(found) & rows.answered
    if missing.any():
        raise TableError(
            f"{where}no probability (empty or NaN) in {name_rows(table, missing, ids)}. Give status=COLUMN to say what became of rows "
            "the model did not answer, or leave score out."
        )
    if np.isinf(found).any():
        raise TableError(
            f"{where}an infinite value in {name_rows(table, np.isinf(found), ids)}. Give probabilities between 0 and 1."
        )
    outside = (found < -_ROUNDING) | (found > 1.0 + _ROUNDING)
    if outside.any():
        raise TableError(
            f"{where}{found[outside][0]:g} is not between 0 and 1, in {name_rows(table, outside, ids)}. "
            "Turn logits into probabilities (sigmoid, softmax), and percentages into fractions."
        )
    return np.clip(found, 0.0, 1.0)


def _match(
    table: Table, columns: Sequence[str] | Mapping[str, str], classes: tuple[str, ...], ordered: bool, note: Note
) -> list[str]:
    if isinstance(columns, Mapping):
        by_class = {label_text(name): column for name, column in columns.items()}
        if set(by_class) != set(classes):
            raise TableError(f"scores= names the classes {_listed(list(by_class))}, but the classes are {_listed(classes)}.")
        return [by_class[name] for name in classes]
    for column in columns:
        table.column(column, "scores")  # a misspelt column is told before its class is looked for
    if len(columns) != len(classes) or len(set(columns)) != len(columns):
        raise TableError(
            f"scores= names {len(columns)} columns ({', '.join(columns)}) for {len(classes)} classes ({', '.join(classes)}). "
            "Give one column for each class; choices=[...] says which classes there are."
        )
    by_name = _by_name(columns, classes)
    if by_name is not None:
        if ordered and by_name != list(columns):
            note(f"scores= were matched to the classes by name, not in the order given: {_pairs(classes, by_name)}.")
        return by_name
    if ordered:
        return list(columns)
    raise TableError(
        f"{table.name}: which of the columns {_listed(columns)} (scores=) belongs to which class ({', '.join(classes)}) cannot be told "
        "from their names. Give choices=[...] in the columns' order."
    )


def _by_name(columns: Sequence[str], classes: tuple[str, ...]) -> list[str] | None:
    """Return the column whose name is, or ends with, each class; ``None`` unless that is one to one."""
    owners: dict[str, str] = {}
    for column in columns:
        fitting = [name for name in classes if re.search(rf"(^|[\s_.:/-]){re.escape(_plain(name))}\Z", _plain(column))]
        if not fitting:
            return None
        owner = max(fitting, key=len)  # "p_melanoma_in_situ" is not a column of "situ"
        if owner in owners:
            return None
        owners[owner] = column
    return [owners[name] for name in classes]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _pairs(classes: Sequence[str], columns: Sequence[str]) -> str:
    return ", ".join(f"{name} = {column}" for name, column in zip(classes, columns, strict=True))
