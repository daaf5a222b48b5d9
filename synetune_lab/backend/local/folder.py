"""The folder of one trial, and the arguments that its script gets.

- `config.json`: the configuration
- `std.out`, `std.err`: what it prints; reports are lines of `std.out`
- `checkpoints/`: its checkpoints (the script makes the folder)
- `pause`, `stop`: there if the trial was asked to end
- `end`: written when the process of a run has ended, `{exit code} {run}`
- `process.json`: who runs it, there while it runs
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from synetune_lab.backend.local.identity import ProcessHandle
from synetune_lab.constants import (
    TRIAL_CHECKPOINTS_DIRNAME,
    TRIAL_CONFIG_FILENAME,
    TRIAL_STDERR_FILENAME,
    TRIAL_STDOUT_FILENAME,
)
from synetune_lab.errors import BackendError

__all__ = ["Request", "TrialFolder", "command_line_arguments", "exit_code_of_shell"]

Request = Literal["pause", "stop"]
_PROCESS_FILENAME = "process.json"
# A shell tells the signal that ended a program by an exit code above this.
_SIGNAL_BASE = 128
_MAX_SIGNAL = 64


class TrialFolder:
    """Files of one trial.

    Args:
        path: The folder; it is made by `prepare`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / TRIAL_CONFIG_FILENAME
        self.stdout = path / TRIAL_STDOUT_FILENAME
        self.stderr = path / TRIAL_STDERR_FILENAME
        self.checkpoints = path / TRIAL_CHECKPOINTS_DIRNAME
        self.end = path / "end"
        self.process = path / _PROCESS_FILENAME

    def prepare(self, config: Mapping[str, Any]) -> int:
        """Make the folder ready for another run.

        Returns:
            Size of `std.out`: what stands before is of earlier runs.

        Raises:
            BackendError: If the configuration can't be written as JSON.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        for name in ("pause", "stop", "end", _PROCESS_FILENAME):
            (self.path / name).unlink(missing_ok=True)
        self.config.write_text(config_to_json(config))
        for log in (self.stdout, self.stderr):
            log.touch()
        return self.stdout.stat().st_size

    def request(self) -> Request | None:
        """What the trial was asked for, if anything; a stop outweighs a pause."""
        if (self.path / "stop").exists():
            return "stop"
        return "pause" if (self.path / "pause").exists() else None

    def ask(self, request: Request) -> None:
        """Leave the request where the script finds it, if the folder is still there."""
        with suppress(OSError):
            (self.path / request).touch()

    def exit_code(self, run: int) -> int | None:
        """How the process of this run ended, negative for a signal; None if nobody knows."""
        try:
            text = self.end.read_text()
            code, marked_run = (int(word) for word in text.split())
        except (OSError, ValueError):
            return None
        if marked_run != run or not text.endswith("\n"):
            return None
        return exit_code_of_shell(code)

    def write_process(self, run: int, handle: Mapping[str, Any]) -> None:
        """Note who runs the trial, for whoever comes after a crash."""
        draft = self.process.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"run": run, **handle}))
        draft.replace(self.process)

    def read_process(self) -> tuple[int, dict[str, Any], ProcessHandle] | None:
        """Run, handle and process that were noted last; None if none is."""
        try:
            data = json.loads(self.process.read_text())
            run = int(data.pop("run"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        handle = ProcessHandle.from_json(data)
        return None if handle is None else (run, data, handle)


def exit_code_of_shell(code: int) -> int:
    """An exit code as Python has it, negative for a signal, from that of a shell."""
    number = code - _SIGNAL_BASE
    return -number if 0 < number <= _MAX_SIGNAL else code


def _number(value: Any) -> Any:
    """The Python number in a numpy scalar."""
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def config_to_json(config: Mapping[str, Any]) -> str:
    """The configuration as JSON.

    Raises:
        BackendError: If a value isn't a JSON value; the message names it.
    """
    try:
        return json.dumps(dict(config), default=_strict_number)
    except (TypeError, ValueError) as error:
        for name, value in config.items():
            try:
                json.dumps({name: value}, default=_strict_number)
            except (TypeError, ValueError):
                raise BackendError(
                    f"configuration entry {name!r} has the value {value!r:.100}, which JSON can't "
                    "hold; use numbers, strings, booleans, lists and dictionaries"
                ) from error
        raise


def _strict_number(value: Any) -> Any:
    number = _number(value)
    if number is value:
        raise TypeError(f"{type(value).__name__} is not a JSON value")
    return number


def command_line_arguments(config: Mapping[str, Any]) -> list[str]:
    """The configuration as `--name value` arguments.

    Raises:
        BackendError: If a value is a list, a dictionary or None.
    """
    arguments: list[str] = []
    for name, value in config.items():
        value = _number(value)  # noqa: PLW2901 - the same value, as a plain number
        if not isinstance(value, (bool, int, float, str)):
            raise BackendError(
                f"configuration entry {name!r} has the value {value!r:.100}, which can't be passed "
                "as a command line argument; use a number, string or boolean, or construct the "
                "backend with pass_args_as_json=True"
            )
        text = _float_text(value) if isinstance(value, float) else str(value)
        if text.startswith("-") and not isinstance(value, int) and not _is_plain_negative(text):
            # argparse would take it for the name of another argument.
            arguments.append(f"--{name}={text}")
        else:
            arguments += [f"--{name}", text]
    return arguments


def _float_text(value: float) -> str:
    # argparse takes -1e-05 for the name of an argument, but not -0.00001.
    if value < 0 and math.isfinite(value):
        return format(Decimal(repr(value)), "f")
    return repr(value)


def _is_plain_negative(text: str) -> bool:
    return text[1:].replace(".", "", 1).isdigit()
