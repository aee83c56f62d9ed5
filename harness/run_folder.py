"""What an evaluation leaves on disk. The record comes first: whatever fails later never loses it.

result.json          the record (schema_version 1); the same answers give the same bytes
predictions.parquet  one row a sample: what was said, what was read, the truth, the groups
examples.json        the worst confident errors with their pictures, for data that may be shown
report.html, report.md
run.json             when, how long, latencies: all that changes from run to run
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError
from harness.result import Result

if TYPE_CHECKING:
    import pandas as pd


def check(folder: Path) -> None:
    """Check that a run's folder can be made, without making it: a run that fails leaves none behind.

    Raises:
        ConfigError: There is a file of that name, or it may not be written.
    """
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        why = "may not be written" if nearest.is_dir() else "is a file"
        raise ConfigError(f"the run's folder out={folder} cannot be made: {nearest} {why}. Name a folder that can be written.")


def write(
    folder: Path,
    result: Result,
    predictions: pd.DataFrame | None,
    *,
    examples: Sequence[Mapping[str, Any]] = (),
    run: Mapping[str, Any],
) -> None:
    """Write a run's folder, the record before anything that is made from it.

    Args:
        folder: Made when missing; files of an earlier run in it are replaced.
        result: The record.
        predictions: One row a sample; ``None`` where the user's own table holds them.
        examples: The worst errors, already cleared for showing.
        run: What changes from run to run; its ``command`` goes on the page.
    """
    from harness.reports.run_report import render_html, render_markdown

    folder.mkdir(parents=True, exist_ok=True)
    _write_text(folder / "result.json", result.to_json())
    _write_rows(folder / "predictions.parquet", predictions)
    _write_text(folder / "examples.json", _json(list(examples)))
    _write_text(folder / "run.json", _json(run))
    record = result.to_dict()
    _write_text(folder / "report.html", render_html(record, examples, provenance={"command": run.get("command", "")}))
    _write_text(folder / "report.md", render_markdown(record))


def finish(folder: Path, run: Mapping[str, Any], tracked: Mapping[str, str | None]) -> dict[str, Any]:
    """Add to ``run.json`` what tracking said; trouble there is told on standard error and loses nothing."""
    if tracked["error"]:
        print(f"warning: the run was not tracked ({tracked['error']}); its folder {folder} holds everything", file=sys.stderr)
    told = {**run, "tracking": dict(tracked)}
    _write_text(folder / "run.json", _json(told))
    return told


def _write_rows(path: Path, rows: pd.DataFrame | None) -> None:
    """Write the table of a run; without one, rows of an earlier run do not stay."""
    if rows is None:
        path.unlink(missing_ok=True)
        return
    unfinished = path.with_suffix(".part")
    rows.to_parquet(unfinished, index=False)
    unfinished.replace(path)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def _write_text(path: Path, text: str) -> None:
    # Written beside and moved into place, so that a reader never sees half a file.
    unfinished = path.with_suffix(path.suffix + ".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
