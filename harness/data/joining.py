"""Attributes that live in a second file: one row an id there, joined to the rows of the first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from harness.answers import Ints
from harness.data.columns import coded, id_text
from harness.data.files import as_table
from harness.data.frame import Table, TableLike, name_rows
from harness.errors import TableError

Note = Callable[[str], None]
"""Where a sentence goes that the reader of a result must know.

It may end in a report that leaves the house, so it carries counts and names of columns, never ids or what a cell holds (errors may:
they go to the user's own terminal).
"""


def no_note(text: str) -> None:
    """Drop a note."""


def join(table: TableLike, metadata: TableLike, *, on: str, note: Note = no_note) -> Table:
    """Return the table with the metadata's columns added, its rows and their order unchanged.

    A row without a partner gets empty cells, so its attributes are unknown. A metadata column whose name the table has already
    becomes ``NAME_metadata``.

    Args:
        table: Predictions; an id may occur several times.
        metadata: One row an id; identical repeats do not matter.
        on: Column of ids in both.
        note: Told how many rows found no partner, and which columns were renamed.

    Raises:
        TableError: ``on`` is missing in either, an id has two different rows in the metadata, or no row found a partner.
    """
    table, metadata = as_table(table), as_table(metadata, "metadata")
    codes, names = coded(table, on, "on", id_text)
    keys, known = coded(metadata, on, "on", id_text)
    _check_one_row_an_id(metadata, on, keys, known)

    row_of = dict(zip(known, _first_rows(keys, len(known)), strict=True))
    partner = np.array([row_of.get(name, -1) for name in names] + [-1], dtype=np.int64)[codes]
    alone = partner < 0
    if alone.all():
        raise TableError(
            f"No '{on}' of {table.name} (e.g. {names[:3]}) is in {metadata.name} (e.g. {known[:3]}). "
            "The two files must spell ids alike; check endings such as .png."
        )
    if alone.any():
        note(
            f"{int(alone.sum())} of {len(table)} rows of {table.name} have no row in {metadata.name}: their attributes are unknown."
        )

    added = metadata.frame.drop(columns=on).take(np.maximum(partner, 0)).set_axis(table.frame.index)
    if alone.any():
        added = added.mask(pd.Series(alone, index=added.index))
    clashes = [name for name in added.columns if name in table.frame.columns]
    if clashes:
        note(f"{metadata.name} and {table.name} both have {', '.join(clashes)}: the metadata's are called NAME_metadata here.")
        added = added.rename(columns={name: f"{name}_metadata" for name in clashes})
    return Table(pd.concat([table.frame, added], axis=1), table.name, table.first_line)


def _first_rows(keys: Ints, n_known: int) -> list[int]:
    """Return each key's first row."""
    first = np.full(n_known, -1, dtype=np.int64)
    rows = np.flatnonzero(keys >= 0)[::-1]
    first[keys[rows]] = rows
    return first.tolist()


def _check_one_row_an_id(metadata: Table, on: str, keys: Ints, known: list[str]) -> None:
    counts = np.bincount(keys[keys >= 0], minlength=len(known))
    repeated = np.append(counts > 1, False)[keys]  # the appended entry serves key -1
    if not repeated.any():
        return
    rows = metadata.frame[repeated].drop(columns=on).astype(str)
    per_key = rows.assign(_key=keys[repeated]).drop_duplicates().groupby("_key").size()
    differing = per_key[per_key > 1]
    if len(differing):
        first = int(differing.index[0])
        raise TableError(
            f"{metadata.name}, column '{on}': {len(differing)} ids have several rows that differ, e.g. '{known[first]}' in "
            f"{name_rows(metadata, keys == first)}. Keep one row for each id."
        )
