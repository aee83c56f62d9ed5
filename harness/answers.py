"""Answers after reading, column-wise: what metrics are computed from, whether a model was asked here or a table came from elsewhere.

One dataclass a task. Rows are samples; `Units` says whose they are. Shapes: ``n`` rows, ``C`` classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.types import Status

Labels = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Units:
    """Whose answers these are.

    Attributes:
        ids: ``(n,)`` sample ids.
        clusters: ``(n,)`` patient (or lesion) ids: the units that are resampled.
        attributes: Attribute name to ``(n,)`` values; ``None`` where unknown. ``fitzpatrick`` holds ``"I"`` to ``"VI"``,
            ``age`` years as float, everything else labels.
    """

    ids: Labels
    clusters: Labels
    attributes: Mapping[str, Labels]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class ClassAnswers:
    """Closed questions.

    Attributes:
        units: Whose answers.
        status: ``(n,)`` `Status` values.
        classes: The ``C`` class names.
        truth: ``(n,)`` index of the true class.
        answer: ``(n,)`` index of the answered class, -1 where no answer could be read.
        probabilities: ``(n, C)`` rows summing to one, NaN rows where the model gave none; ``None`` when no row has any.
        positive: Names of the classes that count as positive (malignant) for sensitivity and specificity; may be empty.
    """

    units: Units
    status: Sequence[Status]
    classes: tuple[str, ...]
    truth: Ints
    answer: Ints
    probabilities: Floats | None = None
    positive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoxAnswers:
    """Pictures with boxes.

    Attributes:
        units: Whose answers.
        status: ``(n,)`` `Status` values.
        truth: ``n`` arrays ``(k, 4)``, xyxy pixels.
        answer: ``n`` arrays ``(m, 4)``, xyxy pixels, in the order given; ``None`` where no answer could be read.
    """

    units: Units
    status: Sequence[Status]
    truth: Sequence[Floats]
    answer: Sequence[Floats | None]


@dataclass(frozen=True, slots=True)
class NumberAnswers:
    """Counts and measurements.

    Attributes:
        units: Whose answers.
        status: ``(n,)`` `Status` values.
        truth: ``(n,)`` true numbers.
        answer: ``(n,)`` answered numbers, NaN where none could be read.
        bounds: Range of the targets, declared or inferred from them; an unreadable number costs its width.
        unit: Unit of the numbers, e.g. ``"mm"``; empty for counts.
    """

    units: Units
    status: Sequence[Status]
    truth: Floats
    answer: Floats
    bounds: tuple[float, float]
    unit: str = ""


def take(units: Units, rows: Any) -> Units:
    """Return the units of the given rows (index array or mask)."""
    return Units(units.ids[rows], units.clusters[rows], {name: values[rows] for name, values in units.attributes.items()})
