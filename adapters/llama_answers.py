"""One request to llama.cpp and what becomes of it: a prompt in the model's own template, a body, an answer with its status."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.adapters.choice_scoring import ChoiceScorer, Token, likeliest
from harness.adapters.generation import Generation
from harness.adapters.llama_server import Connection, RejectedError
from harness.types import Prediction, Request, Status

_FIELDS = ["content", "tokens", "stop_type", "tokens_predicted", "completion_probabilities"]
_MOST_KNOWN_TOKENS = 20_000
_NO_PICTURE = "data:image/png;base64,AA=="  # templates are told that a picture comes, not which


@dataclass(slots=True)
class Slot:
    """One of the server's slots with a connection of its own. One thread uses it at a time.

    Attributes:
        number: The slot's number at the server, which keeps the last picture and prompt for it.
        connection: How to reach it.
        media_marker: What stands for a picture in a prompt.
        spaced: The tokenizer begins words with a space (SentencePiece with ``add_space_prefix``).
        known_tokens: Tokens of texts asked for before, shared by all slots.
    """

    number: int
    connection: Connection
    media_marker: str
    spaced: bool
    known_tokens: dict[tuple[str, bool], tuple[Token, ...]]

    def tokenize(self, text: str, special: bool) -> tuple[Token, ...]:
        """Return a text's tokens, none added; ``special`` reads special tokens in it as such."""
        key = (text, special)
        if key not in self.known_tokens:
            if len(self.known_tokens) > _MOST_KNOWN_TOKENS:
                self.known_tokens.clear()
            body = {"content": text, "add_special": False, "parse_special": special, "with_pieces": True}
            found = self.connection.post("/tokenize", body)["tokens"]
            self.known_tokens[key] = tuple(Token(t["id"], t["piece"] if isinstance(t["piece"], str) else None) for t in found)
        return self.known_tokens[key]

    def in_template(self, prompt: str, n_pictures: int) -> str:
        """Return the user's turn in the model's own chat template, with a marker for each picture, up to where it answers.

        Raises:
            RejectedError: The model's template cannot be applied, or has no place for pictures.
        """
        pictures = [{"type": "image_url", "image_url": {"url": _NO_PICTURE}}] * n_pictures
        content = [*pictures, {"type": "text", "text": prompt}] if pictures else prompt
        text = str(self.connection.post("/apply-template", {"messages": [{"role": "user", "content": content}]})["prompt"])
        if (found := text.count(self.media_marker)) != n_pictures:
            raise RejectedError(f"the model's chat template makes {found} places for {n_pictures} pictures")
        return text

    def complete(self, text: str, pictures: tuple[str, ...], settings: Mapping[str, Any]) -> dict[str, Any]:
        """Ask ``/completion`` on this slot, reusing what it already holds of the same pictures and prompt."""
        prompt: object = {"prompt_string": text, "multimodal_data": list(pictures)} if pictures else text
        body = {"prompt": prompt, "id_slot": self.number, "cache_prompt": True, "response_fields": _FIELDS, **settings}
        return self.connection.post("/completion", body)


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
        tail=text.rpartition(slot.media_marker)[2],
        spaced=slot.spaced,
    )
    scores = [scorer.score(choice) for choice in request.choices]
    logprobs = tuple(logprob for logprob, _ in scores)
    return {"text": likeliest(request.choices, logprobs), "choice_logprobs": logprobs, "tokens": sum(n for _, n in scores)}


def _spoken(slot: Slot, request: Request, text: str, pictures: tuple[str, ...], generation: Generation) -> dict[str, Any]:
    said = slot.complete(text, pictures, _sampling(generation, request))
    probabilities = said.get("completion_probabilities", [])
    status, error = _status(said["content"], said["stop_type"])
    return {
        "text": said["content"],
        "token_logprobs": tuple(float(p["logprob"]) for p in probabilities),
        "tokens": int(said["tokens_predicted"]),
        "status": status,
        "error": error,
    }


def _sampling(generation: Generation, request: Request) -> dict[str, Any]:
    return {
        "n_predict": generation.longest(request.max_tokens),
        "n_probs": 1,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "top_k": generation.top_k,
        "min_p": generation.min_p,
        "repeat_penalty": generation.repeat_penalty,
        "seed": generation.seed,
    }


def _status(text: str, stop_type: str) -> tuple[Status, str]:
    """What the runtime itself can tell: whether the answer is whole, blank, or no text at all."""
    if text.strip() and not text.replace("\ufffd", "").strip():
        return Status.ERROR, "garbled: the answer has no valid UTF-8 character"
    if stop_type == "limit":
        return Status.TRUNCATED, ""
    return (Status.OK if text.strip() else Status.EMPTY), ""
