"""A whole run: ask, read, score, write, track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from harness import run_folder
from harness.answers import ClassAnswers
from harness.asking import Asked, Executor, ask
from harness.config import DatasetConfig, RunConfig
from harness.data.loading import describe, load_samples
from harness.data.samples import read_answers
from harness.environment import git_commit, versions
from harness.errors import ConfigError, near_match
from harness.evaluation import evaluate
from harness.examples import worst_confident_errors
from harness.meter import StageClock, latency_summary
from harness.progress import progress_bar
from harness.registry import build_model, locate
from harness.result import Evaluation, Result
from harness.rows import prediction_rows
from harness.store import Store
from harness.types import Adapter, Answer, Prediction, Sample, Task


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished run: its record, its folder, and what ``run.json`` holds."""

    result: Result
    folder: Path
    run: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _DataSet:
    """A data set with its configuration and, once asked and read, its answers."""

    config: DatasetConfig
    samples: list[Sample]


def run(config: RunConfig, *, command: str = "", show_progress: bool = True) -> Finished:
    """Do one run and leave its folder.

    Args:
        config: What to run.
        command: The command line, for the report.
        show_progress: Show a bar on standard error.

    Raises:
        UsageError: The model, the data set or the suite cannot be made as asked.
        RunError: Asking, storing or scoring failed.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock = StageClock()
    # The model first: what it lacks is said before anything is loaded.
    adapter: Adapter = build_model(config.model)
    try:
        main, companion = _load(config)
        clock.lap("load_data")
        asked = _ask(config, adapter, [*main.samples, *(companion.samples if companion else [])], show_progress)
        clock.lap("ask")
        fingerprint, warnings = dict(adapter.fingerprint), tuple(getattr(adapter, "warnings", ()))
    finally:
        adapter.close()
    split = len(main.samples)
    evaluation, readings, closed = _evaluate(config, main, asked.predictions[:split], warnings)
    beside = None if companion is None else _evaluate(config, companion, asked.predictions[split:], ())[0]
    clock.lap("statistics")
    result = _record(config, fingerprint, evaluation, beside)
    examples = _examples(config, main.samples, asked.predictions[:split], readings, closed)
    about = {
        "command": command,
        "started": started,
        "git_commit": git_commit(),
        "n_asked": asked.n_asked,
        "n_from_store": len(asked.predictions) - asked.n_asked,
        "latency_s": latency_summary(asked.predictions),
        "store": str(config.store),
        "seconds": clock.seconds,
    }
    table = prediction_rows(main.samples, asked.predictions[:split], readings)
    run_folder.write(config.folder, result, table, examples=examples, run=about)
    clock.lap("write")
    tracked = run_folder.track(config.folder, config.tracking, about)
    return Finished(result, config.folder, {**about, "tracking": tracked})


def _load(config: RunConfig) -> tuple[_DataSet, _DataSet | None]:
    beside = config.dataset.companion_config()
    main = _DataSet(config.dataset, load_samples(config.dataset, config.limit))
    return main, None if beside is None else _DataSet(beside, load_samples(beside, config.limit))


def _ask(config: RunConfig, adapter: Adapter, samples: Sequence[Sample], show_progress: bool) -> Asked:
    executor: Executor = partial(locate(config.executor.target), **config.executor.arguments)
    with Store(config.store) as store, progress_bar(len(samples), show=show_progress) as on_answer:
        return ask(
            adapter,
            samples,
            store,
            executor,
            fail_on_error=config.fail_on_error,
            max_tokens=config.max_tokens,
            on_answer=on_answer,
        )


def _evaluate(
    config: RunConfig, data: _DataSet, predictions: Sequence[Prediction], warnings: Sequence[str]
) -> tuple[Evaluation, list[Answer], ClassAnswers | None]:
    answers, readings = read_answers(data.samples, predictions)
    closed = answers.get(Task.CLASSIFICATION)
    if isinstance(closed, ClassAnswers):
        closed = replace(closed, positive=_positives(data.config, closed.classes))
        answers = {**answers, Task.CLASSIFICATION: closed}
    notes = list(warnings)
    if config.limit is not None:
        notes.append(f"limit={config.limit}: only the first {config.limit} pictures were asked about; not a result to quote.")
    about = describe(data.config, data.samples, config.limit)
    evaluation = evaluate(answers, suite=config.suite, seed=config.seed, dataset=about, notes=notes)
    return evaluation, readings, closed if isinstance(closed, ClassAnswers) else None


def _positives(config: DatasetConfig, classes: Sequence[str]) -> tuple[str, ...]:
    for name in config.positive:
        if name not in classes:
            raise ConfigError(
                f"dataset.positive names {name!r}, which is none of the classes of {config.name}.{near_match(name, classes)} "
                f"They are: {', '.join(classes)}."
            )
    return config.positive


def _record(config: RunConfig, fingerprint: Mapping[str, Any], evaluation: Evaluation, companion: Evaluation | None) -> Result:
    suite = config.suite.model_dump(exclude={"name", "title", "target"})
    return Result(
        suite=config.suite.name,
        model={"name": config.model.name, "title": config.model.title, "fingerprint": fingerprint},
        evaluation=evaluation,
        companion=companion,
        settings={**suite, "seed": config.seed, "privacy": config.privacy, "max_tokens": config.max_tokens},
        environment=versions(),
        config_hash=config.digest,
    )


def _examples(
    config: RunConfig,
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    readings: Sequence[Answer],
    closed: ClassAnswers | None,
) -> list[dict[str, Any]]:
    may_show = config.dataset.public or config.privacy == "off"
    return worst_confident_errors(samples, predictions, readings, closed) if closed and may_show else []
