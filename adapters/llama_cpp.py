"""Vision-language models as GGUF files, asked through llama.cpp inside this process."""

from __future__ import annotations

import os
import queue
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from typing import Any

from harness.adapters import llama_identity
from harness.adapters.generation import Generation
from harness.adapters.gguf_header import GgufHeader, read_header
from harness.adapters.llama_answers import Slot, answer
from harness.adapters.llama_server import LlamaServer, ServerSettings
from harness.adapters.pictures import encoded_pictures
from harness.adapters.weights import check_weights
from harness.errors import AdapterError, ConfigError
from harness.types import Capabilities, ImageRef, Prediction, Request, Status

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
        slots: Pictures worked on side by side. More of them use more memory and change answers only in the third decimal.
        threads: Threads of computation; ``None`` takes every core, or one for a model so small that threads only wait for each other.
        temperature, top_p, top_k, min_p, repeat_penalty, seed, max_tokens: See ``Generation``.

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
        slots: int = 2,
        threads: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        repeat_penalty: float = 1.0,
        seed: int = 0,
        max_tokens: int | None = None,
    ) -> None:
        self._model_path, self._mmproj_path = check_weights(model, mmproj, name=name, environment=environment)
        self.name = name or self._model_path.stem
        self._generation = Generation(temperature, top_p, top_k, min_p, repeat_penalty, seed, max_tokens)
        for setting, value in (("context", context), ("slots", slots), ("threads", threads)):
            if value is not None and value < 1:
                raise ConfigError(f"{setting}={value!r} is out of range; allowed: 1 or more.")
        self._context, self._slots, self._threads = context, slots, threads
        self._start = threading.Lock()
        self._server: _Running | None = None

    @cached_property
    def _headers(self) -> tuple[GgufHeader, GgufHeader]:
        headers = read_header(self._model_path), read_header(self._mmproj_path)
        llama_identity.check_pair(*headers)
        return headers
