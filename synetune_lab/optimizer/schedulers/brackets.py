"""The brackets of asynchronous Hyperband: where trials start, and the rung systems behind."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import SchedulerError

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.bracket_distribution import BracketDistribution
    from synetune_lab.optimizer.schedulers.rungs import Promotion, RungSystem, RungSystemSettings

__all__ = ["HyperbandBracketManager"]


class HyperbandBracketManager:
    """Draws a bracket for each new trial, and holds the rung systems.

    Bracket b leaves the b lowest rungs out. Either all brackets share one rung system, so that
    all trials compete, or each has its own.

    Args:
        system_class: Class of the rung systems.
        settings: What they are built from, with the levels of bracket 0.
        brackets: Number of brackets, at most one more than there are levels.
        rung_system_per_bracket: Whether each bracket has its own rung system.
        random_seed: For the draw of brackets.
    """

    def __init__(
        self,
        system_class: type[RungSystem],
        settings: RungSystemSettings,
        brackets: int,
        rung_system_per_bracket: bool,
        random_seed: int,
    ) -> None:
        self.num_brackets = brackets
        self._per_bracket = rung_system_per_bracket and brackets > 1
        self._rung_systems = [
            system_class(
                replace(
                    settings,
                    rung_levels=list(settings.rung_levels[bracket:]),
                    promote_quantiles=list(settings.promote_quantiles[bracket:]),
                )
            )
            for bracket in range(brackets if self._per_bracket else 1)
        ]
        self._distribution: BracketDistribution | None = None
        self._random = np.random.Generator(np.random.PCG64(random_seed))

    @property
    def rung_systems(self) -> tuple[RungSystem, ...]:
        """The rung systems: one, or one a bracket."""
        return tuple(self._rung_systems)

    def set_distribution(self, distribution: BracketDistribution) -> None:
        """Say how brackets are drawn. It matters only if there are several."""
        self._distribution = distribution

    def system_index(self, bracket: int) -> int:
        """Which of `rung_systems` the bracket belongs to."""
        return bracket if self._per_bracket else 0

    def system(self, bracket: int) -> RungSystem:
        """The rung system of a bracket."""
        return self._rung_systems[bracket if self._per_bracket else 0]

    def first_milestone(self, bracket: int) -> int:
        """The first level at which a new trial of the bracket is judged."""
        return self.system(bracket).first_milestone(0 if self._per_bracket else bracket)

    def milestones(self, bracket: int) -> list[int]:
        """All levels at which a trial of the bracket is judged, the maximum (first) included."""
        system = self.system(bracket)
        return [system.settings.max_t, *system.milestones(0 if self._per_bracket else bracket)]

    def on_task_schedule(self, new_trial_id: int) -> tuple[Promotion | None, dict[str, Any]]:
        """Draw a bracket and look there for a paused trial that may go on.

        Args:
            new_trial_id: The number that a new trial would get.

        Returns:
            The promotion or None, and arguments for `searcher.get_config` if there is none:
            `bracket`, and whatever the rung system adds.
        """
        bracket = self._sample_bracket() if self.num_brackets > 1 else 0
        system = self.system(bracket)
        promotion = system.find_promotion(new_trial_id)
        if promotion is not None:
            return promotion, {"bracket": bracket}
        return None, {"bracket": bracket, **system.searcher_arguments()}

    def _sample_bracket(self) -> int:
        if self._distribution is None:
            raise SchedulerError("with several brackets, set_distribution must be called first")
        probabilities = self._distribution()
        if len(probabilities) != self.num_brackets or min(probabilities) < 0:
            raise SchedulerError(
                f"the bracket distribution must give {self.num_brackets} probabilities, "
                f"got {list(probabilities)}"
            )
        bounds = list(accumulate(probabilities))
        drawn = bisect_right(bounds, float(self._random.random()) * bounds[-1])
        return min(drawn, self.num_brackets - 1)

    def snapshot_rungs(self, bracket_id: int) -> list[tuple[int, list[tuple[int, float]]]]:
        """Levels of a bracket from the highest down, each with its trials, best first."""
        skip = 0 if self._per_bracket else bracket_id
        rungs = self.system(bracket_id).rungs[skip:]
        return [(rung.level, rung.sorted_entries()) for rung in reversed(rungs)]

    def paused_trials(self, resource: int | None = None) -> list[tuple[str, int, float, int]]:
        """Trials that wait in a rung: number (as text), position (0: best), value, level.

        Args:
            resource: Only those of this level.
        """
        return [
            (str(trial_id), position, value, rung.level)
            for system in self._rung_systems
            for rung in reversed(system.rungs)
            if resource in (None, rung.level)
            for trial_id, position, value in rung.paused()
        ]

    def information_for_rungs(self) -> list[tuple[int, int, float]]:
        """Each rung from the highest down: level, number of entries, promotion quantile.

        With a rung system for each bracket, the entries of all of them are counted together.
        """
        return [
            (rung.level, self._count(rung.level), rung.promote_quantile)
            for rung in reversed(self._rung_systems[0].rungs)
        ]

    def _count(self, level: int) -> int:
        return sum(
            len(rung) for system in self._rung_systems for rung in system.rungs
            if rung.level == level
        )  # fmt: skip

    def rung_levels(self) -> Sequence[list[int]]:
        """The levels of each rung system, in ascending order."""
        return [[rung.level for rung in system.rungs] for system in self._rung_systems]
