"""What scripts for Ray import from `ray.train` (and before from `ray.air`) to tune."""

from __future__ import annotations

from typing import Any

from synetune_lab.tune.checkpoint import Checkpoint
from synetune_lab.tune.foreign import refuse_name
from synetune_lab.tune.result_grid import Result
from synetune_lab.tune.run_config import CheckpointConfig, FailureConfig, RunConfig
from synetune_lab.tune.session import get_checkpoint, get_context, report

__all__ = [
    "Checkpoint",
    "CheckpointConfig",
    "FailureConfig",
    "Result",
    "RunConfig",
    "get_checkpoint",
    "get_context",
    "report",
]

_HINTS = {
    "ScalingConfig": "a trial is one process; see resources_per_trial of tune.run",
    "SyncConfig": "files are where the run is; see local_dir of tune.run",
    "get_dataset_shard": "send data along by tune.with_parameters",
}


def __getattr__(name: str) -> Any:
    raise refuse_name(__name__, name, _HINTS)
