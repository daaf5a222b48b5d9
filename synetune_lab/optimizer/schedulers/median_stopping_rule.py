"""The median stopping rule, around any scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.scheduler import SchedulerDecision, TrialScheduler
from synetune_lab.optimizer.schedulers.arguments import require_bool
from synetune_lab.optimizer.schedulers.reports import read_number, read_resource
from synetune_lab.optimizer.schedulers.rungs.ordered import OrderedValues

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config, TrialSuggestion
    from synetune_lab.trial import Trial

__all__ = ["MedianStoppingRule"]


class MedianStoppingRule(TrialScheduler):
    """Stops a trial that does worse than most others did after as many steps.

    Everything else is left to the wrapped scheduler, which sees all reports. Golovin, Solnik,
    Moitra, Kochanski, Karro, Sculley: Google Vizier, https://doi.org/10.1145/3097983.3098043,
    section 3.1.

    Args:
        scheduler: Suggests the configurations, and may stop or pause trials itself.
        resource_attr: Name of the resource in reports, a positive integer.
        running_average: Compare the mean of all values that a trial has reported so far, rather
            than its last value.
        metric: Name of the metric; None for the (first) one of `scheduler`.
        grace_time: No trial is stopped at a resource up to this.
        grace_population: No trial is stopped as long as fewer trials have reported at a resource.
        rank_cutoff: A trial is stopped if its value is at least as good as those of less than this
            share of the trials, itself included; in (0, 1).

    Raises:
        SchedulerError: If an argument is out of range.
    """

    def __init__(
        self,
        scheduler: TrialScheduler,
        resource_attr: str,
        running_average: bool = True,
        metric: str | None = None,
        grace_time: int | None = 1,
        grace_population: int = 5,
        rank_cutoff: float = 0.5,
    ) -> None:
        if not isinstance(scheduler, TrialScheduler):
            raise SchedulerError(f"scheduler must be a scheduler, got {scheduler!r}")
        super().__init__(scheduler.config_space)
        self.scheduler = scheduler
        self.resource_attr = resource_attr
        self.running_average = require_bool("running_average", running_average)
        self.metric, self._sign = _metric_and_sign(scheduler, metric)
        self.grace_time = _at_least_0("grace_time", 0 if grace_time is None else grace_time)
        self.grace_population = _at_least_0("grace_population", grace_population)
        self.rank_cutoff = _at_least_0("rank_cutoff", rank_cutoff)
        if not 0 < self.rank_cutoff < 1:
            raise SchedulerError(f"rank_cutoff must be between 0 and 1, got {rank_cutoff!r}")
        self._values: dict[int, OrderedValues] = {}
        self._seen: dict[
            int, tuple[int, float, int]
        ] = {}  # of running trials: last resource, sum and number
        self._reason: dict[str, Any] | None = None

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        self._reason = None
        return self.scheduler.suggest(trial_id)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """Stop the trial if it is among the worse ones at its resource.

        Returns:
            `STOP`, or what the wrapped scheduler decides.

        Raises:
            InvalidReportError: If metric or resource is missing or has a wrong type.
        """
        trial_id = trial.trial_id
        resource = read_resource(trial_id, result, self.resource_attr)
        value = read_number(trial_id, result, self.metric)
        decision = self.scheduler.on_trial_result(trial, result)
        self._reason = None
        last, total, number = self._seen.get(trial_id, (0, 0.0, 0))
        if resource <= last:
            return decision  # it began anew, from an older checkpoint
        self._seen[trial_id] = (resource, total + value, number + 1)
        if decision == SchedulerDecision.STOP:
            self._enter(resource, self._compared(trial_id, value))
            del self._seen[trial_id]
            return decision
        if not self._is_among_the_worse(trial_id, resource, value):
            return decision
        if decision == SchedulerDecision.PAUSE:
            # Told of its removal twice, it does not count on the trial any longer.
            self.scheduler.on_trial_remove(trial)
        del self._seen[trial_id]
        return SchedulerDecision.STOP

    def grace_condition(self, time_step: float) -> bool:
        """Whether no trial is stopped at this resource, or not yet."""
        entered = self._values.get(int(time_step))
        few = entered is None or len(entered) < self.grace_population
        return time_step <= self.grace_time or few

    def _compared(self, trial_id: int, value: float) -> float:
        """What is compared, so that less is better; NaN is worse than anything."""
        if self.running_average:
            _, total, number = self._seen[trial_id]
            value = total / number
        return self._sign * value if value == value else inf

    def _enter(self, resource: int, compared: float) -> int:
        """How many are better than a value, which is entered."""
        entered = self._values.get(resource)
        if entered is None:
            entered = self._values[resource] = OrderedValues(1 - self.rank_cutoff)
        return entered.add(compared)

    def _is_among_the_worse(self, trial_id: int, resource: int, value: float) -> bool:
        compared = self._compared(trial_id, value)
        better = self._enter(resource, compared)
        if self.grace_condition(resource):
            return False
        entered = self._values[resource]
        size = len(entered)
        if (size - better) / size >= self.rank_cutoff:
            return False
        cutoff = entered.quantile()
        self._reason = {
            "kind": "median",
            "level": resource,
            "value": self._sign * compared if isfinite(compared) else None,
            "cutoff": None if cutoff is None or not isfinite(cutoff) else self._sign * cutoff,
            "rank": better + 1,
            "size": size,
            "goes_on": False,
        }
        return True

    # Left to the wrapped scheduler

    def on_trial_add(self, trial: Trial) -> None:
        """See `TrialScheduler.on_trial_add`."""
        self.scheduler.on_trial_add(trial)

    def on_trial_error(self, trial: Trial) -> None:
        """See `TrialScheduler.on_trial_error`."""
        self._seen.pop(trial.trial_id, None)
        self.scheduler.on_trial_error(trial)

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """See `TrialScheduler.on_trial_complete`."""
        self._seen.pop(trial.trial_id, None)
        self.scheduler.on_trial_complete(trial, result)

    def on_trial_remove(self, trial: Trial) -> None:
        """See `TrialScheduler.on_trial_remove`."""
        self.scheduler.on_trial_remove(trial)

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

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`; of kind `median` for a trial that was stopped here."""
        return self._reason if self._reason is not None else self.scheduler.reason()

    def describe(self) -> dict[str, Any]:
        """See `TrialScheduler.describe`."""
        wrapped = self.scheduler.describe()
        return {"resource_attr": self.resource_attr, **wrapped, "name": type(self).__name__}

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """See `TrialScheduler.edit_space`."""
        report = self.scheduler.edit_space(config_space, defaults)
        self.config_space = dict(config_space)
        return report


def _metric_and_sign(scheduler: TrialScheduler, metric: str | None) -> tuple[str, float]:
    names, mode = scheduler.metric_names(), scheduler.metric_mode()
    name = names[0] if metric is None else metric
    if name not in names:
        known = ", ".join(map(repr, names))
        raise SchedulerError(f"metric={name!r} is none of the scheduler's metrics: {known}")
    own = mode if isinstance(mode, str) else mode[names.index(name)]
    return name, 1.0 if own == "min" else -1.0


def _at_least_0(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise SchedulerError(f"{name} must be a number of at least 0, got {value!r}")
    return value
