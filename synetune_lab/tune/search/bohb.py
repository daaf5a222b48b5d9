"""Density estimators, as in BOHB."""

from __future__ import annotations

from synetune_lab.tune.search.algorithm import SearchAlgorithm

__all__ = ["DensitySearch", "TuneBOHB"]


class DensitySearch(SearchAlgorithm):
    """Density estimators of good and of bad configurations, see `KDE`."""

    searcher = "kde"


class TuneBOHB(DensitySearch):
    """Density estimators of good and of bad configurations, see `KDE`."""
