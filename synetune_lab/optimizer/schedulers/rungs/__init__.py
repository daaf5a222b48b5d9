"""Rung systems: by which rule trials go on to the next rung of asynchronous Hyperband."""

from __future__ import annotations

from synetune_lab.optimizer.schedulers.rungs.levels import successive_halving_rung_levels
from synetune_lab.optimizer.schedulers.rungs.promotion import PromotionRungSystem
from synetune_lab.optimizer.schedulers.rungs.registry import RUNG_SYSTEMS
from synetune_lab.optimizer.schedulers.rungs.rung import Rung, Standing
from synetune_lab.optimizer.schedulers.rungs.stopping import StoppingRungSystem
from synetune_lab.optimizer.schedulers.rungs.system import (
    Decision,
    Promotion,
    RungSystem,
    RungSystemSettings,
)

__all__ = [
    "RUNG_SYSTEMS",
    "Decision",
    "Promotion",
    "PromotionRungSystem",
    "Rung",
    "RungSystem",
    "RungSystemSettings",
    "Standing",
    "StoppingRungSystem",
    "successive_halving_rung_levels",
]
