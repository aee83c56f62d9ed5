"""``harness run``: Hydra composes the configuration, `harness.running` does the rest."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from harness.config_files import check_overrides
from harness.errors import HarnessError

ASKED_WRONGLY = 2


def main(arguments: Sequence[str]) -> int:
    """Run one configuration, or several with ``-m``.

    Hydra reads ``sys.argv`` itself, so the verb is taken off it; multirun, launchers, ``--cfg`` and completion work through it.
    """
    check_overrides(arguments)
    import hydra
    from omegaconf import DictConfig

    entered = False

    def job(composed: DictConfig) -> None:
        nonlocal entered
        entered = True
        _job(composed, command=f"harness run {shlex.join(arguments)}".strip(), many=_is_multirun(arguments))

    sys.argv = ["harness run", *arguments]
    decorate = hydra.main(version_base="1.3", config_path="pkg://harness.hydra_configs", config_name="config")
    try:
        decorate(job)()
    except SystemExit as stopped:
        # Hydra ends with 1 whatever was wrong; before the job began, it was the request.
        if stopped.code and not entered:
            return ASKED_WRONGLY
        return stopped.code if isinstance(stopped.code, int) else 1
    return 0


def _job(composed: object, *, command: str, many: bool) -> None:
    from omegaconf import OmegaConf

    from harness.config import RunConfig, validate

    try:
        config = validate(RunConfig, OmegaConf.to_container(composed, resolve=True))  # type: ignore[arg-type]
        from harness.cli.headline import headline
        from harness.running import run

        finished = run(config, command=command)
    except HarnessError as error:
        if many:  # Hydra goes on with the next job and fails at the end
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(headline(finished.result, finished.folder, finished.run))


def _is_multirun(arguments: Sequence[str]) -> bool:
    return "-m" in arguments or "--multirun" in arguments
