"""Ends processes that outlive what they belong to: asked first, killed when their grace is over."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from synetune_lab.backend.local.folder import TrialFolder
from synetune_lab.backend.local.identity import ProcessHandle, session_members
from synetune_lab.report import TRIAL_FOLDER_ENV

__all__ = ["KILL", "Stragglers", "find_orphans"]

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class Stragglers:
    """Sessions whose leader is gone, or shall go, and the time at which they are killed."""

    def __init__(self) -> None:
        self._deadlines: dict[ProcessHandle, float] = {}

    def __len__(self) -> int:
        return len(self._deadlines)

    def add(self, leader: ProcessHandle, kill_at: float) -> bool:
        """Ask what is left of a session to end.

        Args:
            leader: Its leader, dead or alive.
            kill_at: When to kill what is still there.

        Returns:
            Whether anything is left.
        """
        left = [leader] if leader.is_alive() else []
        left += session_members(leader)
        for process in left:
            process.send(signal.SIGTERM)
        if left:
            self._deadlines[leader] = kill_at
        return bool(left)

    def kill_due(self, now: float) -> None:
        """Kill those whose time has come."""
        for leader in [one for one, at in self._deadlines.items() if at <= now]:
            del self._deadlines[leader]
            kill_session(leader)

    def kill_all(self) -> None:
        """Kill all of them."""
        self.kill_due(float("inf"))

    def next_deadline(self) -> float:
        """When `kill_due` is needed next; infinity if never."""
        return min(self._deadlines.values(), default=float("inf"))


def kill_session(leader: ProcessHandle) -> None:
    """Kill a process with its group and its whole session."""
    leader.send_to_group(KILL)
    # A process may fork while we look; what it forks is found in the next look.
    for _ in range(3):
        members = session_members(leader)
        if not members:
            return
        for member in members:
            member.send(KILL)


def find_orphans(root: Path, known: Iterable[ProcessHandle]) -> list[ProcessHandle]:
    """Living leaders of trials of this experiment that nobody looks after.

    Args:
        root: Folder of the experiment, with a folder for each trial.
        known: Those that somebody looks after.
    """
    known = set(known)
    found: set[ProcessHandle] = set()
    with suppress(OSError):
        for folder in root.iterdir():
            noted = TrialFolder(folder).read_process() if folder.name.isdigit() else None
            if noted is not None:
                found.add(noted[2])
    # One whose starter was killed before it could note it.
    found.update(_leaders_by_environment(root))
    return [leader for leader in found - known if leader.is_alive()]


def _leaders_by_environment(root: Path) -> list[ProcessHandle]:
    if sys.platform != "linux":
        return []
    mark = f"{TRIAL_FOLDER_ENV}={root.absolute()}/".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            pid = int(entry.name)
            if os.getsid(pid) != pid or mark not in (entry / "environ").read_bytes():
                continue
            leader = ProcessHandle.of(pid)
            if leader is not None:
                found.append(leader)
    return found
