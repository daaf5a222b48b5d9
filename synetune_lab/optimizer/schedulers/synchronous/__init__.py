"""Synchronous Hyperband and DEHB: brackets whose rungs have fixed sizes."""

from synetune_lab.optimizer.schedulers.synchronous.bracket import (
    Slot,
    SynchronousHyperbandBracket,
    get_top_list,
)
from synetune_lab.optimizer.schedulers.synchronous.dehb import (
    DifferentialEvolutionHyperbandScheduler,
)
from synetune_lab.optimizer.schedulers.synchronous.geometric import (
    GeometricDifferentialEvolutionHyperbandScheduler,
    SynchronousGeometricHyperbandScheduler,
)
from synetune_lab.optimizer.schedulers.synchronous.hyperband import SynchronousHyperbandScheduler
from synetune_lab.optimizer.schedulers.synchronous.manager import (
    SynchronousHyperbandBracketManager,
)
from synetune_lab.optimizer.schedulers.synchronous.rung_sizes import SynchronousHyperbandRungSystem

__all__ = [
    "DifferentialEvolutionHyperbandScheduler",
    "GeometricDifferentialEvolutionHyperbandScheduler",
    "Slot",
    "SynchronousGeometricHyperbandScheduler",
    "SynchronousHyperbandBracket",
    "SynchronousHyperbandBracketManager",
    "SynchronousHyperbandRungSystem",
    "SynchronousHyperbandScheduler",
    "get_top_list",
]
