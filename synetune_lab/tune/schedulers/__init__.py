"""Trial schedulers under the names of Ray Tune, each one a scheduler of this package.

| name | scheduler |
|---|---|
| `FIFOScheduler` | `FIFOScheduler` |
| `AsyncHyperBandScheduler`, `ASHAScheduler` | `HyperbandScheduler` of type `stopping` |
| `HyperBandScheduler`, `HyperBandForBOHB` | `SynchronousGeometricHyperbandScheduler` |
| `MedianStoppingRule` | `MedianStoppingRule` around `FIFOScheduler` |
| `PopulationBasedTraining` | `PopulationBasedTraining` |
"""

from __future__ import annotations

from typing import Any

from synetune_lab.tune.foreign import refuse_name
from synetune_lab.tune.schedulers.base import RunPlan, Scheduler
from synetune_lab.tune.schedulers.fifo import FIFOScheduler
from synetune_lab.tune.schedulers.hyperband import (
    ASHAScheduler,
    AsyncHyperBandScheduler,
    HyperBandForBOHB,
    HyperBandScheduler,
)
from synetune_lab.tune.schedulers.median import MedianStoppingRule
from synetune_lab.tune.schedulers.pbt import PopulationBasedTraining
from synetune_lab.tune.schedulers.registry import create_scheduler

__all__ = [
    "ASHAScheduler",
    "AsyncHyperBandScheduler",
    "FIFOScheduler",
    "HyperBandForBOHB",
    "HyperBandScheduler",
    "MedianStoppingRule",
    "PopulationBasedTraining",
    "RunPlan",
    "Scheduler",
    "create_scheduler",
]

_HINTS = {
    "PB2": "see PopulationBasedTraining",
    "PopulationBasedTrainingReplay": "population-based training has no recorded policies",
    "ResourceChangingScheduler": "all trials of a run have the same resources",
    "DistributeResources": "all trials of a run have the same resources",
}


def __getattr__(name: str) -> Any:
    raise refuse_name(__name__, name, _HINTS)
