"""The confusion matrix: a table whose cells are shaded by their share of the row, so figure and table are one.

Data: a list of ``{"group": null | {...}, "classes": [...], "columns": [..., "unread"], "counts": [[...], ...]}``,
a row for each true class.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.reports.naming import group_label
from harness.reports.numbers import count, percent
from harness.reports.record import Json


@dataclass(frozen=True, slots=True)
class Square:
    """One cell: its count, its share of the true class, and whether it is a right answer.

    Attributes:
        count: Number of answers, formatted.
        share: Share of the row as a percentage.
        shade: Strength of the shade in percent: the share, for errors magnified so that one in ten shows.
        right: True on the diagonal.
    """

    count: str
    share: str
    shade: int
    right: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix ready to show: heading, answered classes, and rows of (true class, its number, squares)."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Square, ...]], ...]


def confusion_matrix(data: Json) -> Matrix:
    """Make one group's matrix. Shares are of the true class; a class without samples has none."""
    rows = []
    for klass, counts in zip(data["classes"], data["counts"], strict=True):
        total = sum(counts)
        squares = tuple(_square(n, total, answered == klass) for n, answered in zip(counts, data["columns"], strict=True))
        rows.append((str(klass), count(total), squares))
    return Matrix(group_label(data["group"]), tuple(str(c) for c in data["columns"]), tuple(rows))


def _square(number: int, total: int, right: bool) -> Square:
    part = number / total if total else 0.0
    shade = round(100 * (part if right else min(2.5 * part, 1.0)))
    return Square(count(number), percent(part) if total else "", shade, right)
