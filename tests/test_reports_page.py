"""The run report: what stands on the page, what never does, and that a browser opens it without complaint."""

from __future__ import annotations

import base64
import copy
import io
import math
import os
import random
import re
import shutil
import signal
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from harness.reports.run_report import render_html, render_markdown
from harness.result import CoverageRow, Evaluation, Result
from harness.types import NAN, Estimate, Gap, MetricResult, Verdict

TYPES = ("I", "II", "III", "IV", "V", "VI")
PEOPLE = {"I": 45, "II": 80, "III": 78, "IV": 92, "V": 70, "VI": 41, "unknown": 14}
CLASSES = ("melanoma", "basal cell carcinoma", "nevus", "seborrheic keratosis", "normal skin")
HIGHER = {
    "balanced_accuracy": 0.81,
    "accuracy": 0.83,
    "f1_macro": 0.80,
    "auroc": 0.93,
    "sensitivity": 0.86,
    "specificity": 0.91,
    "average_precision": 0.84,
}
LOWER = {"brier": 0.24, "ece_debiased": 0.031, "smooth_ece": 0.04}
BOXES = {"f1_iou_50": 0.83, "map_50": 0.79}
COUNTS = {"count_accuracy": 0.961, "within_1": 0.99}
PRIMARY = ("balanced_accuracy", "sensitivity", "auroc")


def estimate(
    value: float, patients: int, spread: float = 0.6, method: str = "wilson_effective_n", reason: str = ""
) -> Estimate:
    if patients < 5:
        return Estimate(NAN, n=patients * 3, n_clusters=patients, reason=reason or "no positives in this group")
    half = spread / math.sqrt(patients)
    low, high = value - half, min(value + half, 1.0) if value <= 1 else value + half
    return Estimate(
        value,
        low,
        high,
        low - 0.002,
        min(high + 0.001, 1.0) if value <= 1 else high,
        0.95,
        method,
        patients * 3,
        patients,
        2000,
        0,
        reason,
    )


def groups() -> list[tuple[dict[str, str] | None, int]]:
    skin: list[tuple[dict[str, str] | None, int]] = [
        (None, 420),
        ({"fitzpatrick": "I-III"}, 203),
        ({"fitzpatrick": "IV-VI"}, 203),
    ]
    skin += [({"fitzpatrick": t}, n) for t, n in PEOPLE.items()]
    skin += [({"sex": "female"}, 220), ({"sex": "male"}, 198), ({"sex": "unknown"}, 2)]
    return [*skin, ({"age": "60-79"}, 120), ({"age": "<40"}, 90), ({"age": "40-59"}, 180), ({"age": "80+"}, 30)]


def metrics(seed: int) -> tuple[MetricResult, ...]:
    chance = random.Random(seed)
    per_class = {f"{base}[{c}]": 0.8 for base in ("precision", "recall", "f1") for c in CLASSES}
    rows = []
    for names, better in (({**HIGHER, **BOXES, **COUNTS, **per_class}, True), (LOWER | {"count_mae": 0.49}, False)):
        for name, level in names.items():
            for group, patients in groups():
                drift = chance.gauss(0, 0.02) - (
                    0.03 if better and group and group.get("fitzpatrick") in ("V", "VI", "IV-VI") else 0
                )
                rows.append(MetricResult(name, group, estimate(min(max(level + drift, 0.01), 1.0), patients), better))
    return tuple(rows)


def gap(
    metric: str,
    value: float,
    half: float,
    verdict: Verdict,
    *,
    better: bool | None = True,
    detectable: float = 0.07,
    reason: str = "",
    **other: str,
) -> Gap:
    e = Estimate(
        value,
        value - half,
        value + half,
        value - half - 0.003,
        value + half,
        0.95,
        "newcombe_effective_n",
        1490,
        406,
        2000,
        0,
        "",
    )
    where = {"attribute": "fitzpatrick", "reference": "I-III", "compared": "IV-VI", "family": "declared", **other}
    return Gap(
        metric=metric,
        estimate=e,
        margin=0.05,
        verdict=verdict,
        minimum_detectable=detectable,
        p_value=0.03,
        p_adjusted=0.0004 if verdict is Verdict.GAP else 0.41,
        higher_is_better=better,
        reason=reason,
        **where,
    )


