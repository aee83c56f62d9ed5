"""Small stand-ins: a picture that is only a name, and a model that answers at once."""

import hashlib
from dataclasses import dataclass, field

import pytest

from harness import Capabilities, Prediction, Sample, Status, Task


@dataclass(frozen=True)
class NamedImage:
    name: str

    @property
    def digest(self):
        if self.name.startswith("missing"):
            raise FileNotFoundError(self.name)
        return hashlib.sha256(self.name.encode()).hexdigest()

    def load(self):
        raise OSError("no picture behind this name")


@dataclass
class InstantModel:
    """Answers at once, by the sample's id, and remembers what it was asked."""

    version: str = "1"
    fails_on: frozenset = frozenset()
    asked: list = field(default_factory=list)
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(score_choices=True))

    @property
    def fingerprint(self):
        return {"runtime": "instant", "version": self.version}

    def predict(self, requests):
        for request in requests:
            self.asked.append(request.sample_id)
            if request.sample_id in self.fails_on:
                yield Prediction(request.sample_id, status=Status.ERROR, error="planted")
            elif request.choices:
                logprobs = tuple(-0.1 if i == 0 else -3.0 for i in range(len(request.choices)))
                yield Prediction(request.sample_id, request.choices[0], choice_logprobs=logprobs, latency_s=0.0, tokens=1)
            else:
                yield Prediction(request.sample_id, "[]", latency_s=0.0, tokens=1)

    def close(self):
        pass


def make_samples(n, *, prompt="what is it?", per_patient=2):
    return [
        Sample(
            id=f"s{i:04d}",
            patient_id=f"p{i // per_patient:04d}",
            task=Task.CLASSIFICATION,
            prompt=prompt,
            target="nevus" if i % 3 else "melanoma",
            images=(NamedImage(f"picture {i}"),),
            choices=("melanoma", "nevus"),
            attributes={"fitzpatrick": ("I", "II", "V", None)[i % 4], "sex": ("female", "male")[i % 2], "age": 40.0 + i % 40},
        )
        for i in range(n)
    ]


@pytest.fixture
def samples():
    return make_samples


@pytest.fixture
def instant_model():
    return InstantModel


@pytest.fixture
def scored_table():
    """A small table of predictions whose ids must never leave the machine."""
    import pandas as pd

    n = 120
    return pd.DataFrame(
        {
            "image": [f"secret-{i}" for i in range(n)],
            "truth": ["nevus" if i % 3 else "melanoma" for i in range(n)],
            "answer": ["nevus" if i % 4 else "melanoma" for i in range(n)],
            "skin": [("I", "III", "V", "")[i % 4] for i in range(n)],
        }
    )
