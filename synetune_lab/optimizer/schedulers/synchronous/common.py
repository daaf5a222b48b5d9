"""What synchronous Hyperband and its evolutionary form share: arguments, checks, description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.arguments import require_one_of
from synetune_lab.optimizer.schedulers.scheduler_searcher import TrialSchedulerWithSearcher
from synetune_lab.optimizer.schedulers.searcher_feed import SearcherFeed

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers import BaseSearcher
    from synetune_lab.optimizer.schedulers.synchronous.rung_sizes import Rungs
    from synetune_lab.optimizer.schedulers.time_keeper import TimeKeeper

__all__ = ["SynchronousArguments", "SynchronousHyperbandCommon"]


class SynchronousArguments(TypedDict, total=False):
    """Arguments that baselines pass on."""

    search_options: Mapping[str, Any] | None
    mode: str
    points_to_evaluate: Sequence[Mapping[str, Any]] | None
    random_seed: int | None
    max_resource_attr: str | None
    max_resource_level: int | None
    time_keeper: TimeKeeper | None
    searcher_data: str
    grace_period: int
    reduction_factor: float
    brackets: int | None


class SynchronousHyperbandCommon(TrialSchedulerWithSearcher):
    """Base of schedulers with rungs of fixed size.

    A subclass sets `_brackets_rungs` before `_begin`.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        mode: `min` or `max`.
        random_seed: See `FIFOScheduler`.
        max_resource_attr: See `HyperbandScheduler`.
        max_resource_level: The maximum resource, if `max_resource_attr` is not given.
        resource_attr: Name of the resource in reports.
        searcher_data: `rungs` or `all`, see `HyperbandScheduler`.
        time_keeper: See `FIFOScheduler`.

    Raises:
        SchedulerError: If an argument is out of range.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        *,
        metric: str,
        mode: str,
        random_seed: int | None,
        max_resource_attr: str | None,
        max_resource_level: int | None,
        resource_attr: str,
        searcher_data: str,
        time_keeper: TimeKeeper | None,
    ) -> None:
        if not isinstance(metric, str):
            raise SchedulerError(f"metric must be one name for this scheduler, got {metric!r}")
        super().__init__(
            config_space,
            metric=metric,
            mode=mode,
            random_seed=random_seed,
            max_resource_attr=max_resource_attr,
            max_t=max_resource_level,
            time_keeper=time_keeper,
        )
        if not resource_attr:
            raise SchedulerError(f"resource_attr must name a reported value, got {resource_attr!r}")
        self._metric_name = metric
        self._resource_attr = resource_attr
        self._searcher_data = require_one_of("searcher_data", searcher_data, ("rungs", "all"))
        self._reduction_factor: float | None = None
        self._last_reason: dict[str, Any] | None = None
        self._suggested = False
        self._removable: list[int] = []
        self._feed: SearcherFeed

    def _connect(
        self,
        searcher: str | BaseSearcher,
        search_options: Mapping[str, Any] | None,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None,
    ) -> None:
        self._connect_searcher(
            searcher,
            search_options,
            points_to_evaluate,
            scheduler="hyperband_synchronous",
            resource_attr=self._resource_attr,
            max_epochs=self.max_resource_level,
        )
        self._feed = SearcherFeed(self._searcher, self._searcher_data, self._resource_attr, False)

    def _geometric_max_resource(self) -> int:
        """The maximum resource, which geometric rungs need.

        Raises:
            SchedulerError: If it is not known.
        """
        if self.max_resource_level is None:
            raise SchedulerError(
                "the maximum resource is not known: give max_resource_attr (the name of a constant "
                "of config_space) or max_resource_level"
            )
        return self.max_resource_level

    def _check_levels(self, brackets: list[Rungs]) -> None:
        top = max(rungs[-1][1] for rungs in brackets)
        if self.max_resource_level is None:
            self._max_resource_level = top
        elif top > self.max_resource_level:
            raise SchedulerError(
                f"the highest rung level is {top}, above the maximum resource, "
                f"{self.max_resource_level}"
            )

    @property
    def resource_attr(self) -> str:
        """Name of the resource in reports."""
        return self._resource_attr

    @property
    def searcher_data(self) -> str:
        """Which reports the searcher learns from."""
        return self._searcher_data

    def _all_rungs(self) -> list[Rungs]:
        raise NotImplementedError

    @property
    def num_brackets(self) -> int:
        """Number of kinds of brackets."""
        return len(self._all_rungs())

    @property
    def rung_levels(self) -> list[int]:
        """All levels, ascending, without the maximum resource."""
        levels = {level for rungs in self._all_rungs() for _, level in rungs}
        return sorted(levels - {self.max_resource_level})

    def describe(self) -> dict[str, Any]:
        """See `TrialScheduler.describe`; `rung_levels` has one list a kind of bracket."""
        return {
            **super().describe(),
            "type": "synchronous",
            "resource_attr": self._resource_attr,
            "max_resource": self.max_resource_level,
            "reduction_factor": self._reduction_factor,
            "rung_levels": [
                [level for _, level in rungs if level != self.max_resource_level]
                for rungs in self._all_rungs()
            ],
            "rung_sizes": [[size for size, _ in rungs] for rungs in self._all_rungs()],
            "pauses_trials": True,
            "brackets": self.num_brackets,
        }

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`; `bracket` is the kind of bracket."""
        if not self._suggested:
            return self._last_reason
        return {**(self._searcher.explain_last() or {}), **(self._last_reason or {})}

    def trials_checkpoints_can_be_removed(self) -> list[int]:
        """Trials that a full rung has left behind, each named once."""
        if not self._removable:
            return []
        removable, self._removable = self._removable, []
        return removable

    def _up_to(self, config: dict[str, Any], level: int) -> dict[str, Any]:
        """A configuration that ends at a level, if it can say so."""
        return (
            config if self.max_resource_attr is None else {**config, self.max_resource_attr: level}
        )
