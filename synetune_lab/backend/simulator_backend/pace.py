"""How fast simulated time passes for somebody who watches."""

from __future__ import annotations

import math
import time
from typing import Any

from synetune_lab.backend.simulator_backend.config import check_seconds
from synetune_lab.errors import CommandRefused

__all__ = ["Pace"]


class Pace:
    """The speed of a simulation.

    Args:
        speed: Simulated seconds a real second; None for as fast as possible; 0 stands still.

    Raises:
        CommandRefused: If `speed` is not possible.
    """

    def __init__(self, speed: float | None = None) -> None:
        self.speed: float | None = None
        self.steps = 0
        self._real = self._simulated = 0.0
        self.set_speed(speed, 0.0)

    def __getstate__(self) -> dict[str, Any]:
        return {"speed": self.speed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["speed"])  # type: ignore[misc]

    def set_speed(self, speed: float | None, now: float) -> None:
        """Go on with another speed, from the simulated time `now` on."""
        if speed is not None:
            try:
                check_seconds("speed", speed)
            except ValueError:
                raise CommandRefused(
                    "speed must be simulated seconds a real second (0 to stand still), or None for "
                    f"as fast as possible; got {speed!r}"
                ) from None
        self.speed = speed
        self.steps = 0
        self.begin(now)

    def begin(self, now: float) -> None:
        """It is the simulated time `now` at this real moment."""
        self._real = time.monotonic()
        self._simulated = now

    def step(self, count: int = 1) -> None:
        """Let so many more events happen at once, whatever the speed."""
        self.steps += count

    def reached(self) -> float:
        """The simulated time up to which things may happen now."""
        if self.speed is None:
            return math.inf
        return self._simulated + self.speed * (time.monotonic() - self._real)

    def real_seconds_until(self, simulated: float) -> float | None:
        """Real seconds until that simulated time is reached; None if never."""
        if self.speed is None:
            return 0.0
        if self.speed == 0:
            return None
        return max(0.0, (simulated - self.reached()) / self.speed)
