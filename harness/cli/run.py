"""``harness run``: Hydra composes the configuration, `harness.running` does the rest."""

from __future__ import annotations

import gc
import os
import shlex
import sys
import traceback
from collections.abc import Sequence

from harness.config_files import check_overrides
from harness.errors import HarnessError

ASKED_WRONGLY = 2


def main(arguments: Sequence[str]) -> int:
    """Run one configuration, or several with ``-m``.

    Hydra reads ``sys.argv`` itself, so the verb is taken off it; multirun, launchers, ``--cfg`` and completion work through it.
    """
    check_overrides(arguments)
    # Hundreds of thousands of small objects are made and kept; looking through them for garbage again and again costs a second.
    gc.set_threshold(100_000, 50, 50)
    import hydra
    from omegaconf import DictConfig

    started: list[str] = []
    failed: list[int] = []

    def job(composed: DictConfig) -> None:
        started.append("job")
        code = _job(composed, command=f"harness run {shlex.join(arguments)}".strip(), many=_is_multirun(arguments))
        if code:
            failed.append(code)

    sys.argv = ["harness run", *arguments]
    decorate = hydra.main(version_base="1.3", config_path="pkg://harness.hydra_configs", config_name="config")
    try:
        decorate(job)()
    except SystemExit as stopped:
        # Hydra ends with 1 whatever was wrong; before the job began, it was the request.
        if stopped.code and not started:
            return ASKED_WRONGLY
        return stopped.code if isinstance(stopped.code, int) else 1
    return max(failed, default=0)


def _job(composed: object, *, command: str, many: bool) -> int:
    """Do one run and return its exit code; several runs go on after one that failed."""
    from omegaconf import OmegaConf

    from harness.config import RunConfig, validate

    try:
        config = validate(RunConfig, OmegaConf.to_container(composed, resolve=True))  # type: ignore[arg-type]
        if many and config.out is not None:  # one folder for all would leave only the last run
            config = config.model_copy(update={"out": config.out / config.name})
        from harness.cli.headline import headline
        from harness.running import run

        finished = run(config, command=command)
    except HarnessError as error:
        if _in_other_processes():
            raise
        if "HYDRA_FULL_ERROR" in os.environ:
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(headline(finished.result, finished.folder, finished.run))
    return 0


def _is_multirun(arguments: Sequence[str]) -> bool:
    return "-m" in arguments or "--multirun" in arguments


def _in_other_processes() -> bool:
    """Whether a launcher runs the jobs elsewhere: then only an exception reaches this process."""
    from hydra.core.hydra_config import HydraConfig

    launcher = HydraConfig.get().launcher
    return "BasicLauncher" not in str(launcher.get("_target_", ""))
