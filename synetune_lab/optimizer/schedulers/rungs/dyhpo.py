"""DyHPO: on a free worker, paused trials and new configurations compete by their scores.

Wistuba, Kadra, Grabocka: Supervising the Multi-Fidelity Race of Hyperparameter Configurations,
https://arxiv.org/abs/2202.09774. Which of them is best is for the searcher to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.rungs.promotion import PromotionRungSystem
from synetune_lab.optimizer.schedulers.rungs.system import Promotion
from synetune_lab.optimizer.schedulers.searchers.base import KEY_NEW_CONFIGURATION

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.rungs.system import RungSystemSettings

__all__ = ["DEFAULT_SH_PROBABILITY", "DyHPORungSystem", "ScheduleDecision"]

DEFAULT_SH_PROBABILITY = 0.25
_OPTION = "probability_sh"


class ScheduleDecision:
    """How a free worker was used."""

    PROMOTE_SH = 0
    PROMOTE_DYHPO = 1
    START_DYHPO = 2


class DyHPORungSystem(PromotionRungSystem):
    """Promotes as `promotion` does with some probability, else what the searcher scores highest.

    The searcher has the method `score_paused_trials_and_new_configs(paused_trials, min_resource,
    new_trial_id)`, which gets triples of trial (a text), level and next level, and returns
    `{"trial_id": ...}` to promote or `{"config": ...}` to start.

    Args:
        settings: As for each rung system; the option `probability_sh` is the probability.

    Raises:
        SchedulerError: If the searcher has no such method, or the option is not possible.
    """

    option_names: ClassVar[tuple[str, ...]] = (_OPTION,)

    def __init__(self, settings: RungSystemSettings) -> None:
        super().__init__(settings)
        chance = settings.options.get(_OPTION)
        self.probability_sh = DEFAULT_SH_PROBABILITY if chance is None else chance
        if not 0 <= self.probability_sh <= 1:
            raise SchedulerError(f"{_OPTION}={chance!r} must be in [0, 1]")
        if not hasattr(settings.searcher, "score_paused_trials_and_new_configs"):
            raise SchedulerError(
                "type='dyhpo' needs a searcher that scores paused trials and new configurations "
                "(score_paused_trials_and_new_configs), which "
                f"{type(settings.searcher).__name__} does not"
            )
        seed = settings.draw_seed() if settings.draw_seed is not None else 0
        self._random_state = np.random.RandomState(seed)
        self._new_config: dict[str, Any] | None = None
        self.schedule_records: list[tuple[str, int, int]] = []

    def find_promotion(self, new_trial_id: int) -> Promotion | None:
        """See `RungSystem.find_promotion`."""
        self._new_config = None
        if self._random_state.uniform() < self.probability_sh:
            promotion = super().find_promotion(new_trial_id)
            if promotion is not None:
                self._note(promotion, ScheduleDecision.PROMOTE_SH)
                return promotion
        waiting = {trial_id: rung for rung in self.rungs for trial_id, _, _ in rung.paused()}
        chosen = self.settings.searcher.score_paused_trials_and_new_configs(
            [(str(i), rung.level, self.next_milestone(rung.level)) for i, rung in waiting.items()],
            min_resource=self.first_milestone(0),
            new_trial_id=str(new_trial_id),
        )
        trial_id = chosen.get("trial_id")
        if trial_id is None:
            self._new_config = chosen.get("config")
            record = (str(new_trial_id), self.first_milestone(0), ScheduleDecision.START_DYHPO)
            self.schedule_records.append(record)
            return None
        rung = waiting[int(trial_id)]
        promotion = Promotion(rung, rung.standing(int(trial_id)))
        rung.release(int(trial_id))
        self._note(promotion, ScheduleDecision.PROMOTE_DYHPO)
        return promotion

    def _note(self, promotion: Promotion, decision: int) -> None:
        trial_id = str(promotion.standing.trial_id)
        self.schedule_records.append((trial_id, promotion.rung.level, decision))

    def searcher_arguments(self) -> dict[str, Any]:
        """The configuration that scored highest, for the searcher to hand out."""
        return {} if self._new_config is None else {KEY_NEW_CONFIGURATION: self._new_config}
