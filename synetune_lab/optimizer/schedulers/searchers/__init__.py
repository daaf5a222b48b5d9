"""Searchers choose which configuration to try next."""

from synetune_lab.config_space.points import impute_points_to_evaluate
from synetune_lab.optimizer.schedulers.searchers.base import BaseSearcher, SpaceEditReport
from synetune_lab.optimizer.schedulers.searchers.grid_searcher import GridSearcher
from synetune_lab.optimizer.schedulers.searchers.random_searcher import RandomSearcher
from synetune_lab.optimizer.schedulers.searchers.regularized_evolution import RegularizedEvolution
from synetune_lab.optimizer.schedulers.searchers.searcher_factory import searcher_factory
from synetune_lab.optimizer.schedulers.searchers.stochastic import (
    StochasticAndFilterDuplicatesSearcher,
    StochasticSearcher,
    extract_random_seed,
    sample_random_configuration,
)

__all__ = [
    "BaseSearcher",
    "GridSearcher",
    "RandomSearcher",
    "RegularizedEvolution",
    "SpaceEditReport",
    "StochasticAndFilterDuplicatesSearcher",
    "StochasticSearcher",
    "extract_random_seed",
    "impute_points_to_evaluate",
    "sample_random_configuration",
    "searcher_factory",
]
