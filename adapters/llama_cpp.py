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
from harness.adapters.llama_answers import answer
from harness.adapters.llama_server import LlamaServer, ServerSettings
from harness.adapters.llama_slot import Slot, Traits, end_of_turn
from harness.adapters.pictures import PictureSize, encoded_pictures
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
        slots: int = 2,
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
        self._running: _Running | None = None

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

    def predict(self, requests: Sequence[Request]) -> list[Prediction]:
        """Answer every request, in order.

        Raises:
            AdapterError: The model cannot be loaded. Trouble with one request is that prediction's ``error``.
        """
        found = dict(self._answers(requests))
        return [found[i] for i in range(len(requests))]

    def stream(self, requests: Sequence[Request]) -> Iterator[Prediction]:
        """Yield the answers as they come, picture by picture in any order, so that each can be kept at once.

        Raises:
            AdapterError: The model cannot be loaded.
        """
        for _, prediction in self._answers(requests):
            yield prediction

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
            slots=self._slots,
            threads=self._threads or (1 if small else len(os.sched_getaffinity(0))),
        )

    def _answers(self, requests: Sequence[Request]) -> Iterator[tuple[int, Prediction]]:
        """Yield each request's place and answer, as they come."""
        running = self._load()
        pool = ThreadPoolExecutor(self._server_settings.slots, thread_name_prefix="llama_cpp")
        try:
            asked = [pool.submit(running.ask, group, self._generation) for group in by_picture(requests)]
            for done in as_completed(asked):
                yield from done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _load(self) -> _Running:
        with self._start:
            if self._running is None:
                model, mmproj = self._headers
                server = LlamaServer(self._model_path, self._mmproj_path, self._server_settings)
                self._running = _Running(server, self._server_settings.slots, model, llama_identity.picture_size(mmproj))
                weakref.finalize(self, self._running.close)
            return self._running


Group = Sequence[tuple[int, Request]]
"""Requests about the same pictures, each with its place among all."""


def by_picture(requests: Sequence[Request]) -> list[Group]:
    """Group requests about the same pictures, the same prompt side by side; one without pictures stands alone."""
    groups: dict[object, list[tuple[int, Request]]] = {}
    for place, request in enumerate(requests):
        groups.setdefault(_picture_key(request.images) or place, []).append((place, request))
    return [sorted(group, key=lambda item: item[1].prompt) for group in groups.values()]


def _picture_key(images: tuple[ImageRef, ...]) -> tuple[str, ...]:
    try:
        return tuple(image.digest for image in images)
    except OSError:  # a picture that is not there has no digest; asking alone, its error is its own
        return ()


class _Running:
    """A started server and its slots."""

    def __init__(self, server: LlamaServer, n_slots: int, model: GgufHeader, size: PictureSize) -> None:
        self._server, self._size = server, size
        connections = [server.connect() for _ in range(n_slots)]
        end = end_of_turn(connections[0], llama_identity.declared_ends(model))
        traits = Traits(server.media_marker, llama_identity.begins_with_space(model), end)
        self._slots = [Slot(number, connection, traits) for number, connection in enumerate(connections)]
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in self._slots:
            self._free.put(slot)

    def ask(self, group: Group, generation: Generation) -> list[tuple[int, Prediction]]:
        """Answer a group of requests about the same pictures on one slot."""
        try:
            pictures = encoded_pictures(group[0][1].images, self._size)
        except Exception as error:  # whatever a user's own loader raises is about these pictures alone
            return [(place, _failed(request, f"picture cannot be read: {error}")) for place, request in group]
        slot = self._free.get()
        try:
            return [(place, _answer_or_error(slot, request, pictures, generation)) for place, request in group]
        finally:
            self._free.put(slot)

    def close(self) -> None:
        """Hang up and stop the server."""
        for slot in self._slots:
            slot.connection.close()
        self._server.close()


def _answer_or_error(slot: Slot, request: Request, pictures: tuple[str, ...], generation: Generation) -> Prediction:
    try:
        return answer(slot, request, pictures, generation)
    except AdapterError as error:
        return _failed(request, str(error))
    except Exception as error:  # an answer of a shape nobody expected is this request's trouble, not the run's
        return _failed(request, f"llama.cpp's answer could not be read: {error!r}")


def _failed(request: Request, why: str) -> Prediction:
    return Prediction(request.sample_id, status=Status.ERROR, error=why)
