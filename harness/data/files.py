"""Reading CSV, TSV, JSONL and Parquet files into tables, with errors that name the file, the line and the mend."""

from __future__ import annotations

import csv
import json
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from harness.data.frame import Table, TableLike, check_header
from harness.errors import TableError, near_match

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_LARGEST_BLOCK = 1 << 30  # Arrow counts a block's bytes in 32 bits
_SIGNATURES = {b"PAR1": "a Parquet file", b"PK\x03\x04": "a zip or Excel file", b"\x1f\x8b": "a gzip file"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def as_table(source: TableLike | None, name: str = "table") -> Table:
    """Return a table from a table, a DataFrame or the path of a CSV, JSONL or Parquet file.

    Raises:
        TableError: No table was given, the file cannot be read, two columns have one name, or there are no rows.
    """
    if source is None:
        raise TableError("no table was given: set dataset.table=FILE, or pass the path of a file or a DataFrame.")
    if isinstance(source, (str, PathLike)):
        return read_table(source)
    if not isinstance(source, (Table, pd.DataFrame)):
        raise TableError(
            f"a {type(source).__name__} is no table: give the path of a CSV, JSONL or Parquet file, or a DataFrame."
        )
    table = source if isinstance(source, Table) else Table(source.rename(columns=str), name)
    check_header(table.columns, table.name)
    if not len(table):
        raise TableError(f"{table.name} has no rows: there is nothing to score.")
    return table


def read_table(path: str | PathLike[str]) -> Table:
    """Read a table of predictions or samples; the file's ending says how (``.csv .tsv .jsonl .ndjson .parquet``).

    Cells of CSV and TSV files stay text; a UTF-8 byte-order mark is skipped.

    Raises:
        TableError: The file is missing, of another kind, not UTF-8, malformed, or has no rows.
    """
    file = Path(path)
    _check_exists(file)
    ending = file.suffix.lower()
    if ending in _SEPARATORS:
        table = _read_separated(file, _SEPARATORS[ending])
    elif ending in (".jsonl", ".ndjson"):
        table = _read_json_lines(file)
    elif ending in (".parquet", ".pq"):
        table = _read_parquet(file)
    else:
        hint = " One JSON object a line is JSONL: rename it .jsonl." if ending == ".json" else ""
        raise TableError(
            f"{file.name} is not a table this can read: its ending is '{ending}', "
            f"allowed are .csv, .tsv, .jsonl, .ndjson and .parquet.{hint}"
        )
    check_header(table.columns, table.name)
    if not len(table):
        raise TableError(f"{file.name} has no rows: there is nothing to score.")
    return table


def _check_exists(file: Path) -> None:
    if file.is_file():
        return
    if file.is_dir():
        raise TableError(f"{file} is a folder, not a file. Name the table inside it.")
    if not file.parent.is_dir():
        raise TableError(f"{file} does not exist: there is no folder {file.parent}.")
    siblings = sorted(entry.name for entry in file.parent.iterdir() if entry.is_file())
    raise TableError(f"{file} does not exist.{near_match(file.name, siblings)}")


def _read_separated(file: Path, separator: str) -> Table:
    header = _header(file, separator)
    wrong: list[pa.csv.InvalidRow] = []

    def reject(row: pa.csv.InvalidRow) -> str:
        wrong.append(row)
        return "error"

    try:
        columns = pa.csv.read_csv(
            str(file),
            # One thread, or Arrow does not know the number of a wrong row.
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=min(file.stat().st_size + 1, _LARGEST_BLOCK)),
            parse_options=pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=reject),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in header}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if wrong:
            row = wrong[0]
            raise TableError(
                f"{file.name}, record {row.number}: {row.actual_columns} cells where the header has {row.expected_columns}: "
                f"{row.text[:80]!r}. "
                "Put quotes around cells that hold the separator."
            ) from None
        _check_utf8(file, header, separator)
        raise TableError(f"{file.name} cannot be read as a table: {error}") from None
    return Table(columns.to_pandas(), file.name, _first_line(file, columns.num_rows, 2))


def _header(file: Path, separator: str) -> list[str]:
    with file.open("rb") as stream:
        start = stream.read(4)
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            raise TableError(f"{file.name} is {kind}, not text. Give it its right ending, or save it as CSV.")
    if start.startswith(_UTF16):
        raise TableError(f"{file.name} is UTF-16 text. Save it as UTF-8.")
    try:
        with file.open("rb") as stream:  # decoded line by line: a wrong byte further down is not the header's fault
            lines = (line.decode("utf-8" if number else "utf-8-sig") for number, line in enumerate(stream))
            header = next(csv.reader(lines, delimiter=separator), [])
    except (UnicodeDecodeError, csv.Error):
        _check_utf8(file, [], separator)
        raise TableError(f"{file.name} has no readable header. Its first line must name the columns.") from None
    if not header:
        raise TableError(f"{file.name} is empty: it has neither header nor rows.")
    check_header(header, file.name)
    if len(header) == 1 and (other := next((mark for mark in ";\t|," if mark != separator and mark in header[0]), None)):
        raise TableError(
            f"{file.name} seems to be separated by {other!r}, where its ending says {separator!r}: its header is {header[0]!r}. "
            "Save it with commas (.csv) or tabs (.tsv), and decimal points."
        )
    return header


def _check_utf8(file: Path, header: list[str], separator: str) -> None:
    """Raise ``TableError`` naming line and column of the first cell that is not UTF-8, if there is one."""
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                cell = len(next(csv.reader([line[: error.start].decode("utf-8")], delimiter=separator), [""])) - 1
                column = f", column '{header[cell]}'" if 0 <= cell < len(header) else ""
                raise TableError(
                    f"{file.name}, line {number}{column}: byte 0x{line[error.start]:02x} is not UTF-8. Save the file as UTF-8 "
                    "(it may be Windows-1252 or Latin-1 now)."
                ) from None


def _first_line(file: Path, n_rows: int, first: int) -> int | None:
    """Return the line of the first row when lines and rows go together, else ``None`` (blank lines, line breaks inside cells)."""
    with file.open("rb") as stream:
        lines, last = 0, b"\n"
        while block := stream.read(1 << 22):
            lines, last = lines + block.count(b"\n"), block[-1:]
    return first if lines + (last != b"\n") == n_rows + first - 1 else None


def _read_json_lines(file: Path) -> Table:
    columns: dict[str, list[Any]] = {}
    n_rows = 0
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            for name, value in _json_object(file, number, line).items():
                # A key may turn up late: the rows before it have none.
                columns.setdefault(name, [None] * n_rows).append(value)
            n_rows += 1
            for values in columns.values():
                if len(values) < n_rows:
                    values.append(None)
    # As objects: a missing value must not turn the whole numbers beside it into floats.
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    return Table(frame, file.name, _first_line(file, n_rows, 1))


def _json_object(file: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        raise TableError(
            f"{file.name}, line {number}: byte 0x{line[error.start]:02x} is not UTF-8. Save the file as UTF-8."
        ) from None
    except (ValueError, RecursionError) as error:
        raise TableError(f"{file.name}, line {number} is not JSON: {error}. JSONL holds one object a line.") from None
    if not isinstance(value, dict):
        raise TableError(
            f"{file.name}, line {number} holds a JSON {type(value).__name__}, not an object. JSONL holds one object a line."
        )
    return value


def _read_parquet(file: Path) -> Table:
    try:
        return Table(pa.parquet.read_table(str(file)).to_pandas(), file.name)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{file.name} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
