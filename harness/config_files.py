"""The configuration groups as they lie on disk: what exists, with near matches for what does not.

Read as plain YAML, without Hydra, so that lists, the doctor and a mistyped name answer at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from harness.errors import ConfigError, near_match

GROUPS = ("model", "dataset", "suite", "executor", "tracking")
SETTINGS = ("limit", "seed", "out", "store", "fail_on_error", "max_tokens", "privacy")


def folders(extra: Sequence[str] = ()) -> list[Path]:
    """The folders configurations are looked for in: the user's own first, then this package's."""
    return [*(Path(folder) for folder in extra), Path(str(files("harness.hydra_configs")))]


def names(group: str, extra: Sequence[str] = ()) -> list[str]:
    """Names of the configurations of a group."""
    return sorted({path.stem for folder in folders(extra) for path in (folder / group).glob("*.yaml")})


def read(group: str, name: str, extra: Sequence[str] = ()) -> dict[str, Any]:
    """Return one configuration as written, with what its defaults say; interpolations are left as they are.

    Raises:
        ConfigError: There is none of that name.
    """
    for folder in folders(extra):
        path = folder / group / f"{name}.yaml"
        if path.is_file():
            content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            bases = [base for base in content.pop("defaults", []) if base != "_self_"]
            for base in reversed(bases):
                content = {**read(group, base, extra), **content}
            return content
    raise unknown(group, name, extra)


def resolved(group: str, name: str, extra: Sequence[str] = ()) -> dict[str, Any]:
    """Return one configuration with environment variables filled in."""
    from omegaconf import OmegaConf

    return OmegaConf.to_container(OmegaConf.create(read(group, name, extra)), resolve=True)  # type: ignore[return-value]


def unknown(group: str, name: str, extra: Sequence[str] = ()) -> ConfigError:
    """The error for a configuration that does not exist."""
    there = names(group, extra)
    return ConfigError(
        f"there is no {group} named {name!r}.{near_match(name, there)} There are: {', '.join(there)}. "
        f"Your own go into FOLDER/{group}/{name}.yaml with --config-dir FOLDER."
    )


def check_overrides(arguments: Sequence[str]) -> None:
    """Check the names in Hydra-style arguments before Hydra starts, so that a typing error is answered with a near match.

    Raises:
        ConfigError: An unknown group member or an unknown setting.
    """
    extra = config_dirs(arguments)
    chosen = dict(a.split("=", 1) for a in arguments if a.partition("=")[0] in GROUPS)
    for argument in arguments:
        flag = argument.lstrip("-").partition("=")[0]
        if argument.startswith("-") and flag in (*GROUPS, *SETTINGS):
            raise ConfigError(f"there is no flag {argument!r}: settings are written without dashes, {flag}=...")
        if argument.startswith("-") or "=" not in argument:
            continue
        key, _, value = argument.partition("=")
        key = key.lstrip("+~").partition("@")[0]
        head = key.partition(".")[0]
        if head == "hydra" or "/" in head:
            continue
        if head not in GROUPS and head not in SETTINGS:
            allowed = (*GROUPS, *SETTINGS)
            raise ConfigError(f"there is no setting {key!r}.{near_match(head, allowed)} There are: {', '.join(allowed)}.")
        _check_inside(argument, key, chosen, extra)
        if key in GROUPS:
            for name in value.strip("[]").split(","):
                if name and not name.startswith(("glob(", "choice(")) and name not in names(key, extra):
                    raise unknown(key, name, extra)


def _check_inside(argument: str, key: str, chosen: Mapping[str, str], extra: Sequence[str]) -> None:
    """Check a setting of a group's member, such as ``suite.margin``, against what its file has."""
    group, _, inside = key.partition(".")
    member = chosen.get(group) or _default_of(group)
    if not inside or argument.startswith(("+", "~")) or member not in names(group, extra):
        return
    allowed = sorted(read(group, member, extra))
    name = inside.partition(".")[0]
    if name not in allowed:
        raise ConfigError(
            f"there is no setting {group}.{name}.{near_match(name, allowed)} {group}={member} has: {', '.join(allowed)}. "
            f"One that its class takes and its file does not list is added with a plus: +{argument}"
        )


def _default_of(group: str) -> str:
    """The member of a group that is used when none is named."""
    config = yaml.safe_load((folders()[-1] / "config.yaml").read_text(encoding="utf-8"))
    return str(next((entry[group] for entry in config["defaults"] if isinstance(entry, dict) and group in entry), ""))


def config_dirs(arguments: Sequence[str]) -> list[str]:
    """The folders named with ``--config-dir FOLDER``, ``--config-dir=FOLDER`` or ``-cd FOLDER``."""
    found = []
    for position, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag in {"--config-dir", "-cd"}:
            found.append(value if equals else arguments[position + 1] if position + 1 < len(arguments) else "")
    for folder in filter(None, found):
        if not Path(folder).is_dir():
            raise ConfigError(
                f"--config-dir {folder}: there is no such folder. It holds model/NAME.yaml, dataset/NAME.yaml and so on."
            )
    return [folder for folder in found if folder]
