"""Scoring predictions made elsewhere: `harness.score` and ``harness score``. No model is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness import config_files
from harness.config import SuiteConfig, validate
from harness.data.labels import LabelsGiven, label_list
from harness.environment import versions
from harness.errors import ConfigError
from harness.evaluation import evaluate
from harness.result import Result
from harness.types import Task

if TYPE_CHECKING:
    import pandas as pd

Interval = Literal["auto", "bootstrap"]
Labels = Annotated[tuple[str, ...], BeforeValidator(label_list)]


class ScoreConfig(BaseModel):
    """The settings of a scoring; the arguments of `score` say what each is."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    suite: str = "fairness"
    target: str
    prediction: str | None = None
    score: str | None = None
    scores: tuple[str, ...] | None = None
    choices: Labels | None = None
    positive: Labels | None = None
    groups: dict[str, str] = Field(default_factory=dict)
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    cluster: str | None = None
    id: str | None = None
    status: str | None = None
    metadata: Path | None = None
    on: str | None = None
    name: str | None = None
    level: float | None = Field(None, gt=0.5, lt=1)
    n_resamples: int | None = Field(None, ge=100)
    margin: float | None = Field(None, ge=0)
    interval: Interval | None = None
    seed: int = Field(0, ge=0)
    privacy: Literal["on", "off"] = "on"

    def suite_config(self) -> SuiteConfig:
        """The suite's own configuration, with the rules given here in place of its own."""
        written = config_files.read("suite", self.suite)
        given = {k: getattr(self, k) for k in ("level", "n_resamples", "margin", "interval") if getattr(self, k) is not None}
        found: SuiteConfig = validate(SuiteConfig, {**written, **given})
        return found


def score(
    table: str | Path | pd.DataFrame,
    *,
    target: str,
    suite: str = "fairness",
    prediction: str | None = None,
    score: str | None = None,
    scores: Sequence[str] | None = None,
    choices: LabelsGiven | None = None,
    positive: LabelsGiven | None = None,
    groups: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    cluster: str | None = None,
    id: str | None = None,
    status: str | None = None,
    metadata: str | Path | None = None,
    on: str | None = None,
    name: str | None = None,
    level: float | None = None,
    n_resamples: int | None = None,
    margin: float | None = None,
    interval: Interval | None = None,
    seed: int = 0,
    privacy: Literal["on", "off"] = "on",
) -> Result:
    """Score a table of predictions made elsewhere, one row a picture.

    Args:
        table: A CSV, JSONL or Parquet file, or a DataFrame.
        target: Column of the truth.
        suite: Which statistics.
        prediction: Column of the answer; without it the score decides (0.5, or the largest).
        score: Column with the probability of the positive class (two classes).
        scores: Columns with the probability of each class, in the order of ``choices``.
        choices: The classes; without them, those that occur in the truth.
        positive: The class or classes that count as positive (malignant).
        groups: Attribute to column, e.g. ``{"fitzpatrick": "skin_type", "sex": "gender", "age": "age"}``.
        words: Attribute to the data set's own words for its values, e.g. ``{"fitzpatrick": {"fair": "II"}}``.
        cluster: Column of the patient: pictures of one patient are not independent, patients are resampled.
        id: Column of the picture's id; without it rows are numbered.
        status: Column with what became of each answer (ok, refused, unparsable, empty, truncated, error).
        metadata: A second file with attributes, joined by the column ``on``.
        on: Column both files share; by default ``id``.
        name: What to call this in the record; by default the file's name.
        level: Confidence level of every interval (suite: 0.95).
        n_resamples: Patient resamples (suite: 2000).
        margin: Half-width of the region in which a gap does not matter (suite: 0.05).
        interval: ``"auto"`` or ``"bootstrap"`` (suite: auto).
        seed: Seed of the resamples.
        privacy: ``"off"`` lets ids and texts of data that is not public enter reports.

    Returns:
        The record, with ``.metrics`` and ``.gaps`` as DataFrames and ``.to_html()``.

    Raises:
        TableError: The table cannot be used; the message names the column, the first rows and the mend.
        ConfigError: A setting is unknown or out of range.
    """
    given = {k: v for k, v in locals().items() if k != "table" and v is not None}
    config: ScoreConfig = validate(ScoreConfig, given)
    return score_table(table, config)


def score_table(table: str | Path | pd.DataFrame, config: ScoreConfig) -> Result:
    """Score a table by a validated configuration; see `score`."""
    from harness.data.table import as_table, class_answers, join

    suite = config.suite_config()
    notes: list[str] = []
    rows = as_table(table)
    if config.metadata is not None:
        rows = join(rows, config.metadata, on=_joined_on(config), note=notes.append)
    answers = class_answers(
        rows,
        id=config.id,
        target=config.target,
        prediction=config.prediction,
        score=config.score,
        scores=config.scores,
        choices=config.choices,
        positive=config.positive,
        groups=config.groups,
        words=config.words,
        cluster=config.cluster,
        status=config.status,
        note=notes.append,
    )
    name = config.name or (Path(table).stem if isinstance(table, (str, Path)) else "table")
    sources = [table] if config.metadata is None else [table, config.metadata]
    dataset = _describe(name, sources, len(answers.units), len(set(answers.units.clusters)) if config.cluster else None)
    evaluation = evaluate({Task.CLASSIFICATION: answers}, suite=suite, seed=config.seed, dataset=dataset, notes=notes)
    rules = suite.model_dump(exclude={"name", "title", "target"})
    return Result(
        suite=suite.name,
        model={"name": name, "title": "predictions made elsewhere", "fingerprint": {"table_sha256": _digest(table)}},
        evaluation=evaluation,
        companion=None,
        settings={**rules, "seed": config.seed, "privacy": config.privacy, "columns": _columns(config)},
        environment=versions(),
        config_hash=hashlib.sha256(config.model_dump_json().encode()).hexdigest(),
    )


def _joined_on(config: ScoreConfig) -> str:
    on = config.on or config.id
    if on is None:
        raise ConfigError(
            "metadata= needs to know how its rows belong to the table's: give on=COLUMN, a column both files have."
        )
    return on


def _columns(config: ScoreConfig) -> dict[str, Any]:
    names = (
        "id",
        "target",
        "prediction",
        "score",
        "scores",
        "choices",
        "positive",
        "groups",
        "words",
        "cluster",
        "status",
        "on",
    )
    return {name: getattr(config, name) for name in names if getattr(config, name)}


def _describe(name: str, sources: Sequence[str | Path | pd.DataFrame], n: int, n_patients: int | None) -> dict[str, Any]:
    return {
        "name": name,
        "title": "a table of predictions made elsewhere",
        "digest": hashlib.sha256("".join(map(_digest, sources)).encode()).hexdigest(),
        "licence": "not stated",
        "citation": "not stated",
        "public": False,
        "limit": None,
        "n_samples": n,
        "n_pictures": n,
        "n_patients": n_patients,
        "tasks": {str(Task.CLASSIFICATION): n},
    }


def _digest(table: str | Path | pd.DataFrame) -> str:
    """SHA-256 of the file's bytes, or of the rows of a DataFrame."""
    if isinstance(table, (str, Path)):
        with Path(table).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    from pandas.util import hash_pandas_object

    digest = hashlib.sha256()
    digest.update(",".join(map(str, table.columns)).encode())
    digest.update(hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()
