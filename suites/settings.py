"""The rules an evaluation is made under. Every one of them is printed in the report."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Settings:
    """Rules of a suite.

    Attributes:
        level: Confidence level of every interval.
        n_resamples: Patient resamples.
        seed: Seed of the resamples.
        margin_group: Half-width of "no difference that matters" between groups.
        interval: ``"auto"`` (score intervals for shares, bootstrap elsewhere) or ``"bootstrap"`` (bootstrap everywhere).
        min_patients: Patients a denominator needs before a gap is judged.
        primary: Metrics of the declared family.
        double_entry: Whether to compare every metric with its reference library.
    """

    level: float = 0.95
    n_resamples: int = 2000
    seed: int = 0
    margin_group: float = 0.05
    interval: str = "auto"
    min_patients: int = 10
    primary: tuple[str, ...] = ("balanced_accuracy", "sensitivity", "auroc")
    double_entry: bool = True

    def __post_init__(self) -> None:
        if not 0.5 < self.level < 1:
            raise ConfigError(f"level={self.level!r} is not between 0.5 and 1: write 0.95 for a 95% interval.")
        if self.n_resamples < 100:
            raise ConfigError(
                f"n_resamples={self.n_resamples!r} is too few for percentiles: use 2000 or more, at least 100 to try things out."
            )
        if self.interval not in {"auto", "bootstrap"}:
            raise ConfigError(f"interval={self.interval!r} is unknown: use 'auto' or 'bootstrap'.")
        if self.margin_group < 0:
            raise ConfigError(
                f"margin_group={self.margin_group!r} must not be negative: write 0.05 for five points in a hundred."
            )
