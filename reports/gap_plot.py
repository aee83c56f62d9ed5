"""The gap plot: one row a metric, its interval against zero and the margin, the verdict in words and as the marker's shape.

Horizontal positions are percentages and type is in pixels, so the figure fills a phone or a page without its letters shrinking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from harness.reports.naming import is_bounded, metric_label, value_label
from harness.reports.numbers import fixed, interval, is_number
from harness.reports.record import Json
from harness.reports.sentences import GAP, INCONCLUSIVE, WITHIN, gap_note, verdict_words
from harness.reports.svg import Content, Scale, element, join, marker, share, tick_text

SHAPES = {WITHIN: "circle", GAP: "triangle", INCONCLUSIVE: "diamond"}
_ROW, _TOP, _FOOT = 46, 20, 44


@dataclass(frozen=True, slots=True)
class Panel:
    """Gaps that can share an axis: one unit, one direction.

    Attributes:
        gaps: The gaps, in the order shown.
        low, high: Ends of the axis.
    """

    gaps: tuple[Json, ...]
    low: float
    high: float


def panels(gaps: Sequence[Json], others: Sequence[Json] = ()) -> list[Panel]:
    """Split gaps into panels; ``others`` (the evaluation shown beside it) widen the axes, so that both read on one scale."""
    everything = [*gaps, *others]
    keys = dict.fromkeys(_panel_key(gap) for gap in gaps)
    return [
        Panel(tuple(g for g in gaps if _panel_key(g) == key), *_ends(g for g in everything if _panel_key(g) == key))
        for key in keys
    ]


def _panel_key(gap: Json) -> tuple[str, str]:
    """Metrics without bounds (errors in mm) get an axis of their own; the rest share one for each direction."""
    return ("" if is_bounded(gap["metric"]) else gap["metric"], str(gap["higher_is_better"]))


def _ends(gaps: Iterable[Json]) -> tuple[float, float]:
    """Ends of the axis: wide enough for every value and margin. An interval far wider than the others is cut, lest it squeeze them."""
    values, reaches = [0.01], []
    for gap in gaps:
        estimate = gap["estimate"]
        values += [1.3 * gap["margin"], *([abs(estimate["value"])] if is_number(estimate["value"]) else [])]
        reaches += (
            [max(abs(estimate["low"]), abs(estimate["high"]))]
            if is_number(estimate["low"]) and is_number(estimate["high"])
            else []
        )
    typical = [min(max(reaches), 3 * median(reaches))] if reaches else []
    reach = 1.08 * max(values + typical)
    return -reach, reach


def gap_panel(panel: Panel, *, description: str) -> Markup:
    """Draw one panel. ``description`` is what a screen reader says of it."""
    first = panel.gaps[0]
    scale = Scale(panel.low, panel.high, 0.01, 0.99)
    bottom = _TOP + _ROW * len(panel.gaps)
    rows = [_row(gap, scale, _TOP + _ROW * i) for i, gap in enumerate(panel.gaps)]
    return element(
        "svg",
        element("title", description),
        *_sides(first),
        _margin_band(first["margin"], scale, bottom),
        *_axis(scale, bottom, cut=any(_is_cut(gap["estimate"], scale) for gap in panel.gaps)),
        *rows,
        width="100%",
        height=bottom + _FOOT,
        role="img",
        class_="figure gaps",
    )


def _sides(gap: Json) -> list[Content]:
    """Say above the zero line which side is worse for whom."""
    label = value_label(gap["attribute"], gap["compared"])
    names = {True: ("worse", "better"), False: ("better", "worse"), None: ("lower", "higher")}[gap["higher_is_better"]]
    link = "for" if gap["higher_is_better"] is not None else "on"
    return [
        element("text", f"← {names[0]} {link} {label}", x="0%", y=12, class_="side"),
        element("text", f"{names[1]} {link} {label} →", x="100%", y=12, text_anchor="end", class_="side"),
    ]


def _margin_band(margin: float, scale: Scale, bottom: int) -> Markup:
    left, right = scale(-margin), scale(margin)
    return element("rect", x=share(left), y=_TOP, width=share(right - left), height=bottom - _TOP, class_="band")


def _is_cut(estimate: Json, scale: Scale) -> bool:
    return any(is_number(end) and not scale.low <= end <= scale.high for end in (estimate["low"], estimate["high"]))


def _axis(scale: Scale, bottom: int, *, cut: bool) -> list[Content]:
    told = "difference (band: the margin" + ("; arrow: the interval goes on)" if cut else ")")
    zero = share(scale(0))
    ticks = scale.ticks(4)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    labels = [
        join(
            element("line", x1=share(scale(t)), x2=share(scale(t)), y1=bottom, y2=bottom + 5, class_="axis"),
            element(
                "text", tick_text(t, step, sign=True), x=share(scale(t)), y=bottom + 18, text_anchor="middle", class_="tick"
            ),
        )
        for t in ticks
    ]
    return [
        element("line", x1=zero, x2=zero, y1=_TOP, y2=bottom, class_="zero"),
        element("line", x1="0%", x2="100%", y1=bottom, y2=bottom, class_="axis"),
        *labels,
        element("text", told, x="50%", y=bottom + 36, text_anchor="middle", class_="tick"),
    ]


def _row(gap: Json, scale: Scale, top: int) -> Markup:
    estimate, line = gap["estimate"], top + 33
    words = verdict_words(gap)
    head = join(
        element("line", x1="0%", x2="100%", y1=top, y2=top, class_="rule"),
        element("text", metric_label(gap["metric"]), x="0%", y=top + 16, class_="name"),
        element("text", words, x="100%", y=top + 16, text_anchor="end", class_="verdict"),
    )
    if not is_number(estimate["value"]):
        return join(head, element("text", "undefined", x="0%", y=line + 4, class_="tick"))
    return join(head, _whisker(gap, scale, line))


def _whisker(gap: Json, scale: Scale, line: int) -> Markup:
    estimate = gap["estimate"]
    css = "mark " + gap["verdict"].replace(" ", "-")
    drawn = marker(SHAPES.get(gap["verdict"], "square"), share(scale(estimate["value"])), line, 5, css)
    bracket = interval(estimate["low"], estimate["high"], sign=True)
    told = element(
        "title", " ".join([metric_label(gap["metric"]), fixed(estimate["value"], sign=True), bracket, gap_note(gap)]).strip()
    )
    if not (is_number(estimate["low"]) and is_number(estimate["high"])):
        return element("g", told, drawn)
    left, right = share(scale(estimate["low"])), share(scale(estimate["high"]))
    bars = [element("line", x1=left, x2=right, y1=line, y2=line, class_="whisker")]
    bars += [_cap(estimate["low"], scale, line, -1), _cap(estimate["high"], scale, line, 1)]
    return element("g", told, *bars, drawn)


def _cap(end: float, scale: Scale, line: int, side: int) -> Markup:
    """End of a whisker: a bar, or an arrow where the interval goes on beyond the axis."""
    x = share(scale(end))
    if scale.low <= end <= scale.high:
        return element("line", x1=x, x2=x, y1=line - 4, y2=line + 4, class_="whisker")
    arrow = element("polyline", points=f"{-6 * side},-5 0,0 {-6 * side},5", class_="whisker open")
    return element("svg", arrow, x=x, y=line, overflow="visible")
