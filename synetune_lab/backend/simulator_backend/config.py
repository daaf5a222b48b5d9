"""The delays of a simulated system."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["SimulatorConfig", "check_seconds"]


def check_seconds(name: str, value: Any) -> float:
    """A number of seconds, at least 0.

    Raises:
        ValueError: If it is not.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a number of seconds, at least 0; got {value!r}")
    return float(value)


@dataclass(frozen=True)
class SimulatorConfig:
    """How long a simulated system takes for what is not training, in simulated seconds.

    Attributes:
        delay_on_trial_result: From a report to the tuner's knowing it.
        delay_complete_after_final_report: From a trial's last report to its end.
        delay_complete_after_stop: From the moment at which a trial is stopped or paused to its end.
        delay_start: From the tuner's asking for a trial to its start.
        delay_stop: From the tuner's asking for its end to the moment at which it is stopped.
        count_decision_time: Whether the real time that tuner and scheduler take passes on the
            simulated clock, too. By default it does not, so that the same seed gives the same run.

    Raises:
        ValueError: If a delay is negative or not a number.
    """

    delay_on_trial_result: float = 0.05
    delay_complete_after_final_report: float = 0.05
    delay_complete_after_stop: float = 0.05
    delay_start: float = 0.05
    delay_stop: float = 0.05
    count_decision_time: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "count_decision_time":
                if not isinstance(value, bool):
                    raise ValueError(f"count_decision_time must be True or False, got {value!r}")
            else:
                check_seconds(field.name, value)
