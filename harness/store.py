"""What models said, kept for ever: one SQLite file, written the moment an answer exists.

Keyed by what was asked of what, so that a killed run goes on where it stopped, a second run asks nothing, and a changed prompt,
picture, weight or generation setting asks anew. Errors are kept but not reused: their cause may have been mended.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.errors import StoreError
from harness.types import Prediction, Request, Status

_SCHEMA = """
CREATE TABLE IF NOT EXISTS models (model TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, model TEXT NOT NULL, sample_id TEXT NOT NULL, text TEXT NOT NULL, choice_logprobs TEXT NOT NULL,
  token_logprobs TEXT NOT NULL, status TEXT NOT NULL, latency_s REAL, tokens INTEGER NOT NULL, error TEXT NOT NULL
) WITHOUT ROWID;
"""
_INSERT = """
INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET text = excluded.text, choice_logprobs = excluded.choice_logprobs,
  token_logprobs = excluded.token_logprobs, status = excluded.status, latency_s = excluded.latency_s,
  tokens = excluded.tokens, error = excluded.error
WHERE answers.status = 'error'
"""
_LOOK_UP_AT_ONCE = 500  # SQLite allows 999 variables in its oldest builds
_WAIT_FOR_LOCK_S = 60.0


def model_digest(fingerprint: Mapping[str, Any]) -> str:
    """Return the hex SHA-256 of an adapter's fingerprint."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()


def request_key(model: str, request: Request) -> str:
    """Return the key of a question: the model's digest with prompt, pictures, choices and length limit, not the sample's name."""
    asked = [model, request.prompt, [image.digest for image in request.images], list(request.choices), request.max_tokens]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


class Store:
    """Answers of any number of models. Safe for several processes at once on one machine.

    Args:
        path: The file; made with its folders when missing.

    Raises:
        StoreError: The file is not a store or cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit: every answer is its own transaction and survives a kill of this process.
            self._connection = sqlite3.connect(self.path, timeout=_WAIT_FOR_LOCK_S, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"the store of answers {self.path} cannot be opened: {error}. "
                "It must be a writable SQLite file of this harness; name another with store=FILE."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._connection.close()

    def remember_model(self, fingerprint: Mapping[str, Any]) -> str:
        """Keep a model's fingerprint and return its digest."""
        digest = model_digest(fingerprint)
        row = (digest, json.dumps(fingerprint, sort_keys=True))
        self._connection.execute("INSERT OR IGNORE INTO models VALUES (?, ?)", row)
        return digest

    def put(self, key: str, model: str, prediction: Prediction) -> None:
        """Keep one answer. An answer that is there already stays, unless it was an error."""
        p = prediction
        latency = None if p.latency_s != p.latency_s else p.latency_s
        logprobs = json.dumps(p.choice_logprobs), json.dumps(p.token_logprobs)
        row = (key, model, p.sample_id, p.text, *logprobs, str(p.status), latency, p.tokens, p.error)
        try:
            self._connection.execute(_INSERT, row)
        except sqlite3.Error as error:
            raise StoreError(f"an answer could not be written to {self.path}: {error}") from error

    def find(self, keys: Mapping[str, str] | Sequence[tuple[str, str]]) -> dict[str, Prediction]:
        """Return the kept answers for ``(key, sample_id)`` pairs, by key, errors left out.

        The sample's name is the caller's: two data sets that ask the same question of the same picture share its answer.
        """
        wanted = dict(keys)
        found: dict[str, Prediction] = {}
        for chunk in _chunks(list(wanted), _LOOK_UP_AT_ONCE):
            marks = ",".join("?" * len(chunk))
            query = f"SELECT * FROM answers WHERE status != 'error' AND key IN ({marks})"
            for row in self._connection.execute(query, chunk):
                found[row[0]] = _prediction(wanted[row[0]], row)
        return found

    def __len__(self) -> int:
        count: int = self._connection.execute("SELECT COUNT(*) FROM answers").fetchone()[0]
        return count


def _prediction(sample_id: str, row: tuple[Any, ...]) -> Prediction:
    _, _, _, text, choices, tokens_logprobs, status, latency, tokens, error = row
    return Prediction(
        sample_id=sample_id,
        text=text,
        choice_logprobs=tuple(json.loads(choices)),
        token_logprobs=tuple(json.loads(tokens_logprobs)),
        status=Status(status),
        latency_s=float("nan") if latency is None else latency,
        tokens=tokens,
        error=error,
    )


def _chunks(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
