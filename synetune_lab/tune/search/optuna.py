"""The place of `OptunaSearch` in Ray Tune."""

from __future__ import annotations

from synetune_lab.tune.search.bohb import DensitySearch

__all__ = ["OptunaSearch"]


class OptunaSearch(DensitySearch):
    """Density estimators of good and of bad configurations, see `KDE`."""
