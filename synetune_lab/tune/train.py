"""What scripts for Ray import from `ray.train` (and before from `ray.air`) to tune."""

from __future__ import annotations

from synetune_lab.tune.checkpoint import Checkpoint
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
