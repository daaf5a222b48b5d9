"""Rules by which trials, or the whole run, are stopped."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.optimizer.scheduler import SchedulerDecision, TrialScheduler
from synetune_lab.tune.template import flatten

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config, TrialSuggestion
    from synetune_lab.trial import Trial
    from synetune_lab.tune.session import TrialSettings
    from synetune_lab.tuning_status import TuningStatus

__all__ = [
    "CombinedStopper",
    "FunctionStopper",
    "MaximumIterationStopper",
    "RunLimits",
    "Stopper",
    "StoppingScheduler",
    "TrialPlateauStopper",
    "read_stop",
]


class Stopper:
    """Sees the results of all trials. Subclass it to stop some of them, or the run."""

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether to stop the trial that has just reported."""
        raise NotImplementedError

    def stop_all(self) -> bool:
        """Whether to end the run."""
        return False


class FunctionStopper(Stopper):
    """Stops trials as a function says.

    Args:
        function: Gets the id of a trial and its result.
    """

    def __init__(self, function: Callable[[str, dict[str, Any]], bool]) -> None:
        self.function = function

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        return bool(self.function(trial_id, result))


class MaximumIterationStopper(Stopper):
    """Stops each trial after so many iterations.

    Args:
        max_iter: The number.
    """

    def __init__(self, max_iter: int) -> None:
        self.max_iter = max_iter

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        del trial_id
        return bool(result["training_iteration"] >= self.max_iter)


