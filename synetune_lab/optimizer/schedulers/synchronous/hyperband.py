"""Synchronous Hyperband: rungs of fixed size, whose best go on when a rung is full."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from synetune_lab.optimizer.scheduler import SchedulerDecision, TrialSuggestion
from synetune_lab.optimizer.schedulers.arguments import (
    refuse_unknown_arguments,
)
from synetune_lab.optimizer.schedulers.reports import read_number, read_resource
from synetune_lab.optimizer.schedulers.synchronous.common import SynchronousHyperbandCommon
from synetune_lab.optimizer.schedulers.synchronous.manager import (
    SynchronousHyperbandBracketManager,
)
from synetune_lab.optimizer.schedulers.synchronous.rung_sizes import (
    Rungs,
    check_bracket_rungs,
)

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config
    from synetune_lab.optimizer.schedulers.searchers import BaseSearcher
    from synetune_lab.optimizer.schedulers.synchronous.bracket import Slot
    from synetune_lab.optimizer.schedulers.time_keeper import TimeKeeper
    from synetune_lab.trial import Trial

__all__ = ["SynchronousHyperbandScheduler"]

_MAX_JOBS = 10_000


@dataclass(slots=True)
class _Job:
    """What a trial is doing.

    Attributes:
        bracket: Its bracket; -1 once it has left all brackets.
        slot: Its slot there; None if it waits for the rung to fill, or has left.
        config: Its configuration, without a level.
        seen: The largest resource that it reported.
        last: What it reported last.
        is_running: Whether it runs.
        has_ended: Whether it came to its end by itself, before it was told to.
        is_told: Whether its removal was told after this scheduler had paused or stopped it; a
            second removal is the user's.
    """

    bracket: int
    slot: Slot | None
    config: dict[str, Any]
    seen: int = 0
    last: float = math.nan
    is_running: bool = True
    has_ended: bool = False
    is_told: bool = False


class SynchronousHyperbandScheduler(SynchronousHyperbandCommon):
    """Hyperband whose brackets have rungs of fixed size; trials pause at each.

    When the last slot of a rung is occupied, its best trials go on to the next rung. A worker that
    finds no free slot begins another bracket; none ever waits. A trial that fails or is stopped by
    the user before it reached its level ranks last there. One that the user resumes runs to the
    maximum resource outside of the bracket.

    Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: Hyperband: A Novel Bandit-Based Approach to
    Hyperparameter Optimization, https://arxiv.org/abs/1603.06560.

    Args:
        config_space: Configuration space.
        bracket_rungs: For each bracket, size and level of each rung: `[[(9, 1), (3, 3), (1, 9)]]`.
            Sizes decrease, levels increase. Brackets are opened in this order, again and again.
        metric: Name of the reported metric.
        searcher: See `FIFOScheduler`.
        search_options: See `FIFOScheduler`.
        mode: `min` (default) or `max`.
        points_to_evaluate: See `FIFOScheduler`.
        random_seed: See `FIFOScheduler`.
        max_resource_attr: Name of the constant in `config_space` that holds the maximum resource.
            The next level is written there, so that the script ends by itself.
        max_resource_level: The maximum resource, if `max_resource_attr` is not given; default is
            the highest level.
        resource_attr: Name of the resource in reports.
        searcher_data: What the searcher learns from: `rungs` (reports at rung levels) or `all`.
        time_keeper: See `FIFOScheduler`.
        unknown: Nothing: any other argument is refused by name.

    Raises:
        SchedulerError: If an argument is unknown or out of range.
        ConfigSpaceError: If `config_space` is not possible.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        bracket_rungs: Sequence[Sequence[tuple[int, int]]],
        *,
        metric: str,
        searcher: str | BaseSearcher = "random",
        search_options: Mapping[str, Any] | None = None,
        mode: str = "min",
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        random_seed: int | None = None,
        max_resource_attr: str | None = None,
        max_resource_level: int | None = None,
        resource_attr: str = "epoch",
        searcher_data: str = "rungs",
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
        brackets = check_bracket_rungs("bracket_rungs", bracket_rungs)
        self._check_levels(brackets)
        self._manager = SynchronousHyperbandBracketManager(brackets, str(self.mode))
        self._jobs: dict[int, _Job] = {}
        self._is_exhausted = False
        self._connect(searcher, search_options, points_to_evaluate)

    def _all_rungs(self) -> list[Rungs]:
        return self._manager.bracket_rungs

    @property
    def bracket_manager(self) -> SynchronousHyperbandBracketManager:
        """The brackets."""
        return self._manager

    # Suggestions

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        for _ in range(_MAX_JOBS):
            job = self._manager.next_job(may_open=not self._is_exhausted)
            if job is None:
                return None
            bracket_id, slot = job
            if slot.trial_id is not None:
                known = self._jobs[slot.trial_id]
                if known.has_ended:
                    # It can't go on; what it reached is its value at all higher levels.
                    self._fill(bracket_id, slot, known.last)
                    continue
                return self._resume(bracket_id, slot, known)
            if slot.rung_index > 0:
                self._fill(bracket_id, slot, math.nan)  # its trial was taken away by the user
                continue
            config = self._draw_config(trial_id)
            if config is None:
                self._close(bracket_id, slot)
                continue
            slot.trial_id = trial_id
            self._jobs[trial_id] = _Job(bracket_id, slot, config)
            self._feed.expect(trial_id, config, 0, slot.level)
            self._suggested = True
            self._last_reason = {"bracket": self._manager.kind(bracket_id)}
            return TrialSuggestion.start_suggestion(self._up_to(config, slot.level))
        return None

    def _resume(self, bracket_id: int, slot: Slot, job: _Job) -> TrialSuggestion:
        assert slot.trial_id is not None
        job.slot, job.bracket, job.is_running, job.is_told = slot, bracket_id, True, False
        self._feed.expect(slot.trial_id, None, job.seen, slot.level)
        self._suggested = False
        self._last_reason = {
            "kind": "promoted",
            "bracket": self._manager.kind(bracket_id),
            "level": self._manager.level_to_prev_level(bracket_id, slot.level),
            "to_level": slot.level,
            "value": _json_number(job.last),
            "cutoff": None,
            "rank": slot.slot_index + 1,
            "size": self._manager.bracket(bracket_id).size,
        }
        config = None
        if self.max_resource_attr is not None:
            config = self._up_to(job.config, slot.level)
        return TrialSuggestion.resume_suggestion(slot.trial_id, config)

    def _close(self, bracket_id: int, slot: Slot) -> None:
        """No configuration is left: what rungs lack stays empty, and what is there goes on."""
        self._is_exhausted = True
        self._manager.bracket(bracket_id).take_back(slot)
        for number in self._manager.active():
            bracket = self._manager.bracket(number)
            for free in bracket.close_free_slots():
                self._fill(number, free, math.nan)

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
            `CONTINUE` below, `PAUSE` there, `STOP` at the end of the last rung.

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
            return SchedulerDecision.CONTINUE  # again, after it was restarted
        job.seen, job.last = resource, value
        slot = job.slot
        milestone = self._top if slot is None else slot.level
        at_rung = resource >= milestone
        self._feed.report(trial_id, trial.config, result, at_rung)
        if not at_rung:
            return SchedulerDecision.CONTINUE
        job.is_running = False
        if slot is None:
            self._last_reason = self._end_reason(resource)
            return SchedulerDecision.STOP
        return self._reached(job, slot, value)

    def _reached(self, job: _Job, slot: Slot, value: float) -> str:
        bracket_id = job.bracket
        bracket = self._manager.bracket(bracket_id)
        is_last = slot.rung_index == len(bracket.rungs) - 1
        size, rank = bracket.num_occupied + 1, bracket.rank(value)
        job.slot = None
        if is_last:
            job.bracket = -1
        self._fill(bracket_id, slot, value)
        if is_last:
            self._last_reason = self._end_reason(slot.level)
            return SchedulerDecision.STOP
        self._last_reason = {
            "kind": "rung",
            "bracket": self._manager.kind(bracket_id),
            "level": slot.level,
            "value": _json_number(value),
            "cutoff": None,
            "rank": rank,
            "size": size,
            "goes_on": False,
        }
        return SchedulerDecision.PAUSE

    def _end_reason(self, level: int) -> dict[str, Any]:
        reason: dict[str, Any] = {"kind": "max_resource", "level": level}
        if self.max_resource_attr is not None:
            reason["ends_by_itself"] = True
        return reason

    def _fill(self, bracket_id: int, slot: Slot, value: float) -> None:
        """A slot has its metric; if that fills the rung, its losers leave."""
        moved = self._manager.on_result(bracket_id, slot, value)
        if moved is None:
            return
        for trial_id in moved[1]:
            job = self._jobs[trial_id]
            job.bracket = -1
            if not job.is_running:
                self._removable.append(trial_id)

    # What else becomes of trials

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:  # noqa: ARG002
        """The trial ended by itself; before its level, it keeps the value that it has reached."""
        job = self._jobs[trial.trial_id]
        job.has_ended = True
        self._leave(trial.trial_id, job, job.last)

    def on_trial_error(self, trial: Trial) -> None:
        """The trial failed: it ranks last in its rung, and its configuration is not repeated."""
        super().on_trial_error(trial)
        job = self._jobs[trial.trial_id]
        self._leave(trial.trial_id, job, math.nan)
        self._withdraw(trial.trial_id, job)

    def on_trial_remove(self, trial: Trial) -> None:
        """The trial was paused or stopped, by this scheduler or by the user."""
        trial_id = trial.trial_id
        job = self._jobs[trial_id]
        if job.is_running:
            self._leave(trial_id, job, math.nan)
            self._withdraw(trial_id, job)
        elif not job.is_told:
            job.is_told = True
        else:
            self._withdraw(trial_id, job)
        self._feed.ended(trial_id)

    def on_trial_resumed_by_user(self, trial: Trial) -> Config | None:
        """The user lets a paused trial go on: it leaves its bracket, to the maximum resource."""
        job = self._jobs[trial.trial_id]
        self._withdraw(trial.trial_id, job)
        job.is_running, job.slot, job.bracket, job.is_told = True, None, -1, False
        self._feed.expect(trial.trial_id, None, job.seen, self._top)
        if self.max_resource_attr is None:
            return None
        return self._up_to(job.config, self._top)

    def _leave(self, trial_id: int, job: _Job, value: float) -> None:
        """A running trial does not reach its level any more."""
        self._feed.ended(trial_id)
        job.is_running = False
        slot, job.slot = job.slot, None
        if slot is not None:
            self._fill(job.bracket, slot, value)

    def _withdraw(self, trial_id: int, job: _Job) -> None:
        """A trial that waits in a rung, or for its turn in the next, is not to go on."""
        if job.bracket >= 0 and job.bracket in self._manager.active():
            bracket = self._manager.bracket(job.bracket)
            slot = bracket.slot_of(trial_id)
            if slot is not None:
                bracket.withdraw(slot)
        job.bracket = -1

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """See `TrialSchedulerWithSearcher.edit_space`; a space that was used up may not be now."""
        report = super().edit_space(config_space, defaults)
        self._is_exhausted = False
        return report


def _json_number(value: float) -> float | None:
    return value if math.isfinite(value) else None
