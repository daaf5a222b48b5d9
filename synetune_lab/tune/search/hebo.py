"""The place of `HEBOSearch` in Ray Tune."""

from __future__ import annotations

from synetune_lab.tune.search.bayesopt import GaussianProcessSearch

__all__ = ["HEBOSearch"]


class HEBOSearch(GaussianProcessSearch):
    """Bayesian optimisation with a Gaussian process, see `BayesianOptimization`."""
