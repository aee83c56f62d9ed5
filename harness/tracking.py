"""Mirroring a finished run to MLflow. The only module that imports it. What is on disk stays the record."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.result import Result

_DEFAULT_URI = "sqlite:///mlflow.db"
_METRICS_AT_ONCE = 500


def log_run(folder: Path, *, uri: str | None, experiment: str) -> str:
    """Log a run's folder: parameters, metrics with low and high, record, report, data set as input, model as logged model.

    Args:
        folder: A folder written by `harness.run_folder.write`.
        uri: Tracking server or store; ``None`` takes ``MLFLOW_TRACKING_URI``, else a SQLite file in the current folder.
        experiment: MLflow experiment, made when missing.

    Returns:
        The MLflow run id.
    """
    result = Result.read(folder)
    tags = _tags(result, folder)
    reach(uri, experiment)
    import mlflow

    model = mlflow.create_external_model(
        name=_safe(str(result.model["name"])), params=_strings(_flat(result.model.get("fingerprint", {}))), tags=tags
    )
    with mlflow.start_run(run_name=folder.name, tags=tags) as active:
        mlflow.log_params(_strings({**_flat(result.settings), "suite": result.suite, "model": result.model["name"]}))
        data = _dataset(mlflow, result)
        mlflow.log_input(data, context="evaluation")
        figures = list(_metrics(result).items())
        for start in range(0, len(figures), _METRICS_AT_ONCE):
            batch = dict(figures[start : start + _METRICS_AT_ONCE])
            mlflow.log_metrics(batch, model_id=model.model_id, dataset=data, synchronous=True)
        for name in _loggable(result, folder):
            mlflow.log_artifact(str(folder / name))
        return str(active.info.run_id)


def reach(uri: str | None, experiment: str) -> str:
    """Connect to the tracking store, make the experiment when it is missing, and return the store's address."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or _DEFAULT_URI
    mlflow.set_tracking_uri(uri)
    with _one_at_a_time(uri):  # several processes creating the tables of a fresh store at once break it for good
        mlflow.set_experiment(experiment)
    return uri


def _tags(result: Result, folder: Path) -> dict[str, str]:
    """What a run is found by: suite, model, data set, quantization, git commit."""
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    fingerprint = result.model.get("fingerprint", {})
    found = {
        "suite": result.suite,
        "model": result.model["name"],
        "dataset": result.evaluation.dataset["name"],
        "quantization": fingerprint.get("quantization"),
        "git_commit": run.get("git_commit"),
        "config_hash": result.config_hash,
    }
    return {name: str(value) for name, value in found.items() if value}


def _loggable(result: Result, folder: Path) -> list[str]:
    """Files that may leave the folder: rows and pictures only where the data may be shown."""
    names = ["result.json", "run.json", "report.html", "report.md"]
    if result.evaluation.dataset.get("public") or result.settings.get("privacy") == "off":
        names += ["predictions.parquet", "examples.json"]
    return [name for name in names if (folder / name).is_file()]


def _dataset(mlflow: Any, result: Result) -> Any:
    """The data set as MLflow knows one: name, digest, source; no rows."""
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    dataset = result.evaluation.dataset
    source = HTTPDatasetSource(f"harness://{dataset['name']}")  # type: ignore[no-untyped-call]
    return MetaDataset(  # type: ignore[abstract]
        source,
        name=_safe(str(dataset["name"])),
        digest=str(dataset["digest"])[:36],
    )


def _metrics(result: Result) -> dict[str, float]:
    """Every finite value with its low and high, by an MLflow-safe name such as ``accuracy/fitzpatrick_IV-VI/low``."""
    named: dict[str, float] = {}
    for m in result.evaluation.metric_results:
        group = "overall" if m.group is None else "_".join(f"{k}_{v}" for k, v in m.group.items())
        named |= {f"{m.metric}/{group}/{part}": getattr(m.estimate, part) for part in ("value", "low", "high")}
    for g in result.evaluation.gap_results:
        contrast = f"gap_{g.attribute}_{g.compared}_minus_{g.reference}"
        named |= {f"{g.metric}/{contrast}/{part}": getattr(g.estimate, part) for part in ("value", "low", "high")}
    return {_safe(name.removesuffix("/value")): float(v) for name, v in named.items() if math.isfinite(v)}


def _safe(name: str) -> str:
    """MLflow takes letters, digits and ``_-. :/`` in names."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _strings(values: Mapping[str, Any]) -> dict[str, str]:
    return {_safe(name): value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


@contextmanager
def _one_at_a_time(uri: str) -> Iterator[None]:
    """Hold a lock beside a SQLite store while its tables may have to be made; other stores look after themselves."""
    if not uri.startswith("sqlite:///"):
        yield
        return
    from filelock import FileLock

    path = Path(uri.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock", timeout=300):
        yield
