"""Reading the record: `result.json` and nothing else.

Keys used, beyond those of ``harness.result.Result.to_dict``:
    ``settings``: ``primary`` (names of the metrics the verdict rests on, the first in the headline), ``privacy`` (``"off"`` shows
    private data), ``seed``. ``dataset``: ``name``, ``title``, ``public``, ``n_patients`` (``None`` where nobody knows whose the samples
    are), and where known ``intended_use``, ``reference_standard``, ``skin_type_rater``. Every other key is listed as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.reports.naming import GroupKey, group_key, group_order
from harness.reports.numbers import is_number

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """One evaluation of the record, ready to look things up in.

    Attributes:
        dataset, gaps, coverage, figures, notes: As in the record.
        estimates: ``(metric, group)`` to the metric's record.
        metrics: Metric names in the record's order.
        groups: Every group that has a number, in reading order; ``()`` is everybody.
        primary: The gaps that the verdict rests on.
        unit: What is resampled whole: ``"patient"``, ``"lesion"``, or ``"sample"`` where nobody knows whose they are.
    """

    dataset: Json
    gaps: Sequence[Json]
    coverage: Sequence[Json]
    figures: Json
    notes: Sequence[str]
    estimates: Mapping[tuple[str, GroupKey], Json]
    metrics: tuple[str, ...]
    groups: tuple[GroupKey, ...]
    primary: tuple[Json, ...]
    unit: str

    @property
    def is_phantom(self) -> bool:
        """Whether the pictures are drawn: a data set of this house says so in its name."""
        return "phantom" in str(self.dataset.get("name", ""))

    def estimate(self, metric: str, group: GroupKey = ()) -> Json | None:
        """Return the estimate of a metric for a group, or ``None`` when the record has none."""
        found = self.estimates.get((metric, group))
        return None if found is None else found["estimate"]

    def statuses(self, task: str, group: GroupKey) -> Json | None:
        """Return the coverage row of a task for a group, or ``None``."""
        return next((c for c in self.coverage if c["task"] == task and group_key(c["group"]) == group), None)


def view(evaluation: Json, settings: Json) -> View:
    """Read one evaluation: the record itself, or its ``companion``."""
    estimates = {(m["metric"], group_key(m["group"])): m for m in evaluation["metrics"]}
    return View(
        dataset=evaluation["dataset"],
        gaps=evaluation["gaps"],
        coverage=evaluation["coverage"],
        figures=evaluation.get("figures") or {},
        notes=evaluation.get("notes") or (),
        estimates=estimates,
        metrics=_distinct(m["metric"] for m in evaluation["metrics"]),
        groups=tuple(sorted({group for _, group in estimates}, key=group_order)),
        primary=_primary_gaps(evaluation["gaps"], settings.get("primary")),
        unit=_unit(evaluation["dataset"]),
    )


def _unit(dataset: Json) -> str:
    if "n_patients" in dataset and dataset["n_patients"] is None:
        return "sample"
    return "lesion" if "matched" in str(dataset.get("name", "")) else "patient"


def views(record: Json) -> tuple[View, View | None]:
    """Return the evaluation asked for and the one shown beside it, if any."""
    settings = record.get("settings") or {}
    companion = record.get("companion")
    return view(record, settings), None if companion is None else view(companion, settings)


def _primary_gaps(gaps: Iterable[Json], names: str | Sequence[str] | None) -> tuple[Json, ...]:
    """The declared family, of the first declared attribute; the named metrics first and in their order."""
    declared = [g for g in gaps if g["family"] == "declared"]
    chosen = [g for g in declared if g["attribute"] == declared[0]["attribute"]]
    order = [names] if isinstance(names, str) else list(names or ())
    return tuple(sorted(chosen, key=lambda g: order.index(g["metric"]) if g["metric"] in order else len(order)))


def may_show(record: Json) -> bool:
    """Say whether pictures, ids and free text may appear: every data set is public, or the user said ``privacy=off``."""
    return all_public(record) or (record.get("settings") or {}).get("privacy") == "off"


def all_public(record: Json) -> bool:
    """Say whether every data set of the record is marked as public."""
    return all(e["dataset"].get("public") is True for e in (record, record.get("companion")) if e is not None)


def excludes_zero(estimate: Json) -> bool:
    """Say whether an interval lies wholly on one side of zero."""
    low, high = estimate.get("low"), estimate.get("high")
    return is_number(low) and is_number(high) and (low > 0 or high < 0)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
