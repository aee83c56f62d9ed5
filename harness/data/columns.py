"""Columns as what they mean: labels, ids, numbers. Each distinct value is converted once, so a million rows cost little."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.answers import Floats, Ints, Labels
from harness.data.frame import Table, name_rows
from harness.data.labels import label_text
from harness.errors import TableError

_MISSING = frozenset({"", "nan", "NaN", "<NA>"})
"""How CSV files spell "no value". Not "None" or "NA": data sets have classes of these names."""


def id_text(value: Any) -> str:
    """Return an id as text: numbers without ``.0``, text as it stands but for surrounding space (``"007"`` and ``"1.0"`` stay)."""
    return value.strip() if isinstance(value, str) else label_text(value)


def coded(table: Table, column: str, role: str, spell: Callable[[Any], str] = label_text) -> tuple[Ints, list[str]]:
    """Return a column as codes into its distinct spellings; -1 where a cell is empty.

    Args:
        table: The table.
        column: The column.
        role: The setting that asked for it.
        spell: Turns one value into text.

    Returns:
        ``(n,)`` codes and the distinct texts, in order of first appearance.

    Raises:
        TableError: No such column, or it holds lists or objects.
    """
    codes, values = _distinct(table, column, role)
    texts: dict[str, int] = {}
    recode = np.full(len(values) + 1, -1, dtype=np.int64)  # the last entry serves code -1
    for index, value in enumerate(values):
        text = spell(value)
        if text not in _MISSING:
            recode[index] = texts.setdefault(text, len(texts))
    return recode[codes], list(texts)


def texts_of(codes: Ints, names: list[str]) -> Labels:
    """Return codes as texts, ``None`` where a code is -1."""
    lookup = np.empty(len(names) + 1, dtype=object)
    lookup[: len(names)] = names
    return lookup[codes]


def unique_ids(table: Table, column: str | None) -> Labels:
    """Return the rows' ids; without a column, their numbers from ``"1"``.

    Raises:
        TableError: No such column, an empty id, or one that occurs twice.
    """
    if column is None:
        return np.array([str(row) for row in range(1, len(table) + 1)], dtype=object)
    codes, names = coded(table, column, "id", id_text)
    if (codes < 0).any():
        raise TableError(f"{table.name}, column '{column}': no id in {name_rows(table, codes < 0)}. Every row needs one.")
    counts = np.bincount(codes, minlength=len(names))
    if (counts > 1).any():
        first = int(np.flatnonzero(counts > 1)[0])
        raise TableError(
            f"{table.name}, column '{column}': {int((counts > 1).sum())} ids occur more than once, e.g. '{names[first]}' in "
            f"{name_rows(table, codes == first)}. An answer must be counted once: drop the repeated rows, or name another id column."
        )
    return texts_of(codes, names)


def numbers(table: Table, column: str, role: str, ids: Labels | None = None) -> Floats:
    """Return a column as ``(n,)`` floats, NaN where a cell is empty.

    Raises:
        TableError: No such column, or a cell that is not a number.
    """
    series = table.column(column, role)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype=np.float64, na_value=math.nan)
    codes, values = _distinct(table, column, role)
    found = np.full(len(values) + 1, math.nan)
    wrong = np.zeros(len(values) + 1, dtype=np.bool_)
    for index, value in enumerate(values):
        text = str(value).strip()
        if text in _MISSING:
            continue
        try:
            found[index] = float(text)
        except ValueError:
            wrong[index] = True
    if wrong.any():
        first = str(values[int(np.flatnonzero(wrong)[0])])[:40]
        raise TableError(
            f"{table.name}, column '{column}' ({role}=): {first!r} is not a number in {name_rows(table, wrong[codes], ids)}. "
            "Write numbers with a decimal point; leave the cell empty where there is none."
        )
    return found[codes]


def _distinct(table: Table, column: str, role: str) -> tuple[NDArray[np.intp], list[Any]]:
    series = table.column(column, role)
    try:
        codes, values = pd.factorize(series)
    except TypeError:
        raise TableError(
            f"{table.name}, column '{column}' ({role}=) holds lists or objects where one value a row is needed."
        ) from None
    return codes, list(values)
