"""What `synetune_lab.tune.search` was called in Ray Tune up to its release 2.0.

Its modules are found under this name as well: `synetune_lab.tune.suggest.bayesopt`.
"""

from __future__ import annotations

import sys
from importlib import import_module

from synetune_lab.tune.search import (
    SEARCH_ALGORITHMS,
    AxSearch,
    BasicVariantGenerator,
    BayesOptSearch,
    BORESearch,
    ConcurrencyLimiter,
    DragonflySearch,
    HEBOSearch,
    HyperOptSearch,
    NevergradSearch,
    OptunaSearch,
    SearchAlgorithm,
    SkOptSearch,
    TuneBOHB,
    create_searcher,
)

__all__ = [
    "SEARCH_ALGORITHMS",
    "AxSearch",
    "BORESearch",
    "BasicVariantGenerator",
    "BayesOptSearch",
    "ConcurrencyLimiter",
    "DragonflySearch",
    "HEBOSearch",
    "HyperOptSearch",
    "NevergradSearch",
    "OptunaSearch",
    "SearchAlgorithm",
    "SkOptSearch",
    "TuneBOHB",
    "create_searcher",
]

# An import of `suggest.bayesopt` comes here first, and then finds the module by its name.
for _name in (
    "ax",
    "basic_variant",
    "bayesopt",
    "bohb",
    "bore",
    "concurrency_limiter",
    "dragonfly",
    "hebo",
    "hyperopt",
    "nevergrad",
    "optuna",
    "skopt",
):
    globals()[_name] = import_module(f"synetune_lab.tune.search.{_name}")
    sys.modules[f"{__name__}.{_name}"] = globals()[_name]
