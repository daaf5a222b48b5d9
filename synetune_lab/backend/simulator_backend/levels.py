"""How far the checkpoints of trials are."""

from __future__ import annotations

from array import array

__all__ = ["Levels"]


class Levels:
    """The resource that the checkpoint of each trial has, by number; 0 where there is none."""

    def __init__(self) -> None:
        self._levels = array("q")

    def __getitem__(self, trial_id: int) -> int:
        return self._levels[trial_id] if trial_id < len(self._levels) else 0

    def __setitem__(self, trial_id: int, level: int) -> None:
        missing = trial_id + 1 - len(self._levels)
        if missing > 0:
            self._levels.extend([0] * missing)
        self._levels[trial_id] = level