def unmatched_gaps() -> tuple[Gap, ...]:
    few = "sensitivity rests on 1 patient of IV-VI; below 10 nothing is decided"
    return (
        gap("auroc", 0.012, 0.03, Verdict.WITHIN_MARGIN),
        gap("sensitivity", -0.31, 0.38, Verdict.INCONCLUSIVE, detectable=0.385, reason=few),
        gap("balanced_accuracy", -0.031, 0.05, Verdict.INCONCLUSIVE),
        gap("brier", 0.06, 0.04, Verdict.GAP, better=False),
        gap("specificity", NAN, NAN, Verdict.INCONCLUSIVE, detectable=NAN, reason="no negatives on IV-VI"),
        gap("count_mae", 0.11, 0.2, Verdict.INCONCLUSIVE, better=False),
        gap(
            "accuracy",
            0.01,
            0.03,
            Verdict.WITHIN_MARGIN,
            attribute="sex",
            reference="male",
            compared="female",
            family="exploratory",
        ),
        gap("accuracy", -0.12, 0.05, Verdict.GAP, attribute="age", reference="<40", compared="60-79", family="exploratory"),
    )


def matched_gaps() -> tuple[Gap, ...]:
    return (
        gap("balanced_accuracy", -0.070, 0.03, Verdict.GAP, detectable=0.04),
        gap("sensitivity", -0.055, 0.035, Verdict.GAP, detectable=0.05),
        gap("auroc", -0.02, 0.012, Verdict.WITHIN_MARGIN, detectable=0.02),
    )


def coverage() -> tuple[CoverageRow, ...]:
    rows = []
    for task in ("classification", "detection", "counting"):
        for group, patients in groups():
            counts = {"ok": patients * 3 - 2, "refused": 1, "unparsable": 1} if patients > 20 else {"ok": patients * 3}
            rows.append(CoverageRow(task, group, counts, estimate(0.993, max(patients, 5), 0.05)))
    return tuple(rows)


def figures() -> dict[str, Any]:
    chance = random.Random(3)
    bins = [
        {
            "confidence": 0.25 + 0.07 * i,
            "observed": min(0.2 + 0.07 * i + chance.gauss(0, 0.03), 1),
            "low": 0.14 + 0.07 * i,
            "high": min(0.3 + 0.07 * i, 1),
            "n": 12 + 9 * i * i,
        }
        for i in range(11)
    ]
    counts = [
        [chance.randint(150, 260) if i == j else chance.randint(0, 35) for j in range(5)] + [chance.randint(0, 3)]
        for i in range(5)
    ]
    skin: tuple[dict[str, str] | None, ...] = (None, {"fitzpatrick": "I-III"}, {"fitzpatrick": "IV-VI"})
    return {
        "reliability": [{"group": g, "bins": bins, "n": 1260} for g in skin],
        "confusion": [{"group": g, "classes": list(CLASSES), "columns": [*CLASSES, "unread"], "counts": counts} for g in skin],
    }


