"""llama.cpp's server inside this process, and lasting connections to it over loopback."""

from __future__ import annotations

import http.client
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.errors import AdapterError, MissingRequirementError

RUNTIME = "xllamacpp"
_TIMEOUT_S = 600.0


class RejectedError(AdapterError):
    """The server would not or could not do what one request asked."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the server is started with.

    Attributes:
        context: Longest prompt and answer together, in tokens, for each slot.
        slots: Pictures worked on side by side.
        threads: Threads of computation.
    """

    context: int
    slots: int
    threads: int


class LlamaServer:
    """A running server. Only this process can use it: it listens on loopback and wants a key made up at its start.

    Args:
        model: The language model, GGUF.
        mmproj: Its vision projector, GGUF.
        settings: Size and parallelism.

    Raises:
        MissingRequirementError: The runtime is not installed.
        AdapterError: The runtime refuses the files.
    """

    def __init__(self, model: Path, mmproj: Path, settings: ServerSettings) -> None:
        self._key = secrets.token_hex(16)
        self._server: Any = _start(model, mmproj, settings, self._key)
        address = urlsplit(self._server.listening_address)
        self._host, self._port = str(address.hostname), int(address.port or 0)
        connection = self.connect()
        # A text in a prompt cannot be mistaken for a picture: the marker is drawn at random for each server.
        self.media_marker = str(connection.get("/props")["media_marker"])
        connection.close()

    def connect(self) -> Connection:
        """Return a new connection. One thread uses it at a time."""
        return Connection(self._host, self._port, self._key)

    def close(self) -> None:
        """Stop the server and give back its memory."""
        self._server = None


class Connection:
    """One lasting HTTP connection, opened anew when it was lost."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._http = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def get(self, path: str) -> dict[str, Any]:
        """Ask for ``path``. Raises as ``post`` does."""
        return self._exchange("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a JSON body and return the JSON answer.

        Raises:
            RejectedError: The server said no, could not be reached, or took longer than ten minutes.
        """
        return self._exchange("POST", path, json.dumps(body).encode())

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def _exchange(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        try:
            status, content = self._send(method, path, body)
        except TimeoutError:
            self._http.close()
            raise RejectedError(f"llama.cpp gave no answer to {path} within {_TIMEOUT_S:.0f} s") from None
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            raise RejectedError(f"llama.cpp could not be reached at {path}: {error!r}") from None
        try:
            answer: dict[str, Any] = json.loads(content)
        except ValueError:
            raise RejectedError(f"llama.cpp answered {path} with something that is not JSON (HTTP {status})") from None
        if status != http.client.OK:
            raise RejectedError(f"llama.cpp refused (HTTP {status}): {_reason(answer)}")
        return answer

    def _send(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        try:
            return self._send_once(method, path, body)
        except (ConnectionError, http.client.HTTPException):
            # The server hangs up on a connection that was idle for some seconds; asking twice changes nothing.
            self._http.close()
            return self._send_once(method, path, body)

    def _send_once(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        self._http.request(method, path, body, self._headers)
        response = self._http.getresponse()
        return response.status, response.read()


def _reason(answer: dict[str, Any]) -> str:
    error = answer.get("error", answer)
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def _start(model: Path, mmproj: Path, settings: ServerSettings, key: str) -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingRequirementError(
            f"llama.cpp's runtime cannot be imported ({error}). Install it with: pip install {RUNTIME}"
        ) from error
    params = xllamacpp.CommonParams()
    params.model.path, params.mmproj.path = str(model), str(mmproj)
    params.n_ctx, params.n_parallel = settings.context * settings.slots, settings.slots
    params.cpuparams.n_threads = settings.threads
    params.api_keys, params.hostnames, params.port = [key], ["127.0.0.1"], 0
    params.verbosity, params.ui, params.endpoint_slots = 0, False, False
    params.warmup, params.fit_params = False, False  # the context is what we say, never quietly made smaller
    # Sliding-window layers keep everything, so that a second question about a picture reuses its whole prefix: without this the
    # last tokens before the question are computed again (box answers took 21 ms, with it 12 ms).
    params.swa_full = True
    # A slot holds one picture and is asked all about it in a row. Copies of older prompts would only cost time and up to 8 GB.
    params.cache_ram_mib, params.cache_idle_slots, params.n_ctx_checkpoints = 0, False, 0
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise AdapterError(
            f"llama.cpp could not load {model.name} with {mmproj.name}: {error} Either a file is damaged, the two do not belong "
            "together, this build does not know the architecture, or memory is short (try a smaller context or fewer slots)."
        ) from error
