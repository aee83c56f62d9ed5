"""Tables as data, shown as HTML by ``templates/macros.html.j2`` and as Markdown here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#!&@])")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        text: What stands first, usually the number.
        detail: A second line, usually the interval.
        small: A third, fainter line, usually how many samples and patients.
        note: Why something is missing or unusual; becomes a lettered footnote of the table.
        css: Extra class, e.g. ``"num"``.
    """

    text: str
    detail: str = ""
    small: str = ""
    note: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its heading and its cells; ``section`` starts a new group of rows under that name."""

    head: str
    cells: tuple[Cell, ...]
    section: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption.

    Attributes:
        caption: What it shows, in a few words.
        columns: Headings; the first is the rows' own.
        rows: The rows.
        remark: A line below, e.g. what the brackets mean.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    remark: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """The distinct footnotes, in order of appearance."""
        return tuple(dict.fromkeys(cell.note for row in self.rows for cell in row.cells if cell.note))

    @property
    def sections(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """Runs of rows under one section name, in order."""
        return tuple((name, tuple(rows)) for name, rows in groupby(self.rows, key=lambda row: row.section))

    def is_number(self, column: int) -> bool:
        """Say whether a column holds numbers, so that its heading stands above them on the right."""
        return column > 0 and bool(self.rows) and "num" in self.rows[0].cells[column - 1].css.split()

    def letter(self, note: str) -> str:
        """Return the mark of a footnote: a, b, ..., z, aa, ..."""
        number = self.notes.index(note)
        return (chr(96 + number // 26) if number >= 26 else "") + chr(97 + number % 26)


def escape_markdown(text: str) -> str:
    """Make any text safe inside a line of Markdown or a cell of its tables: it shows as written, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def to_markdown(table: Table) -> str:
    """Return a table as GitHub Markdown; footnotes follow as a list."""
    lines = [_line(table.columns), _line(["---", *["--:"] * (len(table.columns) - 1)], escape=False)]
    for row in table.rows:
        cells = [
            " ".join(
                part
                for part in (c.text, c.detail, f"({c.small})" if c.small else "", f"({table.letter(c.note)})" if c.note else "")
                if part
            )
            for c in row.cells
        ]
        lines.append(_line([row.head, *cells]))
    lines += [""] if table.notes else []
    lines += [f"({table.letter(note)}) {escape_markdown(note)}  " for note in table.notes]
    return "\n".join(lines)


def _line(cells: Sequence[str], *, escape: bool = True) -> str:
    return "| " + " | ".join(escape_markdown(c) if escape else c for c in cells) + " |"
