"""The types of asynchronous Hyperband, by name."""

from __future__ import annotations

from typing import Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.rungs.cost_promotion import CostPromotionRungSystem
from synetune_lab.optimizer.schedulers.rungs.dyhpo import DyHPORungSystem
from synetune_lab.optimizer.schedulers.rungs.pasha import PASHARungSystem
from synetune_lab.optimizer.schedulers.rungs.promotion import PromotionRungSystem
from synetune_lab.optimizer.schedulers.rungs.rush import (
    RUSHPromotionRungSystem,
    RUSHStoppingRungSystem,
)
from synetune_lab.optimizer.schedulers.rungs.stopping import StoppingRungSystem
from synetune_lab.optimizer.schedulers.rungs.system import RungSystem

__all__ = ["RUNG_SYSTEMS", "rung_system_class"]

RUNG_SYSTEMS: dict[str, type[RungSystem]] = {
    "cost_promotion": CostPromotionRungSystem,
    "dyhpo": DyHPORungSystem,
    "pasha": PASHARungSystem,
    "promotion": PromotionRungSystem,
    "rush_promotion": RUSHPromotionRungSystem,
    "rush_stopping": RUSHStoppingRungSystem,
    "stopping": StoppingRungSystem,
}
"""Rung systems by the name that `HyperbandScheduler(type=...)` gives them."""


def rung_system_class(type_: Any) -> tuple[str, type[RungSystem]]:
    """The name and the class of a rung system.

    Args:
        type_: A name of `RUNG_SYSTEMS`, or a subclass of `RungSystem` of one's own.

    Raises:
        SchedulerError: If there is no such type.
    """
    if isinstance(type_, type) and issubclass(type_, RungSystem):
        return type_.__name__, type_
    if isinstance(type_, str) and type_ in RUNG_SYSTEMS:
        return type_, RUNG_SYSTEMS[type_]
    known = ", ".join(repr(name) for name in sorted(RUNG_SYSTEMS))
    raise SchedulerError(f"type={type_!r} is not available; there are {known}")
