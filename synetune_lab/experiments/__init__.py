"""Loading and looking at the results of experiments."""

from __future__ import annotations

from synetune_lab.experiments.experiment_blackbox import blackbox_from_experiment
from synetune_lab.experiments.experiment_result import ExperimentResult
from synetune_lab.experiments.insight import Insight
from synetune_lab.experiments.load import (
    get_metadata,
    list_experiments,
    load_experiment,
    load_experiments_df,
)
from synetune_lab.experiments.replay import Replay, replay

__all__ = [
    "ExperimentResult",
    "Insight",
    "Replay",
    "blackbox_from_experiment",
    "get_metadata",
    "list_experiments",
    "load_experiment",
    "load_experiments_df",
    "replay",
]
