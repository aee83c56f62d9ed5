"""Where the numbers come from: settings, fingerprints, digests, versions, as flat lines that can be compared by eye."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.reports.record import Json


@dataclass(frozen=True, slots=True)
class Fact:
    """A block of provenance: its heading and its lines."""

    title: str
    lines: tuple[tuple[str, str], ...]


def facts(record: Json, provenance: Mapping[str, Any]) -> list[Fact]:
    """Return the provenance of a record in blocks; empty blocks are left out."""
    companion = record.get("companion")
    blocks = {
        "Model": record["model"],
        "Data set": record["dataset"],
        "Data set shown beside it": companion["dataset"] if companion else {},
        "Settings": record.get("settings") or {},
        "Environment": record.get("environment") or {},
        "Run": {key: value for key, value in provenance.items() if key != "command" and value},
        "Record": {"config_hash": record["config_hash"], "schema_version": record["schema_version"]},
    }
    return [Fact(title, tuple(_flat(block))) for title, block in blocks.items() if block]


def _flat(block: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in block.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, name + ".")
        else:
            yield name, _words(value)


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_words(v) for v in value) or "none"
    return str(value) if value not in ("", {}) else "none"
