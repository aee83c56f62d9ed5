"""Reading counts and measurements: one number, or none at all."""

import pytest

from harness.parsing import read
from harness.types import Answer, Status, Task


def count(text):
    return read(Task.COUNTING, text)


def number(text, **metadata):
    return read(Task.REGRESSION, text, metadata=metadata)


@pytest.mark.parametrize(
    ("text", "value", "rule"),
    [
        ("3", 3, "digits"),
        ("There are 3 cells.", 3, "digits"),
        ("1,234", 1234, "digits"),
        ("3.0", 3, "digits"),
        ("0", 0, "digits"),
        ("3 lesions of 5 mm", 3, "digits"),
        ("Three lesions", 3, "number_word"),
        ("twenty", 20, "number_word"),
        ("two (2)", 2, "number_word"),
        ("no nucleated cells", 0, "no_such_thing"),
        ("None.", 0, "no_such_thing"),
        ("I saw 5 and 7. The total count is 12.", 12, "final_answer"),
    ],
)
def test_counts(text, value, rule):
    answer = count(text)
    assert (answer.value, answer.status, answer.rule) == (value, Status.OK, rule)
    assert type(answer.value) is int


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("3 or 4", "several_numbers"),
        ("3-5", "several_numbers"),
        ("3.5", "not_a_count"),
        ("1.000", "not_a_count"),
        ("-2", "not_a_count"),
        ("<5", "bound_not_number"),
        ("at least 5", "bound_not_number"),
        ("9" * 30, "runaway_digits"),
        ("9" * 10_000, "runaway_digits"),
        ("1e300", "runaway_digits"),
        ("one hundred", "large_number_word"),
        ("thirty-five", "large_number_word"),
        ("twenty-one", "large_number_word"),
        ("12 cells in 3D", "number_inside_word"),
        ("10%", "no_number"),
        ("many", "no_number"),
        ("There is no way to tell", "no_number"),
        ("inf", "no_number"),
        ("one of the cells", "no_number"),
        ("no one", "no_number"),
        ("minus 3", "bound_not_number"),
        ("1 " * 600, "too_many_numbers"),
    ],
)
def test_an_unreadable_number_is_never_zero_nor_infinite(text, rule):
    assert count(text) == Answer(None, Status.UNPARSABLE, rule)


@pytest.mark.parametrize(
    ("text", "value", "rule", "said"),
    [
        ("4.2", 4.2, "number", "4.2"),
        ("about 5mm.", 5.0, "number", "5"),
        ("-3", -3.0, "number", "-3"),
        (".5 mm", 0.5, "number", ".5"),
        ("12 mm (1.2 cm)", 12.0, "number", "12"),
        ("1.2 cm", 12.0, "number_converted", "1.2"),
        ("The answer is 7.5 mm.", 7.5, "final_answer", "7.5"),
    ],
)
def test_measurements(text, value, rule, said):
    answer = number(text, unit="mm")
    assert answer.value == pytest.approx(value, abs=1e-12)
    assert (answer.status, answer.rule, text[slice(*answer.span)]) == (Status.OK, rule, said)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("12 x 3 mm", "several_numbers"),
        ("3,5 mm", "several_numbers"),
        ("5 %", "other_unit"),
        ("8 mm²", "other_unit"),
        ("< 5 mm", "bound_not_number"),
        ("nan", "no_number"),
        ("1" * 13, "runaway_digits"),
    ],
)
def test_measurements_that_cannot_be_read(text, rule):
    assert number(text, unit="mm") == Answer(None, Status.UNPARSABLE, rule)


def test_without_a_declared_unit_the_number_stands_as_it_is():
    assert number("1.2 cm").value == 1.2
    assert number("40 %").value == 40.0


def test_refusals_and_empty_answers():
    assert count("I can't count them.") == Answer(None, Status.REFUSED, "refusal")
    assert number("") == Answer(None, Status.EMPTY, "empty")
