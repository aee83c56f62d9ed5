"""Boxes as JSON: a list of ``[x, y, x, y]``, or of objects with a box and a label.

``[]`` says that there is nothing; noise says nothing.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from harness.parsing.body import Span, refuses, unread
from harness.types import Answer, Box, Status

Boxes = tuple[tuple[str, Box], ...]

_BOX_KEYS = ("bbox_2d", "bbox", "box")
_LABEL_KEYS = ("label", "class", "category", "name")
_LIST_KEYS = ("boxes", "bboxes", "detections", "objects", "lesions", "annotations")
_FENCE = re.compile(r"```(?:json)?[ \t]*\n?([^`]*+)", re.IGNORECASE)
_OPENING = re.compile(r"[\[{]")
_UNFINISHED = re.compile(r"[\w+.\-]{0,30}\s*\Z")
_NOTHING = re.compile(
    r"(?:there (?:is|are) )?(?:no|none|nothing)\b(?: (?:\w{1,20} ){0,2}(?:lesions?|objects?|boxes|box|cells?|findings?"
    r"|abnormalit(?:y|ies)|detections?|found|detected|visible|present))?(?: (?:are |is )?(?:found|detected|visible|seen|present))?"
    r"(?: in (?:the|this) (?:image|picture|photograph))?[.!]?\Z",
    re.IGNORECASE,
)
_MOST_TRIES = 20
_DECODER = json.JSONDecoder()


class _MalformedError(ValueError):
    """JSON that is not a list of boxes."""


def read_boxes(text: str, span: Span) -> Answer:
    """Return the boxes of an answer, each with its label (empty where none is given).

    Boxes are ``(x_min, y_min, x_max, y_max)`` in the frame the question asked for; scaling to pixels is the caller's. One faulty box
    makes the whole answer ``unparsable``: dropping it would hide an error, mending it would be a guess.
    """
    piece = _fenced(text, span)
    values, where, truncated = _decode_all(text, piece)
    if truncated:
        return Answer(None, Status.TRUNCATED, "json_truncated")
    if not values:
        if not refuses(text, span) and _NOTHING.match(text, *span):
            return Answer((), Status.OK, "nothing_found", span)
        return unread(text, span, "no_boxes")
    try:
        return Answer(_combine(values), Status.OK, "json_boxes", where)
    except _MalformedError as error:
        return Answer(None, Status.UNPARSABLE, str(error))
    except RecursionError:  # brackets within brackets, too deep to compare
        return Answer(None, Status.UNPARSABLE, "no_boxes")


def _fenced(text: str, span: Span) -> Span:
    """Return the last fenced block that is not empty, or the span itself."""
    blocks = [match.span(1) for match in _FENCE.finditer(text, *span) if match[1].strip()]
    opened = [block for block in blocks if _OPENING.search(text, *block)]
    return opened[-1] if opened else span


def _decode_all(text: str, span: Span) -> tuple[list[Any], Span, bool]:
    """Return the JSON lists and objects of the span one after another, where they stand, and whether the last one breaks off."""
    piece = text[: span[1]]
    values: list[Any] = []
    position, first, last = span[0], -1, -1
    failures = 0
    while failures < _MOST_TRIES and (opening := _OPENING.search(piece, position)):
        try:
            value, position = _DECODER.raw_decode(piece, opening.start())
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated") or _UNFINISHED.match(piece, error.pos):
                return values, span, True
            failures, position = failures + 1, opening.end()
            continue
        except (RecursionError, ValueError):  # a thousand open brackets; a number of more digits than Python converts
            return [], span, False
        values.append(value)
        first, last = (opening.start() if first < 0 else first), position
    return values, (first, last), False


def _combine(values: list[Any]) -> Boxes:
    """Return the boxes of the decoded values: one list, the same list repeated, or single boxes one after another."""
    if all(value == values[0] for value in values):  # an answer given twice is one answer
        values = values[:1]
    single = [value for value in values if _is_single(value)]
    if len(single) == len(values):
        return tuple(_box(value) for value in values)
    if len(values) > 1:
        raise _MalformedError("several_lists")
    return tuple(_box(item) for item in _items(values[0]))


def _is_single(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key in value for key in _BOX_KEYS)
    return bool(value) and not isinstance(value[0], (list, dict))


def _items(value: Any) -> list[Any]:
    items: list[Any]
    if isinstance(value, list):
        items = value
        while len(items) == 1 and isinstance(items[0], list) and items[0] and isinstance(items[0][0], list):
            items = items[0]  # one pair of brackets too many changes nothing
        return items
    inner = [value[key] for key in _LIST_KEYS if isinstance(value.get(key), list)]
    if len(inner) != 1:
        raise _MalformedError("no_boxes")
    items = inner[0]
    return items


def _box(item: Any) -> tuple[str, Box]:
    label = ""
    if isinstance(item, dict):
        label = next((str(item[key]) for key in _LABEL_KEYS if isinstance(item.get(key), str)), "")
        item = next((item[key] for key in _BOX_KEYS if key in item), None)
    if not isinstance(item, list) or len(item) != 4:
        raise _MalformedError("not_four_numbers")
    if not all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in item):
        raise _MalformedError("not_four_numbers")
    try:
        left, top, right, bottom = (float(number) for number in item)
    except OverflowError:
        raise _MalformedError("box_not_finite") from None
    if not all(math.isfinite(number) and abs(number) < 1e9 for number in (left, top, right, bottom)):
        raise _MalformedError("box_not_finite")
    if right < left or bottom < top:
        raise _MalformedError("box_reversed")
    return label, (left, top, right, bottom)
