"""Labels in the one spelling they are compared in. Imports nothing heavy, so that settings can be checked with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from numbers import Integral, Real
from typing import Any

from harness.errors import TableError

Label = str | int | float
LabelsGiven = Label | Iterable[Label]
"""What a user may give for ``positive`` or ``choices``: one label or several; booleans, NumPy numbers and arrays too."""

_WHOLE_FLOAT = re.compile(r"(-?\d+)\.0+\Z")
_BOOLEANS = {"True": "1", "False": "0"}


def label_text(value: Any) -> str:
    """Return a label in the one spelling labels are compared in.

    Surrounding space goes; whole floats lose their fraction (``1.0`` and ``"1.0"`` are ``"1"``), as one file writes what another
    reads; booleans, and ``True`` / ``False`` as pandas writes them, are ``"1"`` and ``"0"``. Everything else is kept, case included.
    """
    if isinstance(value, Real) and not isinstance(value, Integral) and float(value).is_integer():
        return str(int(float(value)))
    text = str(value).strip()
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    match = _WHOLE_FLOAT.match(text)
    return match[1] if match else text


def label_list(value: LabelsGiven, role: str = "positive= or choices=") -> tuple[str, ...]:
    """Return labels as a user gives them, in the spelling of `label_text` and the order given.

    Args:
        value: One label (text, number, boolean), or several in a list, tuple, NumPy array or pandas column.
        role: The setting, for errors.

    Raises:
        TableError: Something that is no label: ``None``, NaN, a list within a list; or a set or mapping, which have no order.
    """
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and getattr(value, "ndim", 1) > 0
    if isinstance(value, (Mapping, Set)):
        raise TableError(f"{role} must be a label or a list of labels, got a {type(value).__name__}, which has no order.")
    found: list[Any] = list(value) if several and isinstance(value, Iterable) else [value]
    for label in found:
        # NaN is the one value that differs from itself; pandas' NA is no value to compare.
        if label is None or type(label).__name__ in ("NAType", "NaTType") or (isinstance(label, Real) and label != label):
            raise TableError(f"{role} holds an empty label ({label}). Give a label, or a list of labels.")
        if isinstance(label, (list, tuple, Mapping, Set, bytes)) or getattr(label, "ndim", 0) > 0:
            raise TableError(f"{role} holds a {type(label).__name__} where one label is needed. Give a list of labels.")
    return tuple(label_text(label) for label in found)
