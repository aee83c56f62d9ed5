"""Asking a model every question of a data set, and never the same one twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.errors import TooManyFailuresError
from harness.store import Store, request_key
from harness.types import Adapter, Prediction, Request, Sample, Status

Executor = Callable[[Adapter, Sequence[Request]], Iterator[Prediction]]
OnAnswer = Callable[[Prediction], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking.

    Attributes:
        predictions: One a sample, in the samples' order.
        n_asked: Questions the model was really asked now; the others were in the store.
    """

    predictions: tuple[Prediction, ...]
    n_asked: int


def request_of(sample: Sample, *, max_tokens: int = 128) -> Request:
    """Return what an adapter is asked for a sample."""
    return Request(sample.id, sample.prompt, sample.images, sample.choices, max_tokens)


def ask(
    adapter: Adapter,
    samples: Sequence[Sample],
    store: Store,
    executor: Executor,
    *,
    fail_on_error: float | None = None,
    max_tokens: int = 128,
    on_answer: OnAnswer = lambda prediction: None,
) -> Asked:
    """Answer every sample from the store or from the model, keeping each new answer the moment it exists.

    Args:
        adapter: The model.
        samples: What is asked.
        store: Where answers are kept.
        executor: How requests become predictions.
        fail_on_error: Largest allowed share of samples whose status is ``error``; ``None`` never stops.
        max_tokens: Longest answer of an open question, in tokens.
        on_answer: Called with each new prediction, for progress.

    Raises:
        TooManyFailuresError: More than ``fail_on_error`` of the samples failed. What was answered is kept.
    """
    model = store.remember_model(adapter.fingerprint)
    answers: dict[str, Prediction] = {}
    keys: dict[str, str] = {}
    requests: dict[str, Request] = {}
    for sample in samples:
        request = request_of(sample, max_tokens=max_tokens)
        try:
            keys[sample.id] = request_key(model, request)
            requests[sample.id] = request
        except OSError as error:  # a picture that is not there has no digest, and no model needs to be asked about it
            answers[sample.id] = Prediction(sample.id, status=Status.ERROR, error=f"picture cannot be read: {error}")

    # Two samples may ask the same question of the same picture: it is asked once and answers both.
    samples_by_key: dict[str, list[str]] = {}
    for sample_id, key in keys.items():
        samples_by_key.setdefault(key, []).append(sample_id)
    known = store.find({key: ids[0] for key, ids in samples_by_key.items()})
    pending = [requests[ids[0]] for key, ids in samples_by_key.items() if key not in known]

    failures = _FailureCount(len(samples), fail_on_error)
    for prediction in answers.values():
        on_answer(prediction)
        failures.add(prediction)
    fresh: dict[str, Prediction] = {}
    for prediction in executor(adapter, pending):
        key = keys[prediction.sample_id]
        store.put(key, model, prediction)
        fresh[key] = prediction
        on_answer(prediction)
        failures.add(prediction)

    for key, prediction in (known | fresh).items():
        for sample_id in samples_by_key[key]:
            answers[sample_id] = prediction if prediction.sample_id == sample_id else _renamed(prediction, sample_id)
    return Asked(tuple(answers.get(s.id, _unanswered(s.id)) for s in samples), len(pending))


class _FailureCount:
    """Stops a run whose share of failed samples is past what is allowed."""

    def __init__(self, total: int, allowed: float | None) -> None:
        self.total, self.allowed, self.failed = total, allowed, 0

    def add(self, prediction: Prediction) -> None:
        if prediction.status is not Status.ERROR:
            return
        self.failed += 1
        if self.allowed is not None and self.failed > self.allowed * self.total:
            raise TooManyFailuresError(
                f"{self.failed} of {self.total} samples failed, more than fail_on_error={self.allowed:g} allows. "
                f"The last one, {prediction.sample_id}: {prediction.error}. "
                "Answers so far are kept: mend the cause and run the same command again, or raise fail_on_error."
            )


def _renamed(prediction: Prediction, sample_id: str) -> Prediction:
    return replace(prediction, sample_id=sample_id)


def _unanswered(sample_id: str) -> Prediction:
    return Prediction(sample_id, status=Status.ERROR, error="the adapter gave no answer to this request")
