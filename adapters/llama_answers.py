"""One request to llama.cpp and what becomes of it: an answer with its status."""

from __future__ import annotations

import time
from typing import Any

from harness.adapters.choice_scoring import ChoiceScorer, likeliest
from harness.adapters.generation import Generation
from harness.adapters.llama_slot import Slot
from harness.types import Prediction, Request, Status


def answer(slot: Slot, request: Request, pictures: tuple[str, ...], generation: Generation) -> Prediction:
    """Answer one request: score its choices when it has any, else let the model speak.

    ``latency_s`` runs from asking the server to its answer: encoding the picture is in it, opening the file is not.

    Raises:
        AdapterError: The request cannot be answered.
    """
    started = time.perf_counter()
    text = slot.in_template(request.prompt, len(pictures))
    made = _scored(slot, request, text, pictures) if request.choices else _spoken(slot, request, text, pictures, generation)
    return Prediction(request.sample_id, latency_s=time.perf_counter() - started, **made)


def _scored(slot: Slot, request: Request, text: str, pictures: tuple[str, ...]) -> dict[str, Any]:
    scorer = ChoiceScorer(
        complete=lambda said, settings: slot.complete(text + said, pictures, settings),
        tokenize=slot.tokenize,
        tail=text.rpartition(slot.traits.media_marker)[2],
        end=slot.traits.end_of_turn,
        spaced=slot.traits.spaced,
    )
    scores = [scorer.score(choice) for choice in request.choices]
    logprobs = tuple(logprob for logprob, _ in scores)
    return {"text": likeliest(request.choices, logprobs), "choice_logprobs": logprobs, "tokens": sum(n for _, n in scores)}


def _spoken(slot: Slot, request: Request, text: str, pictures: tuple[str, ...], generation: Generation) -> dict[str, Any]:
    said = slot.complete(text, pictures, generation.body(request.max_tokens))
    probabilities = said.get("completion_probabilities", [])
    status, error = _status(said["content"], said["stop_type"])
    return {
        "text": said["content"],
        "token_logprobs": tuple(float(p["logprob"]) for p in probabilities),
        "tokens": int(said["tokens_predicted"]),
        "status": status,
        "error": error,
    }


def _status(text: str, stop_type: str) -> tuple[Status, str]:
    """What the runtime itself can tell: whether the answer is whole, blank, or no text at all."""
    if text.strip() and not text.replace("\ufffd", "").strip():
        return Status.UNPARSABLE, "garbled: the answer has no valid UTF-8 character"
    if stop_type == "limit":
        return Status.TRUNCATED, ""
    return (Status.OK if text.strip() else Status.EMPTY), ""
