"""Documented path of what `transfer_learning.botorch` holds."""

from synetune_lab.optimizer.schedulers.transfer_learning.botorch.botorch_transfer_searcher import (
    BoTorchTransfer,
    BoTorchTransferSearcher,
)

__all__ = ["BoTorchTransfer", "BoTorchTransferSearcher"]
