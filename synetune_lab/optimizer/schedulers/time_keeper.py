"""The clock of an experiment, as a scheduler sees it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["TimeKeeper"]


class TimeKeeper(Protocol):
    """Tells the time since the start of the experiment, real or simulated."""

    def start_of_time(self) -> None:
        """The experiment starts now."""

    def time(self) -> float:
        """Seconds since the start."""
        ...
