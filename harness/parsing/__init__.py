"""Text to answer, in one place: what a model said becomes a value, a status, the rule that read it and the span it stands at."""

from __future__ import annotations

from harness.parsing.front import read

__all__ = ["read"]
