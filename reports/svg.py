"""Inline SVG by plain functions. Colours and type come from the page's style sheet, so figures follow light and dark.

Everything passed as text is escaped (`markupsafe`); the same input gives the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup, escape

Content = str | Markup


def element(tag: str, *children: Content, **attributes: str | float | None) -> Markup:
    """Return one element. Attribute ``class_`` is written ``class`` and ``stroke_width`` is ``stroke-width``; ``None`` is left out."""
    parts = [
        f' {name.rstrip("_").replace("_", "-")}="{escape(_number(value) if isinstance(value, (int, float)) else value)}"'
        for name, value in attributes.items()
        if value is not None
    ]
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{tag}{attributes}>{inside}</{tag}>").format(tag=tag, attributes=Markup("".join(parts)), inside=inside)


def join(*children: Content) -> Markup:
    """Put elements after one another."""
    return Markup("").join(escape(child) for child in children)


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return "0" if text == "-0" else text


def share(fraction: float) -> str:
    """Return a position as a percentage of the figure's width: such a figure stretches while its type keeps its size."""
    return f"{_number(100.0 * fraction)}%"


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from data to drawing.

    Attributes:
        low, high: The data's ends.
        start, end: Where they are drawn.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return where ``value`` is drawn, held inside the figure."""
        part = (value - self.low) / (self.high - self.low)
        return self.start + min(max(part, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Return round numbers inside the ends, about as many as asked for."""
        step = _round_step((self.high - self.low) / max(about, 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]


def tick_text(value: float, step: float, *, sign: bool = False) -> str:
    """Return a tick's label with just the decimals its step needs."""
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{abs(value):.{places}f}"
    if float(text) == 0:
        return "0"
    return ("\u2212" if value < 0 else "+" if sign else "") + text


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 5, 10) if raw <= m * power * (1 + 1e-9))


def marker(shape: str, x: float | str, y: float, size: float, css: str) -> Markup:
    """Draw a marker of a given shape (``circle``, ``square``, ``diamond``, ``triangle``), centred: shapes tell what colours do."""
    if shape == "circle":
        drawn = element("circle", cx=0, cy=0, r=size, class_=css)
    elif shape == "square":
        drawn = element("rect", x=-size, y=-size, width=2 * size, height=2 * size, class_=css)
    else:
        reach = size * 1.35
        points = {
            "diamond": [(0, -reach), (reach, 0), (0, reach), (-reach, 0)],
            "triangle": [(0, -reach), (reach, size), (-reach, size)],
        }[shape]
        drawn = element("polygon", points=" ".join(f"{_number(float(a))},{_number(float(b))}" for a, b in points), class_=css)
    return element("svg", drawn, x=x, y=y, overflow="visible", class_="marker")
