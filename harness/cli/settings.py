"""Reading ``key=value`` arguments of verbs that need no Hydra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from harness.errors import ConfigError


def split(arguments: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the positional arguments and the settings; ``a.b=c`` nests, ``x=[1,2]`` is a list, ``x=null`` is nothing.

    Values stay text: a label ``yes``, ``1.0`` or ``007`` is what was typed, and numbers are read where a number is wanted.

    Raises:
        ConfigError: A flag, or a setting that cannot be read.
    """
    positional: list[str] = []
    values: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if argument.startswith("-"):
            raise ConfigError(
                f"there is no flag {argument!r}: settings are written key=value; `harness VERB --help` lists them."
            )
        if not equals:
            positional.append(argument)
            continue
        *path, last = name.split(".")
        place = values
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ConfigError(f"{argument!r}: {part} was given a value of its own before.")
        place[last] = _value(argument, text)
    return positional, values


def _value(argument: str, text: str) -> Any:
    try:
        found = yaml.load(text, Loader=yaml.BaseLoader) if text.startswith(("[", "{", '"', "'")) else text
    except yaml.YAMLError as error:
        raise ConfigError(f"the setting {argument!r} cannot be read: {error}. Lists are written [a,b].") from error
    return None if found == "null" else found
