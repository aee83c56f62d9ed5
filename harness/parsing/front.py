"""The front door of reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.parsing.body import body_of, unread
from harness.parsing.boxes import read_boxes
from harness.parsing.choices import read_choice, read_labels
from harness.parsing.numbers import read_count, read_number
from harness.types import Answer, Status, Task


def read(
    task: Task,
    text: str,
    *,
    choices: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    status: Status = Status.OK,
) -> Answer:
    """Return what a text answers. Never raises for any text, never guesses, and takes time linear in its length.

    A status other than ``ok`` that the adapter gave is kept and nothing is read: half an answer that happens to look whole is
    still half an answer, so ``truncated`` stays ``truncated``.

    Args:
        task: What was asked.
        text: What the model said.
        choices: The allowed answers, for classification and multilabel. Given as ``"A) nevus"`` or as bare letters they are lettered.
        metadata: The sample's: ``letters`` (false: the question had no option letters, so none are read) for choices, ``unit``
            (e.g. ``"mm"``, into which other lengths are converted) for regression.
        status: What the adapter saw.

    Returns:
        The value by task: a choice; a tuple of choices; a tuple of ``(label, box)``, the label empty where none was given, boxes
        ``(x_min, y_min, x_max, y_max)`` in the frame of the answer; an int; a float; a text.

    Raises:
        ValueError: A closed question without choices.
    """
    if task in (Task.CLASSIFICATION, Task.MULTILABEL) and not choices:
        raise ValueError(f"a {task} answer cannot be read without choices")
    if status is not Status.OK:
        return Answer(None, status, "adapter")
    span, ending = body_of(text)
    if ending is not None:
        return ending
    settings = metadata or {}
    match task:
        case Task.CLASSIFICATION:
            return read_choice(text, span, tuple(choices), letters=bool(settings.get("letters", True)))
        case Task.MULTILABEL:
            return read_labels(text, span, tuple(choices))
        case Task.DETECTION:
            return read_boxes(text, span)
        case Task.COUNTING:
            return read_count(text, span)
        case Task.REGRESSION:
            return read_number(text, span, unit=str(settings.get("unit", "")))
        case Task.CAPTION:
            return _read_caption(text, span)


def _read_caption(text: str, span: tuple[int, int]) -> Answer:
    # Only an opening apology makes a caption a refusal: reports rightly say what they are "unable to exclude".
    if unread(text, (span[0], min(span[1], span[0] + 60)), "").status is Status.REFUSED:
        return Answer(None, Status.REFUSED, "refusal")
    return Answer(text[span[0] : span[1]], Status.OK, "text", span)
