"""A bar with rate and time left, on standard error."""

from __future__ import annotations

import sys
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

    # A log file gets a line now and then, a terminal a moving bar.
    often = 0.2 if sys.stderr.isatty() else 20.0
    with tqdm(
        total=total, unit="answer", desc=f"asking about {about}", disable=not show or total == 0, mininterval=often
    ) as bar:

        def advance(_: Prediction) -> None:
            bar.update()

        yield advance
