"""``harness doctor``: what is installed, what is missing, and the line that mends it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

from harness import config_files
from harness.cli.list import what_is_lacking
from harness.cli.settings import split
from harness.config import TrackingConfig, validate
from harness.environment import DISTRIBUTION, installed_version
from harness.errors import ConfigError, HarnessError

HELP = """\
usage: harness doctor [store=FILE] [tracking=mlflow|none]

Checks versions, optional packages, weights, the store of answers and the tracking store, and says how to mend what is missing.
Exits with 1 when something that `harness run` needs is broken; a missing option is not.
"""

_NEEDED = ("numpy", "pandas", "scipy", "scikit-learn", "statsmodels", "hydra-core", "mlflow", "pydantic", "xllamacpp", "gguf")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``ok``, ``missing`` (an option that is not there) or ``broken`` (a run would fail)."""

    state: str
    what: str
    mend: str = ""


def main(arguments: Sequence[str]) -> int:
    """Print the findings."""
    if set(arguments) & {"-h", "--help"}:
        print(HELP, end="")
        return 0
    _, given = split(arguments)
    for name in given:
        if name not in {"store", "tracking"}:
            raise ConfigError(f"`harness doctor` has no setting {name!r}. It takes store=FILE and tracking=mlflow|none.")
    findings = list(_examine(Path(str(given.get("store", "runs/answers.sqlite"))), str(given.get("tracking", "mlflow"))))
    for finding in findings:
        print(f"  {finding.state:<8} {finding.what}" + (f"\n{'':<11}{finding.mend}" if finding.mend else ""))
    broken = [f for f in findings if f.state == "broken"]
    print(f"\n{len(broken)} broken, {sum(f.state == 'missing' for f in findings)} optional things missing")
    return 1 if broken else 0


def _examine(store: Path, tracking: str) -> Iterator[Finding]:
    yield Finding(
        "ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
    yield from _packages()
    yield from _extras()
    yield from _models()
    yield _store(store)
    yield _tracking(tracking)


def _packages() -> Iterator[Finding]:
    for name in _NEEDED:
        version = installed_version(name)
        if version is None:
            yield Finding("broken", f"{name} is not installed", f"pip install {name}")
        else:
            yield Finding("ok", f"{name} {version}")


def _extras() -> Iterator[Finding]:
    """Optional packages by extra, with the line that installs them; the developers' own are theirs to know."""
    wanted: dict[str, list[str]] = {}
    for requirement in requires(DISTRIBUTION) or ():
        package, extra = re.match(r"[\w.-]+", requirement), re.search(r"extra == ['\"](\w+)['\"]", requirement)
        if package and extra and extra[1] not in {"test", "lint"}:
            wanted.setdefault(extra[1], []).append(package[0])
    for extra_name, packages in wanted.items():
        lacking = [package for package in packages if installed_version(package) is None]
        if lacking:
            yield Finding(
                "missing", f"extra [{extra_name}]: {', '.join(lacking)}", f"in the repository: pip install '.[{extra_name}]'"
            )
        else:
            yield Finding("ok", f"extra [{extra_name}]")


def _models() -> Iterator[Finding]:
    for name in config_files.names("model"):
        settings = config_files.resolved("model", name)
        lacks = what_is_lacking("model", settings)
        state = "ok" if not lacks else "broken" if name.startswith("phantomvl") else "missing"
        source = str(settings.get("weights_from", "")) if lacks else ""
        yield Finding(state, f"model {name}", "; ".join(filter(None, [lacks, source])))


def _store(path: Path) -> Finding:
    """Looks without leaving anything behind: a store that is not there yet is made by the first run."""
    from harness.store import Store

    what = f"store of answers {path}"
    if not path.exists():
        nearest = next(parent for parent in path.absolute().parents if parent.exists())
        writable = nearest.is_dir() and os.access(nearest, os.W_OK)
        mend = f"{nearest} cannot be written; name another file with store=FILE"
        return Finding("ok", f"{what}: the first run makes it") if writable else Finding("broken", what, mend)
    try:
        with Store(path) as store:
            return Finding("ok", f"{what}: {len(store):,} answers")
    except HarnessError as error:
        return Finding("broken", what, str(error))


def _tracking(name: str) -> Finding:
    from harness.tracking import address, reach

    config: TrackingConfig = validate(TrackingConfig, config_files.read("tracking", name))
    if config.name == "none":
        return Finding("ok", "tracking is off")
    uri = address(config.uri)
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return Finding("ok", f"MLflow tracking at {uri}: the first run makes it")
    try:
        reach(uri, config.experiment)
    except Exception as error:  # whatever a tracking server answers with
        return Finding(
            "broken", "MLflow tracking", f"{type(error).__name__}: {error}. Set MLFLOW_TRACKING_URI, or tracking=none."
        )
    return Finding("ok", f"MLflow tracking at {uri}")
