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
HIGHER = {"balanced_accuracy": 0.81, "accuracy": 0.83, "f1_macro": 0.80, "auroc": 0.93, "sensitivity": 0.86, "specificity": 0.91, "average_precision": 0.84}
LOWER = {"brier": 0.24, "ece_debiased": 0.031, "smooth_ece": 0.04}
BOXES = {"f1_iou_50": 0.83, "map_50": 0.79}
COUNTS = {"exact": 0.961, "within_1": 0.99}
PRIMARY = ("balanced_accuracy", "sensitivity", "auroc")


def estimate(value: float, patients: int, spread: float = 0.6, method: str = "wilson_effective_n", reason: str = "") -> Estimate:
    if patients < 5:
        return Estimate(NAN, n=patients * 3, n_clusters=patients, reason=reason or "no positives in this group")
    half = spread / math.sqrt(patients)
    low, high = value - half, min(value + half, 1.0) if value <= 1 else value + half
    return Estimate(value, low, high, low - 0.002, min(high + 0.001, 1.0) if value <= 1 else high, 0.95, method, patients * 3, patients, 2000, 0, reason)


def groups() -> list[tuple[dict[str, str] | None, int]]:
    skin: list[tuple[dict[str, str] | None, int]] = [(None, 420), ({"fitzpatrick": "I-III"}, 203), ({"fitzpatrick": "IV-VI"}, 203)]
    skin += [({"fitzpatrick": t}, n) for t, n in PEOPLE.items()]
    skin += [({"sex": "female"}, 220), ({"sex": "male"}, 198), ({"sex": "unknown"}, 2)]
    return skin + [({"age": "60-79"}, 120), ({"age": "<40"}, 90), ({"age": "40-59"}, 180), ({"age": "80+"}, 30)]


def metrics(seed: int) -> tuple[MetricResult, ...]:
    chance = random.Random(seed)
    per_class = {f"{base}[{c}]": 0.8 for base in ("precision", "recall", "f1") for c in CLASSES}
    rows = []
    for names, better in (({**HIGHER, **BOXES, **COUNTS, **per_class}, True), (LOWER | {"mae": 0.49}, False)):
        for name, level in names.items():
            for group, patients in groups():
                drift = chance.gauss(0, 0.02) - (0.03 if better and group and group.get("fitzpatrick") in ("V", "VI", "IV-VI") else 0)
                rows.append(MetricResult(name, group, estimate(min(max(level + drift, 0.01), 1.0), patients), better))
    return tuple(rows)


def gap(metric: str, value: float, half: float, verdict: Verdict, *, better: bool | None = True, detectable: float = 0.07, reason: str = "", **other: str) -> Gap:
    e = Estimate(value, value - half, value + half, value - half - 0.003, value + half, 0.95, "newcombe_effective_n", 1490, 406, 2000, 0, "")
    where = {"attribute": "fitzpatrick", "reference": "I-III", "compared": "IV-VI", "family": "declared", **other}
    return Gap(metric=metric, estimate=e, margin=0.05, verdict=verdict, minimum_detectable=detectable, p_value=0.03, p_adjusted=0.0004 if verdict is Verdict.GAP else 0.41, higher_is_better=better, reason=reason, **where)


def unmatched_gaps() -> tuple[Gap, ...]:
    few = "sensitivity rests on 1 patient of IV-VI; below 10 nothing is decided"
    return (
        gap("auroc", 0.012, 0.03, Verdict.WITHIN_MARGIN),
        gap("sensitivity", -0.31, 0.38, Verdict.INCONCLUSIVE, detectable=0.385, reason=few),
        gap("balanced_accuracy", -0.031, 0.05, Verdict.INCONCLUSIVE),
        gap("brier", 0.06, 0.04, Verdict.GAP, better=False),
        gap("specificity", NAN, NAN, Verdict.INCONCLUSIVE, detectable=NAN, reason="no negatives on IV-VI"),
        gap("mae", 0.11, 0.2, Verdict.INCONCLUSIVE, better=False),
        gap("accuracy", 0.01, 0.03, Verdict.WITHIN_MARGIN, attribute="sex", reference="male", compared="female", family="exploratory"),
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
    bins = [{"confidence": 0.25 + 0.07 * i, "observed": min(0.2 + 0.07 * i + chance.gauss(0, 0.03), 1), "low": 0.14 + 0.07 * i, "high": min(0.3 + 0.07 * i, 1), "n": 12 + 9 * i * i} for i in range(11)]
    counts = [[chance.randint(150, 260) if i == j else chance.randint(0, 35) for j in range(5)] + [chance.randint(0, 3)] for i in range(5)]
    skin: tuple[dict[str, str] | None, ...] = (None, {"fitzpatrick": "I-III"}, {"fitzpatrick": "IV-VI"})
    return {
        "reliability": [{"group": g, "bins": bins, "n": 1260} for g in skin],
        "confusion": [{"group": g, "classes": list(CLASSES), "columns": [*CLASSES, "unread"], "counts": counts} for g in skin],
    }


def record(*, public: bool = True, privacy: str = "on", companion: bool = True) -> dict[str, Any]:
    notes = ("Below 10 patients in a denominator the verdict is inconclusive.", "ECE is shown debiased; never compare raw ECE of groups of unequal size.")
    dataset = {"name": "skinphantom", "title": "drawn skin lesions, test split", "public": public, "phantom": True, "licence": "CC0-1.0", "digest": "9f2c" * 16, "n": 1500, "n_patients": 420}
    main = Evaluation(dataset, metrics(1), unmatched_gaps(), coverage(), figures(), notes)
    matched = Evaluation({**dataset, "name": "skinphantom_matched", "n": 2100, "n_patients": 350}, metrics(2), matched_gaps(), coverage(), {}, notes[:1])
    model = {"name": "phantomvl_q4", "fingerprint": {"quantization": "q4_0", "weights": "ab12" * 16, "runtime": {"name": "llama.cpp", "version": "b11549"}}}
    settings = {"primary": list(PRIMARY), "level": 0.95, "margin": 0.05, "n_resamples": 2000, "seed": 0, "interval": "auto", "privacy": privacy}
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
