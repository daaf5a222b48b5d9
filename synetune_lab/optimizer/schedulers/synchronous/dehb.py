"""DEHB: synchronous Hyperband whose configurations evolve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from synetune_lab.config_space import (
    make_hyperparameter_ranges,
)
from synetune_lab.config_space.keys import ConfigKeyer
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.scheduler import SchedulerDecision, TrialSuggestion
from synetune_lab.optimizer.schedulers.arguments import refuse_unknown_arguments, require_bool
from synetune_lab.optimizer.schedulers.reports import read_number, read_resource
from synetune_lab.optimizer.schedulers.synchronous.common import SynchronousHyperbandCommon
from synetune_lab.optimizer.schedulers.synchronous.dehb_brackets import (
    DifferentialEvolutionHyperbandBracket,
    Population,
)
from synetune_lab.optimizer.schedulers.synchronous.evolution import crossover, mutate
from synetune_lab.optimizer.schedulers.synchronous.rung_sizes import Rungs, check_bracket_rungs

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config
    from synetune_lab.optimizer.schedulers.searchers import BaseSearcher
    from synetune_lab.optimizer.schedulers.synchronous.bracket import Slot
    from synetune_lab.optimizer.schedulers.time_keeper import TimeKeeper
    from synetune_lab.trial import Trial

__all__ = ["DifferentialEvolutionHyperbandScheduler"]

MAX_RETRIES = 50
"""So often a child is made anew if it was tried before; then it is drawn at random."""
_MAX_JOBS = 10_000
_PARENTS = 3


@dataclass(slots=True)
class _Job:
    """What a trial is doing: its bracket and slot (None outside of all), and what it reported."""

    bracket: int
    slot: Slot | None
    config: dict[str, Any]
    seen: int = 0
    last: float = math.nan
    is_running: bool = True
    is_told: bool = False
    can_go_on: bool = True


class DifferentialEvolutionHyperbandScheduler(SynchronousHyperbandCommon):
    """Hyperband whose configurations evolve from rung to rung and from bracket to bracket.

    The first bracket is synchronous successive halving. From then on, each slot gets a child: a
    mutant of three parents (the best of the rung below, or the owners of the same rung before),
    crossed with the trial that owned the slot before. The better of both owns it from then on.

    Awad, Mallik, Hutter: DEHB: Evolutionary Hyperband for Scalable, Robust and Efficient
    Hyperparameter Optimization, https://arxiv.org/abs/2105.09821.

    Args:
        config_space: Configuration space.
        rungs_first_bracket: Size and level of each rung of the first bracket; bracket b has those
            from the b-th on.
        num_brackets_per_iteration: After so many brackets it begins with the first kind again;
            None for as many as there are rungs.
        metric: Name of the reported metric.
        searcher: What fills the first rung; see `FIFOScheduler`. Default: configurations whose
            encodings are uniform in the unit cube.
        search_options: See `FIFOScheduler`.
        mode: `min` (default) or `max`.
        points_to_evaluate: See `FIFOScheduler`.
        random_seed: See `FIFOScheduler`.
        max_resource_attr: See `SynchronousHyperbandScheduler`.
        max_resource_level: See `SynchronousHyperbandScheduler`.
        resource_attr: Name of the resource in reports.
        searcher_data: See `SynchronousHyperbandScheduler`.
        mutation_factor: F of differential evolution, in (0, 1].
        crossover_probability: Chance of an entry to come from the mutant, in (0, 1).
        support_pause_resume: Whether trials of the first bracket are resumed when they are
            promoted; else a new trial begins from scratch with the same configuration.
        time_keeper: See `FIFOScheduler`.
        unknown: Nothing: any other argument is refused by name.

    Raises:
        SchedulerError: If an argument is unknown or out of range.
        ConfigSpaceError: If `config_space` is not possible.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        rungs_first_bracket: Sequence[tuple[int, int]],
        num_brackets_per_iteration: int | None = None,
        *,
        metric: str,
        searcher: str | BaseSearcher = "random_encoded",
        search_options: Mapping[str, Any] | None = None,
        mode: str = "min",
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        random_seed: int | None = None,
        max_resource_attr: str | None = None,
        max_resource_level: int | None = None,
        resource_attr: str = "epoch",
        searcher_data: str = "rungs",
        mutation_factor: float = 0.5,
        crossover_probability: float = 0.5,
        support_pause_resume: bool = True,
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
            max_resource_level=max_resource_level,
            resource_attr=resource_attr,
            searcher_data=searcher_data,
            time_keeper=time_keeper,
        )
        if not 0 < mutation_factor <= 1:
            raise SchedulerError(f"mutation_factor={mutation_factor!r} must be in (0, 1]")
        if not 0 < crossover_probability < 1:
            raise SchedulerError(
                f"crossover_probability={crossover_probability!r} must be in (0, 1)"
            )
        rungs = check_bracket_rungs("rungs_first_bracket", [rungs_first_bracket])[0]
        kinds = len(rungs) if num_brackets_per_iteration is None else num_brackets_per_iteration
        if not 1 <= kinds <= len(rungs):
            raise SchedulerError(
                f"num_brackets_per_iteration={num_brackets_per_iteration!r} must be from 1 to the "
                f"number of rungs, {len(rungs)}"
            )
        self.mutation_factor = mutation_factor
        self.crossover_probability = crossover_probability
        self.support_pause_resume = require_bool("support_pause_resume", support_pause_resume)
        self._kinds: list[Rungs] = [rungs[kind:] for kind in range(kinds)]
        self._check_levels(self._kinds)
        self._population = Population()
        for size, level in rungs:
            self._population.add_level(level, size)
        self._brackets: dict[int, DifferentialEvolutionHyperbandBracket] = {}
        self._opened = 0
        self._jobs: dict[int, _Job] = {}
        self._vectors: dict[int, np.ndarray] = {}
        self._is_exhausted = False
        self._connect(searcher, search_options, points_to_evaluate)
        self._searcher.require_hyperparameters()
        self.random_state = np.random.RandomState(self.random_seed_generator())
        self._ranges = make_hyperparameter_ranges(self.config_space)
        self._keyer = ConfigKeyer(self.config_space)
        self._tried: set[bytes] = set()

    def _all_rungs(self) -> list[Rungs]:
        return self._kinds

    # Suggestions

    def _next_job(self) -> tuple[int, Slot] | None:
        for bracket_id, bracket in self._brackets.items():
            slot = bracket.next_free_slot()
            if slot is not None:
                return bracket_id, slot
        if self._is_exhausted:
            return None
        bracket_id = self._opened
        self._opened += 1
        bracket = DifferentialEvolutionHyperbandBracket(
            self._kinds[bracket_id % len(self._kinds)],
            self._population,
            str(self.mode),
            bracket_id == 0,
        )
        self._brackets[bracket_id] = bracket
        slot = bracket.next_free_slot()
        assert slot is not None
        return bracket_id, slot

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        for _ in range(_MAX_JOBS):
            job = self._next_job()
            if job is None:
                return None
            bracket_id, slot = job
            if bracket_id == 0 and slot.rung_index > 0:
                suggestion = self._promoted(trial_id, slot)
            else:
                suggestion = self._new(trial_id, bracket_id, slot)
            if suggestion is not None:
                return suggestion
            self._fill(bracket_id, slot, math.nan)
        return None

    def _promoted(self, trial_id: int, slot: Slot) -> TrialSuggestion | None:
        """A trial of the first bracket goes on; None if there is none for the slot."""
        top = self._brackets[0].top
        if slot.slot_index >= len(top):
            return None
        source = top[slot.slot_index]
        job = self._jobs[source]
        self._suggested = False
        self._last_reason = {
            "kind": "promoted",
            "bracket": 0,
            "level": self._kinds[0][slot.rung_index - 1][1],
            "to_level": slot.level,
            "value": job.last if math.isfinite(job.last) else None,
            "cutoff": None,
            "rank": slot.slot_index + 1,
            "size": len(top),
        }
        if not job.can_go_on:
            return None
        if not self.support_pause_resume:
            return self._start(trial_id, 0, slot, dict(job.config), self._vectors.get(source))
        slot.trial_id = source
        job.slot, job.bracket, job.is_running, job.is_told = slot, 0, True, False
        self._feed.expect(source, None, job.seen, slot.level)
        config = None
        if self.max_resource_attr is not None:
            config = self._up_to(job.config, slot.level)
        return TrialSuggestion.resume_suggestion(source, config)

    def _new(self, trial_id: int, bracket_id: int, slot: Slot) -> TrialSuggestion | None:
        child = None if bracket_id == 0 else self._child(bracket_id, slot)
        if child is not None:
            return self._start(trial_id, bracket_id, slot, *child)
        config = self._draw_config(trial_id)
        self._suggested = config is not None
        self._last_reason = {"bracket": bracket_id % len(self._kinds)}
        if config is None:
            self._is_exhausted = True
            return None
        vector = getattr(self._searcher, "last_vector", None)
        return self._start(trial_id, bracket_id, slot, config, vector)

    def _start(
        self,
        trial_id: int,
        bracket_id: int,
        slot: Slot,
        config: dict[str, Any],
        vector: np.ndarray | None,
    ) -> TrialSuggestion:
        """A new trial; `vector` is what its configuration was decoded from, if it was.

        Parents are mixed as they were before they were decoded: encoded anew, the values of a
        choice would be drawn together to its first ones.
        """
        slot.trial_id = trial_id
        self._jobs[trial_id] = _Job(bracket_id, slot, config)
        self._vectors[trial_id] = self._ranges.to_ndarray(config) if vector is None else vector
        self._tried.add(self._keyer.key(config))
        self._feed.expect(trial_id, config, 0, slot.level)
        return TrialSuggestion.start_suggestion(self._up_to(config, slot.level))

    def _child(self, bracket_id: int, slot: Slot) -> tuple[Config, np.ndarray] | None:
        """A configuration out of earlier ones that was not tried, and its vector, if there is."""
        bracket, level = self._brackets[bracket_id], slot.level
        owners = self._population.owners[level]
        parents = list(bracket.top) if slot.rung_index > 0 else [o for o in owners if o is not None]
        if len(parents) < _PARENTS:
            parents += [one for one in self._population.pool[level] if one not in parents]
        if len(parents) < _PARENTS:
            return None
        target = owners[slot.slot_index]
        state = self.random_state
        for _ in range(MAX_RETRIES):
            chosen = [parents[i] for i in state.permutation(len(parents))[:_PARENTS]]
            first, second, third = (self._vectors[one] for one in chosen)
            vector = mutate((first, second, third), self.mutation_factor, state)
            if target is not None:
                vector = crossover(vector, self._vectors[target], self.crossover_probability, state)
            config = {**self._ranges.from_ndarray(vector), **self._constants}
            if self._keyer.key(config) not in self._tried:
                self._suggested = False
                self._last_reason = {
                    "kind": "evolved",
                    "bracket": bracket_id % len(self._kinds),
                    "level": level,
                    "parents": chosen,
                    "target": target,
                }
                return config, vector
        return None

    def on_trial_add(self, trial: Trial) -> None:
        """A trial was started; one that was not suggested here runs outside of all brackets."""
        if trial.trial_id not in self._jobs:
            self._jobs[trial.trial_id] = _Job(-1, None, dict(trial.config))
            self._feed.expect(trial.trial_id, trial.config, 0, self._top)

    @property
    def _top(self) -> int:
        assert self.max_resource_level is not None
        return self.max_resource_level

    # Reports

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """Judge a report, if the trial has reached the level of its slot.

        Returns:
            `CONTINUE` below; there `PAUSE` in the first bracket (it may be promoted), else `STOP`.

        Raises:
            InvalidReportError: If metric or resource is missing or has a wrong type.
        """
        trial_id = trial.trial_id
        resource = read_resource(trial_id, result, self._resource_attr)
        value = read_number(trial_id, result, self._metric_name)
        self._suggested = False
        self._last_reason = None
        job = self._jobs[trial_id]
        if resource <= job.seen:
            return SchedulerDecision.CONTINUE
        job.seen, job.last = resource, value
        slot = job.slot
        at_rung = resource >= (self._top if slot is None else slot.level)
        self._feed.report(trial_id, trial.config, result, at_rung)
        if not at_rung:
            return SchedulerDecision.CONTINUE
        job.is_running = False
        if slot is None:
            self._last_reason = self._end_reason(resource)
            return SchedulerDecision.STOP
        return self._reached(trial_id, job, slot, value)

    def _reached(self, trial_id: int, job: _Job, slot: Slot, value: float) -> str:
        bracket = self._brackets[job.bracket]
        may_go_on = (
            job.bracket == 0
            and self.support_pause_resume
            and slot.rung_index < len(bracket.rungs) - 1
        )
        job.slot = None
        done = bracket.num_occupied + 1
        self._fill(job.bracket, slot, value)
        owns = self._population.owners[slot.level][slot.slot_index] == trial_id
        if slot.level == self._top and not may_go_on:
            self._last_reason = self._end_reason(slot.level)
        else:
            self._last_reason = {
                "kind": "rung",
                "bracket": job.bracket % len(self._kinds),
                "level": slot.level,
                "value": value if math.isfinite(value) else None,
                "cutoff": None,
                "rank": 1 if owns else 2,
                "size": done,
                "goes_on": False,
            }
        return SchedulerDecision.PAUSE if may_go_on else SchedulerDecision.STOP

    def _end_reason(self, level: int) -> dict[str, Any]:
        reason: dict[str, Any] = {"kind": "max_resource", "level": level}
        if self.max_resource_attr is not None:
            reason["ends_by_itself"] = True
        return reason

    def _fill(self, bracket_id: int, slot: Slot, value: float) -> None:
        bracket = self._brackets[bracket_id]
        before = bracket.current_rung
        if slot.trial_id not in self._vectors:
            slot.trial_id = None  # outside of the space, which was edited meanwhile
        bracket.on_result(slot, value)
        if bracket.current_rung != before and bracket_id == 0 and self.support_pause_resume:
            waiting = [
                i for i, job in self._jobs.items() if job.bracket == 0 and not job.is_running
            ]
            for trial_id in waiting:
                if trial_id not in bracket.top or bracket.is_bracket_complete():
                    self._jobs[trial_id].bracket = -1
                    self._removable.append(trial_id)
        if bracket.is_bracket_complete():
            del self._brackets[bracket_id]

    # What else becomes of trials

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:  # noqa: ARG002
        """The trial ended by itself; before its level, it keeps the value that it has reached."""
        job = self._jobs[trial.trial_id]
        job.can_go_on = False
        self._leave(trial.trial_id, job, job.last)

    def on_trial_error(self, trial: Trial) -> None:
        """The trial failed: it gets no slot, and its configuration is not repeated."""
        super().on_trial_error(trial)
        job = self._jobs[trial.trial_id]
        job.can_go_on = False
        self._leave(trial.trial_id, job, math.nan)

    def on_trial_remove(self, trial: Trial) -> None:
        """The trial was paused or stopped, by this scheduler or by the user."""
        job = self._jobs[trial.trial_id]
        if job.is_running:
            job.can_go_on = False
            self._leave(trial.trial_id, job, math.nan)
        elif not job.is_told:
            job.is_told = True  # this confirms what was decided here; another one is the user's
        else:
            job.can_go_on = False
        self._feed.ended(trial.trial_id)

    def on_trial_resumed_by_user(self, trial: Trial) -> Config | None:
        """The user lets a paused trial go on: it leaves its bracket, to the maximum resource."""
        job = self._jobs[trial.trial_id]
        job.is_running, job.slot, job.bracket, job.can_go_on = True, None, -1, False
        job.is_told = False
        self._feed.expect(trial.trial_id, None, job.seen, self._top)
        if self.max_resource_attr is None:
            return None
        return self._up_to(job.config, self._top)

    def _leave(self, trial_id: int, job: _Job, value: float) -> None:
        self._feed.ended(trial_id)
        job.is_running = False
        slot, job.slot = job.slot, None
        if slot is not None:
            self._fill(job.bracket, slot, value)

    # Another space

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Draw from another space; parents are encoded anew, those outside of it leave."""
        report = super().edit_space(config_space, defaults)
        self._ranges = make_hyperparameter_ranges(self.config_space)
        self._keyer = ConfigKeyer(self.config_space)
        self._tried = set()
        vectors: dict[int, np.ndarray] = {}
        outside: set[int] = set()
        for trial_id in self._vectors:
            job = self._jobs[trial_id]
            config = self._searcher.in_space(job.config)
            if config is None:
                outside.add(trial_id)
                continue
            vectors[trial_id] = self._ranges.to_ndarray(config)
            self._tried.add(self._keyer.key(config))
        self._vectors = vectors
        self._population.drop(outside)
        for bracket in self._brackets.values():
            bracket.drop(outside)
        self._is_exhausted = False
        return {**report, "kept": len(vectors), "dropped": len(outside)}
