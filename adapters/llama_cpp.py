"""Vision-language models as GGUF files, asked through llama.cpp inside this process."""

from __future__ import annotations

import os
import queue
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from harness.adapters import llama_identity
from harness.adapters.generation import Generation
from harness.adapters.gguf_header import GgufHeader, read_header
from harness.adapters.llama_running import Running, by_picture
from harness.adapters.llama_server import LlamaServer, ServerSettings
from harness.adapters.weights import check_weights
from harness.errors import ConfigError
from harness.types import Capabilities, Prediction, Request

_LARGEST_DEFAULT_CONTEXT = 4096
_SMALL_MODEL_BYTES = 64 << 20


class LlamaCpp:
    """A GGUF model and its vision projector.

    The files are checked at once; the model is loaded when the first question comes. Every question about a picture goes to the same
    slot in a row, so that the picture is encoded once and choices share the prompt.

    Args:
        model: The language model, a GGUF file.
        mmproj: Its vision projector, a GGUF file.
        name: What it is called in messages.
        environment: Names of the environment variables that point at the two files, for the message when they are missing.
        context: Longest prompt and answer together, in tokens; ``None`` takes the model's own length, at most 4096.
        slots: Pictures worked on side by side; ``None`` takes 2, or 4 for a model of a few megabytes. Answers agree to 0.002 in
            log-probability whatever it is; with 1 they repeat exactly.
        threads: Threads of computation; ``None`` takes every core, or one for a model so small that threads only wait for each other.
        temperature, top_p, top_k, min_p, repeat_penalty, repeat_last_n, seed, max_tokens: See ``Generation``.

    Raises:
        MissingRequirementError: A file is not given or not there.
        ConfigError: A file is not what it should be, or a setting is out of range.
    """

    capabilities = Capabilities(score_choices=True, token_logprobs=True, constrained_output=False, images=True)

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        mmproj: str | os.PathLike[str] | None = None,
        *,
        name: str = "",
        environment: Sequence[str] = (),
        context: int | None = None,
        slots: int | None = None,
        threads: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        repeat_penalty: float = 1.0,
        repeat_last_n: int = 64,
        seed: int = 0,
        max_tokens: int | None = None,
    ) -> None:
        self._model_path, self._mmproj_path = check_weights(model, mmproj, name=name, environment=environment)
        self.name = name or self._model_path.stem
        self._generation = Generation(temperature, top_p, top_k, min_p, repeat_penalty, repeat_last_n, seed, max_tokens)
        for setting, value in (("context", context), ("slots", slots), ("threads", threads)):
            if value is not None and value < 1:
                raise ConfigError(f"{setting}={value!r} is out of range; allowed: 1 or more.")
        self._context, self._slots, self._threads = context, slots, threads
        self._start = threading.Lock()
        self._running: Running | None = None

    @cached_property
    def _headers(self) -> tuple[GgufHeader, GgufHeader]:
        headers = read_header(self._model_path), read_header(self._mmproj_path)
        llama_identity.check_pair(*headers)
        return headers

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """What exactly is asked: see ``llama_identity.fingerprint``. Reads both files once for their digests, loads nothing."""
        return llama_identity.fingerprint(*self._headers, self._generation, self._server_settings.context)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is known to go wrong with this kind of model in this runtime; empty when nothing is."""
        return llama_identity.warnings(self._headers[1])

    @property
    def runtime_settings(self) -> Mapping[str, Any]:
        """Settings that change how fast answers come, not what they are."""
        return {"slots": self._server_settings.slots, "threads": self._server_settings.threads}

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._running is not None

    def predict(self, requests: Sequence[Request]) -> Iterator[Prediction]:
        """Yield each answer as soon as it exists; those about one picture together, pictures in any order.

        Raises:
            AdapterError: The model cannot be loaded. Trouble with one request is that prediction's ``error``.
        """
        running = self._load()
        answers: queue.SimpleQueue[Prediction] = queue.SimpleQueue()
        pool = ThreadPoolExecutor(self._server_settings.slots, thread_name_prefix="llama_cpp")
        try:
            for group in by_picture(requests):
                pool.submit(running.ask, group, self._generation, answers.put)
            for _ in requests:
                yield answers.get()
        finally:
            pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """Stop the server and give back its memory. May be called twice; a later question loads the model anew."""
        with self._start:
            running, self._running = self._running, None
        if running is not None:
            running.close()

    @cached_property
    def _server_settings(self) -> ServerSettings:
        model, mmproj = self._headers
        trained = int(model.metadata.get(f"{model.architecture}.context_length", _LARGEST_DEFAULT_CONTEXT))
        small = model.file_bytes + mmproj.file_bytes < _SMALL_MODEL_BYTES
        return ServerSettings(
            context=self._context or min(trained, _LARGEST_DEFAULT_CONTEXT),
            slots=self._slots or (4 if small else 2),
            threads=self._threads or (1 if small else _cores()),
        )

    def _load(self) -> Running:
        with self._start:
            if self._running is None:
                model, mmproj = self._headers
                server = LlamaServer(self._model_path, self._mmproj_path, self._server_settings)
                self._running = Running(server, self._server_settings.slots, model, llama_identity.picture_size(mmproj))
                weakref.finalize(self, self._running.close)
            return self._running


def _cores() -> int:
    """Cores this process may use, which in a container or a batch job are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
