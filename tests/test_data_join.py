"""Attributes from a second file."""

import pandas as pd
import pytest

from harness.data.table import join
from harness.errors import TableError

PREDICTIONS = pd.DataFrame({"img": ["a", "b", "x", "a"], "p": [1, 2, 3, 4]})
METADATA = pd.DataFrame({"img": ["b", "a", "c"], "patient": ["P2", "P1", "P3"], "age": [40, 50, 60]})


def test_rows_keep_their_order_and_the_alone_stay_unknown():
    notes = []
    joined = join(PREDICTIONS, METADATA, on="img", note=notes.append)
    assert joined.columns == ["img", "p", "patient", "age"]
    assert joined.frame["p"].tolist() == [1, 2, 3, 4]
    assert [value if isinstance(value, str) else None for value in joined.frame["patient"]] == ["P1", "P2", None, "P1"]
    assert notes == ["1 of 4 rows of table have no row in metadata: their attributes are unknown."]


def test_ids_join_across_types():
    joined = join(pd.DataFrame({"id": ["1", "2"]}), pd.DataFrame({"id": [2, 1], "sex": ["f", "m"]}), on="id")
    assert joined.frame["sex"].tolist() == ["m", "f"]


def test_a_column_both_have_is_renamed_and_said():
    notes = []
    joined = join(PREDICTIONS, METADATA.assign(p=9), on="img", note=notes.append)
    assert joined.columns == ["img", "p", "patient", "age", "p_metadata"]
    assert notes[-1] == "metadata and table both have p: the metadata's are called NAME_metadata here."


def test_identical_repeats_do_not_matter():
    repeated = pd.concat([METADATA, METADATA], ignore_index=True)
    assert join(PREDICTIONS, repeated, on="img").frame["age"].tolist()[:2] == [50, 40]


@pytest.mark.parametrize(
    ("predictions", "metadata", "on", "parts"),
    [
        (PREDICTIONS, METADATA, "image", ["table has no column 'image', which on= asks for."]),
        (
            PREDICTIONS,
            METADATA.rename(columns={"img": "image"}),
            "img",
            ["metadata has no column 'img'", "Did you mean 'image'?"],
        ),
        (
            PREDICTIONS,
            pd.concat([METADATA, METADATA.assign(age=1)]),
            "img",
            ["column 'img': 3 ids have several rows that differ, e.g. 'b' in rows 1, 4.", "Keep one row for each id."],
        ),
        (
            PREDICTIONS,
            METADATA.assign(img=["1", "2", "3"]),
            "img",
            ["No 'img' of table (e.g. ['a', 'b', 'x']) is in metadata (e.g. ['1', '2', '3']).", "check endings such as .png"],
        ),
    ],
)
def test_what_cannot_be_joined(predictions, metadata, on, parts):
    with pytest.raises(TableError) as caught:
        join(predictions, metadata, on=on)
    for part in parts:
        assert part in str(caught.value)
