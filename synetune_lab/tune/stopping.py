"""How rules of users stop trials, or end the run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.optimizer.scheduler import SchedulerDecision
from synetune_lab.tune.checks import is_number
from synetune_lab.tune.stopper import CombinedStopper, FunctionStopper, Stopper
from synetune_lab.tune.template import flatten
from synetune_lab.tune.trials import shown_result
from synetune_lab.tune.wrapped import WrappedScheduler

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler, TrialSuggestion
    from synetune_lab.trial import Trial
    from synetune_lab.tune.trial_settings import TrialSettings
    from synetune_lab.tuning_status import TuningStatus

__all__ = ["RunLimits", "StoppingScheduler", "read_stop"]


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
            if not is_number(value):
                raise TuneError(f"stop[{name!r}]={value!r} must be a number")
        return rules, None
    if isinstance(stop, Stopper):
        return {}, stop
    if isinstance(stop, (list, tuple)) and stop and all(isinstance(s, Stopper) for s in stop):
        return {}, CombinedStopper(*stop)
    if callable(stop) and not inspect.isclass(stop):
        _check_signature(stop)
        return {}, FunctionStopper(stop)
    raise TuneError(
        f"stop must be a dictionary, a function, a Stopper or a list of Stoppers, got {stop!r:.100}"
    )


def _check_signature(stop: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(stop)
    except (TypeError, ValueError):
        return  # of a builtin, which tells nothing
    try:
        signature.bind("trial_id", {})
    except TypeError:
        raise TuneError(
            f"stop: the function must take the id of a trial and its result, but it takes "
            f"{signature}"
        ) from None


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
        if self.stopper is not None and self._ends_all(self.stopper):
            return "the stopper ends the run"
        return None

    @staticmethod
    def _ends_all(stopper: Stopper) -> bool:
        try:
            return bool(stopper.stop_all())
        except Exception as error:
            raise _failed(stopper, "in stop_all()", error) from error


class StoppingScheduler(WrappedScheduler):
    """Stops trials as a stopper says, and leaves all else to another scheduler.

    Args:
        scheduler: The other one.
        stopper: The stopper.
        settings: Tells the ids of trials.
    """

    def __init__(
        self, scheduler: TrialScheduler, stopper: Stopper, settings: TrialSettings
    ) -> None:
        super().__init__(scheduler)
        self.stopper = stopper
        self.settings = settings
        self._completed: set[int] = set()
        self._reason: dict[str, Any] | None = None

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        self._reason = None
        return super()._suggest(trial_id)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """Ask the other scheduler, then the stopper; what that stops counts as complete."""
        decision = self.scheduler.on_trial_result(trial, result)
        self._reason = None
        is_over = self._says_stop(trial, result)
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

    def _says_stop(self, trial: Trial, result: Mapping[str, Any]) -> bool:
        """Ask the stopper about a result, which looks as it does everywhere.

        Raises:
            TuneError: If it raises.
        """
        trial_id = self.settings.trial_id(trial.trial_id)
        config = self.settings.template.nest(trial.config)
        shown = {**shown_result(result), "trial_id": trial_id, "config": config}
        try:
            return bool(self.stopper(trial_id, shown))
        except Exception as error:
            raise _failed(
                self.stopper, f"at result {shown.get('training_iteration')} of {trial_id}", error
            ) from error

    def on_trial_remove(self, trial: Trial) -> None:
        """See `TrialScheduler`; a trial that counts as complete is not told again."""
        if trial.trial_id not in self._completed:
            super().on_trial_remove(trial)

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`; of kind `stopper` for a trial that was stopped here."""
        return self._reason if self._reason is not None else super().reason()


def _failed(stopper: Stopper, where: str, error: Exception) -> TuneError:
    """What to raise in the place of an error of a user's rule."""
    what = "the function" if isinstance(stopper, FunctionStopper) else type(stopper).__name__
    why = str(error) if isinstance(error, TuneError) else f"{type(error).__name__}: {error}"
    return TuneError(f"stop: {what} failed {where}: {why}")
