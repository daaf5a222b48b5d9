"""Bayesian optimisation with a Gaussian process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synetune_lab.errors import TuneError
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
        utility_kwargs: How the next configuration is chosen: `kind` is `ucb` (the bound of what
            can be expected, with `kappa`) or `ei` (expected improvement, with `xi`).
        arguments: Arguments of `SearchAlgorithm`.
    """

    def __init__(
        self,
        *given: Any,
        random_search_steps: int | None = None,
        utility_kwargs: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(*given, **arguments)
        if random_search_steps is not None:
            check_count("BayesOptSearch: random_search_steps", random_search_steps, least=0)
            self.search_options.setdefault("num_init_random", random_search_steps)
        for name, value in _utility(utility_kwargs or {}).items():
            self.search_options.setdefault(name, value)


def _utility(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the searcher for `utility_kwargs`.

    Raises:
        TuneError: If they ask for what is not there.
    """
    kind = given.get("kind", "ucb")
    if not given:
        return {}
    if kind not in _UTILITIES:
        raise TuneError(
            f"BayesOptSearch: utility_kwargs['kind']={kind!r:.100} must be 'ucb' or 'ei'"
        )
    name, theirs, ours = _UTILITIES[kind]
    found = {ours: given[theirs]} if theirs in given else {}
    return {"acq_function": name, "acq_function_kwargs": found}


_UTILITIES = {"ucb": ("lcb", "kappa", "kappa"), "ei": ("ei", "xi", "jitter")}
"""Our acquisition function of a kind, and what its argument is called there and here."""
