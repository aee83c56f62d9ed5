"""Answers recorded elsewhere."""

import json

from harness.adapters.replay import Replay
from harness.types import Prediction, Request, Status


def test_recorded_answers_come_back_in_order() -> None:
    adapter = Replay({"a": "nevus", "b": Prediction("other", "mel", choice_logprobs=(-1.0, -2.0)), "c": " "})
    answers = adapter.predict([Request(name, "?") for name in ("c", "b", "a", "gone")])
    assert [(a.sample_id, a.status) for a in answers] == [
        ("c", Status.EMPTY),
        ("b", Status.OK),
        ("a", Status.OK),
        ("gone", Status.ERROR),
    ]
    assert "'gone'" in answers[3].error
    assert adapter.capabilities.score_choices
    assert not adapter.capabilities.token_logprobs
    adapter.close()
    adapter.close()


def test_fingerprint_follows_the_answers() -> None:
    found = Replay({"a": "x", "b": "y"}).fingerprint
    assert json.loads(json.dumps(dict(found))) == found
    assert found == Replay({"b": "y", "a": "x"}).fingerprint
    assert found != Replay({"a": "x", "b": "z"}).fingerprint
