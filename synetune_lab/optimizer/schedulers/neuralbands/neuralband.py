"""NeuralBand: a neural bandit with perturbed feedback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synetune_lab.optimizer.schedulers.hyperband import is_continue_decision
from synetune_lab.optimizer.schedulers.neuralbands.neuralband_supplement import (
    NeuralbandSchedulerBase,
)
from synetune_lab.optimizer.schedulers.neuralbands.rules import Gap

__all__ = ["NeuralbandScheduler", "is_continue_decision"]


class NeuralbandScheduler(NeuralbandSchedulerBase):
    """Takes the first random configuration that promises to be among the best (see `Gap`).

    Its network is trained on losses with noise, which makes it explore.

    Args:
        config_space: Configuration space.
        gamma: How much worse than the best known a configuration may be predicted to be taken at
            once, in standard deviations of what was observed; the smaller, the choosier.
        nu: Scale of the noise on losses in training, in the same unit.
        step_size: See `NeuralbandSchedulerBase`.
        max_while_loop: See `NeuralbandSchedulerBase`.
        kwargs: See `NeuralbandSchedulerBase`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        gamma: float = 0.01,
        nu: float = 0.01,
        step_size: int = 30,
        max_while_loop: int = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(config_space, step_size, max_while_loop, rule=Gap(gamma, nu), **kwargs)
