"""Keeps curves that were asked for lately."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

__all__ = ["RecentCurves"]

_LIMIT = 16 << 20
_ENTRY_BYTES = 512
"""What an entry takes beside its curve, about."""


class RecentCurves:
    """Curves that were asked for lately, so that a trial that is resumed costs no prediction.

    It is pickled empty.

    Args:
        limit: About how many bytes are kept.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self.limit = limit
        self._curves: dict[Hashable, np.ndarray] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._curves)

    def get(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """A copy of the curve of a key.

        Args:
            key: What the curve depends on.
            make: Called for the curve if it is not there.
        """
        curve = self._curves.pop(key, None)
        if curve is None:
            curve = make()
            self._bytes += curve.nbytes + _ENTRY_BYTES
            while self._curves and self._bytes > self.limit:
                oldest = self._curves.pop(next(iter(self._curves)))
                self._bytes -= oldest.nbytes + _ENTRY_BYTES
        self._curves[key] = curve
        return np.array(curve)

    def __reduce__(self) -> tuple[type[RecentCurves], tuple[int]]:
        return RecentCurves, (self.limit,)
