"""``harness list``: what there is, and what can run here."""

from __future__ import annotations

from collections.abc import Sequence

from harness import config_files
from harness.errors import ConfigError, HarnessError, MissingRequirementError, near_match

HELP = """\
usage: harness list [models|datasets|suites] [--config-dir FOLDER]

Names every model, data set and suite, says in a line what it is, and whether it can run here or what it lacks.
"""

_PLURALS = {"models": "model", "datasets": "dataset", "suites": "suite"}


def main(arguments: Sequence[str]) -> int:
    """Print the lists."""
    if set(arguments) & {"-h", "--help"}:
        print(HELP, end="")
        return 0
    extra = config_files.config_dirs(arguments)
    asked = [a for a in arguments if not a.startswith("-") and a not in extra]
    for kind in asked:
        if kind not in _PLURALS:
            raise ConfigError(f"there is no list of {kind!r}.{near_match(kind, _PLURALS)} There are: {', '.join(_PLURALS)}.")
    for kind in asked or _PLURALS:
        print(f"{kind}:")
        rows = [_row(_PLURALS[kind], name, extra) for name in config_files.names(_PLURALS[kind], extra)]
        width = max(len(name) for name, _, _ in rows)
        for name, title, lacks in rows:
            print(f"  {name:<{width}}  {title}")
            if lacks:
                print(f"  {'':<{width}}  cannot run here: {lacks}")
        print()
    return 0


def _row(group: str, name: str, extra: Sequence[str]) -> tuple[str, str, str]:
    settings = config_files.resolved(group, name, extra)
    return name, str(settings.get("title", "")), what_is_lacking(group, settings)


def what_is_lacking(group: str, settings: dict[str, object]) -> str:
    """Why a configuration cannot run here, in a line; empty when it can. Nothing is loaded: a model is only constructed."""
    from harness.config import Component
    from harness.registry import build_model, locate

    try:
        if group == "model":
            build_model(Component(**settings)).close()  # type: ignore[arg-type]
        else:
            locate(str(settings["_target_"]))
    except MissingRequirementError as error:
        return error.short
    except HarnessError as error:
        return " ".join(str(error).split())
    except Exception as error:  # a user's own class may raise anything; the others are still to be listed
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ""
