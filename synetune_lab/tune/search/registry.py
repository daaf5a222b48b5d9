"""Search algorithms by their short names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.search.ax import AxSearch
from synetune_lab.tune.search.basic_variant import BasicVariantGenerator
from synetune_lab.tune.search.bayesopt import BayesOptSearch
from synetune_lab.tune.search.bohb import TuneBOHB
from synetune_lab.tune.search.bore import BORESearch
from synetune_lab.tune.search.dragonfly import DragonflySearch
from synetune_lab.tune.search.hebo import HEBOSearch
from synetune_lab.tune.search.hyperopt import HyperOptSearch
from synetune_lab.tune.search.nevergrad import NevergradSearch
from synetune_lab.tune.search.optuna import OptunaSearch
from synetune_lab.tune.search.skopt import SkOptSearch

if TYPE_CHECKING:
    from synetune_lab.tune.search.algorithm import SearchAlgorithm

__all__ = ["SEARCH_ALGORITHMS", "create_searcher"]

SEARCH_ALGORITHMS: dict[str, type[SearchAlgorithm]] = {
    "variant_generator": BasicVariantGenerator,
    "random": BasicVariantGenerator,
    "bayesopt": BayesOptSearch,
    "skopt": SkOptSearch,
    "hebo": HEBOSearch,
    "dragonfly": DragonflySearch,
    "bohb": TuneBOHB,
    "kde": TuneBOHB,
    "hyperopt": HyperOptSearch,
    "optuna": OptunaSearch,
    "ax": AxSearch,
    "botorch": AxSearch,
    "nevergrad": NevergradSearch,
    "rea": NevergradSearch,
    "bore": BORESearch,
}
"""Search algorithms by their short names."""


def create_searcher(search_alg: str, **kwargs: Any) -> SearchAlgorithm:
    """A search algorithm by its short name.

    Args:
        search_alg: The name.
        kwargs: Its arguments.

    Raises:
        TuneError: If there is none of this name.
    """
    cls = SEARCH_ALGORITHMS.get(search_alg)
    if cls is None:
        known = ", ".join(sorted(SEARCH_ALGORITHMS))
        raise TuneError(f"search_alg={search_alg!r} is not known here; known are {known}")
    return cls(**kwargs)
