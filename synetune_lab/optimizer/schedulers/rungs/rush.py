"""RUSH: configurations that were good on other tasks set a hurdle for all others."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.rungs.promotion import PromotionRungSystem
from synetune_lab.optimizer.schedulers.rungs.stopping import StoppingRungSystem
from synetune_lab.optimizer.schedulers.rungs.system import Decision, Promotion

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.rungs.rung import Rung
    from synetune_lab.optimizer.schedulers.rungs.system import RungSystemSettings

__all__ = ["RUSHDecider", "RUSHPromotionRungSystem", "RUSHStoppingRungSystem"]

logger = logging.getLogger(__name__)

_OPTION = "num_threshold_candidates"


class RUSHDecider:
    """Keeps the hurdle of each level: the best value of a threshold candidate there.

    Threshold candidates are the first trials, those of the first configurations that the user gave
    to evaluate. Zappella, Salinas, Archambeau: A resource-efficient method for repeated HPO and NAS
    problems, https://arxiv.org/abs/2103.16111.

    Args:
        num_threshold_candidates: How many there are.
        mode: `min` or `max`.
    """

    def __init__(self, num_threshold_candidates: int, mode: str) -> None:
        self.num_threshold_candidates = num_threshold_candidates
        self._sign = 1.0 if mode == "min" else -1.0
        self._hurdles: dict[int, float] = {}

    def note(self, trial_id: int, metric_val: float, resource: int) -> None:
        """A trial has reached a level; raises the hurdle if it is a threshold candidate."""
        if trial_id < self.num_threshold_candidates and metric_val == metric_val:
            hurdle = self._hurdles.get(resource)
            if hurdle is None or self._sign * metric_val < self._sign * hurdle:
                self._hurdles[resource] = metric_val

    def task_continues(
        self, task_continues: bool, trial_id: int, metric_val: float, resource: int
    ) -> bool:
        """Whether a trial goes on.

        Args:
            task_continues: What the rule without the hurdle says.
            trial_id: The trial.
            metric_val: Its value.
            resource: The level.
        """
        hurdle = self._hurdles.get(resource)
        if not task_continues or trial_id < self.num_threshold_candidates or hurdle is None:
            return task_continues
        return self._sign * metric_val <= self._sign * hurdle


def _decider(settings: RungSystemSettings) -> RUSHDecider:
    if _OPTION not in settings.options:
        logger.warning(
            "a rush type without rung_system_kwargs={%r: ...} has no threshold candidates: it does "
            "what the plain type does",
            _OPTION,
        )
    number = settings.options.get(_OPTION, 0)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise SchedulerError(f"{_OPTION} must be an integer of at least 0, got {number!r}")
    if number > settings.num_points_to_evaluate:
        raise SchedulerError(
            f"{_OPTION}={number} is more than the {settings.num_points_to_evaluate} configurations "
            "of points_to_evaluate, of which the first ones are the candidates"
        )
    return RUSHDecider(number, settings.mode)


class RUSHStoppingRungSystem(StoppingRungSystem):
    """As `stopping`, and a trial that is not a threshold candidate has to clear the hurdle."""

    option_names: ClassVar[tuple[str, ...]] = (_OPTION,)

    def __init__(self, settings: RungSystemSettings) -> None:
        super().__init__(settings)
        self._decider = _decider(settings)

    def decide(
        self, rung: Rung, trial_id: int, value: float, result: Mapping[str, Any]
    ) -> Decision:
        """See `RungSystem.decide`."""
        goes_on, standing = super().decide(rung, trial_id, value, result)
        self._decider.note(trial_id, value, rung.level)
        goes_on = self._decider.task_continues(goes_on, trial_id, value, rung.level)
        return Decision(goes_on, standing)


class RUSHPromotionRungSystem(PromotionRungSystem):
    """As `promotion`, and a trial that is not a threshold candidate has to clear the hurdle."""

    option_names: ClassVar[tuple[str, ...]] = (_OPTION,)

    def __init__(self, settings: RungSystemSettings) -> None:
        super().__init__(settings)
        self._decider = _decider(settings)

    def decide(
        self, rung: Rung, trial_id: int, value: float, result: Mapping[str, Any]
    ) -> Decision:
        """See `RungSystem.decide`."""
        self._decider.note(trial_id, value, rung.level)
        return super().decide(rung, trial_id, value, result)

    def find_promotion(self, new_trial_id: int) -> Promotion | None:  # noqa: ARG002
        """See `RungSystem.find_promotion`."""
        for rung in reversed(self.rungs):
            while (standing := rung.promotable()) is not None:
                # The hurdle only rises: who does not clear it now never will.
                rung.release(standing.trial_id)
                trial_id, value = standing.trial_id, standing.value
                if self._decider.task_continues(True, trial_id, value, rung.level):
                    return Promotion(rung, standing)
        return None
