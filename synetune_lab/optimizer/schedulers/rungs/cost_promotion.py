"""Promotion by what trials have cost: a share of the cost, not of the trials, goes on."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.rungs.promotion import PromotionRungSystem
from synetune_lab.optimizer.schedulers.rungs.rung import Rung, Standing
from synetune_lab.optimizer.schedulers.rungs.system import Decision
from synetune_lab.optimizer.schedulers.rungs.weighted import WeightedOrder

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.rungs.system import RungSystemSettings
    from synetune_lab.optimizer.schedulers.rungs.weighted import Key

__all__ = ["CostPromotionRungSystem", "CostRung"]

_ROUNDING = 1e-9


class CostRung(Rung):
    """A rung that knows what each entry has cost to get there.

    Entries are ordered best first. With C(k) the cost of the first k of n, an entry of rank k is
    among the best if C(k) is at most `promote_quantile` · C(n).
    """

    def __init__(self, level: int, promote_quantile: float, mode: str) -> None:
        super().__init__(level, promote_quantile, mode)
        self._costs = WeightedOrder()
        self._places: dict[int, Key] = {}

    def enter(self, trial_id: int, value: float, cost: float) -> Standing:
        """Enter a trial, which waits here, with its total cost.

        Raises:
            ValueError: If the trial is in the rung already.
        """
        if trial_id not in self:
            place = (self._key(value), len(self._places))
            self._places[trial_id] = place
            self._costs.add(place, cost)
        return self.add(trial_id, value, waits=True)

    def cutoff(self) -> float | None:
        """The worst value whose cost, with that of all better ones, is within the share.

        None while there are fewer than two entries, or if not even the best one is.
        """
        if len(self._places) < 2:
            return None
        last = self._costs.last_within(self._share())
        return None if last is None else self._sign * last[0]

    def passes(self, standing: Standing) -> bool:
        """Whether the entry is among the best by cost."""
        place = self._places[standing.trial_id]
        if place[0] == inf:
            return False
        return self._costs.sum_up_to(place) <= self._share()

    def _share(self) -> float:
        # Sums of costs in another order differ by rounding.
        return self.promote_quantile * self._costs.total * (1 + _ROUNDING)

    def remove(self, trial_id: int) -> None:
        """Forget the trial, its value and its cost; nothing happens if it is not here."""
        place = self._places.get(trial_id)
        if place is not None and trial_id in self:
            self._costs.remove(place)
            # The place stays taken, so that places of later entries differ from all others.
            self._places[trial_id] = (inf, -1 - trial_id)
        super().remove(trial_id)


class CostPromotionRungSystem(PromotionRungSystem):
    """As `promotion`, but a rung lets those go on that took a share of its whole cost.

    The scheduler needs `cost_attr`, the name of a cost in reports, such as the elapsed time. What
    is counted is the total cost of a trial up to the level, over all its pauses; a cost that is
    negative or not finite counts as 0. Salinas, Perrone, Cruchant, Archambeau: A multi-objective
    perspective on jointly tuning hardware and hyperparameters, https://arxiv.org/abs/2106.05680.

    Raises:
        SchedulerError: If there is no `cost_attr`.
    """

    rung_class: ClassVar[type[Rung]] = CostRung

    def __init__(self, settings: RungSystemSettings) -> None:
        if settings.cost_attr is None:
            raise SchedulerError(
                "type='cost_promotion' needs cost_attr, the name of a cost that trials report"
            )
        super().__init__(settings)

    def decide(
        self, rung: Rung, trial_id: int, value: float, result: Mapping[str, Any]
    ) -> Decision:
        """See `RungSystem.decide`."""
        assert isinstance(rung, CostRung)
        cost = float(result[f"total_{self.settings.cost_attr}"])
        return Decision(False, rung.enter(trial_id, value, cost if 0 <= cost < inf else 0.0))
