"""From answers to an evaluation: the same path for a model asked here and a table made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.config import SuiteConfig
from harness.registry import locate
from harness.result import Evaluation
from harness.suites.settings import Settings

if TYPE_CHECKING:
    from harness.answers import BoxAnswers, ClassAnswers, NumberAnswers


def evaluate(
    answers: Mapping[str, ClassAnswers | BoxAnswers | NumberAnswers],
    *,
    suite: SuiteConfig,
    seed: int,
    dataset: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> Evaluation:
    """Compute a suite's statistics.

    Args:
        answers: Task name to answers.
        suite: Which statistics, under which rules.
        seed: Seed of the resamples.
        dataset: What the record says of the data.
        notes: Sentences the reader must see, beside the suite's own.
    """
    settings = suite_settings(suite, seed)
    found = locate(suite.target)(answers, settings)
    return Evaluation(
        dataset=dataset,
        metric_results=tuple(found.metric_results),
        gap_results=tuple(found.gap_results),
        coverage=tuple(found.coverage),
        figures=found.figures,
        notes=(*notes, *found.notes),
    )


def suite_settings(suite: SuiteConfig, seed: int) -> Settings:
    """The rules of a suite as its functions take them."""
    return Settings(
        level=suite.level,
        n_resamples=suite.n_resamples,
        seed=seed,
        margin_group=suite.margin,
        interval=suite.interval,
        min_patients=suite.min_patients,
        primary=suite.primary,
    )
