"""Bayesian optimisation with BoTorch that begins with data of other tasks."""

from synetune_lab.optimizer.schedulers.transfer_learning.botorch.botorch_transfer_searcher import (
    BoTorchTransfer,
    BoTorchTransferSearcher,
)

__all__ = ["BoTorchTransfer", "BoTorchTransferSearcher"]
