"""The place of `AxSearch` in Ray Tune."""

from __future__ import annotations

from synetune_lab.tune.search.algorithm import SearchAlgorithm

__all__ = ["AxSearch"]


class AxSearch(SearchAlgorithm):
    """Bayesian optimisation with BoTorch, see `BoTorch`; needs the extra `botorch`."""

    searcher = "botorch"
