"""Any small table: the suite never fails, intervals hold their points, and what is said agrees with the numbers."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.answers import ClassAnswers, Units
from harness.suites.fairness import evaluate
from harness.suites.settings import Settings
from harness.types import Status, Verdict

LEVEL = 0.95


def column(values):
    out = np.empty(len(values), object)
    out[:] = values
    return out


def scores_of(rng, kind, truth, size):
    n = len(truth)
    if kind == "equal":
        return np.full((n, size), 1 / size)
    if kind == "certain":
        return np.eye(size)[rng.integers(0, size, n)]
    if kind == "right":
        return np.eye(size)[truth]
    found = rng.dirichlet(np.full(size, rng.choice([0.05, 0.5, 5.0])), n)
    return np.round(found, 1) / np.round(found, 1).sum(axis=1, keepdims=True) if kind == "coarse" else found


@st.composite
def tables(draw):
    """Hypothesis chooses the shape of a table, a seeded generator fills it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, patients, size = draw(st.integers(1, 40)), draw(st.integers(1, 15)), draw(st.integers(2, 4))
    truth = rng.integers(0, draw(st.integers(1, size)), n)
    answer = np.where(rng.random(n) < draw(st.sampled_from([0.0, 0.5, 0.9, 1.0])), truth, rng.integers(-1, size, n))
    kind = draw(st.sampled_from(["none", "spread", "coarse", "equal", "certain", "right"]))
    scores = None if kind == "none" else scores_of(rng, kind, truth, size)
    if scores is not None:
        scores[rng.random(n) < draw(st.sampled_from([0.0, 0.3]))] = np.nan
        scores = None if np.isnan(scores).all() else scores
    owner = rng.integers(0, patients, n)
    known = draw(st.sampled_from([0.0, 0.8, 1.0]))
    skin = np.where(rng.random(patients) < known, rng.choice(["I", "III", "IV", "VI"], patients), "")[owner]
    if draw(st.booleans()):  # a lesion shown on several skin types
        skin = rng.choice(["II", "V", ""], n)
    classes = tuple("abcd"[:size])
    units = Units(
        column([str(i) for i in range(n)]),
        column([f"p{i}" for i in owner]),
        {"fitzpatrick": column([s or None for s in skin]), "sex": column(rng.choice(["f", "m"], n).tolist())},
    )
    status = [Status.OK if a >= 0 else Status.UNPARSABLE for a in answer]
    positive = draw(st.sampled_from([(), classes[1:2], classes[:-1]]))
    return ClassAnswers(units, status, classes, truth, answer, scores, positive)


def check_interval(name, one):
    if math.isnan(one.value):
        assert one.reason, name
        assert math.isnan(one.low), name
        assert math.isnan(one.high), name
    elif math.isnan(one.low) or math.isnan(one.high):
        assert one.reason, name
        assert not one.method, name
    else:
        assert one.low <= one.value <= one.high, (name, one)
        assert one.low < one.high, (name, one)
        assert one.method, name


def check_gap(gap):
    low, high = gap.estimate.low, gap.estimate.high
    outside = low > 0 or high < 0
    if not math.isnan(gap.p_value):
        assert 0 < gap.p_value <= 1, gap
        assert gap.p_value <= gap.p_adjusted + 1e-12, gap
        apart = abs(gap.p_value - (1 - LEVEL)) > 1e-6
        assert not apart or (gap.p_value < 1 - LEVEL) == outside, gap
    if gap.verdict is Verdict.WITHIN_MARGIN:
        assert -gap.margin <= low, gap
        assert high <= gap.margin, gap
    elif gap.verdict is Verdict.GAP:
        assert outside, gap
    elif math.isfinite(gap.p_value):
        assert not outside, gap
    if not math.isnan(gap.minimum_detectable):
        assert gap.minimum_detectable >= 0, gap


def check(answers, rules):
    found = evaluate({"task": answers}, rules)
    for one in found.metric_results:
        check_interval(one.metric, one.estimate)
    for row in found.coverage:
        check_interval("coverage", row.estimate)
    for gap in found.gap_results:
        check_interval(gap.metric, gap.estimate)
        check_gap(gap)
    for curve in found.figures["reliability"]:
        assert all(p["low"] <= p["observed"] <= p["high"] for p in curve["bins"])


@pytest.mark.parametrize("interval", ["auto", "bootstrap"])
@settings(max_examples=45, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(answers=tables(), few=st.sampled_from([1, 10]))
def test_any_small_table(interval, answers, few):
    check(answers, Settings(n_resamples=100, level=LEVEL, interval=interval, min_patients=few))
