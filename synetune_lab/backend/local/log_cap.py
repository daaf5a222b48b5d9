"""Keeps the logs of a trial that floods them from filling the disk.

What was read long ago is freed in the middle of the file: its beginning and its recent end stay,
and no offset changes, so that neither the trial (which appends) nor we (who read) have to know. To
the eye the freed part is a run of zero bytes. File systems that can't do it leave the log as it is.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["LogCap"]

KEPT_HEAD_BYTES = 1 << 16
"""The beginning of a log is never freed."""
_BLOCK = 1 << 12
_KEEP_SIZE_AND_PUNCH_HOLE = 0x1 | 0x2


class LogCap:
    """Limits the space that each log of one trial takes.

    Args:
        max_bytes: The limit; None for none. Whenever more is kept, the older half is freed.
    """

    def __init__(self, max_bytes: int | None) -> None:
        self.max_bytes = max_bytes
        self._freed: dict[Path, int] = {}

    def limit(self, log: Path, read: int | None) -> int:
        """Free old parts of a log if it is over the limit.

        Args:
            log: The log.
            read: Only what stands before this offset may go; None for a log that nobody reads.

        Returns:
            Offset up to which it was freed so far; `KEPT_HEAD_BYTES` if nothing was.
        """
        done = self._freed.get(log, KEPT_HEAD_BYTES)
        if self.max_bytes is None or sys.platform != "linux":
            return done
        try:
            size = log.stat().st_size
        except OSError:
            return done
        if size - done <= self.max_bytes:
            return done
        end = size - self.max_bytes // 2
        if read is not None:
            end = min(end, read)
        end -= end % _BLOCK
        if end > done and _punch_hole(log, done, end - done):
            self._freed[log] = done = end
        return done


def _punch_hole(log: Path, offset: int, length: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        descriptor = os.open(log, os.O_RDWR)
    except OSError:
        return False
    try:
        result: int = libc.fallocate(
            descriptor,
            _KEEP_SIZE_AND_PUNCH_HOLE,
            ctypes.c_int64(offset),
            ctypes.c_int64(length),
        )
        return result == 0
    finally:
        os.close(descriptor)
