"""Asynchronous successive halving by pausing and promoting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.schedulers.rungs.system import Decision, Promotion, RungSystem

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.rungs.rung import Rung

__all__ = ["PromotionRungSystem"]


class PromotionRungSystem(RungSystem):
    """A trial pauses at each rung, and goes on when a worker is free and it is among the best.

    Rungs are searched from the highest down; in each, the best paused trial goes on if its value
    reaches the cutoff over all entries, those promoted before included. Li, Jamieson,
    Rostamizadeh, Gonina, Hardt, Recht, Talwalkar: A System for Massively Parallel Hyperparameter
    Tuning, https://arxiv.org/abs/1810.05934, algorithm 2.
    """

    pauses_trials = True

    def decide(
        self,
        rung: Rung,
        trial_id: int,
        value: float,
        result: Mapping[str, Any],  # noqa: ARG002 - for systems that look at costs
    ) -> Decision:
        """See `RungSystem.decide`."""
        return Decision(False, rung.add(trial_id, value, waits=True))

    def find_promotion(self, new_trial_id: int) -> Promotion | None:  # noqa: ARG002
        """See `RungSystem.find_promotion`."""
        for rung in reversed(self.rungs):
            standing = rung.promotable()
            if standing is not None:
                rung.release(standing.trial_id)
                return Promotion(rung, standing)
        return None
