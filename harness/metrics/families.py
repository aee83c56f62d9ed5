"""Which families of metrics belong to which kind of answers, and the check that both entries of each agree."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from harness.answers import BoxAnswers, ClassAnswers, NumberAnswers
from harness.errors import DoubleEntryError
from harness.metrics.base import Additive, Columns, Family, Floats, Ints, Kernel, Layout, divide
from harness.metrics.boxes import box_family
from harness.metrics.calibration import calibration_family
from harness.metrics.confusion import confusion_family, share
from harness.metrics.numbers import number_family
from harness.metrics.probability import probability_family
from harness.metrics.ranking import ranking_family
from harness.types import Status

Answers = ClassAnswers | BoxAnswers | NumberAnswers
COVERAGE = "coverage"
TOLERANCE = 1e-9


def families_of(answers: Answers) -> list[Family]:
    """Return the families of a task's metrics; the last is `coverage`, the share of answers that could be read."""
    found: list[Family]
    if isinstance(answers, ClassAnswers):
        found = [confusion_family(answers)]
        if answers.probabilities is not None:
            found += [ranking_family(answers), probability_family(answers), calibration_family(answers)]
    elif isinstance(answers, BoxAnswers):
        found = [box_family(answers)]
    else:
        found = [number_family(answers)]
    return [*found, coverage_family(answers)]


def coverage_family(answers: Answers) -> Family:
    """Return the share of answers with status ``ok``."""
    read = np.array([status == Status.OK for status in answers.status], bool)
    metric = share(COVERAGE, "", np.ones(len(read), bool), read)

    def statistics(rows: Ints) -> Columns:
        return [(np.zeros(len(rows), np.int64), np.ones(len(rows))), (np.ones(len(rows), np.int64), read[rows] * 1.0)]

    def finish(sums: Floats) -> Floats:
        return np.stack([divide(sums[:, 1], sums[:, 0])])

    def prepare(layout: Layout) -> Kernel:
        return Additive(layout, statistics, 2, finish)

    return Family((metric,), prepare, lambda: {COVERAGE: sum(read.tolist()) / len(read)} if len(read) else {})


def check_double_entry(family: Family, values: Mapping[str, float], *, tolerance: float = TOLERANCE) -> bool:
    """Compare a family's weighted form, under unit weights, with its reference on the same rows.

    Args:
        family: The family.
        values: Metric name to the weighted form's value over all rows.
        tolerance: Largest difference allowed.

    Returns:
        Whether the reference library could be imported, and so whether anything was compared.

    Raises:
        DoubleEntryError: With both numbers, when they differ, or when one is defined and the other is not.
    """
    try:
        reference = family.reference()
    except ImportError:
        return False
    for name, value in values.items():
        other = reference.get(name, math.nan)
        if not (abs(value - other) <= tolerance or (math.isnan(value) and math.isnan(other))):
            raise DoubleEntryError(
                f"{name}: the weighted form gives {value!r}, the reference gives {other!r}; they may differ by {tolerance:g}. "
                "This is a fault of the harness or of an untested library version: report it with both numbers and `harness doctor`."
            )
    return True
