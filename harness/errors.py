"""Every error this package raises on purpose, in one tree.

    HarnessError                    anything we say ourselves; its text is meant for the user, never a traceback
    ├── UsageError                  asked wrongly (exit code 2)
    │   ├── ConfigError             an unknown or contradictory setting
    │   ├── TableError              a table whose columns, ids, labels or scores cannot be used
    │   └── MissingRequirementError files, weights or optional packages that are needed and not there
    └── RunError                    failed while running (exit code 1)
        ├── AdapterError            the model or its runtime could not be started or stopped answering
        ├── StoreError              the store of answers cannot be read or written
        ├── TooManyFailuresError    more samples failed than `fail_on_error` allows
        └── DoubleEntryError        our figure and the reference library's figure differ

A message says what was wrong, what was got, what is allowed, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class HarnessError(Exception):
    """Base of every error raised on purpose. ``exit_code`` is what the command line returns for it."""

    exit_code = 1


class UsageError(HarnessError):
    """The request itself cannot be carried out as asked."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting is unknown, out of range, or contradicts another one."""


class TableError(UsageError):
    """A table of predictions or samples cannot be used as it stands."""


class MissingRequirementError(UsageError):
    """Files, weights or an optional package are needed and were not found.

    Args:
        message: The whole story.
        short: The same in half a line, for lists.
    """

    def __init__(self, message: str, *, short: str = "") -> None:
        super().__init__(message)
        self.short = short or message.splitlines()[0]


class RunError(HarnessError):
    """Something failed while running."""


class AdapterError(RunError):
    """A model could not be loaded or its runtime stopped answering."""


class StoreError(RunError):
    """The store of answers cannot be read or written."""


class TooManyFailuresError(RunError):
    """The share of failed samples went past ``fail_on_error``."""


class DoubleEntryError(RunError):
    """A metric's weighted form disagrees with its reference library."""


def near_match(got: str, allowed: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest allowed name, or an empty string when none is near."""
    match = get_close_matches(got, list(allowed), n=1, cutoff=0.6)
    return f" Did you mean '{match[0]}'?" if match else ""
