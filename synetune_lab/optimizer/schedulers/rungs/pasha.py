"""PASHA: promotion that begins with a small maximum resource, and raises it where it has to."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.schedulers.rungs.ordered import OrderedValues
from synetune_lab.optimizer.schedulers.rungs.promotion import PromotionRungSystem
from synetune_lab.optimizer.schedulers.rungs.ranking_noise import RankingNoise, largest_shift
from synetune_lab.optimizer.schedulers.rungs.system import Decision, Promotion

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.rungs.rung import Rung
    from synetune_lab.optimizer.schedulers.rungs.system import RungSystemSettings

__all__ = ["PASHARungSystem"]

_ROUNDING = 1e-9
"""Differences that should be equal to epsilon may come out a little larger."""


class PASHARungSystem(PromotionRungSystem):
    """As `promotion`, but no trial goes beyond a maximum that grows only while rankings disagree.

    At first trials go no further than the second rung. Whenever the ranking of the trials in the
    highest rung in use is not that of the same trials one rung below, the maximum is raised by one
    rung. Trials whose values differ by at most epsilon count as equal; epsilon is the 90th
    percentile of the distances of pairs of trials whose order turned over and back again. If
    rankings are stable, this spares most of the resource. Bohdal, Balles, Wistuba, Ermis,
    Archambeau, Zappella: PASHA: Efficient HPO and NAS with Progressive Resource Allocation,
    https://arxiv.org/abs/2207.06940.

    """

    def __init__(self, settings: RungSystemSettings) -> None:
        super().__init__(settings)
        self._epsilon = 0.0
        self._sign = 1.0 if settings.mode == "min" else -1.0
        # Rungs below this one may promote: trials go up to it, or to the maximum resource.
        self._top = min(1, len(self.rungs))
        self._curves: dict[int, dict[int, float]] = {}
        self._noise = self._new_noise()
        self._shift = 0.0  # how far the two top rankings are apart
        # Values one rung below of the trials in the top rung; None where some have none there.
        self._below: OrderedValues | None = OrderedValues(0.5)

    @property
    def epsilon(self) -> float:
        """Differences of values up to this count as none."""
        learnt = None if self._noise is None else self._noise.percentile()
        if learnt is not None:
            self._epsilon = learnt
        return self._epsilon

    @property
    def current_max_t(self) -> int:
        """The resource that trials may reach at present."""
        return self.rungs[self._top].level if self._is_capped else self.settings.max_t

    @property
    def _is_capped(self) -> bool:
        return self._top < len(self.rungs)

    def _new_noise(self) -> RankingNoise | None:
        if not self._is_capped or self._top == 0:
            return None
        return RankingNoise(self.rungs[self._top - 1].level, self.rungs[self._top].level)

    def on_task_report(self, trial_id: int, resource: int, result: Mapping[str, Any]) -> None:
        """Keep the trial's curve, as long as there is a maximum to raise."""
        if self._noise is None:
            return
        value = float(result[self.settings.metric])
        curve = self._curves.setdefault(trial_id, {})
        curve[resource] = self._key(value)
        if resource > self._noise.above:
            self._noise.report(trial_id, resource, curve)
            if resource < self.rungs[self._top].level:  # else once it is in the rung, see `decide`
                self._check()

    def decide(
        self, rung: Rung, trial_id: int, value: float, result: Mapping[str, Any]
    ) -> Decision:
        """See `RungSystem.decide`."""
        decision = super().decide(rung, trial_id, value, result)
        if self._is_capped and rung is self.rungs[self._top]:
            if not self._is_in_place(rung, trial_id, decision.standing.rank):
                self._compare_rankings()
            self._check()
        return decision

    def _is_in_place(self, rung: Rung, trial_id: int, rank: int) -> bool:
        """Whether rankings that agreed still do, with a trial that is new in the top rung."""
        value = self._values_below().get(trial_id)
        if self._below is None or value is None:
            return False
        key = self._key(value)
        better = self._below.add(key)
        is_tied = rung.is_tied(trial_id) or self._below.count_equal(key) > 1
        return self._shift == 0.0 and better == rank - 1 and not is_tied

    def find_promotion(self, new_trial_id: int) -> Promotion | None:  # noqa: ARG002
        """See `RungSystem.find_promotion`; none goes beyond the current maximum."""
        for rung in reversed(self.rungs[: self._top]):
            standing = rung.promotable()
            if standing is not None:
                rung.release(standing.trial_id)
                return Promotion(rung, standing)
        return None

    def forget(self, trial_id: int) -> None:
        """See `RungSystem.forget`."""
        super().forget(trial_id)
        self._curves.pop(trial_id, None)
        if self._noise is not None:
            self._noise.forget(trial_id)
            self._compare_rankings()

    def _compare_rankings(self) -> None:
        """Rank the trials of the top rung, there and one rung below."""
        if not self._is_capped:
            return
        below = self._values_below()
        entries = self.rungs[self._top].sorted_entries()
        # A trial of a higher bracket never was in the rung below.
        top = [trial_id for trial_id, _ in entries if trial_id in below]
        values = {trial_id: self._key(below[trial_id]) for trial_id in top}
        arrival = {trial_id: place for place, trial_id in enumerate(below)}
        ranked_below = sorted(top, key=lambda trial_id: (values[trial_id], arrival[trial_id]))
        self._shift = largest_shift(top, ranked_below, values)
        self._below = None
        if len(top) == len(entries):
            self._below = OrderedValues(0.5)
            for value in values.values():
                self._below.add(value)

    def _values_below(self) -> Mapping[int, float]:
        """Values of all trials one rung below the top, in order of arrival."""
        return self.rungs[self._top - 1].values()

    def _key(self, value: float) -> float:
        return self._sign * value if value == value else inf

    def _check(self) -> None:
        """Raise the maximum if the rankings differ by more than noise."""
        if self._noise is None or self._shift == 0.0:
            return
        if self._shift <= self.epsilon * (1 + _ROUNDING):
            return
        self._top += 1
        self._shift = 0.0
        self._below = OrderedValues(0.5)
        self._noise = self._new_noise()
        if self._noise is None:
            self._curves.clear()  # as high as can be: nothing more to learn
            return
        above = self._noise.above
        self._noise.add({i: c for i, c in self._curves.items() if max(c) > above})
        self._compare_rankings()
