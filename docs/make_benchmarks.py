"""Measure what `docs/benchmarks.md` states, and write it: `make bench`.

Whole commands are timed as processes; the statistics inside this one. Each figure stands beside its goal.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from harness import config_files
from harness.answers import BoxAnswers, ClassAnswers, NumberAnswers, Units
from harness.asking import ask, sort_questions
from harness.config import Component, DatasetConfig, validate
from harness.data.loading import load_samples
from harness.data.samples import read_answers
from harness.executors import local
from harness.registry import build_model
from harness.store import Store
from harness.suites import fairness
from harness.suites.settings import Settings
from harness.types import Capabilities, Prediction, Sample, Status, Task

HARNESS = str(Path(sys.executable).parent / "harness")
PAGE = Path(__file__).parent / "benchmarks.md"


@dataclass(frozen=True)
class Figure:
    """One line of the page."""

    what: str
    goal: float
    measured: float
    unit: str

    @property
    def row(self) -> str:
        """The line as Markdown."""
        met = "yes" if self.measured <= self.goal else "**no**"
        return f"| {self.what} | {self.goal:g} {self.unit} | {self.measured:.3g} {self.unit} | {met} |"


def best_of(times: int, work: Callable[[], object]) -> float:
    """Shortest wall time in seconds: what the work costs when the machine is left alone."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def command(*arguments: str, cwd: Path) -> None:
    """Run a command; exit code 2 (missing weights) counts as done."""
    done = subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 2):
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr}")


def small_commands(folder: Path) -> Iterator[Figure]:
    """What must answer at once."""
    yield Figure("`harness --help`", 0.2, best_of(5, lambda: command(HARNESS, "--help", cwd=folder)), "s")
    yield Figure("`import harness`", 0.15, best_of(5, lambda: command(sys.executable, "-c", "import harness", cwd=folder)), "s")
    missing = best_of(3, lambda: command(HARNESS, "run", "suite=fairness", "model=skinvl_q4", cwd=folder))
    yield Figure("`harness run model=skinvl_q4` without its weights", 2, missing, "s")


def stored_answers(path: Path) -> dict[str, ClassAnswers | BoxAnswers | NumberAnswers]:
    """The default run's answers, as its statistics get them."""
    model = build_model(validate(Component, config_files.resolved("model", "phantomvl_q4")))
    dataset = validate(DatasetConfig, config_files.resolved("dataset", "skinphantom"))
    samples = load_samples(dataset)
    with Store(path) as store:
        said = ask(model, sort_questions(model, samples, store), store, local)
    answers, _ = read_answers(samples, said.predictions)
    return {**answers, Task.CLASSIFICATION: replace(answers[Task.CLASSIFICATION], positive=dataset.positive)}


def main_job(folder: Path) -> Iterator[Figure]:
    """The embedded default, asked and asked again."""
    command(HARNESS, "run", "out=first", cwd=folder)
    seconds = json.loads((folder / "first" / "run.json").read_text())["seconds"]
    result = json.loads((folder / "first" / "result.json").read_text())
    pictures, beside = result["dataset"]["n_pictures"], result["companion"]["dataset"]["n_pictures"]
    yield Figure(f"main job: diagnosis scored, boxes and counts of {pictures:,} pictures", 150, seconds["ask"], "s")
    yield Figure(f"beside it: diagnosis of {beside:,} matched pictures", 150, seconds["ask_companion"], "s")
    answers = stored_answers(folder / "runs" / "answers.sqlite")
    best = best_of(3, lambda: fairness.evaluate(answers, Settings()))
    yield Figure(f"statistics of the main job, {pictures:,} pictures, all tasks and groups, 2,000 resamples", 2, best, "s")
    again = best_of(2, lambda: command(HARNESS, "run", "out=second", cwd=folder))
    yield Figure("the same run from the store, no model call", 10, again, "s")


