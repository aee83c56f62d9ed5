"""Tables made from the record: gaps, and metrics by group with coverage beside every number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.reports.naming import (
    FAMILIES,
    Family,
    GroupKey,
    attribute_label,
    group_label,
    metric_label,
    split_class,
    value_label,
)
from harness.reports.numbers import count, decimals_for, fixed, interval, is_number, level_name, p_value, percent, sample_size
from harness.reports.record import Json, View
from harness.reports.sentences import gap_note, verdict_words
from harness.reports.tables import Cell, Row, Table


def gap_table(gaps: Sequence[Json], view: View, caption: str) -> Table:
    """Return a row for each gap: both groups' values, the difference with both intervals, the verdict and what could be seen."""
    columns = ("Metric", *_side_names(gaps), "Difference", "Bootstrap interval", "Verdict", "Detectable", "p adjusted", "Rests on")
    rows = tuple(Row(metric_label(gap["metric"]), _gap_cells(gap, view), section=_pair(gap)) for gap in gaps)
    remark = (
        "Difference: compared minus reference, with its interval. Detectable: the smallest true difference that these numbers of patients "
        "would show with 80% power. p adjusted: Holm inside the declared family, Benjamini-Hochberg elsewhere."
    )
    return Table(caption, columns, rows, remark)


def _side_names(gaps: Sequence[Json]) -> tuple[str, str]:
    """The groups' own names where all gaps compare the same two."""
    pairs = {(value_label(g["attribute"], g["reference"]), value_label(g["attribute"], g["compared"])) for g in gaps}
    return pairs.pop() if len(pairs) == 1 else ("Reference", "Compared")


def _pair(gap: Json) -> str:
    attribute = gap["attribute"]
    return f"{attribute_label(attribute)}: {value_label(attribute, gap['compared'])} against {value_label(attribute, gap['reference'])}"


def _gap_cells(gap: Json, view: View) -> tuple[Cell, ...]:
    estimate, attribute = gap["estimate"], gap["attribute"]
    sides = [view.estimate(gap["metric"], ((attribute, gap[side]),)) for side in ("reference", "compared")]
    value = estimate["value"]
    difference = Cell(
        fixed(value, sign=True) if is_number(value) else "undefined", interval(estimate["low"], estimate["high"]), note=gap_note(gap), css="num"
    )
    return (
        *(Cell(fixed(side["value"] if side else None), css="num") for side in sides),
        difference,
        Cell(interval(estimate["bootstrap_low"], estimate["bootstrap_high"]) or "–", css="num"),
        Cell(verdict_words(gap), f"margin ±{fixed(gap['margin'], 2)}", css="verdict " + gap["verdict"].replace(" ", "-")),
        Cell(fixed(gap["minimum_detectable"]), css="num"),
        Cell(p_value(gap["p_adjusted"]), css="num"),
        Cell(f"n {count(estimate['n'])}", f"{count(estimate['n_clusters'])} patients", css="num"),
    )


@dataclass(frozen=True, slots=True)
class FamilyTable:
    """A family of metrics by group, with a line that says what is in it."""

    title: str
    table: Table


def family_tables(view: View) -> list[FamilyTable]:
    """Return a table for each family of metrics that the record has, per-class metrics and unknown ones included."""
    return [FamilyTable(f.title, metric_table(view, f)) for f in _families(view)]


def _families(view: View) -> Iterable[Family]:
    left = list(view.metrics)
    for family in FAMILIES:
        present = tuple(m for m in family.metrics if m in left)
        left = [m for m in left if m not in present]
        if present:
            yield Family(family.title, family.task, present)
    bases = dict.fromkeys(split_class(m)[0] for m in left if split_class(m)[1])
    for base in bases:
        yield Family(f"{metric_label(base)} by class", "classification", tuple(m for m in left if split_class(m)[0] == base and split_class(m)[1]))
    others = tuple(m for m in left if not split_class(m)[1])
    if others:
        yield Family("Other metrics", "", others)


def metric_table(view: View, family: Family, groups: Sequence[GroupKey] | None = None) -> Table:
    """Return a family's metrics by group: a row for each group, coverage beside every number."""
    task = _task(view, family.task)
    rows = [_group_row(view, family.metrics, task, group) for group in (view.groups if groups is None else groups)]
    columns = ("Group", *(["Answers read"] if task else []), *(_column(m) for m in family.metrics))
    return Table(family.title, columns, tuple(rows), _remark(view, family.metrics))


def _task(view: View, task: str) -> str:
    """The family's task where the record has its coverage; else the only task there is."""
    tasks = list(dict.fromkeys(row["task"] for row in view.coverage))
    return task if task in tasks else tasks[0] if len(tasks) == 1 else ""


def _column(metric: str) -> str:
    base, klass = split_class(metric)
    return klass or metric_label(base)


def _group_row(view: View, metrics: Sequence[str], task: str, group: GroupKey) -> Row:
    cells = ([_coverage_cell(view, task, group)] if task else []) + [_metric_cell(view.estimate(m, group)) for m in metrics]
    if not group:
        return Row("Everybody", tuple(cells))
    if len(group) == 1:
        attribute, value = group[0]
        return Row(value_label(attribute, value), tuple(cells), section=attribute_label(attribute))
    return Row(group_label(dict(group)), tuple(cells), section="Combinations")


def _metric_cell(estimate: Json | None) -> Cell:
    if estimate is None:
        return Cell("–", css="num")
    if not is_number(estimate["value"]):
        return Cell("undefined", small=sample_size(estimate), note=estimate["reason"], css="num faint")
    places = decimals_for(estimate["value"], estimate["low"], estimate["high"])
    return Cell(
        fixed(estimate["value"], places), interval(estimate["low"], estimate["high"], places), sample_size(estimate), estimate["reason"], "num"
    )


def _coverage_cell(view: View, task: str, group: GroupKey) -> Cell:
    row = view.statuses(task, group)
    if row is None:
        return Cell("–", css="num")
    counts = row["counts"]
    failed = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()) if status != "ok" and number)
    return Cell(percent(row["estimate"]["value"]), f"{count(counts.get('ok', 0))} of {count(sum(counts.values()))}", failed, css="num")


def _remark(view: View, metrics: Sequence[str]) -> str:
    first = next((e for e in (view.estimate(m) for m in metrics) if e is not None), None)
    if first is None:
        return ""
    return f"In brackets the {level_name(first)}; n counts the samples in the metric's own denominator, pat. the patients they come from."
