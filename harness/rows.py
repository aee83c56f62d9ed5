"""One row a sample: what was asked, said, read and true. The table saved as ``predictions.parquet``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.types import Answer, Prediction, Sample

if TYPE_CHECKING:
    import pandas as pd


def prediction_rows(
    parts: Sequence[tuple[str, Sequence[Sample], Sequence[Prediction], Sequence[Answer]]],
) -> pd.DataFrame:
    """Return the table of a run, without latencies: the same answers give the same bytes.

    Args:
        parts: For each data set its name, samples, predictions and readings, these three in the same order.

    Returns:
        Columns ``dataset, sample_id, patient_id, task, status, rule, text, answer, target, confidence, choice_logprobs, error``
        and one for every attribute. ``answer`` and ``target`` are JSON where they are not text; ``confidence`` is the
        probability of the answered choice.
    """
    import pandas as pd

    rows = [
        {"dataset": name, **_row(*together)}
        for name, samples, predictions, readings in parts
        for together in zip(samples, predictions, readings, strict=True)
    ]
    return pd.DataFrame(rows)


def _row(sample: Sample, prediction: Prediction, reading: Answer) -> dict[str, Any]:
    return {
        "sample_id": sample.id,
        "patient_id": sample.patient_id,
        "task": str(sample.task),
        "status": str(reading.status),
        "rule": reading.rule,
        "text": prediction.text,
        "answer": _text(reading.value),
        "target": _text(sample.target),
        "confidence": _confidence(prediction.choice_logprobs),
        "choice_logprobs": json.dumps([round(v, 6) for v in prediction.choice_logprobs]),
        "error": prediction.error,
        **{name: None if value is None else str(value) for name, value in sample.attributes.items()},
    }


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _confidence(logprobs: Sequence[float]) -> float | None:
    """Probability of the likeliest choice among the choices."""
    if not logprobs:
        return None
    top = max(logprobs)
    return 1 / sum(math.exp(v - top) for v in logprobs)
