"""How an answer is drawn from a model: the settings, checked, and recorded whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Generation:
    """Settings of generation. The defaults are greedy and leave the model's own probabilities alone.

    Attributes:
        temperature: 0 takes the likeliest token each time.
        top_p: Draw from the likeliest tokens that together reach this share; 1 is off.
        top_k: Draw from this many likeliest tokens; 0 is off.
        min_p: Draw from tokens at least this share as likely as the likeliest; 0 is off.
        repeat_penalty: Divides the logits of tokens said before, in greedy answers too; 1 is off.
        repeat_last_n: How many tokens back ``repeat_penalty`` looks, the prompt's included.
        seed: Of the draws; every request starts from it, so an answer does not depend on what was asked before.
        max_tokens: Longest answer, whatever a request allows; ``None`` leaves it to the request.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    seed: int = 0
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            ConfigError: One is out of its range.
        """
        ranges: Mapping[str, tuple[bool, str]] = {
            "temperature": (self.temperature >= 0, "0 or more"),
            "top_p": (0 < self.top_p <= 1, "above 0, at most 1 (1 is off)"),
            "top_k": (self.top_k >= 0, "0 or more (0 is off)"),
            "min_p": (0 <= self.min_p <= 1, "0 to 1 (0 is off)"),
            "repeat_penalty": (self.repeat_penalty > 0, "above 0 (1 is off)"),
            "repeat_last_n": (self.repeat_last_n >= 0, "0 or more"),
            "seed": (0 <= self.seed < 2**32 - 1, "0 to 4294967294"),
            "max_tokens": (self.max_tokens is None or self.max_tokens > 0, "above 0, or null"),
        }
        for name, (good, allowed) in ranges.items():
            if not good:
                raise ConfigError(f"{name}={getattr(self, name)!r} is out of range; allowed: {allowed}.")

    def body(self, asked: int) -> dict[str, Any]:
        """Return llama.cpp's settings for a request that allows ``asked`` tokens, raw log-probabilities of what is said included."""
        settings = asdict(self)
        longest = settings.pop("max_tokens")
        return {**settings, "n_predict": asked if longest is None else min(asked, longest), "n_probs": 1}

    def record(self) -> dict[str, Any]:
        """Return all settings for the fingerprint. Samplers that are not named are off."""
        return asdict(self)
