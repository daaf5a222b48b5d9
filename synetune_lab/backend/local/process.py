"""Starts the process of a trial: in a session of its own, and with a witness of its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synetune_lab.backend.local.identity import ProcessHandle
from synetune_lab.errors import BackendError
from synetune_lab.report import TRIAL_FOLDER_ENV

if TYPE_CHECKING:
    from synetune_lab.backend.local.folder import TrialFolder

__all__ = ["entry_command", "spawn", "trial_environment"]

# The shell leads the session. It outlives the program, whatever ends it, and notes its exit code,
# so that the end is known also to a tuner that did not start it. Signals that end the program
# (they go to the whole group) are caught here, and caught signals are the default in its child.
_WITNESS = (
    "trap : HUP INT QUIT TERM; end=$1; run=$2; shift 2; "
    '"$@" </dev/null; code=$?; echo "$code $run" >"$end"; exit "$code"'
)


def entry_command(entry_point: Path) -> list[str]:
    """How a script is run: Python scripts by this interpreter, others by themselves."""
    if entry_point.suffix == ".py":
        return [sys.executable, str(entry_point)]
    return [str(entry_point.absolute())]


def trial_environment(folder: TrialFolder, extra: Mapping[str, str]) -> dict[str, str]:
    """Environment of a trial: ours, what the backend adds, and the trial's folder."""
    environment = {**os.environ, **extra, TRIAL_FOLDER_ENV: str(folder.path.absolute())}
    if environment.get("MPLBACKEND", "").startswith("module://"):
        # A notebook sets it for its own cells; a trial has no cell to draw in.
        del environment["MPLBACKEND"]
    return environment


def spawn(
    command: Sequence[str], folder: TrialFolder, run: int, environment: Mapping[str, str]
) -> ProcessHandle:
    """Start a trial's program in the background.

    Returns:
        The leader of the new session. It is a child of this process, to be reaped by `reap`.

    Raises:
        BackendError: If the process can't be started.
    """
    if os.name == "posix":
        start = ["/bin/sh", "-c", _WITNESS, "synetune-trial"]
        witness = [*start, str(folder.end.absolute()), str(run)]
    else:
        witness = [sys.executable, str(Path(__file__).with_name("witness.py"))]
        witness += [str(folder.end.absolute()), str(run)]
    with folder.stdout.open("ab") as out, folder.stderr.open("ab") as err:
        try:
            process = subprocess.Popen(
                [*witness, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            raise BackendError(f"could not start {' '.join(command[:2])!r}: {error}") from error
    handle = ProcessHandle.of(process.pid)
    # We reap it ourselves, or leave it to its session when we go: the object must not complain.
    process.returncode = 0
    if handle is None:
        raise BackendError(f"process {process.pid} of {' '.join(command[:2])!r} vanished at once")
    return handle


def reap(pid: int) -> int | None:
    """Take note of the end of a child, so that it does not remain as a zombie.

    Returns:
        Its exit code; None if a signal ended it, it still runs, or it is not our child.
    """
    if os.name != "posix":
        return None
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except OSError:
        return None
    return os.WEXITSTATUS(status) if found == pid and os.WIFEXITED(status) else None