def record(*, public: bool = True, privacy: str = "on", companion: bool = True) -> dict[str, Any]:
    notes = (
        "Below 10 patients in a denominator the verdict is inconclusive.",
        "ECE is shown debiased; never compare raw ECE of groups of unequal size.",
    )
    dataset = {
        "name": "skinphantom",
        "title": "drawn skin lesions, test split",
        "public": public,
        "licence": "CC0-1.0",
        "digest": "9f2c" * 16,
        "n_samples": 1500,
        "n_patients": 420,
    }
    main = Evaluation(dataset, metrics(1), unmatched_gaps(), coverage(), figures(), notes)
    matched = Evaluation(
        {**dataset, "name": "skinphantom_matched", "n_samples": 2100, "n_patients": 350},
        metrics(2),
        matched_gaps(),
        coverage(),
        {},
        notes[:1],
    )
    model = {
        "name": "phantomvl_q4",
        "fingerprint": {"quantization": "q4_0", "weights": "ab12" * 16, "runtime": {"name": "llama.cpp", "version": "b11549"}},
    }
    settings = {
        "primary": list(PRIMARY),
        "level": 0.95,
        "margin": 0.05,
        "n_resamples": 2000,
        "seed": 0,
        "interval": "auto",
        "privacy": privacy,
    }
    environment = {"vlm-fairness-harness": "0.1.0", "numpy": "2.4.6", "python": "3.11"}
    return Result("fairness", model, main, matched if companion else None, settings, environment, "c0ffee" * 10).to_dict()


def picture(tone: tuple[int, int, int]) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (112, 112), tone).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def example(number: int, **changes: Any) -> dict[str, Any]:
    tones = ((241, 213, 196), (222, 184, 150), (160, 112, 80), (86, 56, 40))
    shown = {
        "id": f"P0{number}-2",
        "task": "classification",
        "group": {"fitzpatrick": TYPES[number % 6], "sex": "female", "age": "61.0"},
        "text": "nevus",
        "status": "ok",
        "truth": {"label": "melanoma", "boxes": [[30, 35, 70, 80]]},
        "answer": {"label": "nevus", "boxes": [[26, 40, 64, 84], [80, 10, 100, 30]]},
        "confidence": 0.991 - number / 100,
        "image": picture(tones[number % 4]),
        "size": [112, 112],
    }
    return {**shown, **changes}


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "javascript:alert(3)",
    "</svg><svg onload=alert(4)>",
    "{{ 7 * 7 }}{% raw %}",
    "</style><style>body{display:none}</style>",
)


class Page(HTMLParser):
    """Collects tags, attributes and the visible text; unbalanced tags fail."""

    VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.style = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.tags if attribute in attributes]


@pytest.fixture(scope="module")
def full() -> str:
    return render_html(record(), [example(i) for i in range(4)], {"command": "harness run model=phantomvl_q4 seed=0"})


def test_page_loads_nothing_from_elsewhere_and_runs_nothing(full: str) -> None:
    page = Page(full)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all(link.startswith(("#", "data:")) for name in ("href", "src", "xlink:href") for link in page.values(name))
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert "default-src 'none'" in full


def test_anchors_lead_somewhere_and_ids_are_unique(full: str) -> None:
    page = Page(full)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= set(ids)


def test_same_record_gives_same_bytes_in_any_key_order() -> None:
    first = record()
    turned = {key: first[key] for key in reversed(first)}
    assert render_html(first) == render_html(turned) == render_html(copy.deepcopy(first))
    assert render_markdown(first) == render_markdown(turned)


def test_rendering_leaves_the_record_alone() -> None:
    first = record()
    before = copy.deepcopy(first)
    render_html(first, [example(1)], {"command": "x"})
    render_markdown(first)
    assert first == before


def test_verdict_of_both_evaluations_stands_on_top(full: str) -> None:
    top = Page(full).text.split("Differences between groups")[0]
    assert "Unmatched: different patients in each group" in top
    assert "Matched: the same lesions on every skin type" in top
    assert "inconclusive – with these 406 patients only a difference of at least 0.07 could be seen" in top
    assert "a gap, worse for IV–VI" in top


def test_without_companion_nothing_speaks_of_matching() -> None:
    html = render_html(record(companion=False))
    assert "atched" not in Page(html).text
    assert len(re.findall(r'class="verdict-card', html)) == 1


def test_notes_stand_on_top_and_once() -> None:
    noted = record()
    noted["notes"], noted["companion"]["notes"] = (
        ["limit=300: not a result to quote"],
        ["limit=300: not a result to quote", "few lesions"],
    )
    text = Page(render_html(noted)).text
    assert text.count("not a result to quote") == 1
    assert text.index("not a result to quote") < text.index("Matched: few lesions") < text.index("Differences between groups")


