"""How likely a model finds an answer it is handed: the log-likelihood of a choice, given pictures and prompt.

The runtime is made to say the choice (a grammar that allows this text and nothing else) and reports the probability it gave each
token *before* the grammar cut the others off. The end of the turn counts as a token, so that "nevus" and "nevus, benign" are told
apart. The grammar is llguidance's, whose tokens are the tokenizer's own; llama.cpp's GBNF lets any spelling in tokens through and
must not be used here. A grammar that does not compile is ignored by the server without a word, so what was said is checked, token by
token, against what the tokenizer makes of the choice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from harness.errors import AdapterError

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Sends one ``/completion`` body, prompt and pictures added, and returns the answer."""

Tokenize = Callable[[str], tuple[int, ...]]
"""A text's token ids, special tokens not parsed, none added."""

SCORING_RULE = "sum of the natural-log probabilities of the choice's tokens and the end of the turn, v1"


class ScoringError(AdapterError):
    """A choice cannot be scored faithfully by this runtime."""


def score_choice(ask: Ask, tokenize: Tokenize, choice: str, *, lead: str = "") -> tuple[float, int]:
    """Return the natural-log likelihood of a choice and the number of tokens scored, the end of the turn included.

    Args:
        ask: Sends a body to ``/completion``.
        tokenize: The model's tokenizer.
        choice: The answer to score.
        lead: Put before the choice, e.g. the space that SentencePiece models begin a word with.

    Raises:
        ScoringError: The runtime did not say exactly the choice's own tokens, or gave no probability for one of them.
    """
    wanted = tokens_after_prompt(tokenize, lead + choice)
    answer = ask(scoring_body(lead + choice, len(wanted) + 1))
    said, probabilities = tuple(answer["tokens"]), answer.get("completion_probabilities", [])
    if answer.get("stop_type") != "eos" or said[:-1] != wanted:
        raise ScoringError(
            f"the choice {choice!r} could not be scored: its tokens are {list(wanted)} and the end of the turn, the runtime said {list(said)} "
            f"(stopped by {answer.get('stop_type')})"
        )
    if len(probabilities) != len(said):
        raise ScoringError(
            f"the choice {choice!r} could not be scored: this tokenizer splits one of its characters into bytes, and llama.cpp gives no "
            "probability for a part of a character. Write the choice with characters the model's vocabulary has."
        )
    return math.fsum(float(p["logprob"]) for p in probabilities), len(said)


def scoring_body(text: str, n_tokens: int) -> dict[str, Any]:
    """Return the body that makes the server say ``text`` and report raw log-probabilities. No sampler has a say in those."""
    return {
        "grammar": f"%llguidance {{}}\nstart: {json.dumps(text, ensure_ascii=False)}",
        "n_predict": n_tokens,
        "n_probs": 1,
        "temperature": 0.0,
        "return_tokens": True,
    }


def tokens_after_prompt(tokenize: Tokenize, text: str) -> tuple[int, ...]:
    """Return a text's tokens as they are in the middle of a text.

    SentencePiece tokenizers put a space before whatever they are given alone. Behind a line break they do not.
    """
    head, whole = tokenize("\n"), tokenize("\n" + text)
    return whole[len(head) :] if whole[: len(head)] == head else tokenize(text)


def likeliest(choices: Sequence[str], logprobs: Sequence[float]) -> str:
    """Return the choice with the highest log-likelihood; the first of equals."""
    return choices[max(range(len(choices)), key=logprobs.__getitem__)]
