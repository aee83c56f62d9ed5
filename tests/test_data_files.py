"""Reading table files: what is kept, and what each bad file is told."""

import re

import pandas as pd
import pytest

from harness.data.table import as_table, read_table
from harness.errors import TableError


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, *parts):
    with pytest.raises(TableError) as caught:
        read_table(path)
    for part in parts:
        assert part in str(caught.value)


def test_csv_cells_stay_text_and_a_byte_order_mark_is_skipped(tmp_path):
    table = read_table(write(tmp_path, "p.csv", b'\xef\xbb\xbfid,label\n007,1\n"a,b",0\n'))
    assert table.columns == ["id", "label"]
    assert table.frame["id"].tolist() == ["007", "a,b"]
    assert table.first_line == 2


def test_line_breaks_inside_cells_are_kept_and_lines_no_longer_counted(tmp_path):
    table = read_table(write(tmp_path, "p.csv", 'id,text\n1,"two\nlines"\n2,one\n'))
    assert table.frame["text"].tolist() == ["two\nlines", "one"]
    assert table.first_line is None


def test_a_cell_of_ten_million_characters(tmp_path):
    table = read_table(write(tmp_path, "p.csv", "id,text\n1," + "x" * 10_000_000 + "\n"))
    assert len(table.frame["text"][0]) == 10_000_000


def test_tsv_jsonl_and_parquet(tmp_path):
    assert read_table(write(tmp_path, "p.tsv", "id\tlabel\n1\t0\n")).columns == ["id", "label"]
    rows = read_table(write(tmp_path, "p.jsonl", '{"id": 9007199254740993, "n": 1}\n\n{"id": 2, "late": [1]}\n'))
    assert rows.frame["id"].tolist() == [9007199254740993, 2]
    assert rows.frame["n"].tolist() == [1, None]
    assert rows.frame["late"].tolist() == [None, [1]]
    pd.DataFrame({"id": ["a"], "p": [0.5]}).to_parquet(tmp_path / "p.parquet")
    assert read_table(tmp_path / "p.parquet").frame["p"].tolist() == [0.5]


def test_missing_files_name_what_is_near(tmp_path):
    write(tmp_path, "predictions.csv", "id\n1\n")
    refused(tmp_path / "prediction.csv", "does not exist.", "Did you mean 'predictions.csv'?")
    refused(tmp_path / "nowhere" / "p.csv", "does not exist: there is no folder")
    refused(tmp_path, "is a folder, not a file. Name the table inside it.")


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("p.csv", "", ["p.csv is empty: it has neither header nor rows."]),
        ("p.csv", "id,label\n", ["p.csv has no rows: there is nothing to score."]),
        ("p.csv", "id,id\n1,2\n", ["p.csv has more than one column called 'id'. Rename or drop all but one of each."]),
        ("p.csv", "id,label\n1,0\n2,0,9\n", ["p.csv, record 3: 3 cells where the header has 2: '2,0,9'.", "Put quotes around"]),
        ("p.csv", "id;label\n1;0\n", ["separated by ';'", "its ending says ','", "Save it with commas (.csv) or tabs (.tsv)"]),
        (
            "p.csv",
            b"id,label\n1,ok\n2,N\xe4vus\n",
            ["p.csv, line 3, column 'label': byte 0xe4 is not UTF-8.", "Save the file as UTF-8"],
        ),
        ("p.csv", b"i\xe4,label\n1,2\n", ["p.csv, line 1: byte 0xe4 is not UTF-8."]),
        ("p.csv", "id,label\n1,0\n".encode("utf-16"), ["p.csv is UTF-16 text. Save it as UTF-8."]),
        ("p.csv", b"PK\x03\x04rest", ["p.csv is a zip or Excel file, not text."]),
        ("p.csv", b"PAR1rest", ["p.csv is a Parquet file, not text."]),
        ("p.xlsx", b"PK", ["its ending is '.xlsx', allowed are .csv, .tsv, .jsonl, .ndjson and .parquet."]),
        ("p.json", "[]", ["One JSON object a line is JSONL: rename it .jsonl."]),
        ("p.jsonl", '{"id": 1}\n{"id": \n', ["p.jsonl, line 2 is not JSON:", "JSONL holds one object a line."]),
        ("p.jsonl", "[1]\n", ["p.jsonl, line 1 holds a JSON list, not an object."]),
        ("p.jsonl", b'{"id": "\xe4"}\n', ["p.jsonl, line 1: byte 0xe4 is not UTF-8."]),
        ("p.jsonl", "[" * 100_000 + "\n", ["p.jsonl, line 1 is not JSON:"]),
        ("p.jsonl", "\n", ["p.jsonl has no rows"]),
        ("p.parquet", b"nothing", ["p.parquet cannot be read as Parquet:"]),
    ],
)
def test_bad_files_are_told_what_to_mend(tmp_path, name, content, parts):
    refused(write(tmp_path, name, content), *parts)


def test_data_frames_are_tables_too():
    table = as_table(pd.DataFrame({0: [1], "b": [2]}))
    assert table.columns == ["0", "b"]
    with pytest.raises(TableError, match=re.escape("table has no rows: there is nothing to score.")):
        as_table(pd.DataFrame({"a": []}))
    with pytest.raises(TableError, match=re.escape("table has more than one column called 'a'.")):
        as_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_what_is_no_table():
    with pytest.raises(
        TableError, match=r"^no table was given: set dataset\.table=FILE, or pass the path of a file or a DataFrame\.$"
    ):
        as_table(None)
    with pytest.raises(TableError, match=r"^a list is no table: give the path"):
        as_table([1, 2])
