"""Labels as users give them, in one spelling."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from harness.data.labels import label_list, label_text
from harness.errors import TableError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "1"), (False, "0"), (np.bool_(True), "1"), ("True", "1"), (1, "1"), (np.int64(-3), "-3"), (1.0, "1"),
        (np.float32(2.0), "2"), (2.5, "2.5"), ("1.0", "1"), (" nevus ", "nevus"), ("NEV", "NEV"), ("007", "007"), (1e20, "1" + "0" * 20),
    ],
)  # fmt: skip
def test_one_spelling(value, expected):
    assert label_text(value) == expected
    assert label_list(value) == (expected,)
    assert label_list([value, "x"]) == (expected, "x")


@pytest.mark.parametrize(
    "value",
    [["b", "a"], ("b", "a"), np.array(["b", "a"]), pd.Series(["b", "a"]), pd.Series(["b", "a"]).unique(),
     pd.Categorical(["b", "a"]), (name for name in "ba")],
)  # fmt: skip
def test_several_keep_their_order(value):
    assert label_list(value) == ("b", "a")


def test_arrays_of_booleans_and_numbers():
    assert label_list(np.array([False, True])) == ("0", "1")
    assert label_list(np.array([0.0, 1.0])) == ("0", "1")
    assert label_list(np.array(1)) == ("1",)
    assert label_list([]) == ()
    assert label_list("melanoma") == ("melanoma",)  # a word, not its letters


@pytest.mark.parametrize("value", [None, float("nan"), [1, None], np.array([1.0, np.nan]), pd.Series(["a", pd.NA])])
def test_nothing_is_no_label(value):
    with pytest.raises(TableError, match=r"positive= holds an empty label"):
        label_list(value, "positive=")


@pytest.mark.parametrize("value", [{"a", "b"}, {"a": 1}, [["a"]], np.array([["a"]])])
def test_what_is_no_list_of_labels(value):
    with pytest.raises(TableError, match=r"positive= or choices= (must be a label or a list of labels|holds a \w+ where)"):
        label_list(value)


def test_nothing_heavy_is_imported():
    code = "import sys, harness.data.labels; sys.exit(bool({'numpy', 'pandas', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
