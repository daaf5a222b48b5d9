"""Runs of methods with rungs in memory."""

from __future__ import annotations

from typing import Any

from synetune_lab.config_space import loguniform, randint, uniform
from synetune_lab.testing.scheduler_contract import curve
from synetune_lab.testing.scheduler_driver import SchedulerDriver
from tests.optimizer.searchers.bayesopt.searcher_helpers import QUICK

SPACE = {
    "lr": loguniform(1e-6, 1.0),
    "units": randint(1, 64),
    "dropout": uniform(0.0, 0.9),
    "epochs": 9,
}


def driver_of(cls: Any, options: Any = None, function: Any = curve, **kwargs: Any) -> Any:
    """An experiment with a method of Hyperband's family."""
    scheduler = cls(
        SPACE,
        "loss",
        "epoch",
        **{
            "max_resource_attr": "epochs",
            "random_seed": 1,
            "search_options": {**QUICK, **(options or {})},
            **kwargs,
        },
    )
    return SchedulerDriver(scheduler, function, max_resource=9)


def reasons_of(driver: Any, kind: str = "model") -> list[dict[str, Any]]:
    """Reasons of new trials that a model chose."""
    starts = [entry for entry in driver.log if entry[0] == "start"]
    return [entry[3] for entry in starts if entry[3]["kind"] == kind]


def quality(driver: Any, first: int, last: int) -> float:
    """Mean of the values that some trials would end with."""
    configs = [driver.configs[i] for i in range(first, min(last, len(driver.configs)))]
    return sum(curve(config, 0, 9) for config in configs) / len(configs)
