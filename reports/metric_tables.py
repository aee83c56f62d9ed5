"""Metrics by group, a table for each family of metrics, with coverage beside every number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.reports.naming import (
    FAMILIES,
    Family,
    GroupKey,
    attribute_label,
    group_label,
    metric_label,
    split_class,
    split_task,
    value_label,
)
from harness.reports.numbers import (
    count,
    decimals_for,
    fixed,
    interval,
    is_number,
    level_name,
    percent,
    sample_size,
)
from harness.reports.record import Json, View
from harness.reports.tables import Cell, Row, Table


def family_tables(view: View, groups: Sequence[GroupKey] | None = None) -> list[Table]:
    """Return a table for each family of metrics that the record has, per-class metrics and unknown ones included.

    Args:
        view: The evaluation.
        groups: The groups to show; ``None`` for all.
    """
    return [metric_table(view, family, view.groups if groups is None else groups) for family in _families(view)]


def _families(view: View) -> Iterator[Family]:
    """Known families first, then per-class metrics, then whatever is left; metrics of another task that share a name stand apart."""
    for prefix in dict.fromkeys(split_task(metric)[0] for metric in view.metrics):
        mine = [metric for metric in view.metrics if split_task(metric)[0] == prefix]
        for family in _sorted_out(mine):
            title = f"{family.title} ({prefix})" if prefix else family.title
            yield Family(title, prefix or family.task, family.metrics)


def _sorted_out(metrics: Sequence[str]) -> Iterator[Family]:
    names = {split_task(metric)[1]: metric for metric in metrics}
    for family in FAMILIES:
        present = tuple(names.pop(name) for name in family.metrics if name in names)
        if present:
            yield Family(family.title, family.task, present)
    for base in dict.fromkeys(split_class(name)[0] for name in names if split_class(name)[1]):
        chosen = tuple(name for name in names if split_class(name)[0] == base and split_class(name)[1])
        yield Family(f"{metric_label(base)} by class", "classification", tuple(names.pop(name) for name in chosen))
    if names:
        yield Family("Other metrics", "", tuple(names.values()))


def metric_table(view: View, family: Family, groups: Sequence[GroupKey]) -> Table:
    """Return a family's metrics by group: a row for each group, coverage beside every number."""
    task = _task(view, family.task)
    rows = [_group_row(view, family.metrics, task, group) for group in groups]
    columns = ("Group", *(["Answers read"] if task else []), *(_column(m) for m in family.metrics))
    return Table(family.title, columns, tuple(rows), _remark(view, family.metrics))


def _task(view: View, task: str) -> str:
    """The family's task where the record has its coverage; else the only task there is."""
    tasks = list(dict.fromkeys(row["task"] for row in view.coverage))
    return task if task in tasks else tasks[0] if len(tasks) == 1 else ""


def _column(metric: str) -> str:
    base, klass = split_class(split_task(metric)[1])
    return klass or metric_label(base)


def _group_row(view: View, metrics: Sequence[str], task: str, group: GroupKey) -> Row:
    cells = ([_coverage_cell(view, task, group)] if task else []) + [
        _metric_cell(view.estimate(m, group), view.unit) for m in metrics
    ]
    if not group:
        return Row("Everybody", tuple(cells))
    if len(group) == 1:
        attribute, value = group[0]
        return Row(value_label(attribute, value), tuple(cells), section=attribute_label(attribute))
    return Row(group_label(dict(group)), tuple(cells), section="Combinations")


def _metric_cell(estimate: Json | None, unit: str) -> Cell:
    if estimate is None:
        return Cell("–", css="num")
    if not is_number(estimate["value"]):
        return Cell("undefined", small=sample_size(estimate, unit), note=estimate["reason"], css="num faint")
    places = decimals_for(estimate["value"], estimate["low"], estimate["high"])
    return Cell(
        fixed(estimate["value"], places),
        interval(estimate["low"], estimate["high"], places),
        sample_size(estimate, unit),
        estimate["reason"],
        "num",
    )


def _coverage_cell(view: View, task: str, group: GroupKey) -> Cell:
    row = view.statuses(task, group)
    if row is None:
        return Cell("–", css="num")
    counts = row["counts"]
    failed = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()) if status != "ok" and number)
    return Cell(
        percent(row["estimate"]["value"]), f"{count(counts.get('ok', 0))} of {count(sum(counts.values()))}", failed, css="num"
    )


def _remark(view: View, metrics: Sequence[str]) -> str:
    first = next((e for e in (view.estimate(m) for m in metrics) if e is not None), None)
    if first is None:
        return ""
    whose = "" if view.unit == "sample" else f", {view.unit[:3]}. the {view.unit}s they come from"
    return f"In brackets the {level_name(first)}; n counts the samples in the metric's own denominator{whose}."
