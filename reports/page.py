"""The page around a report: one HTML file with its style inside, nothing loaded from elsewhere, no script."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

_TOGETHER = re.compile(r"\b[IV]+[–-][IV]+\b|([\u2212+]?[\d.]+ )?\[[^\[\]]{1,40}\]|±[\d.]+")


def unbroken(text: str) -> Markup:
    """Escape a sentence and keep its intervals and skin-type ranges from being broken over two lines."""
    parts, last = [], 0
    for found in _TOGETHER.finditer(text):
        parts += [escape(text[last : found.start()]), Markup('<span class="nobreak">{}</span>').format(found[0])]
        last = found.end()
    return Markup("").join([*parts, escape(text[last:])])


@cache
def _environment() -> Environment:
    loader = PackageLoader("harness.reports", "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["unbroken"] = unbroken
    return environment


@cache
def style() -> str:
    """Return the style sheet."""
    return files("harness.reports").joinpath("templates/page.css").read_text(encoding="utf-8")


def render(template: str, **context: Any) -> str:
    """Render a template of ``templates/`` that extends ``base.html.j2``. Every text is escaped unless it is `Markup` made here."""
    return _environment().get_template(template).render(style=Markup(style()), **context)