def test_exploratory_gaps_are_kept_apart(full: str) -> None:
    text = Page(full).text
    declared, exploratory = text.index("Declared comparisons"), text.index("Exploratory, by sex (1)")
    assert declared < text.index("Skin type: IV–VI against I–III") < exploratory
    assert (
        exploratory
        < text.index("Sex: female against male")
        < text.index("Exploratory, by age (1)")
        < text.index("Age: 60–79 against <40")
    )


def test_exploratory_gaps_carry_a_warning(full: str) -> None:
    assert Page(full).text.count("some exclude zero by chance") == 2


def test_a_table_without_patients_says_what_that_means() -> None:
    alone = record(companion=False)
    alone["dataset"]["n_patients"] = None
    text = Page(render_html(alone)).text
    assert "Nobody said whose they are" in text
    assert "pat." not in text


def test_metrics_of_two_tasks_with_one_name_stand_apart() -> None:
    two = record(companion=False)
    renamed = [
        {**m, "metric": f"multilabel/{m['metric']}"} for m in two["metrics"] if m["metric"] in {"accuracy", "recall[nevus]"}
    ]
    two["metrics"] += renamed
    text = Page(render_html(two)).text
    assert "Diagnosis (multilabel)" in text
    assert "Recall by class (multilabel)" in text


def test_every_metric_and_group_has_its_number(full: str) -> None:
    text = Page(full).text
    for name in (
        "Balanced accuracy",
        "Macro-F1",
        "Smooth ECE",
        "Box F1 at IoU 0.5",
        "Mean absolute error",
        "seborrheic keratosis",
        "Recall by class",
    ):
        assert name in text
    for name in ("Everybody", "I–III", "IV–VI", "unknown", "female", "40–59", "80+"):
        assert name in text
    for row in record()["metrics"]:
        value = row["estimate"]["value"]
        assert value is None or f"{value:.3f}" in text
    assert "undefined" in text
    assert "no positives in this group" in text


def test_coverage_names_every_failure(full: str) -> None:
    text = Page(full).text
    assert "1 refused, 1 unparsable" in text
    assert "Classification: 1\u202f258 of 1\u202f260 answers read (1 refused, 1 unparsable)" in text


def test_examples_show_boxes_labels_and_confidence(full: str) -> None:
    page = Page(full)
    classes = page.values("class")
    assert classes.count("box truth") == 4
    assert classes.count("box answer") == 8
    assert "1 truth box (solid), 2 answer boxes (dashed)" in page.text
    assert (
        "Skin type unknown · Age 39"
        in Page(render_html(record(), [example(1, group={"fitzpatrick": None, "age": "39.0"})])).text
    )
    assert "at 99.1%" in page.text
    assert "Skin type III · Sex female · Age 61" in page.text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_shows_as_text(hostile: str) -> None:
    bad = record()
    bad["model"]["name"] = hostile
    bad["dataset"]["name"] = hostile
    bad["notes"] = [hostile]
    bad["gaps"][0]["reason"] = hostile
    bad["metrics"][0]["metric"] = hostile
    bad["metrics"][1]["group"] = {"site": hostile}
    bad["figures"]["confusion"][0]["columns"][0] = hostile
    answer = {"label": hostile, "boxes": []}
    html = render_html(
        bad,
        [example(1, id=hostile, text=hostile + "!", answer=answer, status=hostile, group={"fitzpatrick": hostile})],
        {"command": hostile},
    )
    page = Page(html)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "iframe"})
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.text.count(hostile) >= 6
    assert [tag for tag, _ in page.tags].count("style") == 1


@pytest.mark.parametrize(
    "source",
    [
        "javascript:alert(1)",
        "https://example.org/a.png",
        "data:text/html;base64,AAAA",
        'data:image/png;base64,AA" onload="x',
        "",
    ],
)
def test_only_embedded_pictures_are_drawn(source: str) -> None:
    page = Page(render_html(record(), [example(1, image=source)]))
    assert "image" not in {tag for tag, _ in page.tags}
    assert "melanoma" in page.text


