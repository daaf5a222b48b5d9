"""Waits until logs grow, processes end, or somebody wakes us; asks again and again if it must.

It works everywhere: it looks at each log and process at short intervals. Those that are told by the
system (see `best_watcher`) fall back to it for whatever the system won't tell: no descriptors left,
no notifications on this file system.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synetune_lab.backend.local.identity import ProcessHandle

__all__ = ["Changes", "Watcher"]

POLL_INTERVAL_S = 0.05
"""How often what can't be notified is looked at."""


@dataclass
class Changes:
    """What has happened: keys of logs that may have grown and of processes that have ended."""

    grown: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    woken: bool = False

    def __bool__(self) -> bool:
        return self.woken or bool(self.grown) or bool(self.ended)


@dataclass
class _Polled:
    log: Path
    process: ProcessHandle
    size: int = -1


class Watcher:
    """Watches by looking. All methods but `wake` belong to one thread."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._polled: dict[int, _Polled] = {}

    def watch(self, key: int, log: Path, process: ProcessHandle) -> None:
        """Watch a log and the process that writes it."""
        self._polled[key] = _Polled(log, process)

    def unwatch(self, key: int) -> None:
        """Forget it."""
        self._polled.pop(key, None)

    def wake(self) -> None:
        """Let `wait` return; from any thread, also before or after its time."""
        with suppress(OSError):  # full: it will wake anyhow; closed: nobody waits
            self._sender.send(b"w")

    def wait(self, timeout: float) -> Changes:
        """Wait for changes.

        Args:
            timeout: Seconds at most.

        Returns:
            The changes; none if the time is over.
        """
        deadline = time.monotonic() + timeout
        while True:
            changes = self._look()
            left = deadline - time.monotonic()
            if not changes and self._polled:
                left = min(left, POLL_INTERVAL_S)
            self._wait_for_system(0.0 if changes else max(0.0, left), changes)
            if changes or time.monotonic() >= deadline:
                return changes

    def close(self) -> None:
        """Give all descriptors back."""
        self._receiver.close()
        self._sender.close()
        self._polled.clear()

    def _wait_for_system(self, timeout: float, changes: Changes) -> None:
        """Add what the system tells within the time."""
        if select.select([self._receiver], [], [], timeout)[0]:
            self._drain_wakes(changes)

    def _drain_wakes(self, changes: Changes) -> None:
        changes.woken = True
        with suppress(BlockingIOError):
            while self._receiver.recv(4096):
                pass

    def _look(self) -> Changes:
        changes = Changes()
        for key, polled in self._polled.items():
            try:
                size = polled.log.stat().st_size
            except OSError:
                size = -1
            if size != polled.size:
                polled.size = size
                changes.grown.add(key)
            if not polled.process.is_alive():
                changes.ended.add(key)
        return changes
