"""Chooses how to be told of changes."""

from __future__ import annotations

import sys
from contextlib import suppress

from synetune_lab.backend.local.watcher import Watcher

__all__ = ["make_watcher"]


def make_watcher() -> Watcher:
    """The best watcher for this platform."""
    if sys.platform == "linux":
        from synetune_lab.backend.local.linux_watcher import LinuxWatcher

        with suppress(OSError):
            return LinuxWatcher()
    if sys.platform != "linux" and sys.platform != "win32":
        from synetune_lab.backend.local.kqueue_watcher import KqueueWatcher

        return KqueueWatcher()
    return Watcher()
