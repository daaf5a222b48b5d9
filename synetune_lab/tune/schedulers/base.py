"""What decides which trials go on, and what it is made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.checks import check_mode
from synetune_lab.tune.foreign import without_foreign

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler
    from synetune_lab.optimizer.schedulers.scheduler_searcher import TrialSchedulerWithSearcher
    from synetune_lab.tune.convert import SearchSpace
    from synetune_lab.tune.search.algorithm import SearchAlgorithm

__all__ = ["ITERATION", "LEVEL", "RunPlan", "Scheduler", "check_time_attr"]

ITERATION = "training_iteration"
LEVEL = "tune_max_t"
"""Entry of the flat configuration that says how far a trial is to go, for now."""


@dataclass(frozen=True)
class RunPlan:
    """What a scheduler is made for.

    Attributes:
        space: The search space, as the search algorithm takes it.
        metric: The metric.
        mode: `min` or `max`.
        search: The search algorithm.
        num_samples: Samples, None for no limit.
        stop: A trial is done when one of these metrics has reached its value.
    """

    space: SearchSpace
    metric: str
    mode: str
    search: SearchAlgorithm
    num_samples: int | None
    stop: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        """Trials that there will be; None for no end."""
        if self.num_samples is None:
            return None
        samples = max(self.num_samples, 0 if self.search.is_model_based() else self.presets)
        return samples * len(self.space.grid_points())

    @property
    def presets(self) -> int:
        """Configurations that the user wants to be tried first."""
        return len(self.search.points_to_evaluate)

    def arguments(self, config_space: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Arguments that all schedulers share."""
        space = self.space.config_space if config_space is None else config_space
        search = self.search.arguments(self.space, space, self.metric, self.mode, self.num_samples)
        return {"config_space": space, "metric": self.metric, "mode": self.mode, **search}

    def up_to(self, max_t: int) -> dict[str, Any]:
        """Arguments of a scheduler that tells trials how far to go."""
        return {
            **self.arguments({**self.space.config_space, LEVEL: max_t}),
            "max_resource_attr": LEVEL,
        }

    def limited(self, scheduler: TrialSchedulerWithSearcher) -> TrialSchedulerWithSearcher:
        """The scheduler, for no more than the samples that were asked for."""
        if self.search.is_model_based():
            scheduler.max_new_configs = self.num_samples
        return scheduler


class Scheduler:
    """Decides which trials go on.

    Args:
        metric: Metric to judge by, if it is not given to the run.
        mode: `min` or `max`, if it is not given to the run.

    Attributes:
        needs_checkpoints: Whether trials have to save checkpoints.
        end: Metric and value at which a trial is done.
        copy_interval: Copies of running trials are made every so many iterations; 0 for never.
    """

    needs_checkpoints = False
    end: tuple[str, int] | None = None
    copy_interval = 0

    def __init_subclass__(cls) -> None:
        # Each gets the arguments of Ray Tune that change nothing, and refuses others with a hint.
        super().__init_subclass__()
        if "__init__" in vars(cls):
            without_foreign(cls, "scheduler")

    def __init__(self, metric: str | None = None, mode: str | None = None) -> None:
        if mode is not None:
            check_mode(mode, f"{type(self).__name__}: ")
        self.metric = metric
        self.mode = mode

    @property
    def name(self) -> str:
        """Name in the status table."""
        return type(self).__name__.removesuffix("Scheduler")

    def prepared(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The user's search space as this scheduler needs it."""
        return config

    def make(self, plan: RunPlan) -> TrialScheduler:
        """The scheduler of this package."""
        raise NotImplementedError


without_foreign(Scheduler, "scheduler")


def check_time_attr(who: str, time_attr: Any) -> None:
    """Refuse metrics that do not count.

    Raises:
        TuneError: If it is a time, or no name.
    """
    if not isinstance(time_attr, str) or not time_attr:
        raise TuneError(f"{who}: time_attr={time_attr!r:.100} must be the name of a metric")
    if time_attr in ("time_total_s", "time_this_iter_s"):
        raise TuneError(
            f"{who}: time_attr={time_attr!r} is a time, but trials are compared after equal "
            f"amounts, which are whole numbers: use {ITERATION!r}, or a count that you report"
        )
