"""Groupings: how the samples are divided for a fairness statement. Unknown is a group of its own everywhere, never binned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.answers import Units

UNKNOWN = "unknown"
SKIN_TYPES = ("I", "II", "III", "IV", "V", "VI")
LIGHT, DARK = "I-III", "IV-VI"
SKIN = "fitzpatrick"
AGE_BANDS = ((0, "0-29"), (30, "30-49"), (50, "50-69"), (70, "70+"))
FEW_LEVELS = 8
_JUDGED = (SKIN, "sex", "gender", "age")


@dataclass(frozen=True, slots=True)
class Grouping:
    """A division of all rows.

    Attributes:
        attribute: What divides them.
        levels: Names of the groups that occur, in reading order, unknown last.
        codes: ``(n,)`` index of each row's level.
        reference: The level that gaps are measured from; empty when no gap is reported.
    """

    attribute: str
    levels: tuple[str, ...]
    codes: NDArray[np.int64]
    reference: str = ""

    def rows(self, level: str) -> NDArray[np.int64]:
        """Row indices of a level; empty for one that does not occur."""
        return np.flatnonzero(self.codes == self.levels.index(level)) if level in self.levels else np.zeros(0, np.int64)

    @property
    def compared(self) -> tuple[str, ...]:
        """Levels that are compared with the reference."""
        return tuple(v for v in self.levels if v not in {self.reference, UNKNOWN}) if self.reference else ()


def groupings(units: Units) -> list[Grouping]:
    """Divide the rows by every attribute that has groups: skin type (contrast, then single types), sex, age bands, other labels.

    A label attribute with more than eight levels is left out, and `grouping_notes` says so: its groups would be names, not groups.
    """
    found: list[Grouping] = []
    attributes = units.attributes
    if SKIN in attributes:
        types = [str(v) if v in SKIN_TYPES else UNKNOWN for v in attributes[SKIN].tolist()]
        halves = {t: LIGHT if i < 3 else DARK for i, t in enumerate(SKIN_TYPES)}
        # Both sides are always listed: an absent one is reported as undefined, not left out.
        found.append(_grouping(SKIN, [halves.get(t, UNKNOWN) for t in types], (LIGHT, DARK), always=True, reference=LIGHT))
        found.append(_grouping(SKIN, types, SKIN_TYPES))
    if "age" in attributes:
        found.append(_grouping("age", [_band(v) for v in attributes["age"].tolist()], tuple(name for _, name in AGE_BANDS)))
    for attribute, values in attributes.items():
        if attribute not in {SKIN, "age"}:
            labels = [_label(v) for v in values.tolist()]
            known = sorted(set(labels) - {UNKNOWN})
            if 1 <= len(known) <= FEW_LEVELS:
                found.append(_grouping(attribute, labels, known))
    return [_with_reference(g) for g in found]


def grouping_notes(units: Units, found: Sequence[Grouping]) -> list[str]:
    """Say which attributes make no groups, and which make groups that are not compared.

    Args:
        units: The samples.
        found: Their groupings, by `groupings`.
    """
    grouped = dict.fromkeys(g.attribute for g in found)
    notes = []
    for attribute, values in units.attributes.items():
        if attribute not in grouped:
            count = len({_label(v) for v in values.tolist()} - {UNKNOWN})
            why = f"has {count} values, and more than {FEW_LEVELS} make no groups" if count else "is unknown for every sample"
            notes.append(f"There are no results by {attribute}: it {why}.")
    shown = [a for a in grouped if a not in _JUDGED]
    if shown:
        notes.append(
            f"Groups by {', '.join(shown)} are described, not compared: gaps are judged by skin type, sex (or gender) and age."
        )
    return notes


def contrast_codes(found: Sequence[Grouping], n: int) -> NDArray[np.int64]:
    """Return the ``(n,)`` groups that resampling is stratified by: the skin-type contrast where there is one."""
    return next((g.codes for g in found if g.attribute == SKIN), np.zeros(n, np.int64))


def key(grouping: Grouping, level: str) -> Mapping[str, str]:
    """Name a group as results do, e.g. ``{"fitzpatrick": "IV-VI"}``."""
    return {grouping.attribute: level}


def _grouping(
    attribute: str, labels: list[str], order: Sequence[str], *, always: bool = False, reference: str = ""
) -> Grouping:
    present = set(labels)
    levels = tuple(v for v in order if always or v in present) + ((UNKNOWN,) if UNKNOWN in present else ())
    index = {level: i for i, level in enumerate(levels)}
    return Grouping(attribute, levels, np.array([index[v] for v in labels], np.int64), reference)


def _with_reference(grouping: Grouping) -> Grouping:
    """Sex (or gender) and age bands are measured from the largest group; other attributes are described, not judged."""
    known = [v for v in grouping.levels if v != UNKNOWN]
    if grouping.reference or grouping.attribute not in _JUDGED or grouping.attribute == SKIN or len(known) < 2:
        return grouping
    size = np.bincount(grouping.codes, minlength=len(grouping.levels))
    return Grouping(
        grouping.attribute, grouping.levels, grouping.codes, max(known, key=lambda v: size[grouping.levels.index(v)])
    )


def _band(age: Any) -> str:
    value = math.nan if age is None else float(age)
    if math.isnan(value) or value < 0:
        return UNKNOWN
    return [name for start, name in AGE_BANDS if value >= start][-1]


def _label(value: Any) -> str:
    missing = value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    return UNKNOWN if missing else str(value)
