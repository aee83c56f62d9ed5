"""Mirroring a finished run to MLflow. The only module that imports it. What is on disk stays the record."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.result import Evaluation, Result

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


def address(uri: str | None) -> str:
    """Where runs are mirrored to: what is configured, else ``MLFLOW_TRACKING_URI``, else a SQLite file in the current folder."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or _DEFAULT_URI


def reach(uri: str | None, experiment: str) -> None:
    """Connect to the tracking store and make the experiment when it is missing."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    mlflow.set_tracking_uri(address(uri))
    with _one_at_a_time(address(uri)):  # several processes creating the tables of a fresh store at once break it for good
        mlflow.set_experiment(experiment)


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
    shown = [result.evaluation, *filter(None, [result.companion])]
    if all(e.dataset.get("public") for e in shown) or result.settings.get("privacy") == "off":
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
    """What a leaderboard asks for: every metric overall, for I-III, IV-VI and unknown, and its skin-type gap, with low and high.

    By an MLflow-safe name such as ``accuracy/fitzpatrick_IV-VI/low``; those of the companion data set stand under its name. Sex,
    age, single types and slices are in the record beside them: thousands of metrics a run make MLflow slow and its page unreadable.
    """
    named = _named(result.evaluation)
    if result.companion is not None:
        named |= {f"{result.companion.dataset['name']}/{name}": value for name, value in _named(result.companion).items()}
    return {_safe(name.removesuffix("/value")): float(v) for name, v in named.items() if math.isfinite(v)}


def _named(evaluation: Evaluation) -> dict[str, float]:
    estimates = {f"{m.metric}/{_group(m.group)}": m.estimate for m in evaluation.metric_results if _mirrored(m.group)}
    estimates |= {f"coverage/{c.task}/{_group(c.group)}": c.estimate for c in evaluation.coverage if _mirrored(c.group)}
    estimates |= {
        f"{g.metric}/gap_{g.attribute}_{g.compared}_minus_{g.reference}": g.estimate
        for g in evaluation.gap_results
        if g.attribute == "fitzpatrick"
    }
    return {f"{name}/{part}": getattr(e, part) for name, e in estimates.items() for part in ("value", "low", "high")}


def _mirrored(group: Mapping[str, str] | None) -> bool:
    return group is None or (list(group) == ["fitzpatrick"] and group["fitzpatrick"] in {"I-III", "IV-VI", "unknown"})


def _group(group: Mapping[str, str] | None) -> str:
    return "overall" if group is None else "_".join(f"{name}_{value}" for name, value in group.items())


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


def main() -> None:
    """Be the other half of `harness.mirror`: connect, wait for a folder, mirror it, answer."""
    told: dict[str, str | None] = {"run_id": None, "error": None}
    try:
        where = json.loads(sys.stdin.readline())
        reach(where["uri"], where["experiment"])
        asked = sys.stdin.readline()
        if not asked:
            return
        told["run_id"] = log_run(Path(json.loads(asked)["folder"]), uri=where["uri"], experiment=where["experiment"])
    except Exception as error:  # any trouble of the tracking store is told, not raised
        told["error"] = f"{type(error).__name__}: {error}"
        sys.stdin.readline()
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
