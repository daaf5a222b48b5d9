"""The one clock that tuner, backend and scheduler share, so that time can be simulated."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from datetime import datetime, timedelta

__all__ = ["RealTimeKeeper", "TimeKeeper"]


class TimeKeeper(ABC):
    """Clock of an experiment."""

    @abstractmethod
    def start_of_time(self) -> None:
        """Begin to count from 0; may be called again for the next experiment."""

    @abstractmethod
    def time(self) -> float:
        """Seconds since `start_of_time`, or since the time keeper was made."""

    @abstractmethod
    def time_stamp(self) -> datetime:
        """Date and time that belong to `time`."""

    @abstractmethod
    def advance(self, step: float) -> None:
        """Let `step` seconds pass.

        Raises:
            ValueError: If `step` is negative.
        """


class RealTimeKeeper(TimeKeeper):
    """The clock on the wall. It never goes back, whatever happens to the system's time."""

    def __init__(self) -> None:
        self.start_of_time()

    def start_of_time(self) -> None:
        """Begin to count from 0."""
        self._start = time.monotonic()
        self._date = datetime.now()

    def time(self) -> float:
        """Seconds since `start_of_time`."""
        return time.monotonic() - self._start

    def time_stamp(self) -> datetime:
        """Date and time now, in local time without time zone."""
        return self._date + timedelta(seconds=self.time())

    def advance(self, step: float) -> None:
        """Sleep.

        Raises:
            ValueError: If `step` is negative.
        """
        if step < 0:
            raise ValueError(f"step is {step}; time cannot go back, use a value of at least 0")
        time.sleep(step)
