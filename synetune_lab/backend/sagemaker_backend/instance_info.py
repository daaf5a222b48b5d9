"""What instance types have and cost, from a price list in a data file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from synetune_lab.errors import BackendError

__all__ = ["InstanceInfo", "InstanceInfos", "select_instance_type"]

_FILE = Path(__file__).with_name("instance_prices.json")


@dataclass(frozen=True, slots=True)
class InstanceInfo:
    """One instance type.

    Attributes:
        name: For example `ml.m5.xlarge`.
        num_cpu: Virtual CPUs.
        num_gpu: GPUs.
        cost_per_hour: US dollars for one instance, on demand.
    """

    name: str
    num_cpu: int
    num_gpu: int
    cost_per_hour: float


@cache
def _price_list() -> tuple[str, str, dict[str, InstanceInfo]]:
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    infos = [InstanceInfo(*row) for row in data["instances"]]
    return data["date"], data["region"], {info.name: info for info in infos}


class InstanceInfos:
    """The instance types whose price is known.

    Attributes:
        date: Day of the price list.
        region: The region that it is for; others differ by some per cent.
        instances: The types in the order of the list.
    """

    def __init__(self) -> None:
        self.date, self.region, self._infos = _price_list()
        self.instances = list(self._infos.values())

    def __call__(self, instance_type: str) -> InstanceInfo:
        """What is known of an instance type.

        Raises:
            BackendError: If it is not in the list.
        """
        try:
            return self._infos[instance_type]
        except KeyError:
            raise BackendError(
                f"instance type {instance_type!r} is not in the price list of {self.date}; "
                "pass its price to the backend, for example "
                f"instance_prices={{{instance_type!r}: 1.5}}"
            ) from None

    def __contains__(self, instance_type: str) -> bool:
        return instance_type in self._infos

    def dollars_per_hour(
        self, instance_type: str, given: Mapping[str, float] | None = None
    ) -> float | None:
        """Price of one instance for an hour; `given` prices come first. None if nobody knows."""
        if given and instance_type in given:
            return float(given[instance_type])
        info = self._infos.get(instance_type)
        return None if info is None else info.cost_per_hour


def select_instance_type(
    min_gpu: int = 0,
    max_gpu: int = 16,
    min_cost_per_hour: float | None = None,
    max_cost_per_hour: float | None = None,
) -> list[str]:
    """Instance types within bounds, for example as choices of `st_instance_type` in a space.

    Args:
        min_gpu: Fewest GPUs.
        max_gpu: Most GPUs.
        min_cost_per_hour: Lowest price in US dollars; None for any.
        max_cost_per_hour: Highest price in US dollars; None for any.

    Returns:
        Their names; empty if there is none.
    """
    low = 0.0 if min_cost_per_hour is None else min_cost_per_hour
    high = float("inf") if max_cost_per_hour is None else max_cost_per_hour
    return [
        info.name
        for info in InstanceInfos().instances
        if min_gpu <= info.num_gpu <= max_gpu and low <= info.cost_per_hour <= high
    ]
