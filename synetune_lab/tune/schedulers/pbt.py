"""Population-based training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.optimizer.scheduler import SchedulerDecision
from synetune_lab.optimizer.schedulers import pbt
from synetune_lab.optimizer.schedulers.reports import read_number
from synetune_lab.tune.checks import check_number
from synetune_lab.tune.mutations import Mutation, mutated_space, with_first_values
from synetune_lab.tune.schedulers.base import ITERATION, RunPlan, Scheduler

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler
    from synetune_lab.trial import Trial

__all__ = ["PopulationBasedTraining"]


class _Population(pbt.PopulationBasedTraining):
    """Compares no trial that has just begun, and none that is done.

    Args:
        burn_in_period: A trial has just begun as long as it has spent less of the resource.
        stop: A trial is done when one of these metrics has reached its value.
        require_attrs: Whether a report without the metric, or the one that counts, is an error.
        arguments: See `PopulationBasedTraining`.
    """

    def __init__(
        self,
        burn_in_period: float,
        stop: Mapping[str, Any],
        require_attrs: bool = True,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.require_attrs = require_attrs
        self.burn_in_period = burn_in_period
        self.stop = dict(stop)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """See `PopulationBasedTraining`."""
        needed = (self.resource_attr, *self.metric_names())
        if not self.require_attrs and any(name not in result for name in needed):
            self._last_reason = None
            return SchedulerDecision.CONTINUE
        spent = read_number(trial.trial_id, result, self.resource_attr)
        is_done = self._is_done(result)
        if spent >= self.burn_in_period and not is_done:
            return super().on_trial_result(trial, result)
        self._last_reason = None
        decision = super(pbt.PopulationBasedTraining, self).on_trial_result(trial, result)
        if is_done:  # a copy of it would have nothing left to do
            self._leave(trial, for_good=True)
        return decision

    def _is_done(self, result: Mapping[str, Any]) -> bool:
        reached = (name in result and result[name] >= end for name, end in self.stop.items())
        return bool(result.get("done")) or any(reached)


class PopulationBasedTraining(Scheduler):
    """Trials that do badly are replaced by changed copies of those that do well.

    A copy is a trial with a number of its own, which starts from the checkpoint of the other.

    Args:
        time_attr: Metric that grows with what was spent.
        metric: See `Scheduler`.
        mode: See `Scheduler`.
        perturbation_interval: So much is spent between two comparisons of a trial.
        hyperparam_mutations: What may change, nested as the search space: a domain, a list of
            values, or a function without arguments.
        quantile_fraction: Share of the population that is replaced, and that is copied.
        resample_probability: Probability of drawing a value afresh.
        perturbation_factors: A number is multiplied by one of them.
        custom_explore_fn: Changes the configuration of a copy further, and returns it.
        burn_in_period: Trials that have spent less are not compared yet.
        seed: Of the changes.
        synch: Must be False: trials are compared one by one.
        require_attrs: False for reports that may lack `metric` or `time_attr`: nothing is decided
            at them.
    """

    needs_checkpoints = True

    def __init__(
        self,
        time_attr: str = "time_total_s",
        metric: str | None = None,
        mode: str | None = None,
        perturbation_interval: float = 60.0,
        burn_in_period: float = 0.0,
        hyperparam_mutations: Mapping[str, Any] | None = None,
        quantile_fraction: float = 0.25,
        resample_probability: float = 0.25,
        perturbation_factors: tuple[float, float] = (1.2, 0.8),
        custom_explore_fn: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None,
        seed: int | None = None,
        synch: bool = False,
        require_attrs: bool = True,
    ) -> None:
        super().__init__(metric, mode)
        if not hyperparam_mutations and custom_explore_fn is None:
            raise TuneError(
                "PopulationBasedTraining needs hyperparam_mutations or custom_explore_fn: what may "
                "change"
            )
        check_number(
            "PopulationBasedTraining: perturbation_interval", perturbation_interval, above=0
        )
        check_number("PopulationBasedTraining: burn_in_period", burn_in_period)
        _check_share("quantile_fraction", quantile_fraction, 0.5)
        _check_share("resample_probability", resample_probability, 1.0)
        if len(perturbation_factors) != 2:
            raise TuneError(
                f"PopulationBasedTraining: perturbation_factors={perturbation_factors!r:.100} must "
                "be two numbers"
            )
        if synch:
            raise TuneError(
                "PopulationBasedTraining: synch must be False, trials do not wait for each other"
            )
        self.time_attr = time_attr
        self.perturbation_interval = perturbation_interval
        self.burn_in_period = burn_in_period
        self.hyperparam_mutations = dict(hyperparam_mutations or {})
        self.quantile_fraction = quantile_fraction
        self.resample_probability = resample_probability
        self.perturbation_factors = perturbation_factors
        self.custom_explore_fn = custom_explore_fn
        self.seed = seed
        self.require_attrs = require_attrs
        counts = time_attr == ITERATION and perturbation_interval >= 1
        self.copy_interval = int(perturbation_interval) if counts else 1

    def prepared(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Scheduler`; what only the mutations name draws its first value from them."""
        return with_first_values(config, self.hyperparam_mutations)

    def make(self, plan: RunPlan) -> TrialScheduler:
        """See `Scheduler`."""
        if plan.search.is_model_based():
            raise TuneError(
                "PopulationBasedTraining chooses configurations itself: give no search_alg"
            )
        config_space, entries = mutated_space(plan.space, self.hyperparam_mutations)
        mutation = Mutation(
            entries,
            plan.space.template,
            self.resample_probability,
            self.perturbation_factors,
            self.custom_explore_fn,
            self.seed,
        )
        return _Population(
            self.burn_in_period,
            plan.stop,
            self.require_attrs,
            **plan.arguments(config_space),
            custom_explore_fn=mutation,
            resource_attr=self.time_attr,
            perturbation_interval=self.perturbation_interval,
            quantile_fraction=self.quantile_fraction,
            max_t=inf,
        )


def _check_share(name: str, value: float, most: float) -> None:
    check_number(f"PopulationBasedTraining: {name}", value)
    if value > most:
        raise TuneError(f"PopulationBasedTraining: {name}={value!r} must be at most {most:g}")
