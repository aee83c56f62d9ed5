"""From requests to predictions: the one seam between a run and where its work is done.

An executor takes an adapter and the requests still to be asked and yields each answer as soon as it exists. A cluster executor
has the same signature and touches nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.types import Adapter, Prediction, Request, Status


def local(adapter: Adapter, requests: Sequence[Request], *, pictures_at_once: int = 64) -> Iterator[Prediction]:
    """Ask in this process, a few pictures at a time, every question about a picture together.

    Questions about one picture stay in one batch so that an adapter can encode the picture once.

    Args:
        adapter: The model.
        requests: What is still to be asked.
        pictures_at_once: Pictures in one call of ``adapter.predict``.

    Yields:
        Predictions, in any order, each as soon as the adapter gives it.
    """
    for batch in by_picture(requests, pictures_at_once):
        answered = set()
        try:
            for prediction in adapter.predict(batch):
                answered.add(prediction.sample_id)
                yield prediction
        except OSError:  # an adapter may let a picture that cannot be read stop its whole batch
            yield from _one_by_one(adapter, [request for request in batch if request.sample_id not in answered])


def _one_by_one(adapter: Adapter, requests: Sequence[Request]) -> Iterator[Prediction]:
    """Ask each request alone, so that a picture which cannot be read is the trouble of its own samples only."""
    for request in requests:
        try:
            yield from adapter.predict([request])
        except OSError as error:
            yield Prediction(request.sample_id, status=Status.ERROR, error=f"picture cannot be read: {error}")


def by_picture(requests: Sequence[Request], pictures_at_once: int) -> Iterator[list[Request]]:
    """Yield batches that hold all requests about each of ``pictures_at_once`` pictures, in order of first appearance."""
    groups: dict[object, list[Request]] = {}
    for request in requests:
        groups.setdefault(request.images or request.sample_id, []).append(request)
    pictures = list(groups.values())
    for start in range(0, len(pictures), pictures_at_once):
        yield [request for group in pictures[start : start + pictures_at_once] for request in group]
