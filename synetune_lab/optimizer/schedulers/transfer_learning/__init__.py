"""Schedulers that begin with what is known of other tasks."""

from synetune_lab.optimizer.schedulers.transfer_learning.bounding_box import BoundingBox
from synetune_lab.optimizer.schedulers.transfer_learning.evaluations import (
    TransferLearningTaskEvaluations,
)
from synetune_lab.optimizer.schedulers.transfer_learning.rush import RUSHScheduler

__all__ = ["BoundingBox", "RUSHScheduler", "TransferLearningTaskEvaluations"]
