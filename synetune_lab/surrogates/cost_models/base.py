"""What a cost model is, and the data that it learns from.

A cost model knows two numbers of a configuration x: what it costs to start, c0(x), and what each
unit of resource costs, c1(x). Running x up to resource r then costs c(x, r) = c0(x) + r · c1(x)::

    model.update(CostData([({"units": 8}, {1: 3.0, 2: 5.0}), ({"units": 16}, {1: 5.0})]))
    (value,) = model.sample_joint([{"units": 32}])
    model.event_time(start_time=60.0, level=2, next_milestone=9, cost=value)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from synetune_lab.errors import SchedulerError

__all__ = ["CostData", "CostModel", "CostValue"]

Config = Mapping[str, Any]


class CostValue(NamedTuple):
    """Cost of a configuration: running it up to resource r costs c0 + r · c1.

    Attributes:
        c0: What it costs to start.
        c1: What each unit of resource costs.
    """

    c0: float
    c1: float


@dataclass(frozen=True)
class CostData:
    """What trials have cost.

    Attributes:
        evaluations: One pair a trial: its configuration, and its cost so far (counted from its
            start, in seconds or dollars) by the resource levels at which it was reported. Levels
            are positive integers. A cost of zero counts: clocks are coarse. To tell what the start
            costs from what the resource costs, some trials should have several levels.

    Raises:
        SchedulerError: If there is no cost, a level is not a positive integer, or a cost is
            negative or not finite.
    """

    evaluations: Sequence[tuple[Config, Mapping[int, float]]]

    def __post_init__(self) -> None:
        for index, (config, costs) in enumerate(self.evaluations):
            for level, cost in costs.items():
                if not _is_level(level):
                    raise SchedulerError(
                        f"evaluations[{index}]: the resource level {level!r} must be a positive "
                        "integer"
                    )
                if not isfinite(cost) or cost < 0:
                    raise SchedulerError(
                        f"evaluations[{index}]: the cost {cost!r} of {dict(config)} at level "
                        f"{level} must be a finite number of at least 0"
                    )
        if not any(costs for _, costs in self.evaluations):
            raise SchedulerError("evaluations must hold one cost at least, got none")

    def rows(self) -> Iterator[tuple[Config, int, float]]:
        """Configuration, level and cost of each report, levels of a trial in ascending order."""
        for config, costs in self.evaluations:
            for level in sorted(costs):
                yield config, level, float(costs[level])


def _is_level(value: Any) -> bool:
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_integer and bool(value >= 1)


class CostModel:
    """Base class of cost models.

    A random model draws c0 and c1 from its posterior, jointly over all calls of `sample_joint`
    until `resample`. A deterministic one, as all in this package, is fitted in `update`, and just
    evaluated afterwards.
    """

    @property
    def cost_metric_name(self) -> str:
        """Name of the metric that holds the costs, where data come by names."""
        return "cost"

    def update(self, data: CostData) -> None:
        """Learn from data, which replace those of earlier calls.

        Args:
            data: What trials have cost.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement update")

    def resample(self) -> None:
        """Make later samples independent of earlier ones; without effect if deterministic."""

    def sample_joint(self, candidates: Sequence[Config]) -> list[CostValue]:
        """Cost values of configurations, without the noise of measurements.

        Args:
            candidates: n configurations.

        Returns:
            n values; neither c0 nor c1 is below 0.

        Raises:
            SchedulerError: If `update` was not called before.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement sample_joint")

    @staticmethod
    def event_time(start_time: float, level: int, next_milestone: int, cost: CostValue) -> float:
        """When a trial will reach a level.

        Args:
            start_time: When it reported last; when it was started, if `level` is 0.
            level: The level that it reported then; 0 if it was only started.
            next_milestone: The level to reach.
            cost: Its cost values, in units of time.

        Raises:
            SchedulerError: If `next_milestone` is below `level`, or `level` below 0.
        """
        if not 0 <= level <= next_milestone:
            raise SchedulerError(
                f"next_milestone={next_milestone!r} must be at least level={level!r}, and that at "
                "least 0"
            )
        startup = cost.c0 if level == 0 else 0.0
        return start_time + startup + (next_milestone - level) * cost.c1

    def predict_times(
        self,
        candidates: Sequence[Config],
        resources: Sequence[int],
        cost_values: Sequence[CostValue],
        start_time: float = 0.0,
    ) -> list[float]:
        """When configurations will reach their levels, if all are started at the same time.

        Args:
            candidates: n configurations.
            resources: The level of each.
            cost_values: What `sample_joint` returned for them.
            start_time: When they are started.

        Returns:
            n times.

        Raises:
            SchedulerError: If the lengths differ.
        """
        if not len(candidates) == len(resources) == len(cost_values):
            raise SchedulerError(
                "candidates, resources and cost_values must have the same length, got "
                f"{len(candidates)}, {len(resources)} and {len(cost_values)}"
            )
        return [
            self.event_time(start_time, 0, level, cost)
            for level, cost in zip(resources, cost_values, strict=True)
        ]
