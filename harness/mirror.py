"""MLflow in a process of its own, so that the seconds it takes to start pass while data are loaded and statistics computed.

The child imports MLflow, connects, and waits for a folder. Whatever goes wrong there is told and loses nothing: the folder is the
record.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from harness.config import TrackingConfig

Told = dict[str, str | None]
"""``{"run_id": ..., "error": ...}``, one of them ``None``; both where tracking is off."""

_PATIENCE_S = 600.0


@contextmanager
def mirroring(tracking: TrackingConfig) -> Iterator[Callable[[Path], Told]]:
    """Start MLflow beside us and yield a function that mirrors a written folder to it.

    Args:
        tracking: Where to; nothing is started for ``none``.
    """
    if tracking.name == "none":
        yield lambda folder: {"run_id": None, "error": None}
        return
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "harness.tracking"],  # -P: a folder `harness` in the current one is not this package
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # MLflow tells of its migrations; an error comes back as ours
        text=True,
    )

    def mirror(folder: Path) -> Told:
        giving_up = Timer(_PATIENCE_S, child.kill)
        giving_up.start()
        try:
            _tell(child, {"folder": str(folder)})
            # Its last words, not its end: leaving takes MLflow another second. Libraries may print before them.
            answer = next((line for line in child.stdout or () if line.startswith("{")), "")
            told: Told = json.loads(answer)
        except (OSError, ValueError) as error:
            return {"run_id": None, "error": f"the tracking process gave no answer ({type(error).__name__})"}
        finally:
            giving_up.cancel()
        return told

    try:
        _tell(child, {"uri": tracking.uri, "experiment": tracking.experiment})
        yield mirror
    finally:
        child.kill()
        child.communicate()


def _tell(child: subprocess.Popen[str], what: dict[str, str | None]) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps(what) + "\n")
    child.stdin.flush()
