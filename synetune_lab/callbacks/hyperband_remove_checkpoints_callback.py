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
    from synetune_lab.optimizer.schedulers.hyperband import HyperbandScheduler
    from synetune_lab.trial import Trial

__all__ = [
    "HyperbandRemoveCheckpointsBaselineCallback",
    "HyperbandRemoveCheckpointsCallback",
    "HyperbandRemoveCheckpointsCommon",
    "make_checkpoint_removal",
]


_ENDED = (Status.completed, Status.failed, Status.stopped)


class HyperbandRemoveCheckpointsCommon(TunerCallback):
    """Keeps the number of checkpoints of asynchronous Hyperband within a limit.

    A paused trial whose checkpoint is removed starts from scratch if it is resumed after all.
    Subclasses say whose checkpoints go first.

    Args:
        max_num_checkpoints: At most so many checkpoints are kept, those of running trials included.
        max_wallclock_time: Length of the run in seconds.
        metric: Name of the metric.
        resource_attr: Name of the reported resource.
        mode: `min` or `max`.

    Attributes:
        num_checkpoints_removed: How many were removed so far.
    """

    def __init__(
        self,
        max_num_checkpoints: int,
        max_wallclock_time: float,
        metric: str,
        resource_attr: str,
        mode: str,
    ) -> None:
        self.max_num_checkpoints = max_num_checkpoints
        self.max_wallclock_time = max_wallclock_time
        self.metric = metric
        self.resource_attr = resource_attr
        self.mode = mode
        self.num_checkpoints_removed = 0
        self._tuner: Any = None
        self._paused: dict[int, int] = {}  # with a checkpoint, and at which level
        self._without: dict[int, int] = {}
        self._running: set[int] = set()
        self._resumed_without: list[tuple[int, int]] = []

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_tuner"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tuner = None

    @property
    def _scheduler(self) -> HyperbandScheduler:
        return _innermost(self._tuner.scheduler)  # type: ignore[no-any-return]

    def _least_needed(self, trial_ids: list[int]) -> list[int]:
        """Trials in the order in which they may lose their checkpoints."""
        raise NotImplementedError

    def _arrived(self, level: int, value: float) -> None:
        """A trial paused at a level, with a value of the metric."""

    # Hooks

    def on_tuning_start(self, tuner: Any) -> None:
        """Take the tuner.

        Raises:
            SchedulerError: If the limit leaves no checkpoint for paused trials.
        """
        limit = self.max_num_checkpoints
        if limit <= tuner.n_workers:
            raise SchedulerError(
                f"early_checkpoint_removal_kwargs: max_num_checkpoints={limit} must exceed the "
                f"number of workers, {tuner.n_workers}: running trials have checkpoints, too"
            )
        if not hasattr(_innermost(tuner.scheduler), "rung_systems"):
            raise SchedulerError(
                f"{type(self).__name__} is for schedulers with rungs (HyperbandScheduler, ASHA), "
                f"got {type(tuner.scheduler).__name__}"
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
            level = self._level_of(trial_id)
            if level is None:
                return
            self._running.discard(trial_id)
            self._arrived(level, result[self.metric])
            self._paused[trial_id] = level

    def on_loop_end(self) -> None:
        """Trials that were about to pause may have done so."""
        self._make_room()

    # Removal

    def _level_of(self, trial_id: int) -> int | None:
        levels = [
            rung.level
            for system in self._scheduler.rung_systems
            for rung in system.rungs
            if rung.waits(trial_id)
        ]
        return max(levels, default=None)

    def _make_room(self) -> None:
        if self._tuner is None:
            return
        status = {
            one: self._tuner.engine.trials.peek(one).status
            for one in (*self._running, *self._paused)
        }
        # A trial that failed, or that the user stopped, is not told of here: it needs none.
        self._running = {one for one in self._running if status[one] not in _ENDED}
        self._paused = {i: at for i, at in self._paused.items() if status[i] not in _ENDED}
        surplus = len(self._running) + len(self._paused) - self.max_num_checkpoints
        if surplus <= 0:
            return
        ready = [one for one in self._paused if status[one] == Status.paused]
        for trial_id in self._least_needed(ready)[:surplus]:
            self._tuner.trial_backend.delete_checkpoint(trial_id)
            self._without[trial_id] = self._paused.pop(trial_id)
            self.num_checkpoints_removed += 1

    def _standings(self, trial_ids: list[int]) -> dict[int, tuple[int, int, float]]:
        """Rank, entries of the rung, and the share of them that goes on."""
        found: dict[int, tuple[int, int, float]] = {}
        for system in self._scheduler.rung_systems:
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


class HyperbandRemoveCheckpointsCallback(HyperbandRemoveCheckpointsCommon):
    """Removes those checkpoints first whose loss is expected to cost least.

    The cost is the level where a trial paused, times its chance to be resumed in the time left (see
    `compute_probabilities_of_getting_resumed`).

    Args:
        max_num_checkpoints: See `HyperbandRemoveCheckpointsCommon`.
        max_wallclock_time: See `HyperbandRemoveCheckpointsCommon`.
        metric: See `HyperbandRemoveCheckpointsCommon`.
        resource_attr: See `HyperbandRemoveCheckpointsCommon`.
        mode: See `HyperbandRemoveCheckpointsCommon`.
        approx_steps: Steps in which the time left is divided.
        prior_beta_mean: Chance, before any data, that a trial that arrives at a rung beats one that
            waits there; below 1/2.
        prior_beta_size: How many observations that belief is worth.
        min_data_at_rung: With less data, a rung uses what was seen at all rungs.
    """

    def __init__(
        self,
        max_num_checkpoints: int,
        max_wallclock_time: float,
        metric: str,
        resource_attr: str,
        mode: str,
        approx_steps: int = 25,
        prior_beta_mean: float = 0.33,
        prior_beta_size: float = 2,
        min_data_at_rung: int = 5,
    ) -> None:
        super().__init__(max_num_checkpoints, max_wallclock_time, metric, resource_attr, mode)
        self.approx_steps = approx_steps
        self.prior_beta_mean = prior_beta_mean
        self.prior_beta_size = prior_beta_size
        self.min_data_at_rung = min_data_at_rung
        self._overall = self._estimator()
        self._estimators: dict[int, BetaBinomialEstimator] = {}

    def _estimator(self) -> BetaBinomialEstimator:
        return BetaBinomialEstimator(self.prior_beta_mean, self.prior_beta_size)

    def _arrived(self, level: int, value: float) -> None:
        """Learn how many of those that wait at the level the arrival is better than."""
        waiting = [one for one, at in self._paused.items() if at == level]
        if not waiting or value != value:
            return
        sign = 1.0 if self.mode == "min" else -1.0
        values = {
            one: known
            for system in self._scheduler.rung_systems
            for rung in system.rungs
            if rung.level == level
            for one, known in rung.values().items()
        }
        beaten = [int(sign * value < sign * values[one]) for one in waiting if one in values]
        for estimator in (self._overall, self._estimators.setdefault(level, self._estimator())):
            estimator.update(beaten)

    def estimator_for_rung(self, level: int) -> BetaBinomialEstimator:
        """The estimator of a rung; that of all rungs together while it has little data."""
        own = self._estimators.get(level)
        if own is None or own.num_total < self.min_data_at_rung:
            return self._overall
        return own

    def _least_needed(self, trial_ids: list[int]) -> list[int]:
        standings = self._standings(trial_ids)
        spent = max(self._tuner.tuner_time, 1e-9)
        left = max(self.max_wallclock_time - spent, 0.0)
        chances = compute_probabilities_of_getting_resumed(
            [standings[one][0] for one in trial_ids],
            [standings[one][1] for one in trial_ids],
            [standings[one][2] for one in trial_ids],
            [self.estimator_for_rung(self._paused[one]).posterior_mean() for one in trial_ids],
            left / spent,
            self.approx_steps,
        )
        costs = {
            one: self._paused[one] * float(chance)
            for one, chance in zip(trial_ids, chances, strict=True)
        }
        return sorted(trial_ids, key=lambda one: (costs[one], -standings[one][0]))


class HyperbandRemoveCheckpointsBaselineCallback(HyperbandRemoveCheckpointsCommon):
    """Removes checkpoints by a plain rule; for comparisons.

    Args:
        max_num_checkpoints: See `HyperbandRemoveCheckpointsCommon`.
        max_wallclock_time: See `HyperbandRemoveCheckpointsCommon`.
        metric: See `HyperbandRemoveCheckpointsCommon`.
        resource_attr: See `HyperbandRemoveCheckpointsCommon`.
        mode: See `HyperbandRemoveCheckpointsCommon`.
        baseline: `random`: those of trials drawn at random. `by_level` (the default, also for
            None): those at the lowest level first, there those of the worst rank.

    Raises:
        SchedulerError: If the baseline is not known.
    """

    def __init__(
        self,
        max_num_checkpoints: int,
        max_wallclock_time: float,
        metric: str,
        resource_attr: str,
        mode: str,
        baseline: str | None = None,
    ) -> None:
        super().__init__(max_num_checkpoints, max_wallclock_time, metric, resource_attr, mode)
        if baseline not in (None, "random", "by_level"):
            raise SchedulerError(f"baseline={baseline!r} must be 'random', 'by_level' or None")
        self.baseline = baseline or "by_level"
        self._random = random.Random(0)

    def _least_needed(self, trial_ids: list[int]) -> list[int]:
        if self.baseline == "random":
            return self._random.sample(trial_ids, len(trial_ids))
        standings = self._standings(trial_ids)
        return sorted(trial_ids, key=lambda one: (self._paused[one], -standings[one][0]))


def _innermost(scheduler: Any) -> Any:
    """The scheduler inside of others (`MedianStoppingRule`, ...)."""
    while not hasattr(scheduler, "rung_systems") and hasattr(scheduler, "scheduler"):
        scheduler = scheduler.scheduler
    return scheduler


def make_checkpoint_removal(
    scheduler: Any, stop_criterion: Any
) -> HyperbandRemoveCheckpointsCommon | None:
    """The callback that a scheduler's options ask for; None if they don't.

    Args:
        scheduler: The scheduler, or one around it.
        stop_criterion: That of the run, whose `max_wallclock_time` is its length.

    Raises:
        SchedulerError: If the length of the run is not known.
    """
    scheduler = _innermost(scheduler)
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
    described = scheduler.describe()
    common = (
        options.max_num_checkpoints,
        float(limit),
        scheduler.metric_names()[0],
        described["resource_attr"],
        scheduler.metric_mode(),
    )
    if options.baseline is not None:
        return HyperbandRemoveCheckpointsBaselineCallback(*common, options.baseline)
    return HyperbandRemoveCheckpointsCallback(
        *common,
        options.approx_steps,
        options.prior_beta_mean,
        options.prior_beta_size,
        options.min_data_at_rung,
    )
