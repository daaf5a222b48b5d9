"""Watches logs and processes by kqueue, on macOS and the BSDs."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from synetune_lab.backend.local.watcher import Changes, Watcher

if TYPE_CHECKING:
    from synetune_lab.backend.local.identity import ProcessHandle

if sys.platform != "linux" and sys.platform != "win32":

    class KqueueWatcher(Watcher):
        """Is told by the system of each write and each end of a process."""

        def __init__(self) -> None:
            super().__init__()
            self._kqueue = select.kqueue()
            self._add(self._receiver.fileno(), select.KQ_FILTER_READ, 0)
            self._descriptor_of_key: dict[int, int] = {}
            self._pid_of_key: dict[int, int] = {}
            self._ended: set[int] = set()

        def _add(self, ident: int, filter_: int, notes: int) -> None:
            flags = select.KQ_EV_ADD | select.KQ_EV_CLEAR
            self._kqueue.control([select.kevent(ident, filter_, flags, notes)], 0)

        def watch(self, key: int, log: Path, process: ProcessHandle) -> None:
            """Watch a log and the process that writes it."""
            try:
                descriptor = os.open(log, os.O_RDONLY)
                self._descriptor_of_key[key] = descriptor
                notes = select.KQ_NOTE_WRITE | select.KQ_NOTE_EXTEND
                self._add(descriptor, select.KQ_FILTER_VNODE, notes)
                try:
                    self._add(process.pid, select.KQ_FILTER_PROC, select.KQ_NOTE_EXIT)
                    self._pid_of_key[key] = process.pid
                except ProcessLookupError:
                    self._ended.add(key)
                if not process.exists():
                    self._ended.add(key)
            except OSError:
                self.unwatch(key)
                super().watch(key, log, process)

        def unwatch(self, key: int) -> None:
            """Forget it."""
            super().unwatch(key)
            self._ended.discard(key)
            descriptor = self._descriptor_of_key.pop(key, None)
            if descriptor is not None:
                os.close(descriptor)  # its filter goes with it
            self._pid_of_key.pop(key, None)

        def close(self) -> None:
            """Give all descriptors back."""
            for key in list(self._descriptor_of_key):
                self.unwatch(key)
            self._kqueue.close()
            super().close()

        def _wait_for_system(self, timeout: float, changes: Changes) -> None:
            if self._ended:
                changes.ended |= self._ended
                self._ended.clear()
                timeout = 0.0
            logs = {descriptor: key for key, descriptor in self._descriptor_of_key.items()}
            processes = {pid: key for key, pid in self._pid_of_key.items()}
            for event in self._kqueue.control(None, 256, timeout):
                if event.filter == select.KQ_FILTER_READ:
                    self._drain_wakes(changes)
                elif event.filter == select.KQ_FILTER_VNODE and event.ident in logs:
                    changes.grown.add(logs[event.ident])
                elif event.filter == select.KQ_FILTER_PROC and event.ident in processes:
                    changes.ended.add(processes[event.ident])
