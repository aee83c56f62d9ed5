"""The report of one run, as a self-contained HTML page and as Markdown for a pull request. Reads the record only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from harness.reports import limits
from harness.reports.confusion_plot import Matrix, confusion_matrix
from harness.reports.examples import card
from harness.reports.gap_plot import gap_panel, panels
from harness.reports.gap_tables import brief_gap_table, gap_table
from harness.reports.group_plot import skin_type_panels
from harness.reports.metric_tables import family_tables
from harness.reports.naming import attribute_label, metric_label
from harness.reports.page import render
from harness.reports.provenance import facts
from harness.reports.record import Json, View, all_public, may_show, views
from harness.reports.reliability_plot import axis_end, reliability_panel, reliability_table
from harness.reports.sentences import family_summary, headline
from harness.reports.tables import Table, escape_markdown, to_markdown


@dataclass(frozen=True, slots=True)
class Section:
    """Everything the page shows of one evaluation.

    Attributes:
        name: Name of the data set.
        role: ``"main"`` or ``"companion"``, for anchors.
        kind: What sort of comparison it is, in a few words.
        sentence, summary: The verdict in plain words.
        verdict: Verdict of the headline gap, for the mark beside it; empty without one.
        gap_panels, gap_table, other_gaps: The gap plot, its table, and gaps outside the primary family.
        type_panels: Values by skin type.
        families: Metrics by group.
        curves: Reliability diagrams with their tables.
        matrices: Confusion matrices.
    """

    name: str
    role: str
    kind: str
    sentence: str
    summary: str
    verdict: str
    gap_panels: tuple[Markup, ...]
    gap_table: Table | None
    other_gaps: tuple[Table, ...]
    type_panels: tuple[Markup, ...]
    families: tuple[Table, ...]
    curves: tuple[tuple[Markup, Table], ...]
    matrices: tuple[Matrix, ...]


def render_html(
    record: Mapping[str, Any], examples: Sequence[Mapping[str, Any]] = (), provenance: Mapping[str, Any] | None = None
) -> str:
    """Return the report page.

    Args:
        record: The content of ``result.json``.
        examples: The content of ``examples.json``. Shown only when the data are public or ``settings.privacy`` is ``"off"``.
        provenance: What else is known of the run, e.g. ``{"command": "harness run ..."}``.

    Returns:
        One HTML file. The same input gives the same bytes.
    """
    main, companion = views(record)
    shown = may_show(record)
    sections = [_section(main, companion, "main")]
    if companion is not None:
        sections.append(_section(companion, main, "companion"))
    return render(
        "run_report.html.j2",
        title=_title(record, main),
        suite=record["suite"],
        subtitle=_subtitle(record, main),
        notes=_notes(main, companion),
        sections=sections,
        cards=[card(example) for example in examples] if shown else [],
        withheld=not shown,
        privacy_off=shown and not all_public(record),
        limits=limits.items(record, main),
        facts=facts(record, provenance or {}),
        command=str((provenance or {}).get("command") or ""),
    )


def _section(view: View, beside: View | None, role: str) -> Section:
    curves = view.figures.get("reliability") or ()
    end = axis_end(curves)
    drawn = panels(view.primary, beside.primary if beside else ())
    return Section(
        name=str(view.dataset.get("name", "data")),
        role=role,
        kind=_kind(role, beside is not None),
        sentence=headline(view),
        summary=family_summary(view),
        verdict=view.primary[0]["verdict"] if view.primary else "",
        gap_panels=tuple(gap_panel(p, description=_described(p.gaps)) for p in drawn),
        gap_table=gap_table(view.primary, view, "Declared comparisons") if view.primary else None,
        other_gaps=tuple(_exploratory(view)),
        type_panels=tuple(skin_type_panels(view)),
        families=tuple(family_tables(view)),
        curves=tuple((reliability_panel(c, end), reliability_table(c)) for c in curves),
        matrices=tuple(confusion_matrix(m) for m in view.figures.get("confusion") or ()),
    )


def _notes(main: View, companion: View | None) -> list[str]:
    """What the reader must see, each once; what only holds for the matched data says so."""
    notes = dict.fromkeys(str(note) for note in main.notes)
    others = [str(note) for note in companion.notes if str(note) not in notes] if companion else []
    return [*notes, *(f"Matched: {note}" for note in others)]


def _exploratory(view: View) -> Iterator[Table]:
    """A table for each attribute of the gaps outside the primary family."""
    others = [gap for gap in view.gaps if all(gap is not chosen for chosen in view.primary)]
    for attribute in dict.fromkeys(gap["attribute"] for gap in others):
        mine = [gap for gap in others if gap["attribute"] == attribute]
        yield gap_table(mine, view, f"Exploratory, by {attribute_label(attribute).lower()}")


def _kind(role: str, has_both: bool) -> str:
    if not has_both:
        return ""
    return "Unmatched: different patients in each group" if role == "main" else "Matched: the same lesions on every skin type"


def _described(gaps: Sequence[Json]) -> str:
    names = ", ".join(metric_label(gap["metric"]) for gap in gaps)
    return f"Differences with their intervals: {names}. The table below has the numbers."


def _title(record: Json, view: View) -> str:
    model, data = str(record["model"].get("name", "model")), str(view.dataset.get("name", "data"))
    return model if model == data else f"{model} on {data}"


def _subtitle(record: Json, view: View) -> str:
    known = [
        view.dataset.get("title"),
        record["model"].get("title"),
        record["model"].get("fingerprint", {}).get("quantization"),
    ]
    return " · ".join(str(text) for text in known if text)


def render_markdown(record: Mapping[str, Any]) -> str:
    """Return a compact report for a pull request's comment: the sentence, the gaps, the headline numbers by group."""
    main, companion = views(record)
    parts = [f"### {escape_markdown(_title(record, main))}", _markdown_section(main)]
    if companion is not None:
        parts += [f"#### {escape_markdown(_kind('companion', True))}", _markdown_section(companion)]
    skin = [group for group in main.groups if not group or group[0][0] == "fitzpatrick"]
    for table in family_tables(main, skin)[:1]:
        parts += [f"<details><summary>{escape(table.caption)} by skin type</summary>\n\n{to_markdown(table)}\n\n</details>"]
    configuration = escape_markdown(str(record["config_hash"])[:12])
    parts += [
        f"Every group, calibration and pictures: `report.html`; the record: `result.json` (configuration {configuration})."
    ]
    return "\n\n".join(parts) + "\n"


def _markdown_section(view: View) -> str:
    parts = [f"**{escape_markdown(headline(view))}**"]
    if family_summary(view):
        parts.append(escape_markdown(family_summary(view)))
    if view.primary:
        parts.append(to_markdown(brief_gap_table(view.primary, view)))
    return "\n\n".join(parts)
