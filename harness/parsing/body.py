"""The part of a text that holds the answer, and what to say when nothing in it can be read.

Positions are those of the whole text throughout, so that a span can be shown in what the model really said.
"""

from __future__ import annotations

import re

from harness.types import Answer, Status

Span = tuple[int, int]

LONGEST = 50_000
"""Characters of an answer (its reasoning apart) beyond which it is a runaway and not read: the time to read stays bounded."""

_REASONING = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<unused94>", "<unused95>"),
)
_SPEAKER = re.compile(r"(?:assistant|model)[ \t]*[:\n]\s*+", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\b(?:i(?:['’]m| am) (?:very )?sorry|i apologi[sz]e|as an ai|i(?:['’]m| am) (?:just |only )?an ai"
    r"|i (?:cannot|can ?not|can['’]t|could not|won['’]t|will not|do not|don['’]t|am not|must decline)"
    r"|i['’]m (?:not|unable)|unable to|not able to|not possible to|impossible to"
    r"|cannot be (?:determined|answered|assessed)|can(?:not|['’]t) (?:answer|provide|determine|diagnose|assist|help))\b",
    re.IGNORECASE,
)


def body_of(text: str) -> tuple[Span, Answer | None]:
    """Return where the answer stands: after a closed reasoning block and a speaker's name, without surrounding space.

    Returns:
        The span, and instead of it an `Answer` that ends the reading: ``empty``, ``truncated`` inside its reasoning, or too long.
    """
    start = 0
    for opening, closing in _REASONING:
        closed = text.rfind(closing)
        if closed >= 0:
            start = max(start, closed + len(closing))
        if text.find(opening, max(start, closed)) >= 0:
            return (0, 0), Answer(None, Status.TRUNCATED, "reasoning_unfinished")
    start, end = trim(text, (start, len(text)))
    if speaker := _SPEAKER.match(text, start, end):
        start = speaker.end()
    if start >= end:
        return (start, start), Answer(None, Status.EMPTY, "empty")
    if end - start > LONGEST:
        return (start, end), Answer(None, Status.UNPARSABLE, "too_long")
    return (start, end), None


def trim(text: str, span: Span, marks: str = "") -> Span:
    """Return the span without surrounding space and the given characters."""
    start, end = span
    while start < end and (text[start].isspace() or text[start] in marks):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in marks):
        end -= 1
    return start, end


def refuses(text: str, span: Span) -> bool:
    """Return whether the span says that the model will not or cannot answer."""
    return _REFUSAL.search(text, *span) is not None


def unread(text: str, span: Span, rule: str) -> Answer:
    """Return the answer when nothing could be read: ``refused`` when the text says so, else ``unparsable`` by the given rule."""
    if refuses(text, span):
        return Answer(None, Status.REFUSED, "refusal")
    return Answer(None, Status.UNPARSABLE, rule)
