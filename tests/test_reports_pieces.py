"""The pieces that pages are built from: numbers, names, figures, tables, colours."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from harness.reports.confusion_plot import confusion_matrix
from harness.reports.gap_plot import gap_panel, panels
from harness.reports.naming import group_key, group_label, group_order, metric_label
from harness.reports.numbers import count, fixed, interval, p_value, percent
from harness.reports.page import style, unbroken
from harness.reports.reliability_plot import axis_end, reliability_panel, reliability_table
from harness.reports.svg import Scale, element, marker, tick_text
from harness.reports.tables import Cell, Row, Table, escape_markdown, to_markdown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.8124, "0.812"),
        (-0.0311, "−0.031"),
        (-0.0001, "0.000"),
        (12.34, "12.3"),
        (12345.6, "12\u202f346"),
        (None, "–"),
        (math.nan, "–"),
        (True, "–"),
    ],
)
def test_fixed(value: Any, shown: str) -> None:
    assert fixed(value) == shown


def test_signed_numbers_and_intervals() -> None:
    assert fixed(0.0304, 3, sign=True) == "+0.030"
    assert fixed(0.0, 2, sign=True) == "0.00"
    assert interval(-0.08, 0.02, 2) == "[−0.08, 0.02]"
    assert interval(None, 0.02) == ""


def test_percentages_never_round_to_all_or_none() -> None:
    assert [percent(v) for v in (1.0, 0.9999, 0.993, 0.0001, 0.0, None)] == ["100%", "> 99.9%", "99.3%", "< 0.1%", "0%", "–"]


def test_p_values_and_counts() -> None:
    assert [p_value(v) for v in (0.0004, 0.04, 1.0, None)] == ["< 0.001", "0.040", "1.000", "–"]
    assert count(1500) == "1\u202f500"


def test_metric_names() -> None:
    assert metric_label("recall[basal cell carcinoma]") == "Recall, basal cell carcinoma"
    assert metric_label("auroc[melanoma]") == "AUROC, melanoma"
    assert metric_label("f1_iou_50") == "Box F1 at IoU 0.5"
    assert metric_label("multilabel/f1_macro") == "Macro-F1 (multilabel)"
    assert metric_label("recall[a/b]") == "Recall, a/b"
    assert metric_label("multilabel/recall[a/b]") == "Recall, a/b (multilabel)"
    assert metric_label("some_new_metric") == "Some new metric"


def test_groups_are_named_and_ordered_for_reading() -> None:
    groups: list[dict[str, str] | None] = [
        {"age": "80+"},
        {"sex": "unknown"},
        {"fitzpatrick": "unknown"},
        {"fitzpatrick": "V"},
        {"age": "<40"},
    ]
    groups += [
        {"sex": "male"},
        {"fitzpatrick": "IV-VI"},
        None,
        {"fitzpatrick": "II"},
        {"site": "arm"},
        {"fitzpatrick": "I-III"},
    ]
    ordered = sorted(map(group_key, groups), key=group_order)
    assert [group_label(dict(key)) for key in ordered] == [
        "Everybody", "Skin type I–III", "Skin type IV–VI", "Skin type II", "Skin type V", "Skin type unknown",
        "Sex male", "Sex unknown", "Age <40", "Age 80+", "Body site arm",
    ]  # fmt: skip


def test_svg_escapes_text_and_attributes() -> None:
    drawn = element("text", "<b>&", x=1.0, class_='a"b', text_anchor="end", title=None)
    assert drawn == '<text x="1" class="a&#34;b" text-anchor="end">&lt;b&gt;&amp;</text>'
    assert isinstance(drawn, Markup)


def test_scale_holds_values_inside_and_gives_round_ticks() -> None:
    scale = Scale(-0.34, 0.34, 0.0, 1.0)
    assert scale(0) == pytest.approx(0.5)
    assert (scale(-9), scale(9)) == (0.0, 1.0)
    assert scale.ticks(4) == pytest.approx([-0.2, 0.0, 0.2])
    assert [tick_text(t, 0.05, sign=True) for t in (-0.05, 0.0, 0.1)] == ["−0.05", "0", "+0.10"]
    assert [tick_text(t, 20.0) for t in (0.0, 20.0)] == ["0", "20"]


@pytest.mark.parametrize("shape", ["circle", "square", "diamond", "triangle"])
def test_every_marker_is_well_formed(shape: str) -> None:
    assert ElementTree.fromstring(marker(shape, "50%", 10, 5, "mark")).get("x") == "50%"


def gap(
    metric: str, value: float | None, half: float, *, better: bool | None = True, verdict: str = "inconclusive"
) -> dict[str, Any]:
    estimate = {
        "value": value,
        "low": None if value is None else value - half,
        "high": None if value is None else value + half,
        "reason": "",
    }
    where = {"attribute": "fitzpatrick", "reference": "I-III", "compared": "IV-VI"}
    return {
        "metric": metric,
        "estimate": estimate,
        "margin": 0.05,
        "verdict": verdict,
        "higher_is_better": better,
        "reason": "",
        **where,
    }


def test_gap_panels_part_by_direction_and_unit() -> None:
    gaps = [
        gap("auroc", 0.01, 0.02),
        gap("brier", 0.02, 0.03, better=False),
        gap("count_mae", 0.3, 0.2, better=False),
        gap("accuracy", -0.01, 0.02),
    ]
    assert [[g["metric"] for g in panel.gaps] for panel in panels(gaps)] == [["auroc", "accuracy"], ["brier"], ["count_mae"]]


def test_gap_panel_says_which_side_is_worse() -> None:
    higher, lower, neither = (_drawn([gap("m", 0.01, 0.02, better=b)]) for b in (True, False, None))
    assert higher.index("← worse for IV–VI") < higher.index("better for IV–VI →")
    assert lower.index("← better for IV–VI") < lower.index("worse for IV–VI →")
    assert "← lower on IV–VI" in neither


def test_gap_panel_shows_verdicts_by_shape_and_words() -> None:
    gaps = [
        gap("a", -0.2, 0.1, verdict="gap"),
        gap("b", 0.0, 0.01, verdict="within margin"),
        gap("c", 0.0, 0.1),
        gap("d", None, 0.1),
    ]
    drawn = _drawn(gaps)
    shapes = [node.tag for node in ElementTree.fromstring(drawn).iter() if "mark" in (node.get("class") or "").split()]
    assert shapes == ["polygon", "circle", "polygon"]
    for words in ("gap, worse for IV–VI", "within margin", "inconclusive", "undefined"):
        assert words in drawn


def test_one_wide_interval_is_cut_with_an_arrow_and_no_value_is() -> None:
    gaps = [gap("a", 0.01, 0.03), gap("b", -0.02, 0.04), gap("c", -0.3, 0.5)]
    (panel,) = panels(gaps)
    assert 0.3 < panel.high < 0.4
    assert "arrow: the interval goes on" in _drawn(gaps)
    assert "arrow" not in _drawn(gaps[:2])


def test_panels_side_by_side_share_their_axis() -> None:
    wide, narrow = [gap("a", 0.01, 0.3)], [gap("a", 0.01, 0.02)]
    assert panels(wide, narrow)[0].high == panels(narrow, wide)[0].high


def _drawn(gaps: list[dict[str, Any]]) -> str:
    (panel,) = panels(gaps)
    drawn = gap_panel(panel, description="test")
    ElementTree.fromstring(drawn)
    return str(drawn)


def test_reliability_leaves_empty_bins_out() -> None:
    full = {"confidence": 0.9, "observed": 0.8, "low": 0.7, "high": 0.9, "n": 20}
    empty = {"confidence": None, "observed": None, "low": None, "high": None, "n": 0}
    bare = {"confidence": 0.5, "observed": 0.4, "low": None, "high": None, "n": 1}
    curve = {"group": None, "bins": [empty, bare, full], "n": 21}
    drawn = ElementTree.fromstring(reliability_panel(curve))
    assert sum(node.tag == "circle" for node in drawn.iter()) == 2
    assert [row.head for row in reliability_table(curve).rows] == ["0.500", "0.900"]


def test_reliability_axes_come_closer_where_everything_is_rare() -> None:
    near = {"group": None, "n": 9, "bins": [{"confidence": 0.04, "observed": 0.1, "low": 0.01, "high": 0.36, "n": 9}]}
    assert axis_end([near]) == 0.5
    assert axis_end([near, {**near, "bins": [{**near["bins"][0], "confidence": 0.8}]}]) == 1.0
    assert axis_end([]) == 1.0
    assert ">0.3<" in reliability_panel(near, 0.5)


def test_reliability_of_nobody_is_drawn_empty() -> None:
    ElementTree.fromstring(reliability_panel({"group": {"fitzpatrick": "VI"}, "bins": [], "n": 0}))


def test_confusion_matrix_shares_are_of_the_truth() -> None:
    data = {"group": None, "classes": ["a", "b"], "columns": ["a", "b", "unread"], "counts": [[8, 1, 1], [0, 0, 0]]}
    matrix = confusion_matrix(data)
    assert [s.share for s in matrix.rows[0][2]] == ["80.0%", "10.0%", "10.0%"]
    assert [s.right for s in matrix.rows[0][2]] == [True, False, False]
    assert [s.shade for s in matrix.rows[0][2]] == [80, 25, 25]
    assert [s.share for s in matrix.rows[1][2]] == ["", "", ""]


def test_table_letters_its_footnotes_once() -> None:
    cells = (Cell("1", note="few"), Cell("2", note="none"), Cell("3", note="few"))
    table = Table("t", ("", "a", "b", "c"), (Row("r", cells),))
    assert table.notes == ("few", "none")
    assert to_markdown(table).splitlines() == [
        "|  | a | b | c |",
        "| --- | --: | --: | --: |",
        "| r | 1 (a) | 2 (b) | 3 (a) |",
        "",
        "(a) few  ",
        "(b) none  ",
    ]
    many = Table("t", ("",), tuple(Row("r", (Cell("x", note=str(i)),)) for i in range(30)))
    assert [many.letter(str(i)) for i in (0, 25, 26, 29)] == ["a", "z", "aa", "ad"]


def test_markdown_text_stays_text_on_one_line() -> None:
    assert escape_markdown("a|b\n<i> [x](y) `c` *d* _e_") == "a\\|b \\<i\\> \\[x\\](y) \\`c\\` \\*d\\* \\_e\\_"


def test_unbroken_keeps_intervals_together_and_escapes() -> None:
    kept = '<span class="nobreak">{}</span>'
    assert unbroken("<b> IV–VI [0.1, 0.2]") == f"&lt;b&gt; {kept.format('IV–VI')} {kept.format('[0.1, 0.2]')}"
    assert unbroken("[<i>]") == kept.format("[&lt;i&gt;]")


def _colours(block: str) -> dict[str, tuple[float, ...]]:
    found = re.findall(r"--(\w+): #([0-9a-f]{6}|[0-9a-f]{3})\b", block)
    wide = {name: code if len(code) == 6 else "".join(2 * c for c in code) for name, code in found}
    return {name: tuple(int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)) for name, code in wide.items()}


def _luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


def _mixed(part: float, colour: tuple[float, ...], paper: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(part * c + (1 - part) * p for c, p in zip(colour, paper, strict=True))


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_colours_reach_wcag_aa(scheme: int) -> None:
    colours = _colours(re.findall(r":root \{(.*?)\}", style(), re.DOTALL)[scheme])
    for text in ("ink", "faint", "blue", "red"):
        for ground in ("paper", "sheet"):
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for text in ("ink", "faint"):
        assert _contrast(colours[text], colours["band"]) >= 4.5
    assert _contrast(colours["ink"], colours["warn"]) >= 4.5
    assert _contrast(colours["axis"], colours["paper"]) >= 3
    for shade in ("blue", "red"):
        assert _contrast(colours["ink"], _mixed(0.4, colours[shade], colours["paper"])) >= 4.5
