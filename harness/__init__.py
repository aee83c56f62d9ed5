"""Benchmarking and fairness evaluation for medical vision-language models, with honest intervals.

The public face is small: `score` for tables of predictions made elsewhere, the types an adapter or a data set is made of, and the
`Result` that both `score` and ``harness run`` leave. Everything else is an inner room.
"""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.types import (
    Adapter,
    Capabilities,
    Estimate,
    Gap,
    ImageRef,
    MetricResult,
    Prediction,
    Request,
    Sample,
    Status,
    Task,
    Verdict,
)

if TYPE_CHECKING:
    from harness.result import Result
    from harness.scoring import score

__version__ = "0.1.0"

# Python started in a checkout finds this folder before the installed package; there the other rooms lie beside it.
_BESIDE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isfile(os.path.join(_BESIDE, "pyproject.toml")):
    __path__.append(_BESIDE)

__all__ = [
    "Adapter",
    "Capabilities",
    "Estimate",
    "Gap",
    "HarnessError",
    "ImageRef",
    "MetricResult",
    "Prediction",
    "Request",
    "Result",
    "Sample",
    "Status",
    "Task",
    "Verdict",
    "__version__",
    "score",
]

# pandas and numpy take longer to import than most commands take to answer, so what needs them is imported when it is asked for.
_LAZY = {"score": "harness.scoring", "Result": "harness.result"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
