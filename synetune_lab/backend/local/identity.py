"""Which process is meant: a process id alone is not enough, for ids are used again.

A `ProcessHandle` also holds when the process started and in which boot of the machine, so that it
can be kept in a file, found again by another process after a crash, and never mistaken for a
stranger that got the same id. The processes of a trial form a session of their own, whose number is
the id of its leader.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["ProcessHandle", "boot_id", "session_members", "start_time"]

_LINUX = sys.platform == "linux"


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Names the time between two boots of this machine, and the container we are in."""
    if _LINUX:
        with suppress(OSError):
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            # Containers share the boot, but each counts process ids for itself.
            return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    import psutil

    return str(round(psutil.boot_time()))


def _stat(pid: int) -> tuple[str, str] | None:
    """State and start time of a process on Linux; None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - read for each process
            text = file.read()
    except OSError:
        return None
    # The name, in parentheses, may hold anything, also blanks and parentheses.
    fields = text[text.rfind(b")") + 2 :].split()
    return fields[0].decode(), fields[19].decode()


def start_time(pid: int) -> str | None:
    """When a process started, in a form fit to compare; None if there is no such process."""
    if _LINUX:
        stat = _stat(pid)
        return None if stat is None else stat[1]
    import psutil

    try:
        return repr(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


@dataclass(frozen=True, slots=True)
class ProcessHandle:
    """One process, told apart from all others for all times.

    Attributes:
        pid: Its id.
        start: When it started (see `start_time`).
        boot: In which boot (see `boot_id`).
    """

    pid: int
    start: str
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessHandle | None:
        """The handle of a process that exists now; None if it does not."""
        start = start_time(pid)
        return None if start is None else cls(pid, start, boot_id())

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"pid": self.pid, "start": self.start, "boot": self.boot}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ProcessHandle | None:
        """What `to_json` wrote; None if it is not that."""
        try:
            return cls(int(data["pid"]), str(data["start"]), str(data["boot"]))
        except (KeyError, TypeError, ValueError):
            return None

    def exists(self) -> bool:
        """Whether the process exists, perhaps as a zombie: its id means no other."""
        return self.boot == boot_id() and start_time(self.pid) == self.start

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        if self.boot != boot_id():
            return False
        if _LINUX:
            stat = _stat(self.pid)
            return stat is not None and stat[1] == self.start and stat[0] not in "ZXx"
        import psutil

        if not self.exists():
            return False
        try:
            return bool(psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    def send(self, number: int) -> bool:
        """Send a signal to this process alone, never to a stranger with the same id.

        Returns:
            Whether it was there to get it.
        """
        if sys.platform == "linux" and hasattr(signal, "pidfd_send_signal"):
            return self._send_by_descriptor(number)
        if not self.exists():
            return False
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, number)
            return True
        return False

    if sys.platform == "linux":

        def _send_by_descriptor(self, number: int) -> bool:
            # The descriptor stands for whatever has the id now; checked after it is open, it can
            # only be the one that was checked that gets the signal.
            try:
                descriptor = os.pidfd_open(self.pid)
            except OSError:
                return False
            try:
                if not self.exists():
                    return False
                signal.pidfd_send_signal(descriptor, number)
                return True
            except OSError:
                return False
            finally:
                os.close(descriptor)

    def send_to_group(self, number: int) -> bool:
        """Send a signal to the whole process group that this process leads.

        Returns:
            Whether the leader was there; if not, nothing is sent (see `session_members`).
        """
        if not self.exists():
            return False
        if os.name != "posix":
            return self.send(number)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
            return True
        return False


def session_members(leader: ProcessHandle) -> list[ProcessHandle]:
    """Living processes in the session of `leader`, without the leader itself.

    They are found also after the leader has ended. While one of them lives, the system gives the
    number of the session to nobody else.
    """
    if os.name != "posix" or leader.boot != boot_id():
        return []
    now = start_time(leader.pid)
    if now is not None and now != leader.start:
        return []  # The number was given to somebody else, so no member was left.
    members = []
    for pid in _all_pids():
        try:
            if pid == leader.pid or os.getsid(pid) != leader.pid:
                continue
        except OSError:
            continue
        member = ProcessHandle.of(pid)
        if member is not None and member.is_alive():
            members.append(member)
    return members


def _all_pids() -> list[int]:
    if _LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    import psutil

    return list(psutil.pids())
