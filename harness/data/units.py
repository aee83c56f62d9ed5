"""Whose rows a table's are: ids, clusters and group attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.answers import Labels, Units
from harness.data.attributes import normalise
from harness.data.columns import coded, id_text, texts_of, unique_ids
from harness.data.frame import Table
from harness.data.joining import Note
from harness.data.labels import label_text
from harness.errors import TableError


def units_of(
    table: Table,
    *,
    id: str | None,
    cluster: str | None,
    groups: Mapping[str, str],
    words: Mapping[str, Mapping[str, str]],
    note: Note,
    settings: tuple[str, str] = ("cluster", "groups"),
) -> Units:
    """Return the units of a table's rows.

    Args:
        table: The table.
        id: Column of ids; without one the rows are numbered.
        cluster: Column of patient or lesion ids; without one each row counts as a patient of its own.
        groups: Attribute name to column, e.g. ``{"fitzpatrick": "fst"}``.
        words: Attribute name to the data set's own words, e.g. ``{"fitzpatrick": {"34": "III"}}``.
        note: Told what was assumed and how much is unknown: counts and names of columns, never what a cell holds.
        settings: What the user calls ``cluster`` and ``groups``, for errors and notes.

    Raises:
        TableError: A missing column, empty or repeated ids, or a group column in which nothing can be read.
    """
    ids = unique_ids(table, id)
    if id is None:
        note("No id= was given: rows are numbered from 1.")
    clusters = ids
    if cluster is None:
        note(
            f"No {settings[0]}= was given: every row counts as a patient of its own, so intervals are too narrow "
            "if patients give several."
        )
    else:
        clusters = _clusters(table, cluster, settings[0], ids, note)
    attributes = {
        name: _attribute(table, name, column, f"{settings[1]}.{name}", words.get(name, {}), note)
        for name, column in groups.items()
    }
    return Units(ids, clusters, attributes)


def _clusters(table: Table, column: str, role: str, ids: Labels, note: Note) -> Labels:
    codes, names = coded(table, column, role, id_text)
    clusters = texts_of(codes, names)
    empty = codes < 0
    if empty.any():
        note(f"Column '{column}' names no patient in {int(empty.sum())} rows: each of them counts as a patient of its own.")
        clusters[empty] = [f"(no {column}) {row}" for row in ids[empty]]
    return clusters


def _attribute(table: Table, name: str, column: str, role: str, words: Mapping[str, str], note: Note) -> Labels:
    wanted = _WANTED.get(name, "value")
    codes, texts = coded(table, column, role, _as_written if name in _WANTED else label_text)
    values = [normalise(name, text, words) for text in texts]
    unread = [text for text, value in zip(texts, values, strict=True) if value is None]
    if texts and len(unread) == len(texts):
        raise TableError(
            f"{table.name}, column '{column}' ({role}=): no {wanted} in it, "
            f"only {', '.join(map(repr, texts[:5]))}. "
            f"Name the right column, or say what its words mean (words.{name})."
        )
    lookup = np.empty(len(texts) + 1, dtype=object)  # the last entry, None, serves code -1
    lookup[: len(texts)] = values
    attribute: Labels = lookup[codes]
    unknown = sum(value is None for value in attribute)
    if unknown:
        filled = sum(value is None for value in attribute[codes >= 0])
        # A count only: a cell may hold anything, and notes go into reports.
        besides = f"; {filled} of them hold something in column '{column}' that is no known {wanted}" if filled else ""
        note(f"{name} is unknown in {unknown} of {len(table)} rows{besides}.")
    return attribute


def _as_written(value: Any) -> str:
    """Like `label_text`, but a boolean stays one: ``True`` is no skin type I, and no age of one year."""
    text = str(value).strip()
    return text if text in ("True", "False") else label_text(value)


_SEX = "sex (male, female, m, f)"
_WANTED = {"fitzpatrick": "skin type (1-6 or I-VI)", "sex": _SEX, "gender": _SEX, "age": "age in years"}
