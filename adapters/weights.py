"""Weight files: are they there, and which ones exactly."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from harness.errors import MissingRequirementError

_DIGESTS: dict[tuple[str, int, int], str] = {}


def check_weights(
    model: str | os.PathLike[str] | None,
    mmproj: str | os.PathLike[str] | None,
    *,
    name: str = "",
    settings: Sequence[str] = ("model.model", "model.mmproj"),
    environment: Sequence[str] = (),
    instead: str = "phantomvl_q4",
) -> tuple[Path, Path]:
    """Return both weight files as paths, or say what is missing and what to do. Opens nothing and imports nothing heavy.

    Args:
        model: The language model, a GGUF file.
        mmproj: Its vision projector, a GGUF file.
        name: What the model is called, for the message.
        settings: Names of the two settings that point at the files.
        environment: Names of the environment variables that point at them, where there are any.
        instead: Name of a model that needs no files of the user's.

    Raises:
        MissingRequirementError: A file is not named or not there. The message names both.
    """
    roles = ("language model (GGUF)", "vision projector (GGUF, mmproj)")
    problems = [_problem(path) for path in (model, mmproj)]
    if model and mmproj and not any(problems):
        return Path(model), Path(mmproj)
    files = "\n".join(f"  {role}, {s}: {p or 'found'}" for role, s, p in zip(roles, settings, problems, strict=True))
    variables = f", or set the environment variables {' and '.join(environment)}" if environment else ""
    raise MissingRequirementError(
        f"The model {name or 'asked for'} needs two files of weights:\n{files}\n"
        f"Point at them with {' '.join(f'{s}=PATH' for s in settings)}{variables}. "
        f"To see the harness at work without them, use the embedded model: model={instead}.",
        short=f"needs weights: {' and '.join(environment or settings)}",
    )


def _problem(path: str | os.PathLike[str] | None) -> str:
    if not path:
        return "not given"
    if Path(path).is_dir():
        return f"{path} is a folder, a file is wanted"
    return "" if Path(path).is_file() else f"{path} does not exist"


def file_digest(path: Path) -> str:
    """Return the hex SHA-256 of a file, computed once in a process as long as its size and time of change stay the same.

    Raises:
        OSError: The file cannot be read.
    """
    stat = path.stat()
    key = (str(path.resolve()), stat.st_size, stat.st_mtime_ns)
    if key not in _DIGESTS:
        with path.open("rb") as stream:
            _DIGESTS[key] = hashlib.file_digest(stream, "sha256").hexdigest()
    return _DIGESTS[key]
