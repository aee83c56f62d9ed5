"""With what a result was computed: versions and the code's own commit."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "vlm-fairness-harness"
_COMPUTED_WITH = ("numpy", "pandas", "scipy", "scikit-learn", "statsmodels", "pillow", "xllamacpp")


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the libraries that computed the numbers; part of the record."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()}-{platform.machine()}"}
    for package in (DISTRIBUTION, *_COMPUTED_WITH):
        found[package] = installed_version(package) or "not installed"
    return found


def installed_version(package: str) -> str | None:
    """Version of an installed distribution, or ``None``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git_commit() -> str | None:
    """Commit of the folder the command runs in, or ``None`` outside a repository."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