def closed_answers(n: int, patients: int, classes: int = 5, seed: int = 0) -> ClassAnswers:
    """Random answers of the right shape."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(classes, size=n)
    logits = draw.normal(size=(n, classes)) + 2.0 * np.eye(classes)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    owner = draw.integers(patients, size=n)
    kinds = np.array(["I", "II", "III", "IV", "V", "VI", None], dtype=object)[
        draw.choice(7, patients, p=[0.2, 0.2, 0.17, 0.13, 0.13, 0.13, 0.04])
    ]
    sexes = np.array(["female", "male"], dtype=object)[draw.integers(2, size=patients)]
    ages = draw.integers(5, 95, size=patients).astype(float).astype(object)
    attributes = {"fitzpatrick": kinds[owner], "sex": sexes[owner], "age": ages[owner]}
    units = Units(np.arange(n).astype(str).astype(object), np.array([f"p{i}" for i in owner], dtype=object), attributes)
    names = tuple(f"class {i}" for i in range(classes))
    return ClassAnswers(units, [Status.OK] * n, names, truth, probabilities.argmax(axis=1), probabilities, names[:2])


def statistics() -> Iterator[Figure]:
    """All metrics, all groups, 2,000 patient resamples."""
    settings = Settings()
    for n, patients, goal in ((1_600, 530, 2.0), (10_000, 4_000, 5.0)):
        answers = closed_answers(n, patients)
        seconds = best_of(3, lambda answers=answers: fairness.evaluate({Task.CLASSIFICATION: answers}, settings))
        yield Figure(f"fairness suite, {n:,} rows of {patients:,} patients, 5 classes, 2,000 resamples", goal, seconds, "s")


def million_rows(folder: Path) -> Iterator[Figure]:
    """Peak memory of a large table, in a process of its own."""
    n = 1_000_000
    draw = np.random.default_rng(0)
    truth = draw.integers(2, size=n)
    score = np.clip(draw.normal(0.3 + 0.3 * truth, 0.2), 0, 1).round(4)
    table = {
        "image": np.arange(n),
        "truth": truth,
        "score": score,
        "patient": draw.integers(400_000, size=n),
        "skin": draw.integers(1, 7, size=n),
    }
    pd.DataFrame(table).to_csv(folder / "million.csv", index=False)
    arguments = (
        "score million.csv id=image target=truth score=score positive=1 cluster=patient groups.fitzpatrick=skin out=million"
    )
    started = time.perf_counter()
    child = subprocess.Popen([HARNESS, *arguments.split()], cwd=folder, stdout=subprocess.DEVNULL)
    _, code, usage = os.wait4(child.pid, 0)
    if code:
        raise SystemExit("scoring a million rows failed")
    yield Figure(
        f"peak memory of `harness score` on {n:,} rows ({time.perf_counter() - started:.0f} s)",
        4,
        usage.ru_maxrss / 2**20,
        "GB",
    )


class Instant:
    """A model that answers at once."""

    capabilities = Capabilities(score_choices=True)
    fingerprint = {"runtime": "instant"}  # noqa: RUF012

    def predict(self, requests):  # type: ignore[no-untyped-def]
        """Answer the first choice."""
        return [Prediction(r.sample_id, r.choices[0], choice_logprobs=(-0.1, -2.4), latency_s=0.0, tokens=1) for r in requests]

    def close(self) -> None:
        """Nothing to give back."""


@dataclass(frozen=True)
class Name:
    """A picture that is only a name."""

    digest: str

    def load(self):  # type: ignore[no-untyped-def]
        """Never asked for."""
        raise OSError(self.digest)


def own_cost(folder: Path) -> Iterator[Figure]:
    """CPU time of the harness itself per sample, store included."""
    n = 20_000
    samples = [
        Sample(
            f"s{i}", f"p{i // 3}", Task.CLASSIFICATION, "what is it?", "a", (Name(f"{i:064x}"),), ("a", "b"), {"sex": "female"}
        )
        for i in range(n)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF)
    with Store(folder / "instant.sqlite") as store:
        model = Instant()
        ask(model, sort_questions(model, samples, store), store, local)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    yield Figure("the harness' own CPU per sample, store included", 0.3, 1000 * cpu / n, "ms")


def machine() -> str:
    """The machine in a line."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    return f"{model or platform.processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the main job and the million rows; write nothing")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = [small_commands(folder), statistics(), own_cost(folder)]
        parts += [] if quick else [main_job(folder), million_rows(folder)]
        figures = []
        for part in parts:
            for figure in part:
                print(figure.row, flush=True)
                figures.append(figure)
    if not quick:
        head = f"# Benchmarks\n\nWritten by `make bench` on {date.today().isoformat()}: {machine()}. Shared machine; best of a few runs.\n"
        table = ["| what | goal, at most | measured | met |", "|---|---|---|---|", *(figure.row for figure in figures)]
        PAGE.write_text(head + "\n" + "\n".join(table) + "\n")
        print(f"\nwritten: {PAGE}")


if __name__ == "__main__":
    main()
