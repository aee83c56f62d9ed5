"""A table with a name: what an error needs to say which file, column, row and id it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import TableError, near_match

SHOWN = 5
"""How many rows an error names before it counts the rest."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and where they come from.

    Attributes:
        frame: The columns. Those of a CSV file are text, so that an id like ``007`` stays one.
        name: What errors call it: the file's name, or ``"table"``.
        first_line: Line of the file that holds the first row, when every row is one line; ``None`` otherwise.
    """

    frame: pd.DataFrame
    name: str = "table"
    first_line: int | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [str(name) for name in self.frame.columns]

    def column(self, name: str, role: str) -> pd.Series[Any]:
        """Return a column.

        Args:
            name: Its name.
            role: The setting that asked for it, e.g. ``"target"``; errors say it.

        Raises:
            TableError: There is none of that name.
        """
        if name not in self.frame.columns:
            raise TableError(
                f"{self.name} has no column '{name}', which {role}= asks for.{near_match(str(name), self.columns)} "
                f"Its columns: {', '.join(self.columns)}. Set {role}= to one of them."
            )
        series: pd.Series[Any] = self.frame[name]
        return series


TableLike = Table | pd.DataFrame | str | PathLike[str]


def check_header(names: Sequence[str], where: str) -> None:
    """Raise ``TableError`` when two columns have the same name."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise TableError(
            f"{where} has more than one column called {', '.join(map(repr, twice))}. Rename or drop all but one of each."
        )


def name_rows(table: Table, rows: NDArray[Any], ids: Sequence[Any] | NDArray[Any] | None = None) -> str:
    """Return the first of these rows for an error, counted from 1, with file line and id where they are known.

    Args:
        table: The table.
        rows: Mask ``(n,)`` or 0-based row numbers.
        ids: ``(n,)`` ids.
    """
    numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    parts = []
    for row in numbers[:SHOWN].tolist():
        facts = [f"line {row + table.first_line}"] if table.first_line is not None else []
        facts += [f"id '{ids[row]}'"] if ids is not None else []
        parts.append(f"{row + 1}" + (f" ({', '.join(facts)})" if facts else ""))
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return ("row " if len(numbers) == 1 else "rows ") + ", ".join(parts) + more
