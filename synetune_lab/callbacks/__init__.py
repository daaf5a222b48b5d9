"""Callbacks that come with the package."""

from __future__ import annotations

from synetune_lab.callbacks.hyperband_remove_checkpoints_callback import (
    HyperbandRemoveCheckpointsCallback,
)
from synetune_lab.callbacks.tensorboard_callback import TensorboardCallback

__all__ = ["HyperbandRemoveCheckpointsCallback", "TensorboardCallback"]
