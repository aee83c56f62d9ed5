"""Asking a model every question of a data set, and never the same one twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.errors import AdapterError, HarnessError, TooManyFailuresError
from harness.store import Store, request_key
from harness.types import Adapter, Prediction, Request, Sample, Status

Executor = Callable[[Adapter, Sequence[Request]], Iterator[Prediction]]
OnAnswer = Callable[[Prediction], None]


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of a data set, sorted into those with an answer in the store and those still to be asked.

    Two samples may ask the same question of the same picture: it is one question, asked once, and answers both.

    Attributes:
        model: Digest of the model's fingerprint.
        samples: All samples.
        keys: Sample id to the key of its question; samples whose picture is not there have none.
        known: Key to answer, from the store.
        pending: Key to request, for the rest.
        unreadable: Sample id to the error of a picture that is not there: no model needs to be asked about it.
    """

    model: str
    samples: Sequence[Sample]
    keys: Mapping[str, str]
    known: Mapping[str, Prediction]
    pending: Mapping[str, Request]
    unreadable: Mapping[str, Prediction]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking.

    Attributes:
        predictions: One a sample, in the samples' order.
        n_asked: Questions the model was really asked now.
        n_from_store: Samples whose answer was in the store.
    """

    predictions: tuple[Prediction, ...]
    n_asked: int
    n_from_store: int


def sort_questions(adapter: Adapter, samples: Sequence[Sample], store: Store, *, max_tokens: int = 128) -> Questions:
    """Look up which questions have an answer already.

    Args:
        adapter: The model.
        samples: What is asked; ids are unique.
        store: Where answers are kept.
        max_tokens: Longest answer of an open question, in tokens.
    """
    model = store.remember_model(adapter.fingerprint)
    keys: dict[str, str] = {}
    requests: dict[str, Request] = {}
    unreadable: dict[str, Prediction] = {}
    for sample in samples:
        request = Request(sample.id, sample.prompt, sample.images, sample.choices, max_tokens)
        try:
            keys[sample.id] = request_key(model, request)
        except OSError as error:  # a picture that is not there has no digest
            unreadable[sample.id] = Prediction(sample.id, status=Status.ERROR, error=f"picture cannot be read: {error}")
        else:
            requests.setdefault(keys[sample.id], request)
    known = store.find({key: request.sample_id for key, request in requests.items()})
    pending = {key: request for key, request in requests.items() if key not in known}
    return Questions(model, samples, keys, known, pending, unreadable)


def ask(
    adapter: Adapter,
    questions: Questions,
    store: Store,
    executor: Executor,
    *,
    fail_on_error: float | None = None,
    on_answer: OnAnswer = lambda prediction: None,
) -> Asked:
    """Ask what is still to be asked, keeping each new answer the moment it exists.

    Args:
        adapter: The model.
        questions: What `sort_questions` found.
        store: Where answers are kept.
        executor: How requests become predictions.
        fail_on_error: Largest allowed share of samples whose status is ``error``; ``None`` never stops.
        on_answer: Called with each new prediction, for progress.

    Raises:
        TooManyFailuresError: More than ``fail_on_error`` of the samples failed. What was answered is kept.
        AdapterError: The model answered something it was not asked, or its runtime is gone.
    """
    samples_of = Counter(questions.keys.values())
    failures = _FailureCount(len(questions.samples), fail_on_error)
    for prediction in questions.unreadable.values():
        failures.add(prediction, 1)
    fresh: dict[str, Prediction] = {}
    for prediction in _told(executor, adapter, list(questions.pending.values())):
        key = questions.keys.get(prediction.sample_id)
        if key is None or key not in questions.pending:
            raise AdapterError(f"the model gave an answer to {prediction.sample_id!r}, which it was not asked.")
        store.put(key, questions.model, prediction)
        fresh[key] = prediction
        on_answer(prediction)
        failures.add(prediction, samples_of[key])
    answers = {**questions.known, **fresh}
    predictions = tuple(_answer_of(sample.id, questions, answers) for sample in questions.samples)
    return Asked(predictions, len(questions.pending), sum(samples_of[key] for key in questions.known))


def _told(executor: Executor, adapter: Adapter, requests: Sequence[Request]) -> Iterator[Prediction]:
    """What the executor yields; whatever an adapter raises is said as ours."""
    try:
        yield from executor(adapter, requests)
    except HarnessError:
        raise
    except Exception as error:
        raise AdapterError(
            f"the model's adapter raised {type(error).__name__}: {error}. Answers so far are kept, the same command goes on from "
            "here. HYDRA_FULL_ERROR=1 shows where it happened."
        ) from error


def _answer_of(sample_id: str, questions: Questions, answers: Mapping[str, Prediction]) -> Prediction:
    """A sample's answer under its own name, though the question may have been asked under another's."""
    if sample_id in questions.unreadable:
        return questions.unreadable[sample_id]
    found = answers.get(questions.keys[sample_id])
    if found is None:
        return Prediction(sample_id, status=Status.ERROR, error="the adapter gave no answer to this request")
    return found if found.sample_id == sample_id else replace(found, sample_id=sample_id)


class _FailureCount:
    """Stops a run whose share of failed samples is past what is allowed."""

    def __init__(self, total: int, allowed: float | None) -> None:
        self.total, self.allowed, self.failed = total, allowed, 0

    def add(self, prediction: Prediction, n_samples: int) -> None:
        if prediction.status is not Status.ERROR:
            return
        self.failed += n_samples
        if self.allowed is not None and self.failed > self.allowed * self.total:
            raise TooManyFailuresError(
                f"{self.failed} of {self.total} samples failed, more than fail_on_error={self.allowed:g} allows. "
                f"The last one, {prediction.sample_id}: {prediction.error}. "
                "Answers so far are kept: mend the cause and run the same command again, or raise fail_on_error."
            )
