"""Finding things by name: ``"package.module.Name"`` becomes the object, imported only when it is needed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, MissingRequirementError, near_match

if TYPE_CHECKING:
    from harness.config import Component
    from harness.types import Adapter

EMBEDDED = "embedded:"


def locate(target: str) -> Callable[..., Any]:
    """Import ``package.module.Name`` (or ``package.module:Name``).

    Raises:
        ConfigError: No such module, or no such name in it.
    """
    module_name, _, name = target.replace(":", ".").rpartition(".")
    try:
        found: Callable[..., Any] = getattr(import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"_target_={target!r} could not be imported: {error}. It must be the dotted path of a class or function that this "
            "Python can import, such as my_package.MyModel; install the package or set PYTHONPATH."
        ) from error
    return found


def build(target: str, arguments: Mapping[str, Any], *, what: str, offered: Mapping[str, Any] | None = None) -> Any:
    """Call what ``target`` names with keyword ``arguments``.

    Args:
        target: Dotted path.
        arguments: Keyword arguments; ``embedded:NAME`` strings become the path of a file inside this package.
        what: How to call it in a message, e.g. ``"model skinvl_q4"``.
        offered: Further arguments, for targets that take them and were not given them.

    Raises:
        ConfigError: The target does not take these arguments.
    """
    made = locate(target)
    resolved = {name: embedded_path(value) for name, value in arguments.items()}
    parameters = inspect.signature(made).parameters
    resolved |= {name: value for name, value in (offered or {}).items() if name in parameters and name not in resolved}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in resolved:
        if name not in parameters and not takes_any:
            raise ConfigError(
                f"{what}: {target} takes no setting {name!r}.{near_match(name, parameters)} It takes: {', '.join(sorted(parameters))}."
            )
    missing = [n for n, p in parameters.items() if p.default is p.empty and n not in resolved and p.kind is not p.VAR_KEYWORD]
    if missing:
        raise ConfigError(f"{what}: {target} needs {', '.join(missing)}; set it as {what.split()[0]}.{missing[0]}=...")
    return made(**resolved)


def build_model(config: Component) -> Adapter:
    """Make a model's adapter. Nothing is loaded yet, but what it lacks is said.

    Raises:
        MissingRequirementError: Weights or a package are not there.
        ConfigError: The adapter does not take these settings.
    """
    try:
        made: Adapter = build(config.target, config.arguments, what=f"model {config.name}", offered={"name": config.name})
    except MissingRequirementError as error:
        source = f"\nWhere they come from: {config.weights_from}." if config.weights_from else ""
        raise MissingRequirementError(f"{error}{source}", short=error.short) from None
    lacking = [name for name in ("predict", "close", "capabilities", "fingerprint") if not hasattr(made, name)]
    if lacking:
        raise ConfigError(
            f"model {config.name}: {config.target} has no {', '.join(lacking)}. A model is a class with predict(requests), close(), "
            "capabilities and fingerprint; README.md shows one under 'Bring a model'."
        )
    return made


def embedded_path(value: Any) -> Any:
    """Turn ``embedded:NAME`` into the path of a weight file that ships with this package; leave anything else alone."""
    if isinstance(value, str) and value.startswith(EMBEDDED):
        return str(Path(__file__).parent / "phantom" / "weights" / value.removeprefix(EMBEDDED))
    return value
