"""What a finished evaluation prints: the headline table and where the report lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.result import Evaluation, Result
from harness.types import Estimate, Gap

_GROUPS: tuple[tuple[str, Mapping[str, str] | None], ...] = (
    ("everybody", None),
    ("I-III", {"fitzpatrick": "I-III"}),
    ("IV-VI", {"fitzpatrick": "IV-VI"}),
)
_SHOWN = (
    *("accuracy", "balanced_accuracy", "f1_macro", "sensitivity", "specificity", "auroc", "brier", "smooth_ece"),
    *("f1_iou_50", "count_accuracy", "count_mae"),
)


def headline(result: Result, folder: Path | None, run: Mapping[str, Any] | None = None) -> str:
    """Return the table printed at the end: each metric overall and by skin type, the gap and its verdict."""
    parts = [_title(result), _table(result.evaluation)]
    if result.companion is not None:
        parts += [f"\n{result.companion.dataset['name']}: {result.companion.dataset['title']}", _table(result.companion)]
    parts += [f"note: {note}" for note in result.evaluation.notes]
    if run is not None and "n_asked" in run:
        parts.append(f"\n{run['n_asked']} questions asked, {run['n_from_store']} answered from the store.")
    if folder is not None:
        parts.append(f"report: {folder / 'report.html'}\nrecord: {folder / 'result.json'}")
    return "\n".join(parts)


def _title(result: Result) -> str:
    dataset, level = result.evaluation.dataset, result.settings["level"]
    people = f"{dataset['n_samples']:,} answers" + (
        f" of {dataset['n_patients']:,} patients" if dataset.get("n_patients") else ""
    )
    return f"\n{result.suite}: {result.model['name']} on {dataset['name']} ({people}; {level:.0%} intervals)\n"


def _table(evaluation: Evaluation) -> str:
    by_key = {(m.metric, _key(m.group)): m.estimate for m in evaluation.metric_results}
    there = {key for _, key in by_key}
    groups = [(name, group) for name, group in _GROUPS if _key(group) in there]
    gaps = {g.metric: g for g in evaluation.gap_results if g.attribute == "fitzpatrick" and g.compared == "IV-VI"}
    header = ["", *(name for name, _ in groups), *(["IV-VI minus I-III", "verdict"] if gaps else [])]
    rows = []
    for metric in _SHOWN:
        cells = [_cell(by_key.get((metric, _key(group)))) for _, group in groups]
        gap = gaps.get(metric)
        name = f"{metric} *" if gap and gap.family == "declared" else metric
        if any(cells):
            told = [_cell(gap.estimate, signed=True), _verdict(gap)] if gap else [""] * (2 if gaps else 0)
            rows.append([name, *cells, *told])
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in [header, *rows]]
    if gaps:
        lines.append(
            "* declared comparison; the others are exploratory: weigh their adjusted p in the report before believing a gap"
        )
    return "\n".join([*lines, *_failures(evaluation)])


def _failures(evaluation: Evaluation) -> list[str]:
    """A line for each task with answers that failed or could not be read."""
    lines = []
    for row in evaluation.coverage:
        failed = {status: n for status, n in row.counts.items() if status != "ok"}
        if row.group is None and failed:
            kinds = ", ".join(f"{n} {status}" for status, n in failed.items())
            lines.append(
                f"note: {row.task}: {sum(failed.values())} of {sum(row.counts.values())} answers count as wrong ({kinds})."
            )
    return lines


def _verdict(gap: Gap) -> str:
    if gap.verdict == "inconclusive" and math.isfinite(gap.minimum_detectable):
        hopeless = gap.minimum_detectable >= 1
        return f"{gap.verdict} ({'too few patients' if hopeless else f'detectable from {gap.minimum_detectable:.2f}'})"
    if gap.verdict == "within margin":
        zero = gap.estimate.low > 0 or gap.estimate.high < 0
        return f"{gap.verdict} ({gap.margin:.2g}){', not zero' if zero else ''}"
    return str(gap.verdict)


def _key(group: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return () if group is None else tuple(sorted(group.items()))


def _cell(estimate: Estimate | None, *, signed: bool = False) -> str:
    if estimate is None:
        return ""
    if not math.isfinite(estimate.value):
        return "undefined"
    form = "+.3f" if signed else ".3f"
    if not math.isfinite(estimate.low):
        return f"{estimate.value:{form}} [no interval]"
    return f"{estimate.value:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"
