"""The clock of a simulated experiment: it stands still unless it is advanced."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from synetune_lab.backend.time_keeper import TimeKeeper

__all__ = ["SimulatedTimeKeeper"]


class SimulatedTimeKeeper(TimeKeeper):
    """A clock that is advanced by whoever simulates.

    It also measures the real time spent outside of the backend, between `mark_exit` and
    `real_time_since_last_recent_exit`.
    """

    def __init__(self) -> None:
        self.start_of_time()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_exit": None}  # a real time means nothing to another process

    @property
    def start_time_stamp(self) -> datetime:
        """Real date and time of the last `start_of_time`, the date of simulated second 0."""
        return self._date

    def start_of_time(self) -> None:
        """Begin to count from 0."""
        self.now = 0.0
        self._date = datetime.now()
        self._exit: float | None = None

    def time(self) -> float:
        """Simulated seconds since `start_of_time`."""
        return self.now

    def time_stamp(self) -> datetime:
        """Simulated date and time."""
        return self._date + timedelta(seconds=self.now)

    def advance(self, step: float) -> None:
        """Let `step` simulated seconds pass, at once.

        Raises:
            ValueError: If `step` is negative.
        """
        if not step >= 0:
            raise ValueError(f"step is {step}; time cannot go back, use a value of at least 0")
        self.now += step

    def advance_to(self, to_time: float) -> None:
        """Let it be `to_time`; if that is in the past, nothing happens."""
        self.now = max(to_time, self.now)

    def mark_exit(self) -> None:
        """The backend is left now: from here on tuner and scheduler take their time."""
        self._exit = time.perf_counter()

    def real_time_since_last_recent_exit(self) -> float:
        """Real seconds since `mark_exit`; 0 if it was not called, and until it is called again."""
        if self._exit is None:
            return 0.0
        passed = time.perf_counter() - self._exit
        self._exit = None
        return passed
