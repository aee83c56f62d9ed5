"""A bar with rate and time left, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.types import Prediction


@contextmanager
def progress_bar(total: int, *, about: str, show: bool) -> Iterator[Callable[[Prediction], None]]:
    """Yield a function to call with each new answer.

    Args:
        total: How many answers there will be.
        about: The data set asked about.
        show: Draw the bar; nothing is drawn for nothing to do.
    """
    from tqdm import tqdm

    with tqdm(total=total, unit="answer", desc=f"asking about {about}", disable=not show or total == 0, smoothing=0.05) as bar:

        def advance(_: Prediction) -> None:
            bar.update()

        yield advance
