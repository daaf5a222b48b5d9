"""Kernel density estimation: the tree-structured Parzen estimator in the form of BOHB."""

from synetune_lab.optimizer.schedulers.searchers.kde.kde_searcher import KernelDensityEstimator
from synetune_lab.optimizer.schedulers.searchers.kde.multi_fidelity_kde_searcher import (
    MultiFidelityKernelDensityEstimator,
)

__all__ = ["KernelDensityEstimator", "MultiFidelityKernelDensityEstimator"]
