"""Every exception that the package raises on purpose.

Each inherits `SynetuneLabError`, so that one `except` catches them all, and the builtin that a
caller would expect, so that code written against the builtin goes on working. Messages name the
argument, the value that was given and what would be right.
"""

from __future__ import annotations

__all__ = [
    "BackendError",
    "BlackboxError",
    "CommandRefused",
    "ConfigSpaceError",
    "InvalidConfigError",
    "InvalidReportError",
    "MissingDependencyError",
    "ResumeError",
    "SchedulerError",
    "StoreError",
    "SynetuneLabError",
    "TuneError",
    "UntrustedFileError",
]


class SynetuneLabError(Exception):
    """Base class of all errors of this package."""


class ConfigSpaceError(SynetuneLabError, ValueError):
    """A domain or a configuration space is not possible (bounds crossed, no choices, NaN, ...)."""


class InvalidConfigError(SynetuneLabError, ValueError):
    """A configuration does not fit the configuration space that it is used with."""


class InvalidReportError(SynetuneLabError, ValueError):
    """A report lacks what the scheduler needs, or holds it with the wrong type."""


class SchedulerError(SynetuneLabError, ValueError):
    """A scheduler or searcher got an argument, option or call that it can't serve."""


class BackendError(SynetuneLabError, RuntimeError):
    """A backend could not start, stop, pause, resume or observe a trial."""


class BlackboxError(SynetuneLabError, ValueError):
    """A blackbox does not have what it was asked for, or was given what it can't take."""


class CommandRefused(SynetuneLabError, RuntimeError):  # noqa: N818 - says what happened
    """A command to a running experiment does not apply to the state it is in."""


class ResumeError(SynetuneLabError, RuntimeError):
    """A saved run can't be resumed: no good generation of its state, or files disagree."""


class StoreError(SynetuneLabError, RuntimeError):
    """The files of an experiment could not be written or read."""


class UntrustedFileError(SynetuneLabError, RuntimeError):
    """A file that runs code when loaded was not written by this user and is not trusted yet."""


class MissingDependencyError(SynetuneLabError, ImportError):
    """An optional dependency is missing; the message names the extra that installs it."""


class TuneError(SynetuneLabError, RuntimeError):
    """A run of `synetune_lab.tune` can't begin as it was asked for, or trials of it failed.

    Attributes:
        analysis: The `ExperimentAnalysis` of a run whose trials failed, else None.
    """

    analysis: object = None
