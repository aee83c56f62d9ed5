"""The ``harness`` command: takes the verb, hands the rest to it. Verbs are imported only when they are used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from harness.errors import HarnessError, near_match

VERBS = {
    "run": ("harness.cli.run", "ask a model every question of a data set, score the answers, write the report"),
    "score": ("harness.cli.score", "score a table of predictions made elsewhere; no model needed"),
    "list": ("harness.cli.list", "models, data sets and suites, and whether they can run here"),
    "doctor": ("harness.cli.doctor", "what is installed, what is missing, and how to mend it"),
}

HELP = """\
harness: how good is a medical vision-language model, how sure are we, and for whom is it worse?

usage: harness VERB [key=value ...]

verbs:
{verbs}

examples:
  harness run                                                   the embedded model on the embedded data set
  harness run suite=fairness model=phantomvl_f16 limit=100      another model, the first 100 pictures
  harness run -m model=phantomvl_f16,phantomvl_q8,phantomvl_q4  several, one after another
  harness score predictions.csv id=image target=label prediction=answer score=prob positive=melanoma \\
          groups.fitzpatrick=skin_type cluster=patient_id out=runs/mine

`harness VERB --help` explains a verb. Exit codes: 0 done, 1 failed while running, 2 asked wrongly.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    sys.exit(_dispatch(arguments))


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(HELP.format(verbs="\n".join(f"  {verb:<8} {says}" for verb, (_, says) in VERBS.items())), end="")
        return 0
    if arguments[0] in {"-V", "--version"}:
        from harness import __version__

        print(f"harness {__version__}")
        return 0
    verb, *rest = arguments
    if verb in {"-sc", "--shell-completion"}:
        verb, rest = "run", arguments
    if verb not in VERBS:
        there = ", ".join(VERBS)
        print(f"error: there is no verb {verb!r}.{near_match(verb, VERBS)} There are: {there}.", file=sys.stderr)
        return 2
    try:
        code: int = import_module(VERBS[verb][0]).main(rest)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; answers so far are kept, the same command goes on from here", file=sys.stderr)
        return 1
    return code
