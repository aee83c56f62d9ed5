"""The page around a report: one HTML file with its style inside, nothing loaded from elsewhere, no script."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@cache
def _environment() -> Environment:
    loader = PackageLoader("harness.reports", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)


@cache
def style() -> str:
    """Return the style sheet."""
    return files("harness.reports").joinpath("templates/page.css").read_text(encoding="utf-8")


def render(template: str, **context: Any) -> str:
    """Render a template of ``templates/`` that extends ``base.html.j2``. Every text is escaped unless it is `Markup` made here."""
    return _environment().get_template(template).render(style=Markup(style()), **context)
