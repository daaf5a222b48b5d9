"""What a rung system is: the rungs of one bracket and the rule by which trials go on.

To add a type of asynchronous Hyperband, write a subclass of `RungSystem` with its `decide` (and
`find_promotion`, if it pauses trials), and name it in `rungs.registry.RUNG_SYSTEMS`. A system
sees this, for a type that pauses::

    system.on_task_add(0, level=None)               # trial 0 starts
    system.on_task_report(0, 1, {"loss": 0.4, ...}) # every report of it
    system.decide(system.rungs[0], 0, 0.4, {...})   # it reached the lowest rung -> pauses
    system.find_promotion(1)                        # -> Promotion(rung, standing), or None
    system.on_task_add(0, level=1)                  # trial 0 goes on from level 1
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from synetune_lab.optimizer.schedulers.rungs.rung import Rung, Standing

__all__ = ["Decision", "Promotion", "RungSystem", "RungSystemSettings"]


@dataclass(frozen=True)
class RungSystemSettings:
    """What a rung system is built from.

    Attributes:
        rung_levels: Levels in ascending order, all below `max_t`; may be empty.
        promote_quantiles: Fraction that goes on, one a level.
        metric: Name of the metric.
        mode: `min` or `max`.
        resource_attr: Name of the resource in reports.
        max_t: Maximum resource.
        cost_attr: Name of the cost in reports, if there is one.
        options: The user's `rung_system_kwargs`, with names of `RungSystem.option_names` only.
        num_points_to_evaluate: How many initial configurations the user gave.
        searcher: The scheduler's searcher, for systems that ask it.
        draw_seed: Gives another random seed at each call.
    """

    rung_levels: Sequence[int]
    promote_quantiles: Sequence[float]
    metric: str
    mode: str
    resource_attr: str
    max_t: int
    cost_attr: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    num_points_to_evaluate: int = 0
    searcher: Any = None
    draw_seed: Callable[[], int] | None = None


class Decision(NamedTuple):
    """What became of a trial at a rung: whether it goes on at once, and where it stands."""

    goes_on: bool
    standing: Standing


class Promotion(NamedTuple):
    """A paused trial that may go on: from which rung, and where it stood there."""

    rung: Rung
    standing: Standing


class RungSystem(ABC):
    """Rungs in ascending order and the rule by which trials go on from them.

    Args:
        settings: Levels, quantiles, metric and the like.
    """

    pauses_trials: ClassVar[bool]
    """Whether trials pause at each rung and may be resumed, instead of being stopped."""
    rung_class: ClassVar[type[Rung]] = Rung
    """What its rungs are."""
    option_names: ClassVar[tuple[str, ...]] = ()
    """Entries of `rung_system_kwargs` that it takes."""
    supports_snapshots: ClassVar[bool] = False
    """Whether `do_snapshots` may be used with it."""

    def __init__(self, settings: RungSystemSettings) -> None:
        self.settings = settings
        self.rungs = [
            self.rung_class(level, quantile, settings.mode)
            for level, quantile in zip(
                settings.rung_levels, settings.promote_quantiles, strict=True
            )
        ]

    @abstractmethod
    def decide(
        self, rung: Rung, trial_id: int, value: float, result: Mapping[str, Any]
    ) -> Decision:
        """A trial reached a rung for the first time: enter it there, and say if it goes on.

        Args:
            rung: One of `rungs`.
            trial_id: The trial.
            value: Its metric value, which may be infinite or NaN.
            result: Its report.
        """

    def find_promotion(self, new_trial_id: int) -> Promotion | None:  # noqa: ARG002
        """A paused trial that shall go on instead of a new one, and is taken out of its queue.

        Args:
            new_trial_id: The number that a new trial would get.
        """
        return None

    def searcher_arguments(self) -> dict[str, Any]:
        """Further arguments for `searcher.get_config`, after `find_promotion` found none."""
        return {}

    def on_task_add(self, trial_id: int, level: int | None) -> None:  # noqa: B027
        """A trial starts, or goes on from the rung at `level`."""

    def on_task_report(  # noqa: B027
        self, trial_id: int, resource: int, result: Mapping[str, Any]
    ) -> None:
        """A trial reported, at a rung or between rungs; called before `decide`."""

    def on_task_remove(self, trial_id: int) -> None:  # noqa: B027
        """A trial was stopped, completed, or failed."""

    def resume_by_user(self, trial_id: int) -> None:
        """The user lets a paused trial go on, which takes it out of its queue."""
        self.release(trial_id)

    def release(self, trial_id: int) -> None:
        """The trial waits in no rung any more; its values stay."""
        for rung in self.rungs:
            rung.release(trial_id)

    def forget(self, trial_id: int) -> None:
        """Take all values of a trial out, since it failed."""
        for rung in self.rungs:
            rung.remove(trial_id)

    def milestones(self, skip_rungs: int) -> list[int]:
        """Levels at which a trial is judged, from the highest down, without the maximum.

        Args:
            skip_rungs: How many of the lowest rungs are none for it.
        """
        return [rung.level for rung in reversed(self.rungs[skip_rungs:])]

    def first_milestone(self, skip_rungs: int) -> int:
        """The lowest level at which a new trial is judged; the maximum if there is no rung."""
        rungs = self.rungs
        return rungs[skip_rungs].level if skip_rungs < len(rungs) else self.settings.max_t

    def next_milestone(self, level: int) -> int:
        """The next level above `level`, or the maximum."""
        for rung in self.rungs:
            if rung.level > level:
                return rung.level
        return self.settings.max_t

    def rung_reached(self, resource: int) -> Rung:
        """The highest rung at or below `resource`, which must not be below all."""
        for rung in reversed(self.rungs):
            if rung.level <= resource:
                return rung
        raise ValueError(f"no rung at or below {resource}")
