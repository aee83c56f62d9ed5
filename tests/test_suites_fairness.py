"""The fairness suite: groups, verdicts, the faults of peers, real classifiers, and the same bytes every time."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.answers import BoxAnswers, ClassAnswers, NumberAnswers, Units, take
from harness.errors import ConfigError, DoubleEntryError
from harness.result import Evaluation, Result
from harness.suites import resampling
from harness.suites.fairness import evaluate
from harness.suites.groups import groupings
from harness.suites.settings import Settings
from harness.types import Status, Verdict

PAD = Path(__file__).parents[1] / ".." / "shared" / "data" / "pad_ufes20_predictions"
QUICK = Settings(n_resamples=200)


def column(values):
    return np.array(list(values), object)


def units(skin, patients=None, **attributes):
    n = len(skin)
    patients = range(n) if patients is None else patients
    named = {"fitzpatrick": column(skin), **{k: column(v) for k, v in attributes.items()}}
    return Units(column(f"s{i}" for i in range(n)), column(f"p{i:04d}" for i in patients), named)


def yes_no(skin, truth, answer, patients=None, probabilities=None, **attributes):
    """Melanoma or not: 1 is melanoma."""
    status = [Status.OK if a >= 0 else Status.REFUSED for a in answer]
    return ClassAnswers(
        units(skin, patients, **attributes),
        status,
        ("benign", "melanoma"),
        np.array(truth),
        np.array(answer),
        probabilities,
        ("melanoma",),
    )


def random_yes_no(n=300, seed=0, patients=None, skin=None):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    p = np.clip(0.5 + (truth - 0.5) * 0.5 + rng.normal(0, 0.3, n), 0.01, 0.99)
    skin = rng.choice(["I", "II", "III", "IV", "V", None], n) if skin is None else skin
    return yes_no(
        skin,
        truth,
        (p > 0.5).astype(int),
        patients,
        np.column_stack([1 - p, p]),
        sex=rng.choice(["female", "male"], n),
        age=rng.integers(10, 90, n).astype(float),
    )


def gap(found, metric, attribute="fitzpatrick", compared="IV-VI"):
    (one,) = (g for g in found.gap_results if (g.metric, g.attribute, g.compared) == (metric, attribute, compared))
    return one


def estimate(found, metric, group=None):
    (one,) = (m for m in found.metric_results if m.metric == metric and m.group == group)
    return one.estimate


def test_groups_keep_unknown_apart_and_bin_what_is_known():
    found = groupings(
        units(
            ["I", "IV", "VI", None, "-1", "III"],
            age=[29.9, 30.0, 69.0, None, math.nan, 70.0],
            sex=["f", "f", "m", "", None, "f"],
            site=[f"site {i}" for i in range(6)],
            many=range(6),
        )
    )
    contrast, types, age, sex, site, many = found
    assert contrast.levels == ("I-III", "IV-VI", "unknown")
    assert contrast.codes.tolist() == [0, 1, 1, 2, 2, 0]
    assert types.levels == ("I", "III", "IV", "VI", "unknown")
    assert age.levels == ("0-29", "30-49", "50-69", "70+", "unknown")
    assert age.codes.tolist() == [0, 1, 2, 4, 4, 3]
    assert (sex.reference, sex.compared) == ("f", ("m",))
    assert site.reference == many.reference == ""


def test_an_attribute_with_many_values_is_no_grouping():
    assert [g.attribute for g in groupings(units(["I"] * 9, device=[f"d{i}" for i in range(9)]))] == ["fitzpatrick"] * 2


def test_attributes_without_groups_or_gaps_are_named():
    many = {"device": [f"d{i % 9}" for i in range(90)], "site": ["a", "b", "c"] * 30, "gender": ["f", "m"] * 45}
    found = evaluate({"d": yes_no(["I", "V"] * 45, [0, 1] * 45, [0, 1] * 45, blank=[None] * 90, **many)}, QUICK)
    assert "There are no results by device: it has 9 values, and more than 8 make no groups." in found.notes
    assert "There are no results by blank: it is unknown for every sample." in found.notes
    assert [n for n in found.notes if n.startswith("Groups by site are described, not compared")]
    assert {g.attribute for g in found.gap_results} == {"fitzpatrick", "gender"}


def test_one_hypothesis_is_compared_under_one_name():
    answers = random_yes_no()
    found = evaluate({"d": answers}, QUICK)
    names = [g.metric for g in found.gap_results if g.attribute == "fitzpatrick"]
    expected = {"sensitivity", "specificity", "auroc", "average_precision", "precision", "f1", "balanced_accuracy", "accuracy"}
    assert expected <= set(names)
    assert {n for n in names if "[" in n} == {"precision[benign]", "f1[benign]", "average_precision[benign]"}
    assert "recall" not in names
    values = [(g.estimate.value, g.estimate.low) for g in found.gap_results]
    assert len(set(values)) == len(values)
    assert {"recall", "recall[melanoma]", "auroc[benign]"} <= {m.metric for m in found.metric_results}
    asked = evaluate({"d": answers}, replace(QUICK, primary=("recall",)))
    assert [g.metric for g in asked.gap_results if g.family == "declared"] == ["recall"]


def test_where_resamples_miss_the_estimate_they_are_moved_onto_it():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 24)
    p = rng.random(24)
    answers = yes_no(["I", "V"] * 12, truth, (p > 0.5).astype(int), probabilities=np.column_stack([1 - p, p]))
    assert estimate(evaluate({"d": answers}, QUICK), "average_precision").method == "bootstrap_centred"
    plain = evaluate({"d": answers}, replace(QUICK, interval="bootstrap"))
    moved = [m for m in plain.metric_results if m.estimate.method == "bootstrap_centred"]
    assert all("moved so that their median is the estimate" in m.estimate.reason for m in moved)
    for one in (m.estimate for m in plain.metric_results if not math.isnan(m.estimate.low)):
        assert one.low <= one.value <= one.high


def test_equal_scores_never_make_a_point_interval():
    even = np.full((40, 2), 0.5)
    found = evaluate({"d": yes_no(["I", "V"] * 20, [0, 0, 1, 1] * 10, [0] * 40, probabilities=even)}, QUICK)
    for metric in ("auroc", "smooth_ece", "ece_debiased"):
        one = estimate(found, metric)
        assert one.high - one.low > 0.01
        assert one.low <= one.value <= one.high


def test_zero_of_one_against_nine_of_nine_is_inconclusive():
    found = evaluate({"diagnosis": yes_no(["I"] * 9 + ["V"], [1] * 10, [1] * 9 + [0])}, QUICK)
    one = gap(found, "sensitivity")
    assert one.estimate.value == -1.0
    assert one.estimate.high < 0  # the interval alone would call it a gap
    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.reason.startswith("only 1 patient of IV-VI with a positive truth (melanoma) in the denominator; 10 are needed")
    assert one.minimum_detectable == 1.0
    assert math.isnan(one.p_value)
    assert math.isnan(one.p_adjusted)


def test_a_group_without_positives_is_undefined_not_zero():
    found = evaluate({"diagnosis": yes_no(["I"] * 20 + ["V"] * 20, [1] * 20 + [0] * 20, [1] * 15 + [0] * 25)}, QUICK)
    dark = estimate(found, "sensitivity", {"fitzpatrick": "IV-VI"})
    assert math.isnan(dark.value)
    assert dark.reason == "no sample with a positive truth (melanoma)"
    one = gap(found, "sensitivity")
    assert math.isnan(one.estimate.value)
    assert one.verdict is Verdict.INCONCLUSIVE
    assert "no patient of IV-VI" in one.reason


def test_an_absent_group_is_reported_as_undefined():
    found = evaluate({"diagnosis": yes_no(["I"] * 20, [0, 1] * 10, [0, 1] * 10)}, QUICK)
    dark = estimate(found, "accuracy", {"fitzpatrick": "IV-VI"})
    assert (dark.n, dark.reason) == (0, "no samples")
    assert gap(found, "accuracy").verdict is Verdict.INCONCLUSIVE


def test_the_gap_is_signed_and_can_hold_zero():
    found = evaluate({"diagnosis": random_yes_no()}, QUICK)
    for metric in ("accuracy", "balanced_accuracy", "auroc", "brier"):
        one = gap(found, metric).estimate
        light, dark = (estimate(found, metric, {"fitzpatrick": g}).value for g in ("I-III", "IV-VI"))
        assert one.value == pytest.approx(dark - light)
        assert one.low < 0 < one.high
        assert one.bootstrap_low < 0 < one.bootstrap_high


def test_all_right_never_makes_a_point_interval():
    truth = [0, 1] * 30
    found = evaluate({"diagnosis": yes_no(["I", "I", "V", "V"] * 15, truth, truth)}, QUICK)
    for metric in ("accuracy", "sensitivity", "balanced_accuracy", "f1_macro"):
        one = estimate(found, metric)
        assert one.value == one.high == 1.0
        assert one.low < 0.98, metric
        assert one.bootstrap_low == one.bootstrap_high == 1.0
        difference = gap(found, metric).estimate
        assert difference.low < 0 < difference.high
    assert estimate(found, "balanced_accuracy").method == "wilson_patients"
    assert gap(found, "balanced_accuracy").estimate.method == "square_and_add"
    assert gap(found, "accuracy").estimate.method == "newcombe_effective_n"


def test_a_number_metric_whose_resamples_agree_has_no_interval():
    answers = NumberAnswers(units(["I", "V"] * 15), [Status.OK] * 30, np.ones(30), np.ones(30), (0, 6))
    found = evaluate({"counts": answers}, QUICK)
    one = estimate(found, "count_mae")
    assert one.value == 0.0
    assert math.isnan(one.low)
    assert one.reason
    assert gap(found, "count_mae").margin == pytest.approx(0.05 * 6)


def test_bootstrap_intervals_can_be_the_primary_ones():
    found = evaluate({"diagnosis": random_yes_no()}, replace(QUICK, interval="bootstrap"))
    for one in (estimate(found, "accuracy"), estimate(found, "smooth_ece"), gap(found, "sensitivity").estimate):
        assert one.method == "bootstrap_percentile"
        assert (one.low, one.high) == (one.bootstrap_low, one.bootstrap_high)


def test_calibration_intervals_hold_their_point_and_raw_ece_has_no_gap():
    found = evaluate({"diagnosis": random_yes_no(60)}, QUICK)
    for metric in ("ece", "ece_debiased", "smooth_ece"):
        one = estimate(found, metric)
        assert one.method == "bootstrap_centred"
        assert one.low <= one.value <= one.high
    assert not [g for g in found.gap_results if g.metric == "ece"]


def test_a_repeated_patient_widens_the_interval():
    base = random_yes_no(100)
    copies = np.tile(np.arange(100), 4)
    four = replace(
        base,
        units=replace(take(base.units, copies), ids=column(f"c{i}" for i in range(400))),
        status=[Status.OK] * 400,
        truth=base.truth[copies],
        answer=base.answer[copies],
        probabilities=base.probabilities[copies],
    )
    once, fourfold = (estimate(evaluate({"d": a}, QUICK), "accuracy") for a in (base, four))
    assert (fourfold.n, fourfold.n_clusters) == (400, 100)
    assert (fourfold.low, fourfold.high) == pytest.approx((once.low, once.high), abs=1e-9)


def test_the_same_lesion_on_several_skin_types_makes_a_paired_gap():
    rng = np.random.default_rng(0)
    hard = rng.random(200) < 0.25
    lesions = np.tile(np.arange(200), 2)
    right = ~hard[lesions] ^ (rng.random(400) < 0.03)
    truth = np.ones(400, int)
    skin = ["II"] * 200 + ["V"] * 200
    paired = evaluate({"d": yes_no(skin, truth, right.astype(int), lesions)}, QUICK)
    unpaired = evaluate({"d": yes_no(skin, truth, right.astype(int))}, QUICK)
    narrow, wide = (gap(f, "sensitivity").estimate for f in (paired, unpaired))
    assert narrow.high - narrow.low < 0.6 * (wide.high - wide.low)
    assert gap(paired, "sensitivity").minimum_detectable < 0.6 * gap(unpaired, "sensitivity").minimum_detectable
    assert (narrow.low, narrow.high) == pytest.approx((narrow.bootstrap_low, narrow.bootstrap_high), abs=0.02)


def test_coverage_counts_every_status_and_failures_are_never_dropped():
    answers = random_yes_no(100)
    failed = np.arange(100) < 30
    probabilities = np.where(failed[:, None], np.nan, answers.probabilities)
    status = [Status.REFUSED if f else Status.OK for f in failed]
    answers = replace(answers, answer=np.where(failed, -1, answers.answer), probabilities=probabilities, status=status)
    found = evaluate({"diagnosis": answers}, QUICK)
    everybody = found.coverage[0]
    assert everybody.group is None
    assert everybody.counts == {"ok": 70, "refused": 30}
    assert everybody.estimate.value == 0.7
    assert estimate(found, "accuracy").n == 100
    assert estimate(found, "smooth_ece").n == 70
    assert any(note.startswith("30 of 100 answers have no probabilities") for note in found.notes)


def test_declared_family_is_the_primary_metrics_of_the_skin_contrast():
    found = evaluate({"diagnosis": random_yes_no()}, replace(QUICK, primary=("accuracy", "auroc")))
    assert [g.metric for g in found.gap_results if g.family == "declared"] == ["accuracy", "auroc"]
    assert {g.attribute for g in found.gap_results if g.family == "exploratory"} == {"fitzpatrick", "sex", "age"}
    first, second = sorted((g for g in found.gap_results if g.family == "declared"), key=lambda g: g.p_value)
    assert first.p_adjusted == pytest.approx(min(1.0, 2 * first.p_value))
    assert second.p_adjusted == pytest.approx(max(first.p_adjusted, second.p_value))


def record(answers, settings=QUICK):
    found = evaluate(answers, settings)
    evaluation = Evaluation({}, found.metric_results, found.gap_results, found.coverage, found.figures, found.notes)
    return Result("fairness", {}, evaluation, None, {}, {}, "").to_json()


def test_the_same_answers_give_the_same_bytes_in_any_order():
    answers = random_yes_no(120, patients=np.arange(120) % 50)
    order = np.random.default_rng(9).permutation(120)
    shuffled = replace(
        answers,
        units=take(answers.units, order),
        truth=answers.truth[order],
        answer=answers.answer[order],
        probabilities=answers.probabilities[order],
    )
    assert record({"d": answers}) == record({"d": answers})
    assert record({"d": answers}) != record({"d": answers}, replace(QUICK, seed=1))
    first, second = (evaluate({"d": a}, QUICK) for a in (answers, shuffled))
    for a, b in zip(first.gap_results, second.gap_results, strict=True):
        assert (a.metric, a.verdict) == (b.metric, b.verdict)
        assert (a.estimate.low, a.estimate.high) == pytest.approx((b.estimate.low, b.estimate.high), abs=1e-6, nan_ok=True)


def test_figures_are_counts_that_add_up():
    answers = random_yes_no(200)
    found = evaluate({"diagnosis": answers}, QUICK)
    groups = [None, {"fitzpatrick": "I-III"}, {"fitzpatrick": "IV-VI"}]
    assert [m["group"] for m in found.figures["confusion"]] == groups
    matrix = found.figures["confusion"][0]
    assert np.sum(matrix["counts"]) == 200
    assert len(found.figures["reliability"][0]["bins"]) == 10
    assert all(len(c["bins"]) <= max(c["n"] // 20, 1) for c in found.figures["reliability"])
    assert matrix["columns"] == ["benign", "melanoma", "unread"]
    curve = found.figures["reliability"][0]
    assert [c["group"] for c in found.figures["reliability"]] == groups
    assert sum(b["n"] for b in curve["bins"]) == curve["n"] == 200
    assert all(b["low"] <= b["observed"] <= b["high"] for b in curve["bins"])


def test_two_tasks_with_the_same_metrics_are_told_apart():
    found = evaluate({"a": random_yes_no(40), "b": random_yes_no(40, 1)}, replace(QUICK, primary=("accuracy",)))
    assert {"a/accuracy", "b/accuracy"} <= {m.metric for m in found.metric_results}
    assert [g.metric for g in found.gap_results if g.family == "declared"] == ["a/accuracy", "b/accuracy"]


def test_boxes_and_counts_come_with_groups_and_gaps():
    box = np.array([[0.0, 0, 10, 10]])
    skin = ["I", "V"] * 20
    status = [Status.OK] * 40
    boxes = BoxAnswers(units(skin), status, [box] * 40, [box if i % 3 else np.zeros((0, 4)) for i in range(40)])
    counts = NumberAnswers(units(skin), status, np.ones(40), np.arange(40) % 4 / 1.0, (0, 3))
    found = evaluate({"detection": boxes, "counting": counts}, QUICK)
    assert estimate(found, "recall_iou_50").value == pytest.approx(26 / 40)
    assert estimate(found, "count_accuracy").value == 0.25
    assert gap(found, "f1_iou_50").verdict is not None
    assert gap(found, "count_mae").higher_is_better is False


def test_a_wrong_weighted_form_stops_the_run(monkeypatch):
    monkeypatch.setattr(resampling, "_apply", lambda kernels, weights: np.concatenate([k(weights) for k in kernels]) + 1e-6)
    with pytest.raises(DoubleEntryError, match="accuracy: the weighted form gives"):
        evaluate({"d": random_yes_no(30)}, QUICK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 1.5}, "level=1.5 is not between"),
        ({"n_resamples": 10}, "n_resamples=10 is too few"),
        ({"interval": "exact"}, "interval='exact' is unknown"),
        ({"margin_group": -1}, "must not be negative"),
    ],
)
def test_settings_say_what_is_wrong(change, message):
    with pytest.raises(ConfigError, match=message):
        Settings(**change)


def test_worlds_without_a_gap_seldom_show_one():
    worlds, called = 60, 0
    settings = Settings(n_resamples=300, double_entry=False)
    rng = np.random.default_rng(8)
    for _ in range(worlds):
        truth = rng.integers(0, 2, 210)
        answer = np.where(rng.random(210) < 0.8, truth, 1 - truth)
        found = evaluate({"d": yes_no(["II"] * 150 + ["V"] * 60, truth, answer)}, settings)
        called += gap(found, "balanced_accuracy").verdict is Verdict.GAP
    assert called / worlds <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / worlds)


def pad(name):
    if not PAD.is_dir():
        pytest.skip(f"the PAD-UFES-20 predictions are not at {PAD}")
    meta = pd.read_csv(PAD / "metadata.csv").set_index("img_id")
    table = pd.read_csv(PAD / f"results_{name}_predictions.csv")
    meta = meta.loc[table["img_id"]]
    types = {i + 1: t for i, t in enumerate(("I", "II", "III", "IV", "V", "VI"))}
    skin = [types.get(int(v)) if v == v else None for v in meta["fitspatrick"]]
    p = table["predicted_proba"].to_numpy()
    answers = yes_no(
        skin,
        table["true_label"].to_numpy(),
        table["predicted_label"].to_numpy(),
        meta["patient_id"].str[4:].astype(int),
        np.column_stack([1 - p, p]),
    )
    return evaluate({"classification": answers}, QUICK)


@pytest.mark.parametrize(
    ("name", "auroc"),
    [
        ("baseline", 0.7132),
        ("extended", 0.7723),
        ("OQ_smote", 0.7181),
        ("OQ_under", 0.7170),
        ("OQ_augmentation", 0.7045),
        ("OQ_smote+under", None),
    ],
)
def test_real_classifiers_give_their_published_numbers_and_no_verdict_from_one_melanoma(name, auroc):
    found = pad(name)
    if auroc is not None:
        assert estimate(found, "auroc").value == pytest.approx(auroc, abs=5e-5)
    sizes = {g: estimate(found, "accuracy", {"fitzpatrick": g}).n for g in ("I-III", "IV-VI", "unknown")}
    # The extended model's file lacks four of the pictures.
    expected = (
        {"I-III": 290, "IV-VI": 13, "unknown": 144} if name == "extended" else {"I-III": 292, "IV-VI": 13, "unknown": 146}
    )
    assert sizes == expected
    assert estimate(found, "sensitivity", {"fitzpatrick": "I-III"}).n == 9
    assert estimate(found, "sensitivity", {"fitzpatrick": "IV-VI"}).n == 1
    one = gap(found, "sensitivity")
    assert one.verdict is Verdict.INCONCLUSIVE
    assert "only 1 patient of IV-VI" in one.reason
    assert one.minimum_detectable == 1.0
    assert one.estimate.high - one.estimate.low > 0.5
