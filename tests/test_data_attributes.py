"""Group attributes in one spelling; what is unknown stays unknown."""

import math

import pytest

from harness.data.attributes import age, fitzpatrick, label, normalise, sex


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "I"), (6, "VI"), (3.0, "III"), ("3.0", "III"), (" 4 ", "IV"), ("v", "V"), ("Vi", "VI"), ("I", "I"),
        (0, None), (-1, None), (7, None), (2.5, None), ("", None), (math.nan, None), (None, None), ("unknown", None), ("nan", None),
        ("dark", None), (math.inf, None), ("IIII", None), (True, None), (False, None), ("True", None), ("TRUE", None),
    ],
)  # fmt: skip
def test_fitzpatrick(value, expected):
    assert fitzpatrick(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("MALE", "male"), ("m", "male"), ("Female", "female"), (" F ", "female"), ("Intersex", "intersex"),
        ("", None), ("unknown", None), (math.nan, None), (None, None), (1, None), ("0", None), (True, None),
        ("Nonbinary", "non-binary"), ("Jane Doe", None),
    ],
)  # fmt: skip
def test_sex(value, expected):
    assert sex(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (61, 61.0),
        ("61.5", 61.5),
        (0, 0.0),
        (120, 120.0),
        (-1, None),
        (121, None),
        ("", None),
        (math.nan, None),
        (math.inf, None),
        ("old", None),
        (True, None),
    ],
)
def test_age(value, expected):
    assert age(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(" NECK ", "NECK"), (2.0, "2"), ("", None), (math.nan, None), (None, None), ("N/A", None)]
)
def test_other_attributes_are_stripped_texts(value, expected):
    assert label(value) == expected


def test_a_data_sets_own_words_come_first():
    assert normalise("fitzpatrick", "34", {"12": "I", "34": "III"}) == "III"
    assert normalise("fitzpatrick", 34.0, {"34": "3"}) == "III"
    assert normalise("fitzpatrick", "Brown", {"brown": "V"}) == "V"
    assert normalise("sex", 0, {"0": "female"}) == "female"
    assert normalise("gender", "W", {"w": "female"}) == "female"
    assert normalise("sex", "X", {"x": "Third sex"}) == "third sex"
    assert normalise("sex", "X", {"x": "1"}) is None
    assert normalise("sex", "X", {"x": "unknown"}) is None
    assert normalise("sex", "True", {"1": "female"}) == "female"
    assert normalise("age", "40-60", {"40-60": "50"}) == 50.0
    assert normalise("site", "trunk ") == "trunk"
