"""Fewer garbage collections while a simulation makes many objects that stay."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["fewer_collections"]

_THRESHOLDS = (50_000, 20, 50)

_lock = threading.Lock()
_users = 0
_before: tuple[int, int, int] | None = None


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Let the collector look less often meanwhile; several may wish so at the same time.

    A report makes some dictionaries, few of which are ever freed: looking through all of them over
    and over costs a fifth of a simulation.
    """
    global _users, _before
    with _lock:
        _users += 1
        if _users == 1 and gc.get_threshold()[0] not in (0, _THRESHOLDS[0]):
            _before = gc.get_threshold()
            gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _before is not None:
                gc.set_threshold(*_before)
                _before = None
