"""What a run costs: seconds by stage, latency of answers."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from harness.types import Prediction


class StageClock:
    """Seconds each stage of a run took, in order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End a stage and name it."""
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._last, 3)
        self._last = now


def latency_summary(predictions: Sequence[Prediction]) -> dict[str, float | int | None]:
    """Return mean and percentiles of the answers' latencies in seconds; ``None`` where none was measured."""
    known = np.array([p.latency_s for p in predictions if math.isfinite(p.latency_s)])
    if not known.size:
        return {"n": 0, "mean": None, "p50": None, "p95": None, "p99": None}
    p50, p95, p99 = np.percentile(known, [50, 95, 99]).round(5).tolist()
    return {"n": int(known.size), "mean": round(float(known.mean()), 5), "p50": p50, "p95": p95, "p99": p99}
