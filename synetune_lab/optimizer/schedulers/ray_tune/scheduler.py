"""Runs Ray Tune's schedulers and search algorithms under our tuner."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import constant_entries, validate_config_space
from synetune_lab.errors import SchedulerError
from synetune_lab.extras import require
from synetune_lab.optimizer.scheduler import (
    SchedulerDecision,
    TrialScheduler,
    TrialSuggestion,
)
from synetune_lab.optimizer.schedulers.arguments import require_one_of
from synetune_lab.optimizer.schedulers.ray_tune.fitness import refuse_unfit
from synetune_lab.optimizer.schedulers.ray_tune.space import to_ray_space
from synetune_lab.optimizer.schedulers.ray_tune.trials import Controller, RayTrial
from synetune_lab.optimizer.schedulers.reports import read_number

if TYPE_CHECKING:
    from synetune_lab.trial import Trial

__all__ = ["RayTuneScheduler"]

_HUGE = 1e300


class _OfRay:
    """A class attribute that is imported when it is first asked for."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        require("ray.tune", extra="ray")
        return getattr(require(self._module, extra="ray"), self._name)


class RayTuneScheduler(TrialScheduler):
    """Has a scheduler of Ray Tune judge the trials, and a search algorithm propose them.

    Not for schedulers that steer Ray's own controller, such as Ray's population based training and
    synchronous Hyperband; their like is in this package.

    Args:
        config_space: Configuration space, in our terms.
        ray_scheduler: Scheduler of Ray Tune; by default its `FIFOScheduler`.
        ray_searcher: Search algorithm of Ray Tune. One that has no space yet gets `config_space`.
            By default random search.
        points_to_evaluate: Configurations to begin with, for random search; a search algorithm of
            Ray takes its own. To have them completed, use `impute_points_to_evaluate` first.
        metric: Name of the metric, if neither of them knows it.
        mode: `min` or `max`, if neither of them knows it; by default `min`.
        random_seed: Seed of random search; None draws one. Ray's parts have their own.

    Attributes:
        scheduler: The scheduler of Ray Tune.
        searcher: The search algorithm.

    Raises:
        MissingDependencyError: If Ray Tune is not installed.
        SchedulerError: If nobody knows the metric, metric or mode do not agree, the scheduler or
            the search algorithm needs Ray's controller, or can't deal with the space.
    """

    RT_FIFOScheduler = _OfRay("ray.tune.schedulers", "FIFOScheduler")
    RT_Searcher = _OfRay("ray.tune.search", "Searcher")
    RandomSearch = _OfRay(
        "synetune_lab.optimizer.schedulers.ray_tune.random_search", "RandomSearch"
    )

    def __init__(
        self,
        config_space: Mapping[str, Any],
        ray_scheduler: Any = None,
        ray_searcher: Any = None,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        *,
        metric: str | None = None,
        mode: str | None = None,
        random_seed: int | None = None,
    ) -> None:
        validate_config_space(config_space)
        super().__init__(config_space)
        if ray_scheduler is None:
            ray_scheduler = self.RT_FIFOScheduler()
        refuse_unfit(ray_scheduler, ray_searcher, self.RT_Searcher)
        known = [part for part in (ray_scheduler, ray_searcher) if part is not None]
        self.metric = _agreed("metric", metric, known, None)
        self.mode = require_one_of("mode", _agreed("mode", mode, known, "min"), ("min", "max"))
        self._is_random = ray_searcher is None
        if ray_searcher is None:
            ray_searcher = self.RandomSearch(
                config_space,
                points_to_evaluate,
                self.mode,
                metric=self.metric,
                random_seed=random_seed,
            )
        self.scheduler, self.searcher = ray_scheduler, ray_searcher
        ray_scheduler.set_search_properties(
            _unless_set(ray_scheduler, "metric", self.metric),
            _unless_set(ray_scheduler, "mode", self.mode),
        )
        if not self._is_random:
            self._give_space(ray_searcher)
        self._constants = constant_entries(config_space)
        self._controller = Controller()
        self._paused: list[int] = []  # by the scheduler, in order
        self._reason: dict[str, Any] | None = None

    def _give_space(self, ray_searcher: Any) -> None:
        """Tell a search algorithm the metric, and the space unless it has its own."""
        space = self.convert_config_space(self.config_space)
        try:
            ray_searcher.set_search_properties(self.metric, self.mode, space)
        except ValueError as error:
            raise SchedulerError(
                f"ray_searcher is a {type(ray_searcher).__name__}, which can't search this "
                f"config_space: {error}. Change the domain, or use another search algorithm, such "
                "as OptunaSearch"
            ) from error

    @staticmethod
    def convert_config_space(config_space: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration space in Ray Tune's terms, whose whole numbers exclude the upper end.

        Raises:
            SchedulerError: If Ray Tune has nothing like a domain.
        """
        return to_ray_space(config_space)

    # What the engine asks.

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        self._reason = None
        found = self.searcher.suggest(str(trial_id))
        if isinstance(found, Mapping):
            self._reason = self._why()
            return TrialSuggestion.start_suggestion({**self._constants, **self._cast(found)})
        if not self._paused:
            return None
        resumed = self._paused.pop(0)
        self._goes_on(resumed)
        self._reason = {"kind": "resumed", "scheduler": type(self.scheduler).__name__}
        return TrialSuggestion.resume_suggestion(resumed)

    def _why(self) -> dict[str, Any]:
        if self._is_random:
            reason: dict[str, Any] = self.searcher.searcher.explain_last()
            return reason
        return {"kind": "model", "searcher": type(self.searcher).__name__}

    def _cast(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The suggestion as plain values of the types of their domains."""
        space = self.config_space
        return {
            name: space[name].cast(value) if hasattr(space.get(name), "cast") else value
            for name, value in config.items()
        }

    def on_trial_add(self, trial: Trial) -> None:
        """A new trial was started."""
        ray_trial = RayTrial(trial.trial_id, trial.config)
        self._controller.trials[trial.trial_id] = ray_trial
        self.scheduler.on_trial_add(self._controller, ray_trial)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """Have Ray's scheduler judge a report.

        Raises:
            InvalidReportError: If the metric is missing or not a number.
        """
        read_number(trial.trial_id, result, self.metric)
        self._reason = None
        ray_trial = self._controller.trials[trial.trial_id]
        full = ray_trial.completed(result)
        if not ray_trial.is_known_done:
            self.searcher.on_trial_result(ray_trial.trial_id, full)
        full = self._finite(full)
        decision = self.scheduler.on_trial_result(self._controller, ray_trial, full)
        if decision == SchedulerDecision.STOP:
            self._conclude(trial, full)
        elif decision == SchedulerDecision.PAUSE:
            ray_trial.status = "PAUSED"
            self._paused.append(trial.trial_id)
        else:
            return SchedulerDecision.CONTINUE
        self._reason = {"kind": "ray", "scheduler": type(self.scheduler).__name__}
        return str(decision)

    def _finite(self, result: dict[str, Any]) -> dict[str, Any]:
        """Ray's schedulers reckon with finite values: NaN becomes worse than all others."""
        value = float(result[self.metric])
        if math.isfinite(value):
            return result
        worst = _HUGE if self.mode == "min" else -_HUGE
        finite = worst if math.isnan(value) else math.copysign(_HUGE, value)
        return {**result, self.metric: finite}

    def _conclude(self, trial: Trial, result: dict[str, Any]) -> None:
        ray_trial = self._controller.trials[trial.trial_id]
        if ray_trial.is_finished():
            return
        ray_trial.status = "TERMINATED"
        result["done"] = True
        judged = self._finite(result) if self.metric in result else result
        self.scheduler.on_trial_complete(self._controller, ray_trial, judged)
        self._tell_searcher(ray_trial, result=result)

    def _tell_searcher(self, ray_trial: RayTrial, **how: Any) -> None:
        """Tell the search algorithm, once, that nothing more is to come of a trial."""
        if not ray_trial.is_known_done:
            ray_trial.is_known_done = True
            self.searcher.on_trial_complete(ray_trial.trial_id, **how)

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """The trial ended by itself."""
        self._forget_pause(trial)
        self._conclude(trial, self._controller.trials[trial.trial_id].completed(result, done=True))

    def on_trial_error(self, trial: Trial) -> None:
        """The trial failed."""
        self._forget_pause(trial)
        ray_trial = self._controller.trials[trial.trial_id]
        if not ray_trial.is_finished():
            ray_trial.status = "ERROR"
            self.scheduler.on_trial_error(self._controller, ray_trial)
            self._tell_searcher(ray_trial, error=True)

    def on_trial_remove(self, trial: Trial) -> None:
        """The trial was paused or stopped; if by the user, the search algorithm waits no longer.

        Told of a paused trial once more, it is not going to be resumed by the scheduler.
        """
        ray_trial = self._controller.trials[trial.trial_id]
        if ray_trial.status == "RUNNING":
            ray_trial.status = "PAUSED"  # by the user, or stopped
            self._tell_searcher(ray_trial, result=ray_trial.last_result or None)
        elif trial.trial_id in self._paused:
            if ray_trial.is_removed:
                self._forget_pause(trial)
                self._tell_searcher(ray_trial, result=ray_trial.last_result or None)
            ray_trial.is_removed = True

    def on_trial_resumed_by_user(self, trial: Trial) -> None:
        """The user lets a paused trial go on."""
        self._forget_pause(trial)
        self._goes_on(trial.trial_id)

    def _goes_on(self, trial_id: int) -> None:
        ray_trial = self._controller.trials[trial_id]
        ray_trial.status, ray_trial.is_removed = "RUNNING", False

    def _forget_pause(self, trial: Trial) -> None:
        if trial.trial_id in self._paused:
            self._paused.remove(trial.trial_id)

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """See `TrialScheduler.edit_space`; only random search can."""
        if not self._is_random:
            return super().edit_space(config_space, defaults)
        validate_config_space(config_space)
        report: dict[str, Any] = self.searcher.searcher.edit_space(config_space, defaults).to_json()
        self.config_space = dict(config_space)
        self._constants = constant_entries(config_space)
        return report

    def metric_names(self) -> list[str]:
        """The metric."""
        return [self.metric]

    def metric_mode(self) -> str:
        """`min` or `max`."""
        return self.mode

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`."""
        return self._reason

    def describe(self) -> dict[str, Any]:
        """See `TrialScheduler.describe`."""
        parts = {
            "scheduler": type(self.scheduler).__name__,
            "searcher": type(self.searcher).__name__,
            "pauses_trials": True,
        }
        attr = getattr(self.scheduler, "_time_attr", None)
        return {**super().describe(), **parts, **({"resource_attr": attr} if attr else {})}


def _unless_set(part: Any, name: str, value: str) -> str | None:
    return None if getattr(part, f"_{name}", None) else value


def _agreed(name: str, given: str | None, parts: Sequence[Any], default: str | None) -> str:
    """What the argument and all parts that know it say alike."""
    said = {"the argument": given} if given is not None else {}
    for part in parts:
        value = getattr(part, f"_{name}", None)
        if value is not None:
            said[type(part).__name__] = value
    values = set(said.values())
    if len(values) > 1:
        raise SchedulerError(f"{name} differs: {said}; give the same to all, or only to one")
    if values:
        return str(values.pop())
    if default is None:
        raise SchedulerError(
            f"nobody knows the {name}: pass {name}=... , or give it to ray_scheduler or "
            "ray_searcher"
        )
    return default
