"""A model in memory: its slots, and questions handed to them picture by picture."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence

from harness.adapters import llama_identity
from harness.adapters.generation import Generation
from harness.adapters.gguf_header import GgufHeader
from harness.adapters.llama_answers import answer
from harness.adapters.llama_server import LlamaServer
from harness.adapters.llama_slot import Slot, Traits, end_of_turn
from harness.adapters.pictures import PictureSize, encoded_pictures
from harness.errors import AdapterError
from harness.types import ImageRef, Prediction, Request, Status


def by_picture(requests: Sequence[Request]) -> list[list[Request]]:
    """Group requests about the same pictures, the same prompt side by side; one without pictures stands alone."""
    groups: dict[object, list[Request]] = {}
    for place, request in enumerate(requests):
        groups.setdefault(_picture_key(request.images) or place, []).append(request)
    return [sorted(group, key=lambda request: request.prompt) for group in groups.values()]


def _picture_key(images: tuple[ImageRef, ...]) -> tuple[str, ...]:
    try:
        return tuple(image.digest for image in images)
    except OSError:  # a picture that is not there has no digest; asking alone, its error is its own
        return ()


class Running:
    """A started server and its slots.

    Args:
        server: The server.
        n_slots: How many slots it was started with.
        model: Header of the language model.
        size: How pictures are brought to the model's size.

    Raises:
        AdapterError: The runtime cannot tell where the model's turn ends.
    """

    def __init__(self, server: LlamaServer, n_slots: int, model: GgufHeader, size: PictureSize) -> None:
        self._server, self._size = server, size
        connections = [server.connect() for _ in range(n_slots)]
        end = end_of_turn(connections[0], llama_identity.declared_ends(model))
        traits = Traits(server.media_marker, llama_identity.begins_with_space(model), end)
        self._slots = [Slot(number, connection, traits) for number, connection in enumerate(connections)]
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in self._slots:
            self._free.put(slot)

    def ask(self, group: Sequence[Request], generation: Generation, give: Callable[[Prediction], None]) -> None:
        """Answer a group of requests about the same pictures on one slot, and give each answer at once; exactly one a request."""
        try:
            pictures = encoded_pictures(group[0].images, self._size)
        except Exception as error:  # whatever a user's own loader raises is about these pictures alone
            for request in group:
                give(_failed(request, f"picture cannot be read: {error}"))
            return
        slot = self._free.get()
        try:
            for request in group:
                give(_answer_or_error(slot, request, pictures, generation))
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
