"""The place of `SkOptSearch` in Ray Tune."""

from __future__ import annotations

from synetune_lab.tune.search.bayesopt import GaussianProcessSearch

__all__ = ["SkOptSearch"]


class SkOptSearch(GaussianProcessSearch):
    """Bayesian optimisation with a Gaussian process, see `BayesianOptimization`."""
