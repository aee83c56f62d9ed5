"""Small panels, one a metric: the value on each skin type with its interval, against the value over everybody."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from harness.reports.naming import FAMILIES, metric_label, single_skin_type
from harness.reports.numbers import count, fixed, interval, is_number
from harness.reports.record import Json, View
from harness.reports.svg import Content, Scale, element, join, marker, tick_text

_WIDTH, _HEIGHT = 280, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 8, 28, 46
_TYPES = ("I", "II", "III", "IV", "V", "VI")
_DARKER = {"IV", "V", "VI"}


def skin_type_panels(view: View, limit: int = 6) -> list[Markup]:
    """Draw a panel for each headline metric that the record has by single skin type: diagnosis first, then boxes and counts."""
    return [_panel(metric, _by_type(view, metric), view.estimate(metric)) for metric in _chosen(view)[:limit]]


def _chosen(view: View) -> list[str]:
    primary = [gap["metric"] for gap in view.primary]
    preferred = [
        "balanced_accuracy",
        "auroc",
        "sensitivity",
        "f1_iou_50",
        "count_accuracy",
        "accuracy",
        *(m for f in FAMILIES for m in f.metrics),
    ]
    ordered = dict.fromkeys(m for m in [*primary, *preferred] if m in view.metrics)
    return [metric for metric in ordered if sum(is_number(e["value"]) for e in _by_type(view, metric).values()) > 1]


def _by_type(view: View, metric: str) -> dict[str, Json]:
    found = ((single_skin_type(group), view.estimate(metric, group)) for group in view.groups)
    return {name: estimate for name, estimate in found if name and estimate is not None}


def _ends(estimates: Sequence[Json]) -> tuple[float, float]:
    """Ends of the axis: from the data, a little wider, and never past 1 for what cannot exceed it."""
    values = [v for e in estimates for v in (e["value"], e["low"], e["high"]) if is_number(v)]
    low, high = min(values), max(values)
    pad = 0.06 * max(high - low, 0.02)
    top = 1.0 if high <= 1 < high + pad else high + pad
    return (0.0 if low >= 0 > low - pad else low - pad), top


def _panel(metric: str, estimates: dict[str, Json], overall: Json | None) -> Markup:
    low, high = _ends([*estimates.values(), *([overall] if overall else [])])
    scale = Scale(low, high, _HEIGHT - _BOTTOM, _TOP)
    step = (_WIDTH - _LEFT - _RIGHT) / len(_TYPES)
    centres = {name: _LEFT + step * (i + 0.5) for i, name in enumerate(_TYPES)}
    columns = [_column(name, x, estimates.get(name), scale) for name, x in centres.items()]
    return element(
        "svg",
        element("title", f"{metric_label(metric)} by skin type; the dashed line is the value over everybody"),
        element("text", metric_label(metric), x=0, y=13, class_="name"),
        *_grid(scale),
        *_overall_line(overall, scale),
        *columns,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        role="img",
        class_="figure",
    )


def _grid(scale: Scale) -> list[Content]:
    ticks = scale.ticks(5)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.1
    return [
        join(
            element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=scale(t), y2=scale(t), class_="rule"),
            element("text", tick_text(t, step), x=_LEFT - 5, y=scale(t) + 4, text_anchor="end", class_="tick"),
        )
        for t in ticks
    ]


def _overall_line(overall: Json | None, scale: Scale) -> list[Content]:
    if overall is None or not is_number(overall["value"]):
        return []
    y = scale(overall["value"])
    return [element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="overall")]


def _column(name: str, x: float, estimate: Json | None, scale: Scale) -> Markup:
    side = "darker" if name in _DARKER else "lighter"
    base = _HEIGHT - _BOTTOM
    labels = element("text", name, x=x, y=base + 18, text_anchor="middle", class_="tick strong")
    if estimate is None or not is_number(estimate["value"]):
        return join(labels, element("text", "–", x=x, y=base - 6, text_anchor="middle", class_="tick"))
    told = element("title", f"{name}: {fixed(estimate['value'])} {interval(estimate['low'], estimate['high'])}")
    patients = element("text", count(estimate["n_clusters"]), x=x, y=base + 34, text_anchor="middle", class_="tick faint")
    whisker: list[Content] = []
    if is_number(estimate["low"]) and is_number(estimate["high"]):
        whisker = [element("line", x1=x, x2=x, y1=scale(estimate["low"]), y2=scale(estimate["high"]), class_=f"whisker {side}")]
    shape = "square" if name in _DARKER else "circle"
    return element("g", told, labels, patients, *whisker, marker(shape, x, scale(estimate["value"]), 4.5, f"mark {side}"))
