"""Counts and measurements: the one number a text states. Two different numbers are no answer, and no number is never a zero."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import islice

from harness.parsing.body import Span, unread
from harness.parsing.finals import final_spans
from harness.types import Answer, Status

MOST_DIGITS = 12
"""A longer run of digits is a model that could not stop, not a number."""

_MOST_NUMBERS = 500
"""A text with more of them is a table or a loop, and reading on would only cost time."""

# fmt: off
_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)
# fmt: on
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+\u2212]?)(?P<whole>\d{1,3}(?:,\d{3})++(?!\d)|\d++|(?=\.\d))"
    r"(?P<fraction>\.\d++)?(?P<power>[eE][-+]?\d++)?"
    r"(?:\s?(?P<unit>(?:mm|cm|[\u00b5\u03bcu]m|nm|m)(?:[²³]|\^[23])?|%|percent)(?!\w))?(?P<glued>[^\W_]?)"
)
# "One" is also a pronoun: "one of them", "no one", "this one".
_WORD = re.compile(
    rf"(?<!-)(?<!\bno )(?<!\bthis )(?<!\bthat )(?<!\bwhich )(?<!\banother )\b(?:{'|'.join(_WORDS)})\b(?!-|\s(?:of|by)\b)",
    re.IGNORECASE,
)
_LARGE = re.compile(
    r"\b(?:thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?)\b|\btwenty[- ]\w",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"\bno (?:\w{1,20} ){0,2}(?:cells?|nuclei|nucleus|lesions?|objects?|spots?|moles?|nevi|nevus|platelets?|bacteria|polyps?|nodules?"
    r"|tumou?rs?|chromosomes?|instances?|findings?)\b|(?<![\w-])none\b(?=[.\s]*\Z)",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"(?:[<>≤≥]|\b(?:less|more|fewer|greater|over|under|at least|at most|minus)(?: than)?)\s{0,2}\Z", re.IGNORECASE
)
_METRES = {"nm": 1e-9, "um": 1e-6, "\u00b5m": 1e-6, "\u03bcm": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0}


@dataclass(frozen=True, slots=True)
class _Found:
    value: float
    span: Span
    rule: str


class _UnreadableError(ValueError):
    """A number that must not be taken at its face."""


def read_count(text: str, span: Span) -> Answer:
    """Return the whole number a text states: digits, or a word from zero to twenty; "no cells" and "none" are 0."""
    return _read(text, span, counting=True, unit="")


def read_number(text: str, span: Span, *, unit: str = "") -> Answer:
    """Return the number a text states, as a float.

    Args:
        text: What the model said.
        span: Where its answer stands.
        unit: The unit asked for. A length in another unit is converted; without one, or where the answer names none, the number
            stands as it is.
    """
    return _read(text, span, counting=False, unit=unit)


def _read(text: str, span: Span, *, counting: bool, unit: str) -> Answer:
    evidence: list[_Found] = []
    for final, pieces in ((True, final_spans(text, span)), (False, [span])):
        try:
            evidence = [found for piece in pieces for found in _numbers(text, piece, counting, unit)]
        except _UnreadableError as error:
            return Answer(None, Status.UNPARSABLE, str(error))
        if not evidence:
            continue
        first = evidence[0]
        if all(math.isclose(found.value, first.value, rel_tol=1e-9, abs_tol=1e-12) for found in evidence):
            return Answer(
                int(first.value) if counting else first.value, Status.OK, "final_answer" if final else first.rule, first.span
            )
        return Answer(None, Status.UNPARSABLE, "several_numbers")
    return unread(text, span, "no_number")


def _numbers(text: str, span: Span, counting: bool, unit: str) -> list[_Found]:
    """Return every number of the span, in the order of their places.

    Raises:
        _UnreadableError: One of them, or a number word, cannot be taken at its face.
    """
    if _LARGE.search(text, *span):  # the "one" of "one hundred" is not 1
        raise _UnreadableError("large_number_word")
    matches = list(islice(_NUMBER.finditer(text, *span), _MOST_NUMBERS + 1))
    if len(matches) > _MOST_NUMBERS:
        raise _UnreadableError("too_many_numbers")
    found = [number for match in matches if (number := _number(text, match, counting, unit)) is not None]
    found += [
        _Found(float(_WORDS.index(match[0].lower())), match.span(), "number_word") for match in _WORD.finditer(text, *span)
    ]
    if counting:
        found += [_Found(0.0, match.span(), "no_such_thing") for match in _NONE.finditer(text, *span)]
    return sorted(found, key=lambda one: one.span)


def _number(text: str, match: re.Match[str], counting: bool, unit: str) -> _Found | None:
    """Return one number; ``None`` for a measurement where things are counted ("3 lesions of 5 mm").

    Raises:
        _UnreadableError: Too many digits, a bound such as "< 5", a negative or broken count, or a unit that cannot be converted.
    """
    if counting and match["unit"]:
        return None
    digits = len(match["whole"].replace(",", ""))
    power = match["power"] or ""
    if digits > MOST_DIGITS or len(power) > 4 or abs(int(power[1:] or 0)) > MOST_DIGITS:
        raise _UnreadableError("runaway_digits")
    if _BOUND.search(text[max(match.start() - 16, 0) : match.start()]):
        raise _UnreadableError("bound_not_number")
    if match["glued"]:  # "3D", "2nd", "10x"
        raise _UnreadableError("number_inside_word")
    value = float(match["whole"].replace(",", "") + (match["fraction"] or "")[:40] + power)
    value = -value if match["sign"] in ("-", "\u2212") else value
    span = (match.start(), max(match.end(group) for group in ("whole", "fraction", "power")))
    if counting:
        # "1.000" may be a thousand elsewhere in the world, so only .0 and .00 pass.
        if value < 0 or match["fraction"] not in (None, ".0", ".00") or not value.is_integer():
            raise _UnreadableError("not_a_count")
        return _Found(value, span, "digits")
    said = match["unit"] or ""
    if not unit or not said or said == unit or {said, unit} <= {"%", "percent"}:
        return _Found(value, span, "number")
    if said in _METRES and unit in _METRES:
        return _Found(value * _METRES[said] / _METRES[unit], span, "number_converted")
    raise _UnreadableError("other_unit")
