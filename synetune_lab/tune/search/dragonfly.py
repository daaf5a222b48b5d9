"""The place of `DragonflySearch` in Ray Tune."""

from __future__ import annotations

from synetune_lab.tune.search.bayesopt import GaussianProcessSearch

__all__ = ["DragonflySearch"]


class DragonflySearch(GaussianProcessSearch):
    """Bayesian optimisation with a Gaussian process, see `BayesianOptimization`."""
