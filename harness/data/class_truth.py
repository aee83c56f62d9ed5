"""The truth of closed questions in a table: which classes there are, each row's, and which of them count as positive."""

from __future__ import annotations

import numpy as np

from harness.answers import Ints, Labels
from harness.data.columns import coded
from harness.data.frame import Table, name_rows
from harness.data.labels import LabelsGiven, label_list
from harness.errors import TableError, near_match


def truth_of(table: Table, target: str, choices: LabelsGiven | None, ids: Labels) -> tuple[tuple[str, ...], Ints]:
    """Return the class names and each row's true one.

    Args:
        table: The table.
        target: Column of labels.
        choices: The classes in the order wanted; ``None`` takes the column's labels, sorted, and 0 and 1 for labels that are 0 or 1.
        ids: ``(n,)`` ids, for errors.

    Returns:
        ``C`` class names and ``(n,)`` indices into them.

    Raises:
        TableError: An empty label, one outside the choices, or fewer than two classes.
    """
    codes, names = coded(table, target, "target")
    where = f"{table.name}, column '{target}' (target=): "
    if (codes < 0).any():
        raise TableError(
            f"{where}no label in {name_rows(table, codes < 0, ids)}. Fill in the truth, or drop the rows that have none."
        )
    if choices is not None:
        classes = label_list(choices, "choices=")
        if len(set(classes)) < len(classes) or len(classes) < 2:
            raise TableError(f"choices= must be two or more different labels, got {', '.join(classes) or 'none'}.")
    else:
        classes = ("0", "1") if set(names) <= {"0", "1"} else tuple(sorted(names, key=_order))
    outside = np.array([name not in classes for name in names], dtype=np.bool_)
    if outside.any():
        first = names[int(np.flatnonzero(outside)[0])]
        raise TableError(
            f"{where}'{first}' is none of the choices ({', '.join(classes)}) in {name_rows(table, outside[codes], ids)}."
            f"{near_match(first, classes)} Mend the label, or add it to choices."
        )
    if len(classes) < 2:
        raise TableError(
            f"{where}only one label, '{classes[0]}', occurs. Give choices=[...] to say which others there could have been."
        )
    index_of = {name: index for index, name in enumerate(classes)}
    return classes, np.array([index_of[name] for name in names], dtype=np.int64)[codes]


def _order(label: str) -> tuple[bool, float, str]:
    """Numbers before words, and by size."""
    return (False, float(label), label) if label.removeprefix("-").isdecimal() else (True, 0.0, label)


def positives_of(positive: LabelsGiven | None, classes: tuple[str, ...], *, needed: bool) -> tuple[str, ...]:
    """Return the names of the positive classes; ``"1"`` where the classes are 0 and 1 and none is given.

    Args:
        positive: As the user gave it.
        classes: The class names.
        needed: Whether exactly one is needed, because a column holds its probability.

    Raises:
        TableError: A name that is no class, or none or several where one is needed.
    """
    if positive is None:
        if classes == ("0", "1"):
            return ("1",)
        if needed:
            raise TableError(
                f"score= is the probability of one class: say which with positive=. The classes are {', '.join(classes)}."
            )
        return ()
    names = tuple(dict.fromkeys(label_list(positive, "positive=")))
    for name in names:
        if name not in classes:
            raise TableError(f"positive='{name}' is none of the classes ({', '.join(classes)}).{near_match(name, classes)}")
    if needed and len(names) != 1:
        raise TableError(
            f"score= is the probability of one class, but positive= names {len(names)}. Name one, or give scores=[...]."
        )
    return names
