"""Numbers as a reader wants them: a true minus sign, decimals that fit the size, and words where there is no number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

MISSING = "–"
_MINUS = "\u2212"


def is_number(value: Any) -> TypeGuard[float]:
    """Say whether ``value`` is a finite number (the record writes NaN as ``None``)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def decimals_for(*values: Any) -> int:
    """Return how many decimals suit a set of numbers shown together: 3 below 10, else 1, none from 1000 on."""
    sizes = [abs(v) for v in values if is_number(v)]
    largest = max(sizes, default=0.0)
    return 3 if largest < 10 else 1 if largest < 1000 else 0


def fixed(value: Any, decimals: int | None = None, *, sign: bool = False) -> str:
    """Format one number, e.g. ``0.812`` or, with ``sign``, ``+0.031``; a dash where there is none.

    A number that rounds to zero has no sign: "−0.000" would claim a direction that the digits do not show.
    """
    if not is_number(value):
        return MISSING
    places = decimals_for(value) if decimals is None else decimals
    text = f"{abs(value):,.{places}f}".replace(",", "\u202f")
    if float(f"{value:.{places}f}") == 0:
        return text
    return (_MINUS if value < 0 else "+" if sign else "") + text


def interval(low: Any, high: Any, decimals: int | None = None, *, sign: bool = False) -> str:
    """Format an interval as ``[0.78, 0.84]``; an empty text where either end is missing."""
    if not (is_number(low) and is_number(high)):
        return ""
    places = decimals_for(low, high) if decimals is None else decimals
    return f"[{fixed(low, places, sign=sign)}, {fixed(high, places, sign=sign)}]"


def p_value(value: Any) -> str:
    """Format a p value: three decimals, ``< 0.001`` below."""
    if not is_number(value):
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(value: Any) -> str:
    """Format a count with thin spaces between thousands."""
    return fixed(value, 0) if is_number(value) else MISSING


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``"1 patient"`` or ``"212 patients"``."""
    return f"{count(number)} {noun if number == 1 else plural or noun + 's'}"


def percent(share: Any) -> str:
    """Format a share as a percentage. Short of all it never reads 100%, and above none never 0%."""
    if not is_number(share):
        return MISSING
    text = f"{100 * share:.1f}"
    if text == "100.0":
        return "100%" if share >= 1 else "> 99.9%"
    if text == "0.0":
        return "0%" if share <= 0 else "< 0.1%"
    return f"{text}%"


def level_name(estimate: Mapping[str, Any]) -> str:
    """Return the name of an estimate's interval, e.g. ``"95% interval"``."""
    level = estimate.get("level")
    return f"{100 * level:g}% interval" if is_number(level) else "interval"


def sample_size(estimate: Mapping[str, Any], unit: str) -> str:
    """Return ``"n 1 500 · 212 pat."`` for an estimate: the samples in its denominator and the patients or lesions they come from."""
    samples = f"n {count(estimate.get('n'))}"
    return samples if unit == "sample" else f"{samples} · {count(estimate.get('n_clusters'))} {unit[:3]}."