def test_private_data_show_no_picture_id_or_text() -> None:
    private = record(public=False, companion=False)
    html = render_html(private, [example(1, text="Mrs Example says")])
    page = Page(html)
    assert "image" not in {tag for tag, _ in page.tags}
    assert "Mrs Example" not in html
    assert "P01-2" not in html
    assert "pictures, ids and texts are left out" in page.text
    assert "Privacy is off" not in page.text


def test_a_private_companion_is_enough_to_withhold() -> None:
    mixed = record()
    mixed["companion"]["dataset"]["public"] = False
    assert "P01-2" not in render_html(mixed, [example(1)])


def test_privacy_off_shows_and_says_so_on_top() -> None:
    page = Page(render_html(record(public=False, privacy="off"), [example(1)]))
    assert "image" in {tag for tag, _ in page.tags}
    assert "Privacy is off." in page.text.split("Differences between groups")[0]
    assert "Privacy is off." not in Page(render_html(record(privacy="off"), [example(1)])).text


def test_an_empty_record_still_gives_a_page() -> None:
    empty = record(companion=False)
    empty.update(metrics=[], gaps=[], coverage=[], figures={}, notes=[], environment={})
    page = Page(render_html(empty))
    assert "Nothing could be computed from these answers." in page.text
    assert "missing" in page.text
    assert "Nothing could be computed" in render_markdown(empty)


def test_everything_undefined_still_gives_a_page() -> None:
    undefined = record()
    for evaluation in (undefined, undefined["companion"]):
        for row in [*evaluation["metrics"], *evaluation["gaps"]]:
            row["estimate"].update(
                value=None, low=None, high=None, bootstrap_low=None, bootstrap_high=None, reason="no answers"
            )
            row.update({"verdict": "inconclusive", "minimum_detectable": None, "p_adjusted": None} if "verdict" in row else {})
    text = Page(render_html(undefined)).text
    assert "Balanced accuracy is undefined overall (no answers)" in text
    assert not re.search(r"\b(nan|None)\b", text)


def test_markdown_is_compact_and_holds_the_tables() -> None:
    text = render_markdown(record())
    assert text.startswith("### phantomvl\\_q4 on skinphantom\n")
    assert "| Balanced accuracy |" in text
    assert "report.html" in text
    assert len(text) < 9_000
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} == {7}


def test_markdown_of_hostile_names_has_no_markup() -> None:
    bad = record(companion=False)
    bad["model"]["name"] = "<b>a|b</b>\n# heading"
    first = render_markdown(bad).splitlines()[0]
    assert first == "### \\<b\\>a\\|b\\</b\\> \\# heading on skinphantom"


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not on PATH")
def test_a_browser_opens_the_page_without_complaint(tmp_path: Path) -> None:
    examples = [example(i, text=hostile) for i, hostile in enumerate(HOSTILE)]
    page, shot = tmp_path / "report.html", tmp_path / "shot.png"
    page.write_text(render_html(record(), examples), encoding="utf-8")
    told = _chromium(page, shot, tmp_path / "profile")
    assert [line for line in told.splitlines() if "CONSOLE" in line] == []
    with Image.open(shot) as picture_of_page:
        assert picture_of_page.size == (1200, 1600)


def _chromium(page: Path, shot: Path, profile: Path) -> str:
    """Open a page headless, save its picture, return what the browser logged. Ends its own processes if it hangs."""
    quiet = ["gpu", "quic", "background-networking", "component-update", "sync", "dev-shm-usage"]
    command = ["chromium", "--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in quiet)]
    command += [
        "--enable-logging=stderr",
        "--v=0",
        f"--user-data-dir={profile}",
        "--window-size=1200,1600",
        f"--screenshot={shot}",
        page.as_uri(),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as browser:
        try:
            return browser.communicate(timeout=90)[1]
        except subprocess.TimeoutExpired:
            os.killpg(browser.pid, signal.SIGKILL)
            raise
