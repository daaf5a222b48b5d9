"""Bayesian optimisation with a Gaussian process."""

from __future__ import annotations

from typing import Any

from synetune_lab.tune.checks import check_count
from synetune_lab.tune.search.algorithm import SearchAlgorithm

__all__ = ["BayesOptSearch", "GaussianProcessSearch"]


class GaussianProcessSearch(SearchAlgorithm):
    """Bayesian optimisation with a Gaussian process, see `BayesianOptimization`."""

    searcher = "bayesopt"


class BayesOptSearch(GaussianProcessSearch):
    """Bayesian optimisation with a Gaussian process, see `BayesianOptimization`.

    Args:
        given: `space`, `metric` and `mode`, see `SearchAlgorithm`.
        random_search_steps: So many configurations come before the model is used; None for the
            number that `BayesianOptimization` takes.
        arguments: Arguments of `SearchAlgorithm`.
    """

    def __init__(
        self,
        *given: Any,
        random_search_steps: int | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(*given, **arguments)
        if random_search_steps is not None:
            check_count("BayesOptSearch: random_search_steps", random_search_steps, least=0)
            self.search_options.setdefault("num_init_random", random_search_steps)
