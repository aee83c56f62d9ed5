"""How likely a model finds an answer it is handed: the log-likelihood of a choice, given pictures and prompt.

The runtime is made to say the choice and reports the probability it gave each token *before* anything was forced on it. The end of
the turn counts as a token, so that "nevus" and "nevus, benign" are told apart. What is forced are the tokenizer's own tokens, by biases
on their logits: the first token gets the largest bias, and a penalty on what has been said lets the next one follow, so that a whole
choice takes one request. What was said is checked token by token.

Grammars would say the choice too, and cost twice the time; neither kind can be used. GBNF lets any spelling in tokens through.
llguidance's tokenizer is kept by this build for the last vocabulary it saw, known by its address alone: a second model in the same
process can meet the first one's tokenizer, which aborts the process (assertion in llguidance.cpp); and with tokenizers that begin
words with a space it does not see the spaces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import AdapterError

SCORING_RULE = "sum of the natural-log probabilities of the choice's tokens and the end of the turn, v1"

_BIAS_STEP = 1e5  # the smallest bias; no logit comes near it
_PENALTY = 1e9  # takes a token that was said out of the running, whatever its bias
_ANYWHERE = "\n"  # what stands before a text so that the tokenizer does not take it for a beginning
_SPLIT = (
    "the tokenizer splits one of its characters into bytes, and llama.cpp gives no probability for a part of a character; "
    "write it with characters the model's vocabulary has"
)


class ScoringError(AdapterError):
    """A choice cannot be scored faithfully by this runtime."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token's id, and its text unless that is a part of a character."""

    id: int
    text: str | None


@dataclass(frozen=True, slots=True)
class ChoiceScorer:
    """Scores choices as answers to one prompt.

    Attributes:
        complete: Sends a ``/completion`` body for the prompt with a text added behind it, and returns the answer.
        tokenize: The tokenizer; the second argument says whether special tokens are read as such.
        tail: The prompt's text behind its last picture.
        end: The token that ends the model's turn.
        spaced: The tokenizer begins words with a space, and so did the answers such a model was trained on.
    """

    complete: Callable[[str, dict[str, Any]], dict[str, Any]]
    tokenize: Callable[[str, bool], tuple[Token, ...]]
    tail: str
    end: int
    spaced: bool

    def score(self, choice: str) -> tuple[float, int]:
        """Return the natural-log likelihood of a choice, and the number of tokens scored, the end of the turn included.

        Raises:
            ScoringError: A character of the choice is split into bytes by the tokenizer, or the runtime did not say the choice.
        """
        text = f" {choice}" if self.spaced and choice and not self.tail[-1:].isspace() else choice
        tokens = self.tokens_of(text)
        logprobs = self._at_once(tokens, text) or self._by_steps(tokens, text)
        return math.fsum(logprobs), len(logprobs)

    def tokens_of(self, text: str) -> tuple[Token, ...]:
        """Return a text's tokens as they are within a text; SentencePiece puts a space before what it is given alone."""
        head, whole = self.tokenize(_ANYWHERE, False), self.tokenize(_ANYWHERE + text, False)
        return whole[len(head) :] if whole[: len(head)] == head else self.tokenize(text, False)

    def _at_once(self, tokens: Sequence[Token], text: str) -> list[float] | None:
        """Score in one request; ``None`` when the tokens cannot be said in a row: one comes twice, or stands in the prompt's end."""
        wanted = [*(token.id for token in tokens), self.end]
        if len(set(wanted)) < len(wanted):
            return None
        answer = self.complete("", forcing(wanted))
        if list(answer["tokens"]) != wanted or answer.get("stop_type") != "eos":
            return None
        probabilities = answer.get("completion_probabilities", [])
        if len(probabilities) != len(wanted):
            raise ScoringError(_failure(text, _SPLIT))
        return [_logprob(p) for p in probabilities]

    def _by_steps(self, tokens: Sequence[Token], text: str) -> list[float]:
        """Score one token a request, what comes before it being part of the prompt."""
        before, said, logprobs = self.tokenize(self.tail, True), "", []
        for place, token in enumerate((*tokens, Token(self.end, ""))):
            if self.tokenize(self.tail + said, True) != (*before, *tokens[:place]):
                raise ScoringError(_failure(text, f"behind this prompt {said!r} has other tokens, or reads as a special token"))
            if token.text is None:
                raise ScoringError(_failure(text, _SPLIT))
            answer = self.complete(said, forcing([token.id]))
            if list(answer["tokens"]) != [token.id] or not answer.get("completion_probabilities"):
                raise ScoringError(_failure(text, f"the runtime gave no probability for its token {token.text!r}"))
            logprobs.append(_logprob(answer["completion_probabilities"][0]))
            said += token.text
        return logprobs


def forcing(wanted: Sequence[int]) -> dict[str, Any]:
    """Return the settings that make the server say these tokens, all different, and report their raw log-probabilities."""
    n = len(wanted)
    return {
        "logit_bias": [[token, (n - place) * _BIAS_STEP] for place, token in enumerate(wanted)],
        "samplers": ["penalties", "temperature"],
        "presence_penalty": _PENALTY,
        "repeat_last_n": n if n > 1 else 0,  # no more, or words of the question would count as said
        "temperature": 0.0,
        "n_predict": n,
        "n_probs": 1,
        "return_tokens": True,
    }


def likeliest(choices: Sequence[str], logprobs: Sequence[float]) -> str:
    """Return the choice with the highest log-likelihood; the first of equals."""
    return choices[max(range(len(choices)), key=logprobs.__getitem__)]


def _failure(text: str, why: str) -> str:
    return f"the choice {text!r} could not be scored: {why}"


def _logprob(entry: dict[str, Any]) -> float:
    value = entry.get("logprob")
    if value is None or not math.isfinite(value):
        raise ScoringError("the model's probabilities are not numbers: its weights or this build's arithmetic are broken")
    return float(value)
