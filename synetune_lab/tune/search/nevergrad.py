"""The place of `NevergradSearch` in Ray Tune."""

from __future__ import annotations

from synetune_lab.tune.search.algorithm import SearchAlgorithm

__all__ = ["NevergradSearch"]


class NevergradSearch(SearchAlgorithm):
    """Regularised evolution, see `REA`."""

    searcher = "rea"
