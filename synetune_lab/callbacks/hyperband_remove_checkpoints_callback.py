"""Removes checkpoints of paused trials that are least likely to be needed, to save space."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from synetune_lab.callbacks.hyperband_remove_checkpoints_score import (
    BetaBinomialEstimator,
    compute_probabilities_of_getting_resumed,
)
from synetune_lab.errors import SchedulerError
from synetune_lab.trial import Status
from synetune_lab.tuner_callback import TunerCallback

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.checkpoint_removal import CheckpointRemovalOptions
    from synetune_lab.optimizer.schedulers.hyperband import HyperbandScheduler
    from synetune_lab.trial import Trial

__all__ = [
    "HyperbandRemoveCheckpointsCallback",
    "HyperbandRemoveCheckpointsCommon",
    "make_checkpoint_removal",
]


class HyperbandRemoveCheckpointsCallback(TunerCallback):
    """Keeps the number of checkpoints of asynchronous Hyperband within a limit.

    A paused trial whose checkpoint is removed starts from scratch if it is resumed after all. What
    that is expected to cost is the level where it paused, times its chance to be resumed in the
    time left (see `compute_probabilities_of_getting_resumed`); the least costly go first.

    Args:
        options: Limit and settings of the estimate.
        max_wallclock_time: Length of the run in seconds.

    Attributes:
        num_checkpoints_removed: How many were removed so far.
    """

    def __init__(self, options: CheckpointRemovalOptions, max_wallclock_time: float) -> None:
        self.options = options
        self.max_wallclock_time = max_wallclock_time
        self.num_checkpoints_removed = 0
        self._tuner: Any = None
        self._paused: dict[int, int] = {}  # with a checkpoint, and at which level
        self._without: dict[int, int] = {}
        self._running: set[int] = set()
        self._resumed_without: list[tuple[int, int]] = []
        self._overall = self._estimator()
        self._estimators: dict[int, BetaBinomialEstimator] = {}
        self._random = random.Random(0)

    def _estimator(self) -> BetaBinomialEstimator:
        return BetaBinomialEstimator(self.options.prior_beta_mean, self.options.prior_beta_size)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_tuner"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tuner = None

    # Hooks

    def on_tuning_start(self, tuner: Any) -> None:
        """Take the tuner.

        Raises:
            SchedulerError: If the limit leaves no checkpoint for paused trials.
        """
        limit = self.options.max_num_checkpoints
        if limit <= tuner.n_workers:
            raise SchedulerError(
                f"early_checkpoint_removal_kwargs: max_num_checkpoints={limit} must exceed the "
                f"number of workers, {tuner.n_workers}: running trials have checkpoints, too"
            )
        self._tuner = tuner

    def on_start_trial(self, trial: Trial) -> None:
        """Another trial has a checkpoint soon."""
        self._running.add(trial.trial_id)
        self._make_room()

    def on_resume_trial(self, trial: Trial) -> None:
        """A trial goes on, with its checkpoint or without."""
        trial_id = trial.trial_id
        self._running.add(trial_id)
        self._paused.pop(trial_id, None)
        level = self._without.pop(trial_id, None)
        if level is not None:
            self._resumed_without.append((trial_id, level))
        self._make_room()

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """The backend removes the checkpoint of a trial that is complete."""
        del result
        self._running.discard(trial.trial_id)

    def on_trial_result(
        self, trial: Trial, status: str, result: dict[str, Any], decision: str
    ) -> None:
        """A trial has come to a rung, or was stopped."""
        del status
        trial_id = trial.trial_id
        if decision == "STOP":
            self._running.discard(trial_id)
        elif decision == "PAUSE":
            scheduler: HyperbandScheduler = self._tuner.scheduler
            level = self._level_of(scheduler, trial_id)
            if level is None:
                return
            self._running.discard(trial_id)
            self._learn(scheduler, level, result[scheduler.metric_names()[0]])
            self._paused[trial_id] = level

    def on_loop_end(self) -> None:
        """Trials that were about to pause may have done so."""
        self._make_room()

    # Estimates

    def _level_of(self, scheduler: HyperbandScheduler, trial_id: int) -> int | None:
        levels = [
            rung.level
            for system in scheduler.rung_systems
            for rung in system.rungs
            if rung.waits(trial_id)
        ]
        return max(levels, default=None)

    def _learn(self, scheduler: HyperbandScheduler, level: int, value: float) -> None:
        """How many of those that wait at a level the arrival is better than."""
        waiting = [one for one, at in self._paused.items() if at == level]
        if not waiting or value != value:
            return
        sign = 1.0 if scheduler.metric_mode() == "min" else -1.0
        better = 0
        for system in scheduler.rung_systems:
            for rung in system.rungs:
                if rung.level == level:
                    values = rung.values()
                    better += sum(
                        sign * value < sign * values[one] for one in waiting if one in values
                    )
        for estimator in (self._overall, self._estimators.setdefault(level, self._estimator())):
            estimator.update(better, len(waiting))

    def estimator_for_rung(self, level: int) -> BetaBinomialEstimator:
        """The estimator of a rung; that of all rungs together while it has little data."""
        own = self._estimators.get(level)
        if own is None or own.num_total < self.options.min_data_at_rung:
            return self._overall
        return own

    # Removal

    def _make_room(self) -> None:
        surplus = len(self._running) + len(self._paused) - self.options.max_num_checkpoints
        if surplus <= 0 or self._tuner is None:
            return
        trials = self._tuner.engine.trials
        ready = [one for one in self._paused if trials[one].status == Status.paused]
        for trial_id in self._least_needed(ready)[:surplus]:
            self._tuner.trial_backend.delete_checkpoint(trial_id)
            self._without[trial_id] = self._paused.pop(trial_id)
            self.num_checkpoints_removed += 1

    def _least_needed(self, trial_ids: list[int]) -> list[int]:
        """Trials in the order in which they may lose their checkpoints."""
        if self.options.baseline == "random":
            return self._random.sample(trial_ids, len(trial_ids))
        standings = self._standings(trial_ids)
        if self.options.baseline == "by_level":
            return sorted(trial_ids, key=lambda one: (self._paused[one], -standings[one][0]))
        spent = max(self._tuner.tuner_time, 1e-9)
        left = max(self.max_wallclock_time - spent, 0.0)
        chances = compute_probabilities_of_getting_resumed(
            [standings[one][0] for one in trial_ids],
            [standings[one][1] for one in trial_ids],
            [standings[one][2] for one in trial_ids],
            [self.estimator_for_rung(self._paused[one]).posterior_mean() for one in trial_ids],
            left / spent,
            self.options.approx_steps,
        )
        costs = {
            one: self._paused[one] * float(chance)
            for one, chance in zip(trial_ids, chances, strict=True)
        }
        return sorted(trial_ids, key=lambda one: (costs[one], -standings[one][0]))

    def _standings(self, trial_ids: list[int]) -> dict[int, tuple[int, int, float]]:
        """Rank, entries of the rung, and the share of them that goes on."""
        found: dict[int, tuple[int, int, float]] = {}
        for system in self._tuner.scheduler.rung_systems:
            for rung in system.rungs:
                for one in trial_ids:
                    if self._paused[one] == rung.level and one in rung:
                        standing = rung.standing(one)
                        found[one] = (standing.rank, standing.size, rung.promote_quantile)
        return {one: found.get(one, (1, 1, 1.0)) for one in trial_ids}

    # What became of it

    def trials_resumed_without_checkpoint(self) -> list[tuple[int, int]]:
        """Trials that had to start from scratch, with the level where they had paused."""
        return list(self._resumed_without)

    def extra_results(self) -> dict[str, Any]:
        """Numbers for the results, as an `ExtraResultsComposer` may return them."""
        return {
            "num_checkpoints_removed": self.num_checkpoints_removed,
            "num_trials_resumed_without_checkpoint": len(self._resumed_without),
            "cost_of_resuming_without_checkpoint": sum(level for _, level in self._resumed_without),
        }

    @staticmethod
    def extra_results_keys() -> list[str]:
        """Names in `extra_results`."""
        return [
            "num_checkpoints_removed",
            "num_trials_resumed_without_checkpoint",
            "cost_of_resuming_without_checkpoint",
        ]


HyperbandRemoveCheckpointsCommon = HyperbandRemoveCheckpointsCallback
"""The documented name of what all ways of removal share; here one class has them all."""


def make_checkpoint_removal(
    scheduler: Any, stop_criterion: Any
) -> HyperbandRemoveCheckpointsCallback | None:
    """The callback that a scheduler's options ask for; None if they don't.

    Raises:
        SchedulerError: If the length of the run is not known.
    """
    options = getattr(scheduler, "checkpoint_removal", None)
    if options is None:
        return None
    limit = options.max_wallclock_time
    if limit is None:
        limit = getattr(stop_criterion, "max_wallclock_time", None)
    if limit is None:
        raise SchedulerError(
            "early_checkpoint_removal_kwargs: the length of the run is not known; use a "
            "StoppingCriterion with max_wallclock_time, or give 'max_wallclock_time' there"
        )
    return HyperbandRemoveCheckpointsCallback(options, float(limit))
