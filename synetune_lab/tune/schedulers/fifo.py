"""No early stopping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.optimizer.schedulers import fifo
from synetune_lab.tune.schedulers.base import RunPlan, Scheduler

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler

__all__ = ["FIFOScheduler"]


class FIFOScheduler(Scheduler):
    """Every trial runs to its end."""

    def make(self, plan: RunPlan) -> TrialScheduler:
        """See `Scheduler`."""
        return plan.limited(fifo.FIFOScheduler(**plan.arguments()))
