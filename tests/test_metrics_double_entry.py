"""Each metric's weighted form against its reference, on random and degenerate answers; weighting against physical duplication."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.answers import BoxAnswers, ClassAnswers, NumberAnswers, Units, take
from harness.errors import DoubleEntryError
from harness.metrics.base import Family, Layout
from harness.metrics.boxes import match
from harness.metrics.calibration import equal_width_bins
from harness.metrics.families import check_double_entry, families_of
from harness.metrics.ranking import cumulate
from harness.metrics.smooth_ece import NODES, node_weights, smooth_ece, smooth_ece_dense
from harness.stats.clusters import clusters_of
from harness.types import Status


def units(n, patients=None):
    patient = np.arange(n) % (patients or max(n, 1))
    return Units(np.array([f"s{i}" for i in range(n)], object), np.array([f"p{i:04d}" for i in patient], object), {})


def class_answers(n, size=4, *, seed=0, patients=None, levels=None, unread=0.1, positive=("c0",)):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, size, n)
    p = rng.dirichlet(np.ones(size), n) + np.eye(size)[truth] * 0.5
    if levels:
        p = np.round(p * levels) + 0.5
    p /= p.sum(axis=1, keepdims=True)
    failed = rng.random(n) < unread
    answer = np.where(failed, -1, p.argmax(axis=1))
    p[failed] = np.nan
    status = [Status.REFUSED if f else Status.OK for f in failed]
    return ClassAnswers(units(n, patients), status, tuple(f"c{c}" for c in range(size)), truth, answer, p, positive)


def box_answers(n, seed=0):
    rng = np.random.default_rng(seed)
    truth, answer = [], []
    for _ in range(n):
        corner = rng.integers(0, 20, (int(rng.integers(0, 4)), 2)).astype(float)
        boxes = np.hstack([corner, corner + rng.integers(1, 12, corner.shape)])
        truth.append(boxes)
        moved = np.vstack([boxes + rng.integers(-2, 3, boxes.shape), boxes[:1]])
        answer.append(None if rng.random() < 0.1 else moved[: rng.integers(0, 5)])
    return BoxAnswers(units(n), [Status.OK if a is not None else Status.UNPARSABLE for a in answer], truth, answer)


def number_answers(n, seed=0, unit=""):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 6, n).astype(float)
    answer = np.where(rng.random(n) < 0.2, np.nan, truth + rng.integers(-1, 2, n))
    return NumberAnswers(
        units(n), [Status.UNPARSABLE if math.isnan(a) else Status.OK for a in answer], truth, answer, (0, 6), unit
    )


def values(answers, weights=None):
    """Every metric under weights by patient (unit weights by default)."""
    clusters = clusters_of(answers.units.clusters)
    layout = Layout(clusters, (np.arange(len(answers.units)),))
    weights = np.ones((clusters.count, 1)) if weights is None else np.asarray(weights)[:, None]
    found = {}
    for family in families_of(answers):
        numbers = family.prepare(layout)(weights)[:, 0, 0]
        found |= dict(zip([m.name for m in family.metrics], numbers.tolist(), strict=True))
    return found


def agree(answers):
    found = values(answers)
    for family in families_of(answers):
        assert check_double_entry(family, {m.name: found[m.name] for m in family.metrics})
    return found


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 60), size=st.integers(2, 5), seed=st.integers(0, 10**6), levels=st.sampled_from([None, 1, 3]))
def test_closed_answers_equal_their_references(n, size, seed, levels):
    agree(class_answers(n, size, seed=seed, levels=levels))


@settings(deadline=None, max_examples=25)
@given(n=st.integers(0, 25), seed=st.integers(0, 10**6))
def test_boxes_and_numbers_equal_their_references(n, seed):
    agree(box_answers(n, seed))
    agree(number_answers(n, seed))
    agree(number_answers(n, seed, unit="mm"))


def degenerate(name):
    base = class_answers(12, 3, unread=0.0)
    wrong = (base.truth + 1) % 3
    certain = np.eye(3)
    cases = {
        "one class missing": replace(base, truth=base.truth % 2),
        "one class only": replace(base, truth=np.zeros(12, int)),
        "all wrong and certain": replace(base, answer=wrong, probabilities=certain[wrong]),
        "all right and certain": replace(base, answer=base.truth, probabilities=certain[base.truth]),
        "all tied": replace(base, answer=np.zeros(12, int), probabilities=np.full((12, 3), 1 / 3)),
        "all unread": replace(base, answer=np.full(12, -1), probabilities=np.full((12, 3), np.nan)),
        "one sample": class_answers(1, 3, unread=0.0),
        "one patient": class_answers(9, 3, patients=1),
        "no probabilities": replace(base, probabilities=None),
        "binary": class_answers(30, 2, seed=4),
        "binary without a positive": class_answers(30, 2, seed=4, positive=()),
        "two positives": class_answers(30, 4, seed=5, positive=("c0", "c2")),
    }
    return cases[name]


@pytest.mark.parametrize(
    "name",
    [
        "one class missing",
        "one class only",
        "all wrong and certain",
        "all right and certain",
        "all tied",
        "all unread",
        "one sample",
        "one patient",
        "no probabilities",
        "binary",
        "binary without a positive",
        "two positives",
    ],
)
def test_degenerate_answers_equal_their_references(name):
    agree(degenerate(name))


def test_nothing_at_all_is_undefined():
    empty = class_answers(0, 3)
    assert all(math.isnan(v) for v in values(empty).values())


@pytest.mark.parametrize(
    "make", [lambda: class_answers(60, 4, patients=25, levels=5), lambda: class_answers(50, 2, patients=25)]
)
def test_weighting_equals_physical_duplication(make):
    answers = make()
    weights = np.random.default_rng(1).integers(0, 4, 25).astype(float)
    codes = clusters_of(answers.units.clusters).codes
    rows = np.repeat(np.arange(len(codes)), weights[codes].astype(int))
    copied = replace(
        answers,
        units=take(answers.units, rows),
        status=[answers.status[r] for r in rows],
        truth=answers.truth[rows],
        answer=answers.answer[rows],
        probabilities=answers.probabilities[rows],
    )
    weighted, duplicated = values(answers, weights), values(copied)
    # Bins of equal mass are those of the sample itself, in every resample; duplicated rows would move them.
    for name in set(weighted) - {"ece_debiased"}:
        assert weighted[name] == pytest.approx(duplicated[name], abs=1e-9, nan_ok=True), name


def test_single_precision_resamples_agree_with_double():
    answers = class_answers(300, 5, patients=90)
    weights = np.random.default_rng(2).integers(0, 4, 90)
    single, double = values(answers, weights.astype(np.float32)), values(answers, weights.astype(float))
    for name, value in double.items():
        assert single[name] == pytest.approx(value, abs=2e-6, nan_ok=True), name


def test_an_unread_answer_is_a_miss_and_nobodys_false_positive():
    answers = ClassAnswers(
        units(3),
        [Status.OK, Status.OK, Status.REFUSED],
        ("ill", "well"),
        np.array([0, 1, 0]),
        np.array([0, 1, -1]),
        None,
        ("ill",),
    )
    found = agree(answers)
    assert found["sensitivity"] == found["recall"] == 0.5
    assert found["precision"] == 1.0
    assert found["specificity"] == 1.0
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["coverage"] == pytest.approx(2 / 3)


def test_a_failed_row_takes_the_worst_place():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [np.nan, np.nan]])
    answers = ClassAnswers(
        units(3), [Status.OK, Status.OK, Status.ERROR], ("a", "b"), np.array([0, 1, 1]), np.array([0, 1, -1]), p, ("b",)
    )
    found = agree(answers)
    assert found["auroc"] == 0.5
    assert found["brier"] == pytest.approx((0.01 + 0.04 + 1) / 3)


def test_certain_and_wrong_has_a_calibration_error_of_one():
    # A peer leaves the last bin open and reports 0.0 here.
    found = values(degenerate("all wrong and certain"))
    assert found["ece"] == 1.0
    assert found["ece_debiased"] == 1.0
    assert found["smooth_ece"] == pytest.approx(1.0, abs=1e-6)
    assert equal_width_bins(np.array([0.0, 1 / 15, 0.5, 1.0])).tolist() == [0, 0, 7, 14]


def test_calibration_by_hand():
    # Two rows at .75, one right; two at .25, none right: |.75 - .5| / 2 + .25 / 2.
    p = np.array([[0.25, 0.75], [0.25, 0.75], [0.75, 0.25], [0.75, 0.25]])
    answers = ClassAnswers(units(4), [Status.OK] * 4, ("a", "b"), np.array([1, 0, 0, 0]), p.argmax(axis=1), p, ("b",))
    assert values(answers)["ece"] == pytest.approx(0.25)


@pytest.mark.parametrize("n", [1, 7, 60, 900])
def test_smooth_ece_equals_the_dense_kernel(n):
    rng = np.random.default_rng(n)
    confidence = np.round(rng.beta(6, 1, n), 2)
    outcome = (rng.random(n) < confidence**1.5).astype(float)
    left, share = node_weights(confidence)
    nodes = np.bincount(left, (confidence - outcome) * (1 - share), NODES)
    nodes += np.bincount(left + 1, (confidence - outcome) * share, NODES)
    ours = smooth_ece(nodes[:, None], np.array([n]))[0]
    assert ours == pytest.approx(smooth_ece_dense(confidence, outcome), abs=1e-9)
    assert ours >= abs((confidence - outcome).mean()) - 1e-9


def test_smooth_ece_equals_the_authors_figures():
    # Values of the authors' package (relplot 1.0.3) for these confidences, none of which lies on the edge.
    rng = np.random.default_rng(0)
    confidence = rng.random(1000)
    outcome = (rng.random(1000) < confidence**2).astype(float)
    assert smooth_ece_dense(confidence, outcome) == pytest.approx(AUTHORS, abs=1e-3)


AUTHORS = 0.1497708584475488


def test_match_is_one_to_one_best_first():
    truth = np.array([[0.0, 0, 10, 10], [0, 0, 10, 8]])
    answer = np.array([[0.0, 0, 10, 9], [0, 0, 10, 10]])
    assert match(truth, answer) == [(0, 1), (1, 0)]


def test_boxes_without_area_match_nothing():
    flat = np.array([[5.0, 5, 5, 5]])
    assert match(flat, flat) == []


def test_an_unread_box_answer_misses_its_boxes_and_two_empty_lists_are_nothing():
    box = np.array([[0.0, 0, 10, 10]])
    none = np.zeros((0, 4))
    answers = BoxAnswers(units(3), [Status.OK, Status.UNPARSABLE, Status.OK], [box, box, none], [box, None, none])
    found = agree(answers)
    assert found["recall_iou_50"] == 0.5
    assert found["precision_iou_50"] == 1.0
    assert found["f1_iou_50"] == pytest.approx(2 / 3)
    family = families_of(answers)[0]
    assert family.metrics[0].included.tolist() == [True, True, False]


def test_an_unread_number_costs_the_declared_range():
    answers = NumberAnswers(units(2), [Status.OK, Status.UNPARSABLE], np.array([1.0, 3.0]), np.array([1.0, np.nan]), (0, 6))
    assert agree(answers) == {"count_accuracy": 0.5, "count_mae": 3.0, "coverage": 0.5}


def test_a_disagreement_stops_with_both_numbers():
    family = families_of(number_answers(5))[0]
    lying = Family(family.metrics, family.prepare, lambda: {"count_mae": 1.0, "count_accuracy": 0.5})
    with pytest.raises(DoubleEntryError, match=r"count_mae: the weighted form gives 0\.9, the reference gives 1\.0"):
        check_double_entry(lying, {"count_accuracy": 0.5, "count_mae": 0.9})


def test_a_missing_library_is_told_apart_from_agreement():
    def reference():
        raise ImportError("no scikit-learn here")

    assert check_double_entry(Family((), lambda layout: None, reference), {"accuracy": 1.0}) is False


@pytest.mark.parametrize("levels", [1, 31, 32, 33, 700])
def test_cumulative_sums_in_blocks(levels):
    counts = np.random.default_rng(levels).integers(0, 5, (levels, 3)).astype(np.float32)
    assert (cumulate(counts) == np.cumsum(counts, axis=0)).all()
