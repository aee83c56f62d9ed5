"""The configuration of a run, validated once. Hydra composes it, this decides whether it makes sense."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import ConfigError, near_match


class Component(BaseModel):
    """Something named in a configuration group and built from it.

    Attributes:
        name: Name in ``harness list``.
        title: One line on what it is.
        target: Dotted path of the class or function that makes it; every further key is an argument of it.
        weights_from: Where its weights are to be had, for whoever lacks them.
    """

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    name: str
    title: str = ""
    target: str = Field(alias="_target_")
    weights_from: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """The keys that are arguments of the target."""
        return dict(self.model_extra or {})


class DatasetConfig(Component):
    """A data set: its loader's arguments, and what must be known about it."""

    positive: tuple[str, ...] = ()
    public: bool = False
    licence: str = "not stated"
    citation: str = "not stated"
    companion: dict[str, Any] | None = None

    def companion_config(self) -> DatasetConfig | None:
        """The data set shown beside this one: this one's settings with a few changed."""
        if self.companion is None:
            return None
        mine = self.model_dump(by_alias=True)
        return DatasetConfig(**{**mine, **self.companion, "companion": None})


class SuiteConfig(BaseModel):
    """Which statistics, and under which rules. Every field is explained in ``hydra_configs/suite/fairness.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    title: str = ""
    target: str = Field(alias="_target_")
    level: float = Field(0.95, gt=0.5, lt=1)
    n_resamples: int = Field(2000, ge=100)
    interval: Literal["auto", "bootstrap"] = "auto"
    margin: float = Field(0.05, ge=0)
    min_patients: int = Field(10, ge=2)
    primary: tuple[str, ...] = ("balanced_accuracy", "sensitivity", "auroc")


class TrackingConfig(BaseModel):
    """Where a run is mirrored to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["mlflow", "none"]
    title: str = ""
    uri: str | None = None
    experiment: str = "vlm-fairness"


class RunConfig(BaseModel):
    """Everything one run is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Component
    dataset: DatasetConfig
    suite: SuiteConfig
    executor: Component
    tracking: TrackingConfig
    limit: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0)
    out: Path | None = None
    store: Path = Path("runs/answers.sqlite")
    fail_on_error: float | None = Field(None, ge=0, le=1)
    max_tokens: int = Field(128, ge=1)
    privacy: Literal["on", "off"] = "on"

    @property
    def folder(self) -> Path:
        """The run's folder: ``out``, or one named after the run."""
        return self.out or Path("runs") / self.name

    @property
    def name(self) -> str:
        """Suite, model and data set, and enough of the digest that another limit, seed or prompt is another name."""
        return f"{self.suite.name}-{self.model.name}-{self.dataset.name}-{self.digest[:8]}"

    @property
    def digest(self) -> str:
        """SHA-256 over everything that can change a number; not where results go, nor how the work is spread."""
        numbers = self.model_dump(mode="json", by_alias=True, exclude={"out", "store", "tracking", "executor"})
        return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()


def validate(kind: type[BaseModel], values: Mapping[str, Any]) -> Any:
    """Make a configuration of ``kind``.

    Raises:
        ConfigError: Naming each wrong setting, what was got and what is allowed.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(kind, e) for e in error.errors())) from error


def _explain(kind: type[BaseModel], problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        allowed = sorted(kind.model_fields)
        return f"there is no setting {name}.{near_match(name, allowed)} There are: {', '.join(allowed)}."
    if problem["type"] == "missing":
        return f"the setting {name} is needed: add {name}=..."
    return f"the setting {name}={problem['input']!r} cannot be used: {problem['msg'].lower()}."
