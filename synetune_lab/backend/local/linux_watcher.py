"""Watches logs by inotify and processes by their descriptors, all in one epoll."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from synetune_lab.backend.local.watcher import Changes, Watcher

if TYPE_CHECKING:
    from synetune_lab.backend.local.identity import ProcessHandle

assert sys.platform == "linux"

_IN_MODIFY = 0x2
_IN_Q_OVERFLOW = 0x4000
_EVENT = struct.Struct("iIII")


class LinuxWatcher(Watcher):
    """Is told by the system of each write and each end of a process.

    Raises:
        OSError: If the system gives no inotify instance or too few descriptors.
    """

    def __init__(self) -> None:
        super().__init__()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = -1
        try:
            self._inotify = self._checked(
                self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), "inotify_init1"
            )
            self._epoll = select.epoll()
        except OSError:
            if self._inotify >= 0:
                os.close(self._inotify)
            super().close()
            raise
        self._epoll.register(self._inotify, select.EPOLLIN)
        self._epoll.register(self._receiver.fileno(), select.EPOLLIN)
        self._key_of_watch: dict[int, int] = {}
        self._watch_of_key: dict[int, int] = {}
        self._key_of_descriptor: dict[int, int] = {}
        self._descriptor_of_key: dict[int, int] = {}
        self._ended: set[int] = set()

    @staticmethod
    def _checked(result: int, call: str) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{call}: {os.strerror(number)}")
        return result

    def watch(self, key: int, log: Path, process: ProcessHandle) -> None:
        """Watch a log and the process that writes it."""
        try:
            self._watch_process(key, process)
            self._watch_log(key, log)
        except OSError:
            self._forget(key)
            super().watch(key, log, process)

    def _watch_process(self, key: int, process: ProcessHandle) -> None:
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            self._ended.add(key)
            return
        if not process.exists():  # it has ended before, and its number is somebody else's
            os.close(descriptor)
            self._ended.add(key)
            return
        self._descriptor_of_key[key] = descriptor
        self._key_of_descriptor[descriptor] = key
        self._epoll.register(descriptor, select.EPOLLIN)

    def _watch_log(self, key: int, log: Path) -> None:
        watch = self._checked(
            self._libc.inotify_add_watch(self._inotify, os.fsencode(log), _IN_MODIFY),
            f"inotify_add_watch of {log}",
        )
        self._key_of_watch[watch] = key
        self._watch_of_key[key] = watch

    def unwatch(self, key: int) -> None:
        """Forget it."""
        super().unwatch(key)
        self._forget(key)

    def _forget(self, key: int) -> None:
        self._ended.discard(key)
        self._forget_process(key)
        watch = self._watch_of_key.pop(key, None)
        if watch is not None:
            del self._key_of_watch[watch]
            self._libc.inotify_rm_watch(self._inotify, watch)

    def _forget_process(self, key: int) -> None:
        descriptor = self._descriptor_of_key.pop(key, None)
        if descriptor is not None:
            del self._key_of_descriptor[descriptor]
            self._epoll.unregister(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        """Give all descriptors back."""
        for key in list(self._descriptor_of_key):
            self._forget_process(key)
        self._epoll.close()
        os.close(self._inotify)
        super().close()

    def _wait_for_system(self, timeout: float, changes: Changes) -> None:
        if self._ended:
            changes.ended |= self._ended
            self._ended.clear()
            timeout = 0.0
        for descriptor, _ in self._epoll.poll(timeout):
            if descriptor == self._inotify:
                self._read_inotify(changes)
            elif descriptor == self._receiver.fileno():
                self._drain_wakes(changes)
            else:
                key = self._key_of_descriptor[descriptor]
                changes.ended.add(key)
                self._forget_process(key)  # it would be told again and again

    def _read_inotify(self, changes: Changes) -> None:
        data = b""
        with suppress(BlockingIOError):
            data = os.read(self._inotify, 1 << 16)
        position = 0
        while position < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, position)
            position += _EVENT.size + length
            if mask & _IN_Q_OVERFLOW:
                changes.grown.update(self._watch_of_key)
            elif watch in self._key_of_watch:
                changes.grown.add(self._key_of_watch[watch])
