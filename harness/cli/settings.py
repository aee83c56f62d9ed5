"""Reading ``key=value`` arguments of verbs that need no Hydra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.errors import ConfigError


def split(arguments: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the positional arguments and the settings; ``a.b=c`` nests and ``x=[1,2]`` is a list.

    Raises:
        ConfigError: A setting that cannot be read.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    settings = [a for a in arguments if "=" in a and not a.startswith("-")]
    flags = [a for a in arguments if a.startswith("-")]
    if flags:
        raise ConfigError(f"there is no flag {flags[0]!r}: settings are written key=value; `harness VERB --help` lists them.")
    try:
        values = OmegaConf.to_container(OmegaConf.from_dotlist(settings))
    except (OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(f"the settings {' '.join(settings)} cannot be read: {error}") from error
    return [a for a in arguments if a not in settings], values  # type: ignore[return-value]
