"""Trials run to their end, in the order in which they were suggested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from synetune_lab.optimizer.scheduler import SchedulerDecision, TrialSuggestion
from synetune_lab.optimizer.schedulers.arguments import refuse_unknown_arguments
from synetune_lab.optimizer.schedulers.reports import read_number
from synetune_lab.optimizer.schedulers.scheduler_searcher import (
    SharedArguments,
    TrialSchedulerWithSearcher,
)
from synetune_lab.optimizer.schedulers.searchers import BaseSearcher

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.time_keeper import TimeKeeper
    from synetune_lab.trial import Trial

__all__ = ["FIFOArguments", "FIFOScheduler"]


class FIFOArguments(SharedArguments, total=False):
    """Arguments of `FIFOScheduler` that baselines pass on."""

    mode: str | Sequence[str]


class FIFOScheduler(TrialSchedulerWithSearcher):
    """Runs each trial to its end: random search, grid search, model-based search.

    The searcher hears of every report, and learns from the last one of each trial.

    Args:
        config_space: Configuration space.
        searcher: Name of a searcher (`random`, `grid`, ...), or one that is made already.
        search_options: Options of a searcher given by name.
        metric: Name of the reported metric, or several.
        mode: `min` (default) or `max`, or one a metric.
        points_to_evaluate: Configurations to begin with. They may be partial: what is missing gets
            the middle of its range. None: one configuration, all in the middle; an empty list:
            none. For a searcher that is made already, give it to the searcher.
        random_seed: Master seed, an integer from 0 to 2 ** 32 - 1. None draws one.
        max_resource_attr: Name of the constant in `config_space` that holds the maximum resource.
        max_t: The maximum resource, instead. If neither is given, a constant `epochs`, `max_t` or
            `max_epochs` is looked for.
        time_keeper: Clock of the experiment; usually the tuner gives it.
        unknown: Nothing: any other argument is refused by name.

    Raises:
        SchedulerError: If an argument is unknown or out of range.
        ConfigSpaceError: If `config_space` is not possible.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        *,
        metric: str | Sequence[str],
        searcher: str | BaseSearcher = "random",
        search_options: Mapping[str, Any] | None = None,
        mode: str | Sequence[str] = "min",
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        random_seed: int | None = None,
        max_resource_attr: str | None = None,
        max_t: int | None = None,
        time_keeper: TimeKeeper | None = None,
        **unknown: NoReturn,
    ) -> None:
        refuse_unknown_arguments(type(self), unknown)
        super().__init__(
            config_space,
            metric=metric,
            mode=mode,
            random_seed=random_seed,
            max_resource_attr=max_resource_attr,
            max_t=max_t,
            time_keeper=time_keeper,
        )
        self._suggested = False  # whether the last call was a suggestion
        self._announced = -1  # the trial that the searcher was told of last
        self._names = self.metric_names()
        self._connect_searcher(searcher, search_options, points_to_evaluate, scheduler="fifo")
        # Most searchers learn from the last report of a trial, and have no use for the others.
        own = type(self._searcher).on_trial_result
        self._searcher_listens = own is not BaseSearcher.on_trial_result

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        config = self._draw_config(trial_id)
        self._suggested = config is not None
        if config is None:
            return None
        self._announced = trial_id
        self._searcher.register_pending(str(trial_id), config)
        return TrialSuggestion(True, None, config)

    def on_trial_add(self, trial: Trial) -> None:
        """A trial was started; the searcher hears of those that it did not suggest."""
        if trial.trial_id != self._announced:
            self._searcher.register_pending(str(trial.trial_id), trial.config)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """Relay the report to the searcher.

        Returns:
            Always `CONTINUE`.

        Raises:
            InvalidReportError: If a metric is missing or not a number.
        """
        self._suggested = False
        trial_id = trial.trial_id
        for name in self._names:
            read_number(trial_id, result, name)
        if self._searcher_listens:
            self._searcher.on_trial_result(str(trial_id), trial.config, result=result, update=False)
        return SchedulerDecision.CONTINUE

    def on_trial_remove(self, trial: Trial) -> None:
        """The trial was paused or stopped, so that no result of it is expected now."""
        self._searcher.cleanup_pending(str(trial.trial_id))

    def on_trial_resumed_by_user(self, trial: Trial) -> None:
        """The user lets a paused trial go on, with its own configuration."""
        self._searcher.register_pending(str(trial.trial_id), trial.config)

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`: where the last configuration comes from."""
        return self._searcher.explain_last() if self._suggested else None
