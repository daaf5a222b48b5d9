"""Bayesian optimisation with BoTorch (needs the extra `botorch`)."""

from synetune_lab.optimizer.schedulers.searchers.botorch.botorch_searcher import (
    BoTorchSearcher,
    BotorchSearcher,
)

__all__ = ["BoTorchSearcher", "BotorchSearcher"]
