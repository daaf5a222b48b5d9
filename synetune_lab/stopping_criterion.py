"""When a run ends: rules on its progress."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from synetune_lab.termination import PlateauStopper

if TYPE_CHECKING:
    from synetune_lab.tuning_status import TuningStatus

__all__ = ["PlateauStopper", "StoppingCriterion"]


@dataclass
class StoppingCriterion:
    """Ends a run as soon as one of the given rules holds; callable on the `TuningStatus`.

    Attributes:
        max_wallclock_time: Seconds for which the run was driven are reached.
        max_num_evaluations: More reports than this.
        max_num_trials_started: More trials than this were started.
        max_num_trials_completed: More trials than this came to their natural end.
        max_cost: The cost in US dollars is above.
        max_num_trials_finished: More trials than this completed, failed or were stopped.
        min_metric_value: A metric was reported below its threshold.
        max_metric_value: A metric was reported above its threshold.

    Raises:
        ValueError: If a value is not possible.
    """

    max_wallclock_time: float | None = None
    max_num_evaluations: int | None = None
    max_num_trials_started: int | None = None
    max_num_trials_completed: int | None = None
    max_cost: float | None = None
    max_num_trials_finished: int | None = None
    min_metric_value: dict[str, float] | None = None
    max_metric_value: dict[str, float] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if field.name.endswith("_metric_value"):
                _check_thresholds(field.name, value)
            elif isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
                raise ValueError(f"{field.name} must be a number of at least 0, got {value!r}")

    def __call__(self, status: TuningStatus) -> bool:
        """Whether a rule holds."""
        return self.why(status) is not None

    def why(self, status: TuningStatus) -> str | None:
        """The rule that holds, as a sentence; None if none does."""
        limit = self.max_wallclock_time
        if limit is not None and status.tuner_time >= limit:
            return f"the time of {limit:g} s is over (max_wallclock_time)"
        most: float | None = self.max_num_evaluations
        if most is not None and status.num_reports > most:
            return _too_many("max_num_evaluations", status.num_reports, "reports have come", most)
        most = self.max_num_trials_started
        if most is not None and (n := status.num_trials_started) > most:
            return _too_many("max_num_trials_started", n, "trials were started", most)
        most = self.max_num_trials_completed
        if most is not None and (n := status.num_trials_completed) > most:
            return _too_many("max_num_trials_completed", n, "trials were completed", most)
        most = self.max_num_trials_finished
        if most is not None and (n := status.num_trials_finished) > most:
            return _too_many("max_num_trials_finished", n, "trials have ended", most)
        if self.max_cost is not None and status.cost > self.max_cost:
            return f"the cost of {status.cost:g} dollars is above {self.max_cost:g} (max_cost)"
        if self.min_metric_value or self.max_metric_value:
            return self._why_metric(status)
        return None

    def _why_metric(self, status: TuningStatus) -> str | None:
        statistics = status.overall_metric_statistics
        for name, threshold in (self.min_metric_value or {}).items():
            value = statistics.min_metrics.get(name, math.inf)
            if value < threshold:
                return f"{name} reached {value:g}, below {threshold:g} (min_metric_value)"
        for name, threshold in (self.max_metric_value or {}).items():
            value = statistics.max_metrics.get(name, -math.inf)
            if value > threshold:
                return f"{name} reached {value:g}, above {threshold:g} (max_metric_value)"
        return None

    def to_json(self) -> dict[str, Any]:
        """The rules that are given."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value is not None}


def _too_many(rule: str, count: int, what: str, most: float) -> str:
    return f"{count} {what}, more than {most} ({rule})"


def _check_thresholds(name: str, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(
        isinstance(key, str) and isinstance(v, (int, float)) and v == v for key, v in value.items()
    ):
        raise ValueError(f"{name} must map names of metrics to numbers, got {value!r}")
