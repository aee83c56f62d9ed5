"""Answers recorded elsewhere, given again as if a model had just said them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from harness.types import Capabilities, Prediction, Request, Status


class Replay:
    """An adapter that looks each answer up by its sample.

    Args:
        answers: For each sample's id what was said: a text, or a whole prediction.
        name: Where the answers come from; part of the fingerprint.
    """

    def __init__(self, answers: Mapping[str, str | Prediction], *, name: str = "replay") -> None:
        self.name = name
        self._answers = {
            sample_id: replace(said, sample_id=sample_id) if isinstance(said, Prediction) else _from_text(sample_id, said)
            for sample_id, said in answers.items()
        }

    @property
    def capabilities(self) -> Capabilities:
        """What the recorded answers hold: choices count as scored, and tokens as known, when any answer has them."""
        answers = self._answers.values()
        return Capabilities(
            score_choices=any(a.choice_logprobs for a in answers), token_logprobs=any(a.token_logprobs for a in answers)
        )

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Adapter, name, number of answers, and a digest over all of them."""
        rows = [asdict(self._answers[sample_id]) for sample_id in sorted(self._answers)]
        digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
        return {"adapter": "replay", "name": self.name, "answers": len(rows), "answers_sha256": digest}

    def predict(self, requests: Sequence[Request]) -> list[Prediction]:
        """Return the recorded answers, in order; a sample without one gets status ``error``."""
        return [self._answers.get(r.sample_id) or _missing(r.sample_id) for r in requests]

    def close(self) -> None:
        """Nothing is held."""


def _from_text(sample_id: str, text: str) -> Prediction:
    return Prediction(sample_id, text, status=Status.OK if text.strip() else Status.EMPTY)


def _missing(sample_id: str) -> Prediction:
    return Prediction(sample_id, status=Status.ERROR, error=f"no answer was recorded for sample {sample_id!r}")
