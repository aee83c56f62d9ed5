"""The nouns of the house: what is asked, what is answered, and what a number is.

Frozen and slotted. Nothing here imports anything heavy, so that `import harness` stays quick.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from PIL.Image import Image

NAN = math.nan

Box = tuple[float, float, float, float]
"""``(x_min, y_min, x_max, y_max)`` in pixels of the picture, half-open on neither side (area = width x height)."""

Group = Mapping[str, str]
"""Which samples a number is about, e.g. ``{"fitzpatrick": "IV-VI"}``. ``None`` stands for everybody."""


class Task(StrEnum):
    """What a sample asks for."""

    CLASSIFICATION = "classification"
    MULTILABEL = "multilabel"
    DETECTION = "detection"
    COUNTING = "counting"
    REGRESSION = "regression"
    CAPTION = "caption"


class Status(StrEnum):
    """What became of a question. A failure is a fact with a name, counted beside every metric."""

    OK = "ok"
    REFUSED = "refused"
    UNPARSABLE = "unparsable"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    ERROR = "error"


@runtime_checkable
class ImageRef(Protocol):
    """A picture that can be named without being opened. Hashable: equal references mean the same picture."""

    @property
    def digest(self) -> str:
        """Hex digest that changes whenever the pixels would."""
        ...

    def load(self) -> Image:
        """Open the picture as RGB. Raises ``OSError`` when it is missing, truncated or not a picture."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One question about one or several pictures, with its truth.

    Attributes:
        id: Unique in the data set.
        patient_id: Whoever gave the picture (or the lesion, where lesions are the independent units).
        task: What is asked.
        prompt: The question as the model gets it, patient text included when it is in use.
        target: The truth, by task: class name; tuple of labels; tuple of ``(label, Box)``; int; float; text.
        images: The pictures, in the order asked about.
        choices: The allowed answers of a closed question, else empty.
        attributes: Patient and picture attributes for grouping, e.g. ``{"fitzpatrick": "V", "sex": "female", "age": 61}``.
            ``None`` means unknown.
        metadata: What the task needs to be read or drawn, e.g. ``{"box_frame": [100, 100]}`` for answers on a 0..100 grid.
        source: Where the sample comes from (file and row, or generator and seed).
    """

    id: str
    patient_id: str
    task: Task
    prompt: str
    target: Any
    images: tuple[ImageRef, ...] = ()
    choices: tuple[str, ...] = ()
    attributes: Mapping[str, str | float | None] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What an adapter is asked: one prompt about one or several pictures.

    Attributes:
        sample_id: The sample this belongs to.
        prompt: The user's turn. The adapter wraps it in the model's own chat template.
        images: The pictures.
        choices: When not empty, the adapter scores each of them: log-likelihood of the choice (its tokens and the end of the
            turn) given pictures and prompt.
        max_tokens: Longest answer of an open question, in tokens.
    """

    sample_id: str
    prompt: str
    images: tuple[ImageRef, ...] = ()
    choices: tuple[str, ...] = ()
    max_tokens: int = 128


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said to one request. Immutable, stored the moment it exists.

    Attributes:
        sample_id: The sample asked about.
        text: The answer as text; for scored choices the likeliest choice.
        choice_logprobs: Natural-log likelihood of each choice, in the order of the request.
        token_logprobs: Natural-log probability of each generated token, where the adapter gives them.
        status: ``ok``, or ``refused``, ``empty``, ``truncated``, ``error`` as the adapter saw it.
        latency_s: Seconds from asking to answer.
        tokens: Number of generated or scored tokens.
        error: Why, when the status is ``error``.
    """

    sample_id: str
    text: str = ""
    choice_logprobs: tuple[float, ...] = ()
    token_logprobs: tuple[float, ...] = ()
    status: Status = Status.OK
    latency_s: float = NAN
    tokens: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer after reading: what it means, how it was read, and from where.

    Attributes:
        value: Same shape as ``Sample.target`` for the task, or ``None`` when nothing could be read.
        status: The status after reading.
        rule: Name of the rule that read it, e.g. ``"choice_text"``.
        span: ``(start, end)`` in the text the value was read from, or ``None``.
    """

    value: Any
    status: Status
    rule: str = ""
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do."""

    score_choices: bool = False
    token_logprobs: bool = False
    constrained_output: bool = False
    images: bool = True


class Adapter(Protocol):
    """Any vision-language model behind one interface. Knows nothing of suites, metrics, the store or Hydra."""

    @property
    def capabilities(self) -> Capabilities:
        """What this adapter can do."""
        ...

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """What exactly is asked: digests of weights, quantization, runtime and version, generation settings. JSON-ready, cheap:
        computing it must not load the model.
        """
        ...

    def predict(self, requests: Sequence[Request]) -> Iterable[Prediction]:
        """Answer every request, each as soon as its answer exists and in any order; a list will do.

        Trouble with one request is that prediction's ``error``, never an exception: ``AdapterError`` means that the runtime
        itself is gone. Whoever iterates stores each answer at once, so a killed run loses only what was in flight.
        """
        ...

    def close(self) -> None:
        """Give back what the model holds. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty.

    Attributes:
        value: Point estimate; NaN when undefined, with ``reason``.
        low, high: Interval at ``level`` by ``method``.
        bootstrap_low, bootstrap_high: Patient-resampled percentile interval, always beside the primary one.
        level: Confidence level, e.g. 0.95.
        method: How ``low`` and ``high`` were made, e.g. ``"wilson_effective_n"``, ``"bootstrap_percentile"``.
        n: Samples in the denominator.
        n_clusters: Patients in the denominator.
        n_resamples: Resamples drawn.
        n_undefined: Resamples in which the metric was undefined.
        reason: Why a value or interval is undefined or unusual; empty when there is nothing to say.
    """

    value: float
    low: float = NAN
    high: float = NAN
    bootstrap_low: float = NAN
    bootstrap_high: float = NAN
    level: float = 0.95
    method: str = ""
    n: int = 0
    n_clusters: int = 0
    n_resamples: int = 0
    n_undefined: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric for one group (``None``: everybody)."""

    metric: str
    group: Group | None
    estimate: Estimate
    higher_is_better: bool | None


class Verdict(StrEnum):
    """What an interval of a gap says, in this order of precedence."""

    WITHIN_MARGIN = "within margin"
    GAP = "gap"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Gap:
    """Signed difference of a metric between two groups of one attribute, ``compared - reference``.

    Attributes:
        metric: Metric name.
        attribute: The attribute that defines the groups, e.g. ``"fitzpatrick"``.
        reference: Group subtracted, e.g. ``"I-III"``.
        compared: Group it is subtracted from, e.g. ``"IV-VI"``.
        estimate: The signed difference.
        margin: Half-width of the region of practical equivalence.
        verdict: What the interval says.
        minimum_detectable: Smallest true difference these numbers of patients would show with 80% power.
        p_value: From inverting the same interval.
        p_adjusted: After Holm inside the declared family, after Benjamini-Hochberg elsewhere.
        family: ``"declared"`` or ``"exploratory"``.
        higher_is_better: Direction of the metric.
        reason: Why a verdict is inconclusive, or what else holds; empty when there is nothing to say.
    """

    metric: str
    attribute: str
    reference: str
    compared: str
    estimate: Estimate
    margin: float
    verdict: Verdict
    minimum_detectable: float
    p_value: float
    p_adjusted: float
    family: str
    higher_is_better: bool | None
    reason: str = ""
