"""Keeping freed memory, so that large temporary arrays do not cost page faults."""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["keep_freed_memory"]

# Just below the 32 MiB up to which glibc's thresholds adapt themselves.
_BLOCK_BYTES = 31 << 20


@functools.cache
def keep_freed_memory() -> None:
    """Make the C library keep up to 64 MB of freed memory, once a process.

    glibc gives large blocks back to the system as soon as they are freed, and the pages of the next
    one have to be made again: at 200 to 500 observations that takes longer than the arithmetic.
    When a larger block is freed than any before, it raises its thresholds; one untouched block does
    that. With another C library nothing happens.
    """
    np.empty(_BLOCK_BYTES, dtype=np.uint8)
