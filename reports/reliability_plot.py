"""The reliability diagram: how often the model is right at each confidence, by group.

Data: a list of ``{"group": null | {...}, "kind", "n", "bins": [{"confidence", "observed", "low", "high", "n"}, ...]}``, where
``confidence`` is a bin's mean confidence (``kind`` says in what) and ``observed`` its share of right answers, with the interval
``low`` to ``high``.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from harness.reports.naming import group_label
from harness.reports.numbers import count, fixed, interval, is_number
from harness.reports.record import Json
from harness.reports.svg import Content, Scale, element, join, marker
from harness.reports.tables import Cell, Row, Table

_SIZE, _LEFT, _TOP, _BASE = 250, 36, 26, 40
_BARS = 26
_KINDS = {"positive class": "probability of the positive class", "likeliest class": "confidence in the answer"}


def axis_end(curves: Sequence[Json]) -> float:
    """Return where the axes of curves shown together end: at 1, or closer to 0 where everything lies there."""
    points = [b for curve in curves for b in curve["bins"] if b["n"]]
    largest = max((v for b in points for v in (b["confidence"], b["observed"], b["high"]) if is_number(v)), default=1.0)
    return next(end for end in (0.1, 0.2, 0.5, 1.0) if largest <= end or end == 1)


def reliability_panel(curve: Json, end: float = 1.0) -> Markup:
    """Draw one group's curve with its intervals, the diagonal of perfect calibration, and below it where the answers lie.

    Args:
        curve: One entry of the record's ``reliability``.
        end: Where both axes end.
    """
    across = Scale(0, end, _LEFT, _SIZE - 6)
    up = Scale(0, end, _TOP + _SIZE - _LEFT, _TOP)
    bottom = _TOP + _SIZE - _LEFT
    bins = [b for b in curve["bins"] if b["n"] and is_number(b["observed"])]
    height = bottom + _BARS + _BASE
    return element(
        "svg",
        element("title", f"Reliability, {group_label(curve['group'])}: share of right answers against confidence"),
        element("text", f"{group_label(curve['group'])} · n {count(curve['n'])}", x=0, y=13, class_="name"),
        *_grid(across, up, bottom, end),
        *_curve(bins, across, up),
        *_counts(bins, across, bottom),
        element(
            "text",
            _KINDS.get(curve.get("kind", ""), "confidence"),
            x=(_LEFT + _SIZE) / 2,
            y=height - 4,
            text_anchor="middle",
            class_="tick",
        ),
        viewBox=f"0 0 {_SIZE} {height}",
        width=_SIZE,
        role="img",
        class_="figure",
    )


def _grid(across: Scale, up: Scale, bottom: float, end: float) -> list[Content]:
    parts = 4 if end == 1 else 5
    drawn: list[Content] = [element("line", x1=across(0), y1=up(0), x2=across(end), y2=up(end), class_="diagonal")]
    for tick in (end * part / parts for part in range(parts + 1)):
        text = f"{tick:g}"
        drawn += [
            element("line", x1=across(0), x2=across(end), y1=up(tick), y2=up(tick), class_="rule"),
            element("text", text, x=_LEFT - 5, y=up(tick) + 4, text_anchor="end", class_="tick"),
            element(
                "text",
                text,
                x=across(tick),
                y=bottom + _BARS + 18,
                text_anchor="middle" if tick < end else "end",
                class_="tick",
            ),
        ]
    return drawn


def _curve(bins: list[Json], across: Scale, up: Scale) -> list[Content]:
    points = [(across(b["confidence"]), up(b["observed"])) for b in bins]
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    drawn: list[Content] = [element("polyline", points=path, class_="curve")]
    for b, (x, y) in zip(bins, points, strict=True):
        told = element(
            "title",
            f"confidence {fixed(b['confidence'])}: {fixed(b['observed'])} right {interval(b['low'], b['high'])}, n {b['n']}",
        )
        bar = (
            [element("line", x1=x, x2=x, y1=up(b["low"]), y2=up(b["high"]), class_="whisker lighter thin")]
            if is_number(b["low"]) and is_number(b["high"])
            else []
        )
        drawn.append(element("g", told, *bar, marker("circle", x, y, 3.5, "mark lighter")))
    return drawn


def _counts(bins: list[Json], across: Scale, bottom: float) -> list[Content]:
    most = max((b["n"] for b in bins), default=1)
    return [
        join(
            *(
                element(
                    "rect",
                    x=across(b["confidence"]) - 1.5,
                    y=bottom + _BARS + 2 - _BARS * b["n"] / most,
                    width=3,
                    height=_BARS * b["n"] / most,
                    class_="bar",
                )
                for b in bins
            )
        )
    ]


def reliability_table(curve: Json) -> Table:
    """Return the numbers behind one group's diagram."""
    rows = tuple(
        Row(
            fixed(b["confidence"]),
            (
                Cell(fixed(b["observed"]), css="num"),
                Cell(interval(b["low"], b["high"]) or "–", css="num"),
                Cell(count(b["n"]), css="num"),
            ),
        )
        for b in curve["bins"]
        if b["n"]
    )
    return Table(f"Reliability, {group_label(curve['group'])}", ("Mean confidence", "Right", "Interval", "n"), rows)
