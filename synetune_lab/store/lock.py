"""At most one process drives a run: a lock file that names the driver's process.

The lock is held by a process that is alive, known by its id, start time and boot, and not by an
open descriptor: trials and workers may inherit descriptors and outlive their kernel.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import ResumeError
from synetune_lab.store.atomic import replace_file

if TYPE_CHECKING:
    from pathlib import Path

LOCK_FILENAME = "run.lock"

_held: set[Path] = set()
"""Runs that a session of this very process drives."""


def this_process() -> dict[str, Any]:
    """What tells this process from any other, also after a reboot."""
    import psutil

    return {
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
        "boot": psutil.boot_time(),
        "host": socket.gethostname(),
    }


def _is_alive(owner: dict[str, Any]) -> bool:
    import psutil

    try:
        process = psutil.Process(int(owner["pid"]))
        # Start times are kept in ticks since the boot; the boot time may shift by a second.
        same = abs(process.create_time() - float(owner["started"])) < 2.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False


class RunLock:
    """The right to drive the run in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder.resolve() / LOCK_FILENAME
        self._is_ours = False

    def owner(self) -> dict[str, Any] | None:
        """Who drives the run, None if nobody alive does."""
        try:
            owner = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return None
        if not isinstance(owner, dict) or not owner.get("host"):
            return None
        if owner.get("host") != socket.gethostname():
            return owner  # on another machine: it can't be looked up from here
        if owner.get("pid") == os.getpid():
            return owner if self.path in _held else None
        return owner if _is_alive(owner) else None

    def refuse_if_driven(self) -> None:
        """Raise if anybody alive drives the run.

        Raises:
            ResumeError: Naming the process.
        """
        owner = self.owner()
        if owner is not None:
            raise ResumeError(_refusal(self.path, owner))

    def acquire(self) -> None:
        """Take the lock, also from a process that has died.

        Raises:
            ResumeError: If another live process (or session of this process) has it.
        """
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            # Held for a moment only, so that two processes don't take over from a dead one at once.
            fcntl.flock(folder, fcntl.LOCK_EX)
            self.refuse_if_driven()
            replace_file(self.path, json.dumps(this_process()).encode(), durable=False)
            _held.add(self.path)
            self._is_ours = True
        finally:
            os.close(folder)

    def entrust(self, job: str) -> None:
        """Note that a job in the cloud drives the run, for as long as `take_back` is not called.

        Raises:
            ResumeError: If a process here drives it.
        """
        owner = self.owner()
        if owner is not None and "job" not in owner:
            raise ResumeError(_refusal(self.path, owner))
        content = {"host": "the cloud", "job": job}
        replace_file(self.path, json.dumps(content).encode(), durable=False)

    def take_back(self, job: str) -> None:
        """The job that the run was entrusted to has ended; harmless if another one drives it."""
        owner = self.owner()
        if owner is not None and owner.get("job") == job:
            with contextlib.suppress(OSError):
                self.path.unlink()

    def release(self) -> None:
        """Give it back; nothing happens if this object did not take it."""
        if self._is_ours:
            self._is_ours = False
            _held.discard(self.path)
            with contextlib.suppress(OSError):
                self.path.unlink()


def _refusal(path: Path, owner: dict[str, Any]) -> str:
    run = path.parent.name
    if "job" in owner:
        return (
            f"run {run!r} is being driven by the job {owner['job']!r} in the cloud; "
            f"RemoteRun.attach({run!r}).wait() takes in what it did, .stop() ends it before"
        )
    if owner.get("host") != socket.gethostname():
        return (
            f"run {run!r} is being driven on the machine {owner.get('host')!r} (process "
            f"{owner.get('pid')}). If that is over, remove {path} and try again"
        )
    if owner.get("pid") == os.getpid():
        return f"run {run!r} is already being driven in this process; stop that first"
    return (
        f"run {run!r} is still being driven by process {owner.get('pid')}; stop it there first "
        "(a second driver would start its trials twice)"
    )
