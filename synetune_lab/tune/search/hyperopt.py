"""The place of `HyperOptSearch` in Ray Tune."""

from __future__ import annotations

from typing import Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.checks import check_count
from synetune_lab.tune.search.bohb import DensitySearch

__all__ = ["HyperOptSearch"]


class HyperOptSearch(DensitySearch):
    """Density estimators of good and of bad configurations, see `KDE`.

    Args:
        given: `space`, `metric` and `mode`, see `SearchAlgorithm`.
        n_initial_points: So many are drawn at random before the estimators are used; None for the
            number that `KDE` takes.
        gamma: Share of observations that count as good; None for that of `KDE`.
        arguments: Arguments of `SearchAlgorithm`.
    """

    def __init__(
        self,
        *given: Any,
        n_initial_points: int | None = None,
        gamma: float | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(*given, **arguments)
        if n_initial_points is not None:
            check_count("HyperOptSearch: n_initial_points", n_initial_points, least=1)
            self.search_options.setdefault("num_min_data_points", n_initial_points)
        if gamma is not None:
            if not 0 < gamma < 1:
                raise TuneError(f"HyperOptSearch: gamma={gamma!r} must lie between 0 and 1")
            self.search_options.setdefault("top_n_percent", 100 * gamma)