class TrialPlateauStopper(Stopper):
    """Stops a trial whose metric has not moved for some results.

    Args:
        metric: Name of the metric.
        std: It stands still if its standard deviation is at most this.
        num_results: Over so many results.
        grace_period: Not before so many results.
    """

    def __init__(
        self, metric: str, std: float = 0.01, num_results: int = 4, grace_period: int = 4
    ) -> None:
        self.metric = metric
        self.std = std
        self.num_results = num_results
        self.grace_period = grace_period
        self._seen: dict[str, deque[float]] = {}
        self._counts: dict[str, int] = {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        seen = self._seen.setdefault(trial_id, deque(maxlen=self.num_results))
        seen.append(float(result[self.metric]))
        count = self._counts[trial_id] = self._counts.get(trial_id, 0) + 1
        if count < self.grace_period or len(seen) < self.num_results:
            return False
        return statistics.pstdev(seen) <= self.std


class CombinedStopper(Stopper):
    """Stops what one of several stoppers stops.

    Args:
        stoppers: The stoppers.
    """

    def __init__(self, *stoppers: Stopper) -> None:
        self.stoppers = stoppers

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        # Each is asked, for it may keep count.
        answers = [stopper(trial_id, result) for stopper in self.stoppers]
        return any(answers)

    def stop_all(self) -> bool:
        """See `Stopper`."""
        return any(stopper.stop_all() for stopper in self.stoppers)


def read_stop(stop: Any) -> tuple[dict[str, Any], Stopper | None]:
    """Read the argument `stop`.

    Returns:
        Metrics with the values at which a trial is done, and a stopper, if it is one.

    Raises:
        TuneError: If it is neither a dictionary nor a function nor a stopper.
    """
    if stop is None:
        return {}, None
    if isinstance(stop, Mapping):
        rules = flatten(stop)
        for name, value in rules.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
                raise TuneError(f"stop[{name!r}]={value!r} must be a number")
        return rules, None
    if isinstance(stop, Stopper):
        return {}, stop
    if callable(stop):
        return {}, FunctionStopper(stop)
    raise TuneError(f"stop must be a dictionary, a function or a Stopper, got {stop!r:.100}")


class RunLimits:
    """Ends the run: after a time, or when a stopper says so.

    Args:
        time_budget_s: Seconds; None for no limit.
        stopper: The stopper, if there is one.
    """

    def __init__(self, time_budget_s: float | None, stopper: Stopper | None) -> None:
        self.time_budget_s = time_budget_s
        self.stopper = stopper

    def __call__(self, status: TuningStatus) -> bool:
        """Whether the run is to end."""
        return self.why(status) is not None

    def why(self, status: TuningStatus) -> str | None:
        """Why the run is to end; None if it is not."""
        budget = self.time_budget_s
        if budget is not None and status.tuner_time >= budget:
            return f"the time of {budget:g} s is over (time_budget_s)"
        if self.stopper is not None and self.stopper.stop_all():
            return "the stopper ends the run"
        return None


class StoppingScheduler(TrialScheduler):
    """Stops trials as a stopper says, and leaves all else to another scheduler.

    Args:
        scheduler: The other one.
        stopper: The stopper.
        settings: Tells the ids of trials.
    """

    def __init__(
        self, scheduler: TrialScheduler, stopper: Stopper, settings: TrialSettings
    ) -> None:
        super().__init__(scheduler.config_space)
        self.scheduler = scheduler
        self.stopper = stopper
        self.settings = settings
        self._completed: set[int] = set()
        self._reason: dict[str, Any] | None = None

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        self._reason = None
        return self.scheduler.suggest(trial_id)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """Ask the other scheduler, then the stopper; what that stops counts as complete."""
        decision = self.scheduler.on_trial_result(trial, result)
        self._reason = None
        own = {name: value for name, value in result.items() if not name.startswith("st_")}
        trial_id = self.settings.trial_id(trial.trial_id)
        is_over = self.stopper(trial_id, {**own, "trial_id": trial_id, "config": trial.config})
        if not is_over or decision == SchedulerDecision.STOP:
            return decision
        if decision == SchedulerDecision.PAUSE:
            # Told of its removal twice, it does not count on the trial any longer.
            self.scheduler.on_trial_remove(trial)
        else:
            self._completed.add(trial.trial_id)
            self.scheduler.on_trial_complete(trial, result)
        self._reason = {"kind": "stopper", "goes_on": False}
        return SchedulerDecision.STOP

    def on_trial_remove(self, trial: Trial) -> None:
        """See `TrialScheduler`; a trial that counts as complete is not told again."""
        if trial.trial_id not in self._completed:
            self.scheduler.on_trial_remove(trial)

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`; of kind `stopper` for a trial that was stopped here."""
        return self._reason if self._reason is not None else self.scheduler.reason()

    # Left to the other scheduler

    def on_trial_add(self, trial: Trial) -> None:
        """See `TrialScheduler.on_trial_add`."""
        self.scheduler.on_trial_add(trial)

    def on_trial_error(self, trial: Trial) -> None:
        """See `TrialScheduler.on_trial_error`."""
        self.scheduler.on_trial_error(trial)

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """See `TrialScheduler.on_trial_complete`."""
        self.scheduler.on_trial_complete(trial, result)

    def on_trial_resumed_by_user(self, trial: Trial) -> Config | None:
        """See `TrialScheduler.on_trial_resumed_by_user`."""
        return self.scheduler.on_trial_resumed_by_user(trial)

    def metric_names(self) -> list[str]:
        """See `TrialScheduler.metric_names`."""
        return self.scheduler.metric_names()

    def metric_mode(self) -> str | list[str]:
        """See `TrialScheduler.metric_mode`."""
        return self.scheduler.metric_mode()

    def is_multiobjective_scheduler(self) -> bool:
        """See `TrialScheduler.is_multiobjective_scheduler`."""
        return self.scheduler.is_multiobjective_scheduler()

    def trials_checkpoints_can_be_removed(self) -> list[int]:
        """See `TrialScheduler.trials_checkpoints_can_be_removed`."""
        return self.scheduler.trials_checkpoints_can_be_removed()

    def describe(self) -> dict[str, Any]:
        """See `TrialScheduler.describe`."""
        return self.scheduler.describe()

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """See `TrialScheduler.edit_space`."""
        report = self.scheduler.edit_space(config_space, defaults)
        self.config_space = dict(config_space)
        return report
