"""From a data set's configuration to its samples, and what the record says of them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.config import DatasetConfig
from harness.errors import ConfigError
from harness.registry import build
from harness.types import Sample


def load_samples(config: DatasetConfig, limit: int | None = None) -> list[Sample]:
    """Load a data set.

    Args:
        config: Which one, and its loader's arguments.
        limit: Keep the questions about the first ``limit`` pictures only.

    Raises:
        ConfigError: The loader does not take these arguments, or gives no samples or repeated ids.
    """
    samples: list[Sample] = list(build(config.target, config.arguments, what=f"dataset {config.name}", offered={"note": _say}))
    if not samples:
        raise ConfigError(f"the data set {config.name} has no samples with these settings: {config.arguments}")
    repeated = [name for name, count in Counter(s.id for s in samples).items() if count > 1]
    if repeated:
        raise ConfigError(
            f"the data set {config.name} has {len(repeated)} ids that stand for several samples, the first: {repeated[:3]}. "
            "Every sample needs an id of its own."
        )
    return samples if limit is None else _first_pictures(samples, limit)


def _say(text: str) -> None:
    """What a loader has to say goes to standard error: it may name rows, so it does not enter the record."""
    print(f"note: {text}", file=sys.stderr)


def _first_pictures(samples: Sequence[Sample], limit: int) -> list[Sample]:
    pictures: dict[object, None] = {}
    for sample in samples:
        pictures.setdefault(_picture(sample))
    kept = set(list(pictures)[:limit])
    return [sample for sample in samples if _picture(sample) in kept]


def _picture(sample: Sample) -> object:
    """What tells pictures apart without opening them; a sample without pictures counts as one of its own."""
    return sample.images or sample.id


def describe(config: DatasetConfig, samples: Sequence[Sample], limit: int | None) -> dict[str, Any]:
    """Return what the record says of a data set: name, digest, licence, whether it is public, counts."""
    return {
        "name": config.name,
        "title": config.title,
        "digest": dataset_digest(samples),
        "licence": config.licence,
        "citation": config.citation,
        "public": config.public,
        "limit": limit,
        "n_samples": len(samples),
        "n_pictures": len({_picture(s) for s in samples}),
        "n_patients": len({s.patient_id for s in samples}),
        "tasks": dict(sorted(Counter(str(s.task) for s in samples).items())),
    }


def dataset_digest(samples: Sequence[Sample]) -> str:
    """Return the SHA-256 over every question, its truth, its patient and its pictures. A picture that is missing counts as such."""
    digest = hashlib.sha256()
    for s in samples:
        row = [s.id, s.patient_id, str(s.task), s.prompt, s.target, list(s.choices), dict(s.attributes), _digests(s)]
        digest.update(json.dumps(row, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def _digests(sample: Sample) -> list[str]:
    found = []
    for image in sample.images:
        try:
            found.append(image.digest)
        except OSError:
            found.append("missing")
    return found
