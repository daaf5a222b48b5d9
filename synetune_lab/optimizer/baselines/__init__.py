"""The methods by their names: schedulers with the right searcher and defaults.

All arguments that are not spelled out are those of the parent class.
"""

from synetune_lab.optimizer.baselines.cost_and_constraints import (
    ConstrainedBayesianOptimization,
    CostAwareCoarseGrained,
    CostAwareFineGrained,
    CostAwareMultiFidelity,
)
from synetune_lab.optimizer.baselines.full_evaluation import (
    BORE,
    KDE,
    REA,
    BoTorch,
    GridSearch,
    RandomSearch,
)
from synetune_lab.optimizer.baselines.model_based import (
    MOBSTER,
    BayesianOptimization,
    DyHPO,
    HyperTune,
    SyncMOBSTER,
)
from synetune_lab.optimizer.baselines.multi_fidelity import ASHA, ASHABORE, BOHB, PASHA
from synetune_lab.optimizer.baselines.synchronous import DEHB, SyncBOHB, SyncHyperband
from synetune_lab.optimizer.baselines.transfer import ASHACTS

__all__ = [
    "ASHA",
    "ASHABORE",
    "ASHACTS",
    "BOHB",
    "BORE",
    "DEHB",
    "KDE",
    "MOBSTER",
    "PASHA",
    "REA",
    "BayesianOptimization",
    "BoTorch",
    "ConstrainedBayesianOptimization",
    "CostAwareCoarseGrained",
    "CostAwareFineGrained",
    "CostAwareMultiFidelity",
    "DyHPO",
    "GridSearch",
    "HyperTune",
    "RandomSearch",
    "SyncBOHB",
    "SyncHyperband",
    "SyncMOBSTER",
]
