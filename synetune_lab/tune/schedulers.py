"""Trial schedulers under the names of Ray Tune, each one a scheduler of this package.

| name | scheduler |
|---|---|
| `FIFOScheduler` | `FIFOScheduler` |
| `AsyncHyperBandScheduler`, `ASHAScheduler` | `HyperbandScheduler` of type `stopping` |
| `HyperBandScheduler`, `HyperBandForBOHB` | `SynchronousGeometricHyperbandScheduler` |
| `MedianStoppingRule` | `MedianStoppingRule` around `FIFOScheduler` |
| `PopulationBasedTraining` | `PopulationBasedTraining` |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.optimizer.schedulers import fifo, hyperband, median_stopping_rule, pbt
from synetune_lab.optimizer.schedulers.synchronous import SynchronousGeometricHyperbandScheduler
from synetune_lab.tune.mutations import Mutation, mutated_space, with_first_values

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler
    from synetune_lab.optimizer.schedulers.scheduler_searcher import TrialSchedulerWithSearcher
    from synetune_lab.tune.convert import SearchSpace
    from synetune_lab.tune.search import SearchAlgorithm

__all__ = [
    "ASHAScheduler",
    "AsyncHyperBandScheduler",
    "FIFOScheduler",
    "HyperBandForBOHB",
    "HyperBandScheduler",
    "MedianStoppingRule",
    "PopulationBasedTraining",
    "RunPlan",
    "Scheduler",
    "create_scheduler",
]

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
    """

    space: SearchSpace
    metric: str
    mode: str
    search: SearchAlgorithm
    num_samples: int | None

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

    def __init__(self, metric: str | None = None, mode: str | None = None) -> None:
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


class FIFOScheduler(Scheduler):
    """Every trial runs to its end."""

    def make(self, plan: RunPlan) -> TrialScheduler:
        """See `Scheduler`."""
        return plan.limited(fifo.FIFOScheduler(**plan.arguments()))


class AsyncHyperBandScheduler(Scheduler):
    """ASHA: a trial that is not among the best at a rung is stopped there, at once.

    Args:
        time_attr: Metric that counts what was spent, a positive integer.
        metric: See `Scheduler`.
        mode: See `Scheduler`.
        max_t: A trial is done at this.
        grace_period: No trial is stopped before.
        reduction_factor: One of so many goes on from a rung.
        brackets: Number of brackets.
        stop_last_trials: Must be True: trials are done at `max_t`.
    """

    def __init__(
        self,
        time_attr: str = ITERATION,
        metric: str | None = None,
        mode: str | None = None,
        max_t: int = 100,
        grace_period: int = 1,
        reduction_factor: float = 4,
        brackets: int = 1,
        stop_last_trials: bool = True,
    ) -> None:
        super().__init__(metric, mode)
        _check_counts(self, time_attr)
        _check_last(self, stop_last_trials)
        self.time_attr = time_attr
        self.max_t = max_t
        self.grace_period = grace_period
        self.reduction_factor = reduction_factor
        self.brackets = brackets
        self.end = (time_attr, max_t)

    def make(self, plan: RunPlan) -> TrialScheduler:
        """See `Scheduler`."""
        return plan.limited(
            hyperband.HyperbandScheduler(
                **plan.up_to(self.max_t),
                type="stopping",
                resource_attr=self.time_attr,
                grace_period=self.grace_period,
                reduction_factor=self.reduction_factor,
                brackets=self.brackets,
            )
        )


ASHAScheduler = AsyncHyperBandScheduler


class HyperBandScheduler(Scheduler):
    """HyperBand: trials pause at each rung of their bracket, and its best go on when it is full.

    Trainables must save checkpoints, to go on from.

    Args:
        time_attr: Metric that counts what was spent, a positive integer.
        metric: See `Scheduler`.
        mode: See `Scheduler`.
        max_t: A trial is done at this.
        reduction_factor: One of so many goes on from a rung.
        stop_last_trials: Must be True: trials are done at `max_t`.
    """

    needs_checkpoints = True

    def __init__(
        self,
        time_attr: str = ITERATION,
        metric: str | None = None,
        mode: str | None = None,
        max_t: int = 81,
        reduction_factor: float = 3,
        stop_last_trials: bool = True,
    ) -> None:
        super().__init__(metric, mode)
        _check_counts(self, time_attr)
        _check_last(self, stop_last_trials)
        self.time_attr = time_attr
        self.max_t = max_t
        self.reduction_factor = reduction_factor
        self.end = (time_attr, max_t)

    def make(self, plan: RunPlan) -> TrialScheduler:
        """See `Scheduler`."""
        return plan.limited(
            SynchronousGeometricHyperbandScheduler(
                **plan.up_to(self.max_t),
                resource_attr=self.time_attr,
                reduction_factor=self.reduction_factor,
            )
        )


