"""Population-based training."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np

from synetune_lab.config_space import (
    Domain,
    cast_config_values,
    constant_entries,
    diff_config_spaces,
    validate_config,
)
from synetune_lab.config_space.discrete import Categorical, Ordinal
from synetune_lab.errors import InvalidConfigError, SchedulerError
from synetune_lab.optimizer.scheduler import SchedulerDecision, TrialSuggestion
from synetune_lab.optimizer.schedulers.arguments import require_positive_int
from synetune_lab.optimizer.schedulers.fifo import FIFOScheduler
from synetune_lab.optimizer.schedulers.reports import read_number

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config
    from synetune_lab.optimizer.schedulers.searchers import BaseSearcher
    from synetune_lab.optimizer.schedulers.time_keeper import TimeKeeper
    from synetune_lab.trial import Trial

__all__ = ["PBTTrialState", "PopulationBasedTraining"]

ExploreFn = Callable[[dict[str, Any]], dict[str, Any]]
_FACTORS = (0.8, 1.2)


@dataclass
class PBTTrialState:
    """What is known of a trial.

    Attributes:
        trial: The trial.
        last_score: Its last score, more is better; None before the first.
        last_perturbation_time: Its resource when it was compared last.
        stopped: Whether it does not belong to the population any more.
    """

    trial: Trial
    last_score: float | None = None
    last_perturbation_time: float = 0.0
    stopped: bool = False


@dataclass(frozen=True)
class _Exploit:
    """A new trial that is to take the place of a bad one."""

    donor: int
    replaced: int
    config: dict[str, Any]
    compared_at: float  # resource of the donor when it was compared last


class PopulationBasedTraining(FIFOScheduler):
    """Trials that do badly are replaced by mutants that go on from the checkpoint of a good one.

    Each time that a trial has spent `perturbation_interval` more of the resource, it is compared
    with the others. If it is among the worst, it is stopped, and a new trial starts from the
    checkpoint of one of the best, with a changed copy of its configuration. So a configuration is
    not constant over the life of a model: what comes out is a schedule. Training scripts must write
    checkpoints. Jaderberg, Dalibard, Osindero, Czarnecki, Donahue, Razavi, Vinyals, Green, Dunning,
    Simonyan, Fernando, Kavukcuoglu: Population Based Training of Neural Networks,
    https://arxiv.org/abs/1711.09846.

    A hyperparameter is drawn afresh with probability `resample_probability`. Else a number is
    multiplied by 0.8 or 1.2, an ordered value moves to a neighbour, and an unordered one is drawn
    afresh as well.

    Args:
        config_space: Configuration space.
        custom_explore_fn: Gets a configuration and returns the changed one, instead of the above.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource, a number that grows.
        max_t: A trial is stopped when it has reached this. None: what `max_resource_attr` or a
            constant `epochs`, `max_t` or `max_epochs` of the space says. Infinity: never, unless
            `max_resource_attr` is given.
        population_size: For your own record only: the population is the trials that run, as many
            as the tuner has workers.
        perturbation_interval: Resource between two comparisons of a trial.
        quantile_fraction: Share of the population that counts as worst, and as best, from 0
            (nothing is replaced) to 0.5.
        resample_probability: Probability of drawing a hyperparameter afresh.
        mode: `min` (default) or `max`.
        search_options: See `FIFOScheduler`.
        points_to_evaluate: See `FIFOScheduler`.
        random_seed: See `FIFOScheduler`.
        max_resource_attr: See `FIFOScheduler`.
        time_keeper: See `FIFOScheduler`.
        searcher: `random`, or a searcher that is made already, which draws the first population.
        unknown: Nothing: any other argument is refused by name.

    Raises:
        SchedulerError: If an argument is unknown or out of range.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        custom_explore_fn: ExploreFn | None = None,
        *,
        metric: str,
        resource_attr: str = "time_total_s",
        max_t: float | None = None,
        population_size: int = 4,
        perturbation_interval: float = 60,
        quantile_fraction: float = 0.25,
        resample_probability: float = 0.25,
        mode: str = "min",
        searcher: str | BaseSearcher = "random",
        search_options: Mapping[str, Any] | None = None,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        random_seed: int | None = None,
        max_resource_attr: str | None = None,
        time_keeper: TimeKeeper | None = None,
        **unknown: NoReturn,
    ) -> None:
        if isinstance(searcher, str) and searcher != "random":
            raise SchedulerError(
                "searcher must be 'random' for this scheduler, or one that is made already; got "
                f"{searcher!r}"
            )
        if not isinstance(metric, str):
            raise SchedulerError(f"metric must be one name for this scheduler, got {metric!r}")
        super().__init__(
            config_space,
            metric=metric,
            mode=mode,
            searcher=searcher,
            search_options=search_options,
            points_to_evaluate=points_to_evaluate,
            random_seed=random_seed,
            max_resource_attr=max_resource_attr,
            max_t=None if max_t == inf else cast("int | None", max_t),
            time_keeper=time_keeper,
            **unknown,
        )
        if max_t == inf and max_resource_attr is None:
            self._max_resource_level = None  # whatever constants the space has
        self.resource_attr = resource_attr
        self.population_size = require_positive_int("population_size", population_size)
        self.perturbation_interval = _between("perturbation_interval", perturbation_interval, inf)
        self.quantile_fraction = _between("quantile_fraction", quantile_fraction, 0.5)
        self.resample_probability = _between("resample_probability", resample_probability, 1.0)
        self.custom_explore_fn = custom_explore_fn
        self._random_state = np.random.RandomState(self.random_seed_generator())
        self._sign = 1.0 if mode == "max" else -1.0
        self._states: dict[int, PBTTrialState] = {}  # of the population
        self._away: dict[int, PBTTrialState] = {}  # stopped, or paused by the user
        self._added: Config = {}  # by edits of the space, with the values of earlier trials
        self._queue: deque[_Exploit] = deque()
        self._inherited: dict[int, float] = {}  # when new trials were compared last, as copies
        self._last_reason: dict[str, Any] | None = None

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        if not self._queue:
            self._last_reason = None
            return super()._suggest(trial_id)
        exploit = self._queue.popleft()
        self._suggested = False
        self._inherited[trial_id] = exploit.compared_at
        self._last_reason = {
            "kind": "exploit",
            "trial": exploit.donor,
            "replaces": exploit.replaced,
        }
        return TrialSuggestion.start_suggestion({**exploit.config}, exploit.donor)

    def on_trial_add(self, trial: Trial) -> None:
        """A trial joins the population."""
        super().on_trial_add(trial)
        compared_at = self._inherited.pop(trial.trial_id, 0.0)
        self._states[trial.trial_id] = PBTTrialState(trial, last_perturbation_time=compared_at)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """Compare the trial with the population, if its time has come.

        Returns:
            `STOP` for one that is replaced or has reached the maximum resource, else `CONTINUE`.

        Raises:
            InvalidReportError: If metric or resource is missing or not a number.
        """
        resource = read_number(trial.trial_id, result, self.resource_attr)
        decision = super().on_trial_result(trial, result)
        self._last_reason = None
        state = self._states.get(trial.trial_id)
        if state is None:  # of a user who drives the scheduler by hand
            state = self._states[trial.trial_id] = PBTTrialState(trial)
        score = self._sign * read_number(trial.trial_id, result, self._names[0])
        most = self.max_resource_level
        if most is not None and resource >= most:
            self._leave(trial, for_good=True)
            self._last_reason = {
                "kind": "max_resource",
                "level": most,
                "ends_by_itself": self.max_resource_attr is not None,
            }
            return SchedulerDecision.STOP
        if resource - state.last_perturbation_time < self.perturbation_interval:
            return decision
        state.last_score = score if score == score else -inf
        state.last_perturbation_time = resource
        worst, best = self._quantiles()
        if trial.trial_id not in worst:
            return decision
        donor = best[int(self._random_state.randint(len(best)))]
        given = self._states[donor]
        config = self._explore(given.trial.config)
        exploit = _Exploit(donor, trial.trial_id, config, given.last_perturbation_time)
        self._queue.append(exploit)
        self._leave(trial, for_good=True)
        self._last_reason = {"kind": "exploited", "trial": donor, "goes_on": False}
        return SchedulerDecision.STOP

    def _quantiles(self) -> tuple[list[int], list[int]]:
        """The worst and the best trials of the population, as many of each; may be empty."""
        scored = [
            (state.last_score, trial_id)
            for trial_id, state in self._states.items()
            if state.last_score is not None
        ]
        size = min(ceil(len(scored) * self.quantile_fraction), len(scored) // 2)
        if size == 0:
            return [], []
        # Of equal scores the earlier trial counts as better.
        ordered = [trial_id for _, trial_id in sorted(scored, key=lambda one: (one[0], -one[1]))]
        return ordered[:size], ordered[-size:]

    def _explore(self, config: Mapping[str, Any]) -> Config:
        """A changed copy of a configuration.

        Raises:
            SchedulerError: If a custom function returns what is not in the space.
        """
        config = {**self._added, **config}
        constants = constant_entries(self.config_space)
        if self.custom_explore_fn is None:
            changed = {**config, **constants}
            for name, entry in self.config_space.items():
                if isinstance(entry, Domain):
                    changed[name] = self._perturb(entry, config[name])
            return changed
        given = self.custom_explore_fn({**config, **constants})
        if not isinstance(given, Mapping):
            raise SchedulerError(f"custom_explore_fn must return a configuration, got {given!r}")
        changed = {**given, **constants}
        try:
            validate_config(changed, self.config_space)
        except InvalidConfigError as error:
            raise SchedulerError(f"custom_explore_fn returned {changed}: {error}") from error
        return {**changed, **cast_config_values(changed, self.config_space)}

    def _perturb(self, domain: Domain, value: Any) -> Any:
        random = self._random_state
        afresh = random.random_sample() < self.resample_probability
        unordered = isinstance(domain, Categorical) and not isinstance(domain, Ordinal)
        if afresh or unordered or not domain.is_valid(value):
            return domain.sample(random_state=random)
        step = int(random.randint(2))
        members = domain.members() if isinstance(domain, Ordinal) else None
        if members is not None:
            position = list(members).index(value) + (2 * step - 1)
            return members[min(max(position, 0), len(members) - 1)]
        return domain.clip(domain.cast(value * _FACTORS[step]))

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """The trial came to its end: a copy of it would have nothing left to do."""
        super().on_trial_complete(trial, result)
        self._leave(trial, for_good=True)

    def on_trial_error(self, trial: Trial) -> None:
        """The trial failed: it leaves the population."""
        super().on_trial_error(trial)
        self._leave(trial, for_good=True)

    def on_trial_remove(self, trial: Trial) -> None:
        """The trial was stopped or paused: it leaves the population."""
        super().on_trial_remove(trial)
        self._leave(trial)

    def on_trial_resumed_by_user(self, trial: Trial) -> None:
        """The user lets a paused trial go on: it joins the population again."""
        super().on_trial_resumed_by_user(trial)
        state = self._away.pop(trial.trial_id, None)
        if state is not None:
            state.stopped = False
            self._states[trial.trial_id] = state

    def _leave(self, trial: Trial, *, for_good: bool = False) -> None:
        state = self._states.pop(trial.trial_id, None)
        if for_good:
            self._away.pop(trial.trial_id, None)
        elif state is not None:
            state.stopped = True
            self._away[trial.trial_id] = state

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`; `exploit` and `exploited` name the other `trial`."""
        return super().reason() if self._suggested else self._last_reason

    def describe(self) -> dict[str, Any]:
        """See `TrialScheduler.describe`."""
        most = self.max_resource_level
        return {**super().describe(), "resource_attr": self.resource_attr, "max_resource": most}

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Draw from another space from now on; what waits to start is moved into it."""
        diff = diff_config_spaces(self.config_space, config_space, defaults)
        report = super().edit_space(config_space, defaults)
        self._added.update(diff.defaults)
        self._queue = deque(replace(one, config=self._moved(one.config)) for one in self._queue)
        return report

    def _moved(self, config: Mapping[str, Any]) -> Config:
        """A configuration in the space as it is now, as near as may be."""
        moved: dict[str, Any] = {}
        for name, entry in self.config_space.items():
            if not isinstance(entry, Domain):
                moved[name] = entry
                continue
            value = config.get(name, self._added.get(name))
            fits = value is not None and entry.is_valid(value)
            moved[name] = value if fits else entry.sample(random_state=self._random_state)
        return moved


def _between(name: str, value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        upper = "" if most == inf else f" to {most:g}"
        raise SchedulerError(f"{name} must be a number from 0{upper}, got {value!r}")
    return float(value)
