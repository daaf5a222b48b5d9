"""Asynchronous Hyperband whose configurations are chosen by a neural bandit."""

from synetune_lab.optimizer.schedulers.neuralbands.neuralband import NeuralbandScheduler
from synetune_lab.optimizer.schedulers.neuralbands.neuralband_supplement import (
    NeuralbandEGreedyScheduler,
    NeuralbandSchedulerBase,
    NeuralbandTSScheduler,
    NeuralbandUCBScheduler,
)

__all__ = [
    "NeuralbandEGreedyScheduler",
    "NeuralbandScheduler",
    "NeuralbandSchedulerBase",
    "NeuralbandTSScheduler",
    "NeuralbandUCBScheduler",
]
