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
from harness.asking import Asked, Executor, ask, sort_questions
from harness.config import DatasetConfig, RunConfig
from harness.data.loading import describe, load_samples
from harness.data.samples import inferred_bounds, read_answers, unscored
from harness.environment import git_commit, versions
from harness.errors import ConfigError, near_match
from harness.evaluation import evaluate
from harness.examples import worst_confident_errors
from harness.meter import StageClock, latency_summary
from harness.mirror import mirroring
from harness.progress import progress_bar
from harness.registry import build_model, locate
from harness.result import Evaluation, Result
from harness.rows import prediction_rows
from harness.store import Store
from harness.types import Adapter, Answer, Sample, Task


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished run: its record, its folder, and what ``run.json`` holds."""

    result: Result
    folder: Path
    run: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A data set, asked, read and scored. ``closed`` are its closed questions, if it has any."""

    config: DatasetConfig
    samples: Sequence[Sample]
    asked: Asked
    readings: Sequence[Answer]
    closed: ClassAnswers | None
    evaluation: Evaluation


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
    adapter = build_model(config.model)
    run_folder.check(config.folder)
    with mirroring(config.tracking) as mirror:
        configs = [config.dataset, *filter(None, [config.dataset.companion_config()])]
        try:
            samples = [load_samples(one, config.limit) for one in configs]
            clock.lap("load_data")
            asked = []
            for one, questions, stage in zip(configs, samples, ("ask", "ask_companion"), strict=False):
                asked.append(_ask(config, adapter, one.name, questions, show_progress))
                clock.lap(stage)
            fingerprint = dict(adapter.fingerprint)
        finally:
            adapter.close()
        judged = []
        for one, questions, said, stage in zip(configs, samples, asked, ("statistics", "statistics_companion"), strict=False):
            judged.append(_judge(config, adapter, one, questions, said))
            clock.lap(stage)
        result = _record(config, fingerprint, [j.evaluation for j in judged])
        about = _about(config, adapter, asked, command, started, clock)
        rows = prediction_rows([(j.config.name, j.samples, j.asked.predictions, j.readings) for j in judged])
        run_folder.write(config.folder, result, rows, examples=_examples(config, judged[0]), run=about)
        clock.lap("write")
        tracked = mirror(config.folder)
        clock.lap("track")
    return Finished(result, config.folder, run_folder.finish(config.folder, about, tracked))


def _ask(config: RunConfig, adapter: Adapter, about: str, samples: Sequence[Sample], show_progress: bool) -> Asked:
    executor: Executor = partial(locate(config.executor.target), **config.executor.arguments)
    with Store(config.store) as store:
        questions = sort_questions(adapter, samples, store, max_tokens=config.max_tokens)
        with progress_bar(len(questions.pending), about=about, show=show_progress) as on_answer:
            return ask(adapter, questions, store, executor, fail_on_error=config.fail_on_error, on_answer=on_answer)


def _judge(config: RunConfig, adapter: Adapter, data: DatasetConfig, samples: Sequence[Sample], asked: Asked) -> _Judged:
    answers, readings = read_answers(samples, asked.predictions)
    closed = answers.get(Task.CLASSIFICATION)
    if isinstance(closed, ClassAnswers):
        closed = replace(closed, positive=_positives(data, closed.classes))
        answers = {**answers, Task.CLASSIFICATION: closed}
    evaluation = evaluate(
        answers,
        suite=config.suite,
        seed=config.seed,
        dataset=describe(data, samples, config.limit),
        notes=_notes(config, adapter, samples),
    )
    return _Judged(data, samples, asked, readings, closed if isinstance(closed, ClassAnswers) else None, evaluation)


def _notes(config: RunConfig, adapter: Adapter, samples: Sequence[Sample]) -> list[str]:
    """What the reader must know of how the questions were asked."""
    notes = [*getattr(adapter, "warnings", ()), *unscored(samples), *inferred_bounds(samples)]
    if config.limit is not None:
        notes.append(f"limit={config.limit}: only the first {config.limit} pictures were asked about; not a result to quote.")
    if not adapter.capabilities.score_choices and any(s.choices for s in samples):
        notes.append(
            "This model cannot score choices: answers are read from its text, and there are no probabilities to judge."
        )
    return notes


def _positives(config: DatasetConfig, classes: Sequence[str]) -> tuple[str, ...]:
    for name in config.positive:
        if name not in classes:
            raise ConfigError(
                f"dataset.positive names {name!r}, which is none of the classes of {config.name}.{near_match(name, classes)} "
                f"They are: {', '.join(classes)}."
            )
    return config.positive


def _record(config: RunConfig, fingerprint: Mapping[str, Any], evaluations: Sequence[Evaluation]) -> Result:
    suite = config.suite.model_dump(exclude={"name", "title", "target"})
    return Result(
        suite=config.suite.name,
        model={"name": config.model.name, "title": config.model.title, "fingerprint": fingerprint},
        evaluation=evaluations[0],
        companion=evaluations[1] if len(evaluations) > 1 else None,
        settings={**suite, "seed": config.seed, "privacy": config.privacy, "max_tokens": config.max_tokens},
        environment=versions(),
        config_hash=config.digest,
    )


def _about(
    config: RunConfig, adapter: Adapter, asked: Sequence[Asked], command: str, started: str, clock: StageClock
) -> dict[str, Any]:
    """What ``run.json`` holds: all that changes from run to run."""
    return {
        "command": command,
        "started": started,
        "git_commit": git_commit(),
        "n_asked": sum(a.n_asked for a in asked),
        "n_from_store": sum(a.n_from_store for a in asked),
        "latency_s": latency_summary([p for a in asked for p in a.predictions]),
        "runtime_settings": dict(getattr(adapter, "runtime_settings", {})),
        "store": str(config.store),
        "seconds": clock.seconds,
    }


def _examples(config: RunConfig, judged: _Judged) -> list[dict[str, Any]]:
    if judged.closed is None or not (config.dataset.public or config.privacy == "off"):
        return []
    return worst_confident_errors(judged.samples, judged.asked.predictions, judged.readings, judged.closed)
