"""The fairness suite: every metric of every task, for everybody and by group, with signed gaps and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.answers import ClassAnswers
from harness.metrics.base import Family
from harness.metrics.families import COVERAGE, Answers, families_of
from harness.result import CoverageRow
from harness.suites.estimates import GroupEstimates, estimate_groups
from harness.suites.figures import confusion, reliability, shown_groups
from harness.suites.gaps import adjusted, task_gaps
from harness.suites.groups import SKIN, UNKNOWN, Grouping, grouping_notes, groupings, key
from harness.suites.resampling import Resampled, resample
from harness.suites.settings import Settings
from harness.types import Gap, MetricResult, Status


@dataclass(frozen=True, slots=True)
class Findings:
    """What the suite found. Fields as in `harness.result.Evaluation`.

    Attributes:
        metric_results: Every metric for every group.
        gap_results: Signed gaps: the declared family, then the exploratory ones.
        coverage: Statuses by task and group.
        figures: ``reliability`` and ``confusion``, JSON-ready.
        notes: Sentences the reader must see.
    """

    metric_results: tuple[MetricResult, ...]
    gap_results: tuple[Gap, ...]
    coverage: tuple[CoverageRow, ...]
    figures: Mapping[str, Any]
    notes: tuple[str, ...]


def evaluate(answers: Mapping[str, Answers], settings: Settings) -> Findings:
    """Compute the suite.

    Args:
        answers: Task name to answers. Where two tasks have metrics of the same name, these are called ``task/metric``.
        settings: The rules.

    Raises:
        DoubleEntryError: When a metric disagrees with its reference library.
    """
    families = {task: families_of(a) for task, a in answers.items()}
    taken = Counter(m.name for fs in families.values() for m in (m for f in fs for m in f.metrics) if m.name != COVERAGE)
    results: list[MetricResult] = []
    gaps: list[Gap] = []
    coverage: list[CoverageRow] = []
    figures: dict[str, list[Any]] = {"reliability": [], "confusion": []}
    notes: list[str] = []
    for task, one in answers.items():
        divisions = groupings(one.units)
        found = _renamed(resample(families[task], one.units.clusters, divisions, settings), task, taken)
        for index in range(len(found.groupings)):
            estimates = estimate_groups(found, index, settings)
            results += _metric_results(found, estimates, index)
            gaps += task_gaps(found, index, estimates, settings)
            coverage += _coverage_rows(task, one.status, found, estimates, index)
        notes += _notes(families[task], divisions, answers=one)
        if isinstance(one, ClassAnswers):
            groups = shown_groups(divisions, len(one.units))
            figures["reliability"] += reliability(task, one, groups, found.clusters, settings.level)
            figures["confusion"] += confusion(task, one, groups)
    judged = sorted((g for g in gaps if g.metric != COVERAGE), key=lambda g: g.family)
    return Findings(tuple(results), tuple(adjusted(judged)), tuple(coverage), figures, tuple(dict.fromkeys(notes)))


def _renamed(found: Resampled, task: str, taken: Counter[str]) -> Resampled:
    metrics = tuple(replace(m, name=f"{task}/{m.name}") if taken[m.name] > 1 else m for m in found.metrics)
    return replace(found, metrics=metrics)


def _levels(found: Resampled, index: int) -> list[tuple[int, Mapping[str, str] | None]]:
    """Levels of a grouping and their keys; the unknown skin type is in two groupings and is reported once."""
    grouping = found.groupings[index]
    if index == 0:
        return [(0, None)]
    again = any(g.attribute == grouping.attribute for g in found.groupings[:index])
    return [(i, key(grouping, level)) for i, level in enumerate(grouping.levels) if not (again and level == UNKNOWN)]


def _metric_results(found: Resampled, estimates: GroupEstimates, index: int) -> list[MetricResult]:
    return [
        MetricResult(metric.name, group, estimates.estimates[k][i], metric.higher_is_better)
        for i, group in _levels(found, index)
        for k, metric in enumerate(found.metrics)
        if metric.name != COVERAGE
    ]


def _coverage_rows(
    task: str, status: Sequence[Status], found: Resampled, estimates: GroupEstimates, index: int
) -> list[CoverageRow]:
    k = [m.name for m in found.metrics].index(COVERAGE)
    names = np.array([str(s) for s in status], object)
    rows = []
    for i, group in _levels(found, index):
        counts = Counter(names[found.groupings[index].codes == i].tolist())
        ordered = {str(s): counts[str(s)] for s in Status if counts[str(s)]}
        rows.append(CoverageRow(task, group, ordered, estimates.estimates[k][i]))
    return rows


def _notes(families: Sequence[Family], divisions: Sequence[Grouping], *, answers: Answers) -> list[str]:
    notes = [note for family in families for note in family.notes]
    contrast = next((g for g in divisions if g.attribute == SKIN), None)
    if contrast is None:
        notes.append("The samples carry no Fitzpatrick skin type: there is no gap by skin type to report.")
    elif UNKNOWN in contrast.levels:
        count = len(contrast.rows(UNKNOWN))
        notes.append(f"{count} of {len(answers.units)} samples have no known skin type: reported as unknown, in neither group.")
    return notes + grouping_notes(answers.units, divisions)
