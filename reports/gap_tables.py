"""Gaps as tables: both groups' values, the signed difference with its intervals, the verdict and what could have been seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.reports.naming import attribute_label, metric_label, value_label
from harness.reports.numbers import count, counted, fixed, interval, is_number, p_value
from harness.reports.record import Json, View
from harness.reports.sentences import gap_note, verdict_words
from harness.reports.tables import Cell, Row, Table


def gap_table(gaps: Sequence[Json], view: View, caption: str) -> Table:
    """Return a row for each gap: both groups' values, the difference with both intervals, the verdict and what could be seen."""
    columns = (
        "Metric",
        *_side_names(gaps),
        "Difference",
        "Bootstrap interval",
        "Verdict",
        "Detectable",
        "p adjusted",
        "Rests on",
    )
    pairs = list(dict.fromkeys(_pair(gap) for gap in gaps))
    ordered = sorted(gaps, key=lambda gap: pairs.index(_pair(gap)))
    rows = tuple(Row(metric_label(gap["metric"]), _gap_cells(gap, view), section=_pair(gap)) for gap in ordered)
    remark = (
        "Difference: compared minus reference, with its interval. Detectable: the smallest true difference that these numbers would "
        "show with 80% power. Verdicts come from the interval alone. "
        "p adjusted: Holm inside the declared family, Benjamini-Hochberg elsewhere."
    )
    if any(gap["family"] != "declared" for gap in gaps):
        remark += (
            " Verdicts here look at one interval each: among so many some exclude zero by chance, so weigh p adjusted too."
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
        fixed(value, sign=True) if is_number(value) else "undefined",
        interval(estimate["low"], estimate["high"]),
        note=gap_note(gap),
        css="num",
    )
    return (
        *(Cell(fixed(side["value"] if side else None), css="num") for side in sides),
        difference,
        Cell(interval(estimate["bootstrap_low"], estimate["bootstrap_high"]) or "–", css="num"),
        Cell(verdict_words(gap), f"margin ±{fixed(gap['margin'], 2)}", css="verdict " + gap["verdict"].replace(" ", "-")),
        Cell(fixed(gap["minimum_detectable"]), css="num"),
        Cell(p_value(gap["p_adjusted"]), css="num"),
        Cell(
            f"n {count(estimate['n'])}", "" if view.unit == "sample" else counted(estimate["n_clusters"], view.unit), css="num"
        ),
    )


def brief_gap_table(gaps: Sequence[Json], view: View) -> Table:
    """Return the gaps in as few columns as a comment has room for."""
    rows = []
    for gap in gaps:
        reference, compared, difference, _, verdict, detectable, *_ = _gap_cells(gap, view)
        rows.append(
            Row(metric_label(gap["metric"]), (reference, compared, difference, replace(verdict, detail=""), detectable))
        )
    columns = ("Metric", *_side_names(gaps), "Difference", "Verdict", "Detectable")
    return Table("Declared comparisons", columns, tuple(rows))
