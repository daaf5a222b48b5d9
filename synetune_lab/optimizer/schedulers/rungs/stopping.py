"""Asynchronous successive halving by early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.schedulers.rungs.system import Decision, RungSystem

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.rungs.rung import Rung

__all__ = ["StoppingRungSystem"]


class StoppingRungSystem(RungSystem):
    """A trial goes on from a rung if its value is among the best there, its own included.

    Else it is stopped. The first trial in a rung always goes on. Li, Jamieson, Rostamizadeh,
    Gonina, Hardt, Recht, Talwalkar: A System for Massively Parallel Hyperparameter Tuning,
    https://arxiv.org/abs/1810.05934 describes the promotion variant.
    """

    pauses_trials = False
    supports_snapshots = True

    def decide(
        self,
        rung: Rung,
        trial_id: int,
        value: float,
        result: Mapping[str, Any],  # noqa: ARG002 - for systems that look at costs
    ) -> Decision:
        """See `RungSystem.decide`."""
        standing = rung.add(trial_id, value)
        return Decision(rung.passes(standing), standing)
