"""The worst confident errors as pictures: truth boxes solid, answer boxes dashed. Everything the model said is shown as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.reports.naming import attribute_label, value_label
from harness.reports.numbers import counted, is_number, percent
from harness.reports.svg import Content, element

_PICTURE = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class Card:
    """One example ready to show.

    Attributes:
        figure: The picture with its boxes; empty when the record gives none that is safe to embed.
        truth, answer: Labels.
        confidence: As a percentage.
        text: What the model said, where it is more than the label.
        group: Whose picture, in words.
        status: Status of the answer, when it is not ``ok``.
        id: The sample.
    """

    figure: Markup
    truth: str
    answer: str
    confidence: str
    text: str
    group: str
    status: str
    id: str


def card(example: Mapping[str, Any]) -> Card:
    """Make one card from an entry of ``examples.json``."""
    truth, answer = example["truth"], example["answer"]
    label = str(answer["label"])
    text = str(example.get("text") or "")
    status = str(example.get("status") or "ok")
    return Card(
        figure=_figure(example),
        truth=str(truth["label"]),
        answer=label,
        confidence=percent(example.get("confidence")) if is_number(example.get("confidence")) else "",
        text="" if text.strip() == label.strip() else text,
        group=_group_words(example.get("group") or {}),
        status="" if status == "ok" else status,
        id=str(example["id"]),
    )


def _group_words(group: Mapping[str, Any]) -> str:
    """The attributes readers ask for first, then no more: skin type (also when unknown), sex, age."""
    known = {"fitzpatrick": "unknown", **{name: str(value) for name, value in group.items() if value not in (None, "")}}
    shown = [name for name in ("fitzpatrick", "sex", "age") if name in known]
    return " · ".join(f"{attribute_label(name)} {value_label(name, known[name].removesuffix('.0'))}" for name in shown)


def _figure(example: Mapping[str, Any]) -> Markup:
    size, picture = example.get("size"), str(example.get("image") or "")
    if not size or not _PICTURE.fullmatch(picture):
        return Markup("")
    width, height = (float(v) for v in size)
    truth, answer = example["truth"].get("boxes") or (), example["answer"].get("boxes") or ()
    told = f"{counted(len(truth), 'truth box', 'truth boxes')} (solid), {counted(len(answer), 'answer box', 'answer boxes')} (dashed)"
    return element(
        "svg",
        element("title", told),
        element("image", href=picture, width=width, height=height, preserveAspectRatio="none"),
        *_boxes(truth, "truth"),
        *_boxes(answer, "answer"),
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        class_="picture",
    )


def _boxes(boxes: Sequence[Sequence[float]], kind: str) -> list[Content]:
    """A dark line under a light one, so that a box shows on any skin."""
    drawn: list[Content] = []
    for x0, y0, x1, y1 in boxes:
        place = {
            "x": float(x0),
            "y": float(y0),
            "width": max(float(x1) - float(x0), 0.0),
            "height": max(float(y1) - float(y0), 0.0),
        }
        drawn += [element("rect", class_=f"halo {kind}", **place), element("rect", class_=f"box {kind}", **place)]
    return drawn
