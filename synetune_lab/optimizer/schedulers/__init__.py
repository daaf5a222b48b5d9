"""Schedulers: state machines that suggest configurations and judge the reports of trials.

Names are loaded when they are first used, so that a searcher can be imported without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.fifo import FIFOScheduler
    from synetune_lab.optimizer.schedulers.hyperband import HyperbandScheduler
    from synetune_lab.optimizer.schedulers.median_stopping_rule import MedianStoppingRule
    from synetune_lab.optimizer.schedulers.pbt import PopulationBasedTraining
    from synetune_lab.optimizer.schedulers.ray_tune import RayTuneScheduler

_HOMES = {
    "FIFOScheduler": "synetune_lab.optimizer.schedulers.fifo",
    "HyperbandScheduler": "synetune_lab.optimizer.schedulers.hyperband",
    "MedianStoppingRule": "synetune_lab.optimizer.schedulers.median_stopping_rule",
    "PopulationBasedTraining": "synetune_lab.optimizer.schedulers.pbt",
    "RayTuneScheduler": "synetune_lab.optimizer.schedulers.ray_tune",
}

__all__ = [
    "FIFOScheduler",
    "HyperbandScheduler",
    "MedianStoppingRule",
    "PopulationBasedTraining",
    "RayTuneScheduler",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
