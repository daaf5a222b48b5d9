"""Search algorithms under the names of Ray Tune, each one a searcher of this package.

| name | searcher | method |
|---|---|---|
| `BasicVariantGenerator` | `VariantSearcher` | random and grid search |
| `BayesOptSearch`, `SkOptSearch`, `HEBOSearch`, `DragonflySearch` | `bayesopt` | Gaussian process |
| `TuneBOHB`, `HyperOptSearch`, `OptunaSearch` | `kde` | density estimators, as in BOHB and TPE |
| `AxSearch` | `botorch` | Gaussian process of BoTorch (an extra) |
| `NevergradSearch` | `rea` | regularised evolution |
| `BORESearch` | `bore` | a classifier of good and bad |

Each is also in the module where Ray Tune has it: `search.bayesopt`, `search.bohb`, and so on.
With a scheduler that has rungs, `bayesopt`, `kde` and `bore` model all levels of the resource.
"""

from __future__ import annotations

from typing import Any

from synetune_lab.tune.foreign import refuse_name
from synetune_lab.tune.search.algorithm import SearchAlgorithm
from synetune_lab.tune.search.ax import AxSearch
from synetune_lab.tune.search.basic_variant import BasicVariantGenerator
from synetune_lab.tune.search.bayesopt import BayesOptSearch
from synetune_lab.tune.search.bohb import TuneBOHB
from synetune_lab.tune.search.bore import BORESearch
from synetune_lab.tune.search.concurrency_limiter import ConcurrencyLimiter
from synetune_lab.tune.search.dragonfly import DragonflySearch
from synetune_lab.tune.search.hebo import HEBOSearch
from synetune_lab.tune.search.hyperopt import HyperOptSearch
from synetune_lab.tune.search.nevergrad import NevergradSearch
from synetune_lab.tune.search.optuna import OptunaSearch
from synetune_lab.tune.search.registry import SEARCH_ALGORITHMS, create_searcher
from synetune_lab.tune.search.skopt import SkOptSearch

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

_HINTS = {
    "Repeater": "with a grid_search over seeds, each configuration is repeated",
    "Searcher": "see SearchAlgorithm; a searcher of your own goes into a scheduler of this package",
    "ZOOptSearch": "that library is not used here; take another search algorithm",
    "SigOptSearch": "that library is not used here; take another search algorithm",
    "BlendSearch": "that library is not used here; take another search algorithm",
    "CFO": "that library is not used here; take another search algorithm",
}


def __getattr__(name: str) -> Any:
    raise refuse_name(__name__, name, _HINTS)
