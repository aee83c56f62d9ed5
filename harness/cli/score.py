"""``harness score``: a table of predictions made elsewhere becomes a record and a report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.cli import settings
from harness.errors import ConfigError

HELP = """\
usage: harness score FILE target=COLUMN [key=value ...]

Scores a CSV, JSONL or Parquet table, one row a picture; no model is needed.

columns:
  target=COLUMN             the truth
  prediction=COLUMN         the answer; without it the score decides (0.5, or the largest)
  score=COLUMN              probability of the positive class (two classes)
  scores=[COLUMN,...]       probability of each class, in the order of choices
  id=COLUMN                 the picture's id
  cluster=COLUMN            the patient: patients are resampled, not pictures
  groups.fitzpatrick=COLUMN skin type, 1-6 or I-VI; anything else is unknown
  groups.sex=COLUMN  groups.age=COLUMN  groups.NAME=COLUMN
  words.fitzpatrick.WORD=II a data set's own words for an attribute's values
  status=COLUMN             ok, refused, unparsable, empty, truncated or error
  metadata=FILE on=COLUMN   a second table with attributes, joined by a column both have

rules:
  positive=LABEL            the class (or [classes]) that counts as positive
  choices=[LABEL,...]       the classes, where not all of them occur
  suite=fairness  margin=0.05  level=0.95  n_resamples=2000  interval=auto|bootstrap  seed=0
  out=DIR                   where the record and the report go (runs/score-FILE)
  tracking=mlflow|none      mirror to MLflow (none)
  privacy=on|off            off: ids and texts may enter the report

example:
  harness score predictions.csv id=image target=label prediction=answer score=prob positive=melanoma \\
          groups.fitzpatrick=skin_type groups.sex=sex cluster=patient_id out=runs/mine
"""


def main(arguments: Sequence[str]) -> int:
    """Score one file."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        print(HELP, end="")
        return 0 if arguments else 2
    files, given = settings.split(arguments)
    if len(files) != 1:
        raise ConfigError(f"`harness score` takes one file; got {files or 'none'}. Settings are written key=value.")
    from harness import config_files, run_folder
    from harness.cli.headline import headline
    from harness.config import TrackingConfig, validate
    from harness.environment import git_commit
    from harness.mirror import mirroring
    from harness.scoring import ScoreConfig, score_table

    out = Path(str(given.pop("out", None) or f"runs/score-{Path(files[0]).stem}"))
    tracking: TrackingConfig = validate(TrackingConfig, config_files.read("tracking", str(given.pop("tracking", "none"))))
    config: ScoreConfig = validate(ScoreConfig, given)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    run_folder.check(out)
    with mirroring(tracking) as mirror:
        result = score_table(files[0], config)
        about = {"command": f"harness score {shlex.join(arguments)}", "started": started, "git_commit": git_commit()}
        run_folder.write(out, result, None, run=about)
        run_folder.finish(out, about, mirror(out))
    print(headline(result, out), file=sys.stdout)
    return 0
