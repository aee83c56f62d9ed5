"""The record of an evaluation. `result.json` in a run's folder is this, and reports are made from that file alone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import TableError
from harness.types import Estimate, Gap, MetricResult, Verdict

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """How many answers of a task, for a group, ended in which status.

    Attributes:
        task: Task name.
        group: ``None`` for everybody.
        counts: Status name to number of samples; statuses that never occurred are left out.
        estimate: Share of answers that could be read (status ``ok``), with its interval.
    """

    task: str
    group: Mapping[str, str] | None
    counts: Mapping[str, int]
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a suite says about one data set.

    Attributes:
        dataset: Name, digest, licence, whether it is public, counts.
        metric_results: Every metric for every group.
        gap_results: Signed gaps between groups.
        coverage: Statuses by task and group.
        figures: Data of the figures, JSON-ready: ``reliability``, ``confusion``.
        notes: Sentences the reader must see (rules applied, small groups, warnings of the runtime).
    """

    dataset: Mapping[str, Any]
    metric_results: tuple[MetricResult, ...]
    gap_results: tuple[Gap, ...]
    coverage: tuple[CoverageRow, ...]
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """Everything an evaluation found. Deterministic: the same answers give the same bytes.

    Attributes:
        suite: Suite name.
        model: ``{"name": ..., "fingerprint": {...}}``; for tables made elsewhere the file's digest.
        evaluation: The data set asked for.
        companion: A second data set shown beside it (the same lesions on every skin type), or ``None``.
        settings: Level, margins, resamples, seed, interval.
        environment: Versions of this package and what it computed with.
        config_hash: SHA-256 of the resolved configuration.
        schema_version: Version of this record's layout.
    """

    suite: str
    model: Mapping[str, Any]
    evaluation: Evaluation
    companion: Evaluation | None
    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    config_hash: str
    schema_version: int = SCHEMA_VERSION

    def __repr__(self) -> str:
        n, gaps = len(self.evaluation.metric_results), len(self.evaluation.gap_results)
        return f"Result(suite={self.suite!r}, model={self.model['name']!r}, {n} metrics, {gaps} gaps)"

    @property
    def metrics(self) -> pd.DataFrame:
        """One row a metric and group: ``metric, group``, the fields of `Estimate`, ``higher_is_better``."""
        return _frame(_metric_row(m) for m in self.evaluation.metric_results)

    @property
    def gaps(self) -> pd.DataFrame:
        """One row a gap: the fields of `Gap`, its estimate's fields spread out."""
        return _frame(_gap_row(g) for g in self.evaluation.gap_results)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-ready record; NaN becomes ``None``."""
        main = _evaluation_dict(self.evaluation)
        record = {
            "schema_version": self.schema_version,
            "suite": self.suite,
            "model": self.model,
            **main,
            "companion": None if self.companion is None else _evaluation_dict(self.companion),
            "settings": self.settings,
            "environment": self.environment,
            "config_hash": self.config_hash,
        }
        cleaned: dict[str, Any] = _plain(record)
        return cleaned

    def to_json(self) -> str:
        """Return the record as JSON text: sorted keys, no NaN, one trailing newline."""
        return json.dumps(self.to_dict(), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Result:
        """Read a record back. Raises ``TableError`` when its schema is another version."""
        if record.get("schema_version") != SCHEMA_VERSION:
            raise TableError(
                f"this result has schema_version {record.get('schema_version')!r}; this version reads {SCHEMA_VERSION}. "
                "Make it again with `harness run` or `harness score`: stored answers are not asked for again."
            )
        companion = record.get("companion")
        return cls(
            suite=record["suite"],
            model=record["model"],
            evaluation=_evaluation(record),
            companion=None if companion is None else _evaluation(companion),
            settings=record["settings"],
            environment=record["environment"],
            config_hash=record["config_hash"],
        )

    @classmethod
    def read(cls, folder_or_file: str | Path) -> Result:
        """Read ``result.json`` (or a run's folder)."""
        path = Path(folder_or_file)
        path = path / "result.json" if path.is_dir() else path
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))

    def to_html(self) -> str:
        """Return the self-contained report page."""
        from harness.reports.run_report import render_html

        return render_html(self.to_dict())

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        from harness.reports.run_report import render_markdown

        return render_markdown(self.to_dict())


def _frame(rows: Any) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows))


def _metric_row(result: MetricResult) -> dict[str, Any]:
    group = None if result.group is None else dict(result.group)
    return {"metric": result.metric, "group": group, **asdict(result.estimate), "higher_is_better": result.higher_is_better}


def _gap_row(gap: Gap) -> dict[str, Any]:
    row = {f.name: getattr(gap, f.name) for f in fields(gap) if f.name not in {"estimate", "reason"}}
    return {**row, "verdict": str(gap.verdict), **asdict(gap.estimate), "reason": gap.reason or gap.estimate.reason}


def _evaluation_dict(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "dataset": evaluation.dataset,
        "metrics": [asdict(m) for m in evaluation.metric_results],
        "gaps": [asdict(g) for g in evaluation.gap_results],
        "coverage": [asdict(c) for c in evaluation.coverage],
        "figures": evaluation.figures,
        "notes": list(evaluation.notes),
    }


def _evaluation(record: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        dataset=record["dataset"],
        metric_results=tuple(MetricResult(**{**m, "estimate": _estimate(m["estimate"])}) for m in record["metrics"]),
        gap_results=tuple(_gap(g) for g in record["gaps"]),
        coverage=tuple(CoverageRow(**{**c, "estimate": _estimate(c["estimate"])}) for c in record["coverage"]),
        figures=record["figures"],
        notes=tuple(record["notes"]),
    )


def _estimate(record: Mapping[str, Any]) -> Estimate:
    floats = {"value", "low", "high", "bootstrap_low", "bootstrap_high"}
    values: dict[str, Any] = {k: math.nan if k in floats and v is None else v for k, v in record.items()}
    return Estimate(**values)


def _gap(record: Mapping[str, Any]) -> Gap:
    numbers = {k: math.nan if record[k] is None else record[k] for k in ("minimum_detectable", "p_value", "p_adjusted")}
    return Gap(**{**record, **numbers, "estimate": _estimate(record["estimate"]), "verdict": Verdict(record["verdict"])})


def _plain(value: Any) -> Any:
    """Replace NaN and infinities by ``None`` and numpy scalars by Python's."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
