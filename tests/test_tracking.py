"""Runs mirrored to MLflow: what is there can be found again, and what fails loses nothing."""

import json

import pytest

import harness
from harness import run_folder
from harness.config import TrackingConfig
from harness.mirror import mirroring
from harness.tracking import log_run


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """One store for all: making its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'm.db'}"


@pytest.fixture
def folder(tmp_path, scored_table):
    import pandas as pd

    result = harness.score(scored_table, target="truth", prediction="answer", groups={"fitzpatrick": "skin"}, n_resamples=100)
    rows = pd.DataFrame({"sample_id": ["secret-1"]})
    run_folder.write(tmp_path / "run", result, rows, run={"command": "harness score t.csv", "git_commit": "abc123"})
    return tmp_path / "run"


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_a_run_is_found_again_with_all_it_left(tmp_path, folder, uri, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)
    run_id = log_run(folder, uri=uri, experiment="test")
    run = mlflow.get_run(run_id)
    record = json.loads((folder / "result.json").read_text())
    overall = next(m["estimate"] for m in record["metrics"] if m["metric"] == "accuracy" and m["group"] is None)
    assert run.data.metrics["accuracy/overall"] == pytest.approx(overall["value"])
    assert run.data.metrics["accuracy/overall/low"] == pytest.approx(overall["low"])
    assert "accuracy/gap_fitzpatrick_IV-VI_minus_I-III/high" in run.data.metrics
    assert run.data.tags["git_commit"] == "abc123"
    assert run.data.params["suite"] == "fairness"
    assert run.inputs.dataset_inputs[0].dataset.digest == record["dataset"]["digest"][:36]
    assert len(mlflow.search_logged_models(experiment_ids=[run.info.experiment_id], output_format="list")) == 1
    stored = {f.path for f in mlflow.MlflowClient(uri).list_artifacts(run_id)}
    assert {"result.json", "report.html", "report.md", "run.json"} <= stored


@pytest.mark.filterwarnings("ignore")
def test_rows_of_private_data_are_not_sent(tmp_path, folder, uri, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)
    stored = {f.path for f in mlflow.MlflowClient(uri).list_artifacts(log_run(folder, uri=uri, experiment="test"))}
    assert "predictions.parquet" not in stored
    assert "examples.json" not in stored


def test_tracking_that_fails_loses_nothing(tmp_path, folder, capsys):
    before = (folder / "result.json").read_bytes()
    (tmp_path / "file").write_text("")
    with mirroring(TrackingConfig(name="mlflow", uri=f"sqlite:///{tmp_path}/file/m.db")) as mirror:
        told = mirror(folder)
    assert told["run_id"] is None
    assert told["error"]
    run_folder.finish(folder, {"command": "x"}, told)
    assert (folder / "result.json").read_bytes() == before
    assert "the run was not tracked" in capsys.readouterr().err
    assert json.loads((folder / "run.json").read_text()) == {"command": "x", "tracking": told}


def test_a_folder_is_mirrored_by_a_process_of_its_own(folder, uri):
    with mirroring(TrackingConfig(name="mlflow", uri=uri, experiment="mirrored")) as mirror:
        told = mirror(folder)
    assert told["error"] is None
    assert told["run_id"]


def test_tracking_can_be_left_out(folder):
    with mirroring(TrackingConfig(name="none")) as mirror:
        assert mirror(folder) == {"run_id": None, "error": None}