class HyperBandForBOHB(HyperBandScheduler):
    """`HyperBandScheduler`, to go with `TuneBOHB`."""


class MedianStoppingRule(Scheduler):
    """Stops a trial that does worse than the median of the others after as many steps.

    Args:
        time_attr: Metric that counts what was spent, a positive integer.
        metric: See `Scheduler`.
        mode: See `Scheduler`.
        grace_period: No trial is stopped up to this.
        min_samples_required: No trial is stopped as long as fewer trials have come as far.
        hard_stop: Must be True: trials are stopped, not paused.
    """

    def __init__(
        self,
        time_attr: str = ITERATION,
        metric: str | None = None,
        mode: str | None = None,
        grace_period: int = 1,
        min_samples_required: int = 3,
        hard_stop: bool = True,
    ) -> None:
        super().__init__(metric, mode)
        _check_counts(self, time_attr)
        if not hard_stop:
            raise TuneError("MedianStoppingRule: hard_stop must be True, trials are stopped")
        self.time_attr = time_attr
        self.grace_period = grace_period
        self.min_samples_required = min_samples_required

    def make(self, plan: RunPlan) -> TrialScheduler:
        """See `Scheduler`."""
        return median_stopping_rule.MedianStoppingRule(
            plan.limited(fifo.FIFOScheduler(**plan.arguments())),
            self.time_attr,
            grace_time=self.grace_period,
            grace_population=self.min_samples_required,
        )


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
        burn_in_period: Must be 0.
        seed: Of the changes.
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
    ) -> None:
        super().__init__(metric, mode)
        if not hyperparam_mutations and custom_explore_fn is None:
            raise TuneError(
                "PopulationBasedTraining needs hyperparam_mutations or custom_explore_fn: what may "
                "change"
            )
        if burn_in_period:
            raise TuneError("PopulationBasedTraining: burn_in_period is not supported")
        self.time_attr = time_attr
        self.perturbation_interval = perturbation_interval
        self.hyperparam_mutations = dict(hyperparam_mutations or {})
        self.quantile_fraction = quantile_fraction
        self.resample_probability = resample_probability
        self.perturbation_factors = perturbation_factors
        self.custom_explore_fn = custom_explore_fn
        self.seed = seed
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
        return pbt.PopulationBasedTraining(
            **plan.arguments(config_space),
            custom_explore_fn=mutation,
            resource_attr=self.time_attr,
            perturbation_interval=self.perturbation_interval,
            quantile_fraction=self.quantile_fraction,
            max_t=inf,
        )


def create_scheduler(scheduler: str, **kwargs: Any) -> Scheduler:
    """A scheduler by its short name.

    Args:
        scheduler: `fifo`, `asha` (or `async_hyperband`), `hyperband`, `bohb`, `median` (or
            `median_stopping_rule`), `pbt`.
        kwargs: Its arguments.

    Raises:
        TuneError: If there is none of this name.
    """
    cls = _SCHEDULERS.get(scheduler)
    if cls is None:
        known = ", ".join(sorted(_SCHEDULERS))
        raise TuneError(f"scheduler={scheduler!r} is not known here; known are {known}")
    return cls(**kwargs)


_SCHEDULERS: dict[str, type[Scheduler]] = {
    "fifo": FIFOScheduler,
    "asha": AsyncHyperBandScheduler,
    "async_hyperband": AsyncHyperBandScheduler,
    "asynchyperband": AsyncHyperBandScheduler,
    "hyperband": HyperBandScheduler,
    "bohb": HyperBandForBOHB,
    "hb_bohb": HyperBandForBOHB,
    "median": MedianStoppingRule,
    "median_stopping_rule": MedianStoppingRule,
    "medianstopping": MedianStoppingRule,
    "pbt": PopulationBasedTraining,
}


def _check_counts(scheduler: Scheduler, time_attr: str) -> None:
    if time_attr in ("time_total_s", "time_this_iter_s"):
        raise TuneError(
            f"{type(scheduler).__name__}: time_attr={time_attr!r} is a time, but trials are "
            f"compared after equal amounts, which are whole numbers: use {ITERATION!r}, or a "
            "count that you report"
        )


def _check_last(scheduler: Scheduler, stop_last_trials: bool) -> None:
    if not stop_last_trials:
        raise TuneError(
            f"{type(scheduler).__name__}: stop_last_trials must be True, trials are done at max_t"
        )
