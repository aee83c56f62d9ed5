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
    *("accuracy", "balanced_accuracy", "f1_macro", "sensitivity", "specificity", "auroc", "brier", "ece_debiased"),
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
    header = ["", *(name for name, _ in _GROUPS), "IV-VI minus I-III", "verdict"]
    by_key = {(m.metric, _key(m.group)): m.estimate for m in evaluation.metric_results}
    gaps = {g.metric: g for g in evaluation.gap_results if g.attribute == "fitzpatrick" and g.compared == "IV-VI"}
    rows = []
    for metric in _SHOWN:
        cells = [_cell(by_key.get((metric, _key(group)))) for _, group in _GROUPS]
        if any(cells):
            gap = gaps.get(metric)
            rows.append([metric, *cells, _cell(gap.estimate, signed=True) if gap else "", _verdict(gap)])
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in [header, *rows])


def _verdict(gap: Gap | None) -> str:
    if gap is None:
        return ""
    if gap.verdict == "inconclusive" and math.isfinite(gap.minimum_detectable):
        hopeless = gap.minimum_detectable >= 1
        return f"{gap.verdict} ({'too few patients' if hopeless else f'detectable from {gap.minimum_detectable:.2f}'})"
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
