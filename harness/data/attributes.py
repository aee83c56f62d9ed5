"""Group attributes in one spelling each: what two tables call differently is the same group, and what is unknown stays unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.data.labels import label_text

SKIN_TYPES = ("I", "II", "III", "IV", "V", "VI")
"""Fitzpatrick skin types, lightest first."""

OLDEST = 120.0
"""An age above this, or below 0, is a slip of the pen: unknown."""

_SEXES = {
    **dict.fromkeys(("male", "m", "man"), "male"),
    **dict.fromkeys(("female", "f", "woman"), "female"),
    **{word: word for word in ("intersex", "diverse", "other", "non-binary")},
    "nonbinary": "non-binary",
}
_UNKNOWN_WORDS = frozenset(
    {"", "nan", "none", "null", "na", "n/a", "<na>", "unknown", "unk", "missing", "not reported", "-", "?"}
)


def normalise(attribute: str, value: Any, words: Mapping[str, str] | None = None) -> str | float | None:
    """Return an attribute's value in the house's spelling, ``None`` when it is unknown.

    Args:
        attribute: ``fitzpatrick``, ``sex`` (or ``gender``) and ``age`` have rules of their own; any other is a stripped text.
        value: What the table says.
        words: The data set's own words to the house's, e.g. ``{"34": "III"}``; looked up first, without regard to case.
    """
    mapped = _lookup(words, value) if words else None
    if mapped is not None:
        value = mapped
    if attribute == "fitzpatrick":
        return fitzpatrick(value)
    if attribute in ("sex", "gender"):
        # Words of the user's own may name a sex that is not in our list, but no number.
        own = label(mapped) if mapped is not None and _number(mapped) is None else None
        return sex(value) or (own.lower() if own else None)
    if attribute == "age":
        return age(value)
    return label(value)


def fitzpatrick(value: Any) -> str | None:
    """Return ``"I"`` to ``"VI"`` for 1-6 (number or text, ``"3.0"`` too) or I-VI in any case; ``None`` for anything else.

    -1, 0, 7, 2.5, an empty cell and "unknown" are unknown: never a group of their own, never rounded into one.
    """
    text = _text(value).upper()
    if text in SKIN_TYPES:
        return text
    number = _number(text)
    return SKIN_TYPES[int(number) - 1] if number in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0) else None


def sex(value: Any) -> str | None:
    """Return ``"male"``, ``"female"``, ``"intersex"``, ``"diverse"``, ``"other"`` or ``"non-binary"``; ``None`` for anything else.

    Numbers are unknown: which of 0 and 1 is female is the data set's secret, so give its words (``words={"0": "female"}``). So is
    any other text: what someone typed into the wrong cell must not become the name of a group in a report.
    """
    return _SEXES.get(_text(value).lower())


def age(value: Any) -> float | None:
    """Return years, or ``None`` when it is not a number between 0 and 120."""
    number = _number(_text(value))
    return number if number is not None and 0.0 <= number <= OLDEST else None


def label(value: Any) -> str | None:
    """Return a stripped text, whole floats without their ``.0``; ``None`` for an empty cell, NaN and the usual words for unknown."""
    text = _text(value)
    return None if text.lower() in _UNKNOWN_WORDS else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _lookup(words: Mapping[str, str], value: Any) -> str | None:
    text = _text(value)
    # A column of booleans may be mapped by "True" and "False", or by "1" and "0" as labels are spelt.
    for key in dict.fromkeys((text.lower(), label_text(text).lower())):
        for word, to in words.items():
            if str(word).strip().lower() == key:
                return str(to)
    return None
