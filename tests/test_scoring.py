"""`harness.score` on tables made elsewhere."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import harness
from harness.errors import ConfigError, TableError

REAL = Path(__file__).parents[1].parent / "shared" / "data" / "pad_ufes20_predictions"
needs_real = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"needs the folder {REAL.name} of real predictions beside the checkout"
)

COLUMNS = {
    "id": "image",
    "target": "truth",
    "prediction": "answer",
    "score": "probability",
    "positive": "melanoma",
    "groups": {"fitzpatrick": "skin", "sex": "sex", "age": "age"},
    "cluster": "patient",
}


def table(n=240, seed=0):
    draw = np.random.default_rng(seed)
    truth = draw.random(n) < 0.4
    probability = np.clip(draw.normal(0.35 + 0.3 * truth, 0.2), 0, 1)
    words = np.array(["nevus", "melanoma"])
    return pd.DataFrame(
        {
            "image": [f"secret-image-{i}" for i in range(n)],
            "truth": words[truth.astype(int)],
            "answer": words[(probability > 0.5).astype(int)],
            "probability": probability,
            "skin": draw.choice(["1", "II", "3", "IV", "5", "-1"], n),
            "sex": draw.choice(["F", "male"], n),
            "age": draw.integers(20, 90, n),
            "patient": [f"secret-patient-{i // 3}" for i in range(n)],
        }
    )


@pytest.fixture(scope="module")
def result():
    return harness.score(table(), n_resamples=400, **COLUMNS)


def test_metrics_and_gaps_are_data_frames(result):
    overall = result.metrics[result.metrics["group"].isna()].set_index("metric")
    data = table()
    assert overall.loc["accuracy", "value"] == pytest.approx((data["truth"] == data["answer"]).mean())
    assert overall.loc["accuracy", "n_clusters"] == 80
    gap = result.gaps.query("metric == 'accuracy' and attribute == 'fitzpatrick'").iloc[0]
    right = (data["truth"] == data["answer"]).groupby(
        data["skin"].map(lambda s: {"1": "a", "II": "a", "3": "a", "IV": "b", "5": "b"}.get(s, "?"))
    )
    assert gap["value"] == pytest.approx(right.mean()["b"] - right.mean()["a"])
    assert (gap["reference"], gap["compared"]) == ("I-III", "IV-VI")
    assert gap["low"] <= gap["value"] <= gap["high"]


def test_the_same_table_gives_the_same_bytes(result):
    assert harness.score(table(), n_resamples=400, **COLUMNS).to_json() == result.to_json()


def test_the_order_of_the_rows_changes_nothing(result):
    shuffled = harness.score(table().sample(frac=1, random_state=3), n_resamples=400, **COLUMNS)
    pd.testing.assert_frame_equal(shuffled.metrics, result.metrics)
    pd.testing.assert_frame_equal(shuffled.gaps, result.gaps)


def test_a_record_is_read_back_as_it_was(result, tmp_path):
    (tmp_path / "result.json").write_text(result.to_json())
    assert harness.Result.read(tmp_path).to_json() == result.to_json()


def test_a_record_of_another_schema_is_refused(result):
    with pytest.raises(TableError, match="schema_version 99"):
        harness.Result.from_dict({**result.to_dict(), "schema_version": 99})


def test_private_rows_stay_out_of_the_pages(result):
    for page in (result.to_html(), result.to_markdown()):
        assert "secret-image" not in page
        assert "secret-patient" not in page


def test_a_file_and_its_frame_give_the_same_numbers(result, tmp_path):
    table().to_csv(tmp_path / "t.csv", index=False)
    table().to_parquet(tmp_path / "t.parquet")
    table().to_json(tmp_path / "t.jsonl", orient="records", lines=True, double_precision=15)
    for name in ("t.csv", "t.parquet", "t.jsonl"):
        again = harness.score(tmp_path / name, n_resamples=400, **COLUMNS)
        np.testing.assert_allclose(again.metrics["value"], result.metrics["value"], rtol=1e-12)
        np.testing.assert_allclose(again.gaps["low"].astype(float), result.gaps["low"].astype(float), rtol=1e-9)


def test_bootstrap_intervals_can_be_primary(result):
    chosen = harness.score(table(), n_resamples=400, interval="bootstrap", **COLUMNS).metrics
    accuracy = chosen[(chosen["metric"] == "accuracy") & chosen["group"].isna()].iloc[0]
    assert (accuracy["low"], accuracy["high"]) == (accuracy["bootstrap_low"], accuracy["bootstrap_high"])
    assert "bootstrap" in accuracy["method"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"level": 1.5}, "the setting level=1.5 cannot be used"),
        ({"interval": "exact"}, "the setting interval='exact' cannot be used: input should be 'auto' or 'bootstrap'"),
        ({"suite": "fairnes"}, "there is no suite named 'fairnes'. Did you mean 'fairness'?"),
        ({"metadata": "m.csv", "id": None}, "give on=COLUMN"),
    ],
)
def test_settings_that_make_no_sense_are_named(change, says):
    with pytest.raises(ConfigError) as caught:
        harness.score(table(), **{**COLUMNS, **change})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.drop(columns="answer"), "has no column 'answer', which prediction= asks for"),
        (lambda t: t.assign(image="same"), "same"),
        (lambda t: t.assign(probability=t["probability"] * 3), "probability"),
        (lambda t: t.assign(probability=float("nan")), "probability"),
        (lambda t: t.iloc[:0], "no rows"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(spoil, says):
    with pytest.raises(TableError) as caught:
        harness.score(spoil(table()), **COLUMNS)
    assert says in str(caught.value)


@pytest.mark.parametrize("positive", [True, 1, 1.0, "1", np.int64(1), ["1"], np.array([1])])
def test_labels_are_given_as_they_come(positive):
    data = table().assign(truth=lambda t: t["truth"] == "melanoma", answer=lambda t: (t["answer"] == "melanoma").astype(int))
    columns = {**COLUMNS, "positive": positive}
    found = harness.score(data, choices=pd.unique(data["answer"]), n_resamples=100, **columns).metrics
    assert {"recall[0]", "recall[1]"} <= set(found["metric"])


def test_texts_of_private_rows_stay_out_of_the_record():
    data = table()
    data.loc[3, "answer"] = "patient Jane Doe, born 1950, has something else"
    data.loc[4, "skin"] = "see the letter of Dr Secret"
    data.loc[5, "sex"] = "MRN 12345"
    found = harness.score(data, n_resamples=100, **COLUMNS)
    for text in (found.to_json(), found.to_html(), found.to_markdown()):
        assert not any(secret in text for secret in ("Jane Doe", "Dr Secret", "MRN 12345"))


def test_a_mean_over_fewer_classes_says_so():
    data = table().assign(skin=lambda t: t["skin"].where(t["truth"] == "nevus", "I"))
    found = harness.score(data, n_resamples=100, **COLUMNS).metrics
    dark = found[(found["metric"] == "balanced_accuracy") & (found["group"] == {"fitzpatrick": "IV-VI"})].iloc[0]
    assert "no sample with true class melanoma: averaged over the classes that occur" in dark["reason"]
    overall = found[(found["metric"] == "balanced_accuracy") & found["group"].isna()].iloc[0]
    assert overall["reason"] == ""


def test_refused_rows_take_the_worst_place(result):
    data = table().assign(status="ok")
    data.loc[::2, "status"] = "refused"
    found = harness.score(data, n_resamples=100, status="status", **COLUMNS).metrics
    overall = found[found["group"].isna()].set_index("metric")["value"]
    before = result.metrics[result.metrics["group"].isna()].set_index("metric")["value"]
    assert overall["auroc"] < before["auroc"] - 0.2
    assert overall["brier"] > before["brier"] + 0.2


def test_attributes_of_a_second_file_are_part_of_what_was_scored(tmp_path):
    rows = table().drop(columns="skin")
    digests = set()
    for shift in (0, 1):
        table()[["image", "skin"]].assign(skin=lambda t, s=shift: np.roll(t["skin"], s)).to_csv(tmp_path / "m.csv", index=False)
        found = harness.score(rows, n_resamples=100, metadata=tmp_path / "m.csv", **COLUMNS)
        digests.add(found.evaluation.dataset["digest"])
    assert len(digests) == 2


REAL_COLUMNS = {
    "id": "img_id",
    "target": "true_label",
    "prediction": "predicted_label",
    "score": "predicted_proba",
    "positive": "1",
    "groups": {"fitzpatrick": "fitspatrick", "sex": "gender", "age": "age"},
    "cluster": "patient_id",
    "metadata": REAL / "metadata.csv",
}


@needs_real
@pytest.mark.parametrize(
    ("name", "auroc"),
    [("baseline", 0.7132), ("extended", 0.7723), ("OQ_smote", 0.7181), ("OQ_under", 0.7170), ("OQ_augmentation", 0.7045)],
)
def test_real_classifiers_on_real_patients(name, auroc):
    result = harness.score(REAL / f"results_{name}_predictions.csv", n_resamples=500, **REAL_COLUMNS)
    overall = result.metrics[result.metrics["group"].isna()].set_index("metric")
    assert overall.loc["auroc", "value"] == pytest.approx(auroc, abs=5e-5)
    gap = result.gaps.query("metric == 'sensitivity' and attribute == 'fitzpatrick'").iloc[0]
    assert gap["verdict"] == "inconclusive"
    assert "only 1 patient of IV-VI" in gap["reason"]
    assert gap["minimum_detectable"] > 0.5
    assert gap["low"] < 0 < gap["high"]
    by_group = {json.dumps(g): n for g, n in zip(result.metrics["group"], result.metrics["n"], strict=True) if g}
    sensitive = result.metrics[result.metrics["metric"] == "sensitivity"]
    n_of = {json.dumps(g): n for g, n in zip(sensitive["group"], sensitive["n"], strict=True)}
    assert n_of['{"fitzpatrick": "IV-VI"}'] == 1
    assert '{"fitzpatrick": "unknown"}' in by_group
