"""A small, deterministic experiment in memory, to drive a scheduler through its whole contract."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from synetune_lab.optimizer.scheduler import SchedulerDecision, TrialScheduler
from synetune_lab.trial import Trial

__all__ = ["Mishaps", "SchedulerDriver"]

_CREATED = datetime(2026, 1, 1)
_DECISIONS = (SchedulerDecision.CONTINUE, SchedulerDecision.PAUSE, SchedulerDecision.STOP)


@dataclass(frozen=True)
class Mishaps:
    """How likely, at each step, something happens beside a report.

    Attributes:
        fails: The trial fails.
        completes: The trial ends by itself.
        user_stops: The user stops the trial.
        user_pauses: The user pauses the trial; it is resumed some steps later.
        repeats: The trial's process was lost: it starts again from an older checkpoint.
    """

    fails: float = 0.0
    completes: float = 0.0
    user_stops: float = 0.0
    user_pauses: float = 0.0
    repeats: float = 0.0


@dataclass
class SchedulerDriver:
    """Plays the engine for one scheduler, checks each of its answers, and keeps a log.

    All that is random comes from `seed`, so that two drivers with the same seed and schedulers that
    decide alike write the same log.

    Args:
        scheduler: The scheduler.
        value: Metric of a trial: from its configuration, its number and the resource.
        n_workers: Trials at a time.
        max_resource: A trial ends by itself when it has spent this.
        seed: Of the order of reports and of mishaps.
        mishaps: What may go wrong.
        report_every: A report comes each time that this much resource was spent.

    Attributes:
        log: What happened, as tuples that begin with a word: `start`, `resume`, `report`, ...
        configs: Configurations of all trials.
        exhausted: Whether the scheduler had nothing more to suggest.
    """

    scheduler: TrialScheduler
    value: Callable[[dict[str, Any], int, int], float]
    n_workers: int = 4
    max_resource: int = 27
    seed: int = 0
    mishaps: Mishaps = field(default_factory=Mishaps)
    report_every: int = 1
    log: list[tuple[Any, ...]] = field(default_factory=list)
    configs: dict[int, dict[str, Any]] = field(default_factory=dict)
    exhausted: bool = False

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._running: list[int] = []
        self._paused: set[int] = set()  # by the scheduler
        self._paused_by_user: list[int] = []
        self._spent: dict[int, int] = {}
        self.metric = self.scheduler.metric_names()
        self.resource_attr: str = self.scheduler.describe().get("resource_attr", "epoch")

    def run(self, n_steps: int) -> list[tuple[Any, ...]]:
        """Go some steps on; the log so far."""
        for _ in range(n_steps):
            self._fill_workers()
            if not self._running:
                break
            self._step(self._random.choice(self._running))
        return self.log

    def trial(self, trial_id: int) -> Trial:
        """A trial as the scheduler gets it."""
        return Trial(trial_id, self.configs[trial_id], _CREATED)

    def _fill_workers(self) -> None:
        if self._paused_by_user and self._random.random() < 0.2:
            self._resume_by_user(self._paused_by_user.pop(0))
        while len(self._running) < self.n_workers and not self.exhausted:
            new_id = len(self.configs)
            suggestion = self.scheduler.suggest(new_id)
            if suggestion is None:
                self.exhausted = True
            elif suggestion.spawn_new_trial_id:
                assert suggestion.config is not None, "a new trial needs a configuration"
                self.configs[new_id] = suggestion.config
                self._spent[new_id] = 0
                self._running.append(new_id)
                self.scheduler.on_trial_add(self.trial(new_id))
                self._note("start", new_id, suggestion.config, self._reason())
            else:
                self._resume(suggestion.checkpoint_trial_id, suggestion.config)

    def _resume(self, trial_id: int | None, config: dict[str, Any] | None) -> None:
        assert trial_id in self._paused, f"{trial_id} is to be resumed, but does not wait"
        self._paused.remove(trial_id)
        self._go_on(trial_id, config)
        self._note("resume", trial_id, config, self._reason())

    def _resume_by_user(self, trial_id: int) -> None:
        self._go_on(trial_id, self.scheduler.on_trial_resumed_by_user(self.trial(trial_id)))
        self._note("resume by user", trial_id)

    def _go_on(self, trial_id: int, config: dict[str, Any] | None) -> None:
        if config is not None:
            self.configs[trial_id] = config
        self._running.append(trial_id)

    def _step(self, trial_id: int) -> None:
        trial, chance = self.trial(trial_id), self._random.random()
        for name in ("fails", "completes", "user_stops", "user_pauses", "repeats"):
            chance -= getattr(self.mishaps, name)
            if chance < 0:
                self._mishap(name, trial)
                return
        self._report(trial)

    def _mishap(self, name: str, trial: Trial) -> None:
        trial_id = trial.trial_id
        if name == "repeats":
            self._spent[trial_id] = self._random.randint(0, self._spent[trial_id])
        else:
            self._running.remove(trial_id)
        if name == "fails":
            self.scheduler.on_trial_error(trial)
        elif name == "completes":
            self.scheduler.on_trial_complete(trial, self._result(trial))
        elif name in ("user_stops", "user_pauses"):
            self.scheduler.on_trial_remove(trial)
        if name == "user_pauses":
            self._paused_by_user.append(trial_id)
        self._note(name, trial_id)

    def _result(self, trial: Trial) -> dict[str, Any]:
        spent = max(1, self._spent[trial.trial_id])
        value = self.value(trial.config, trial.trial_id, spent)
        return {**dict.fromkeys(self.metric, value), self.resource_attr: spent}

    def _report(self, trial: Trial) -> None:
        trial_id = trial.trial_id
        self._spent[trial_id] += self.report_every
        result = self._result(trial)
        decision = self.scheduler.on_trial_result(trial, result)
        assert decision in _DECISIONS, f"{decision!r} is no decision"
        self._note("report", trial_id, result, decision, self._reason())
        if decision != SchedulerDecision.CONTINUE:
            self._running.remove(trial_id)
            if decision == SchedulerDecision.PAUSE:
                self._paused.add(trial_id)
            self.scheduler.on_trial_remove(trial)
        elif self._spent[trial_id] >= self.max_resource:
            self._running.remove(trial_id)
            self.scheduler.on_trial_complete(trial, result)
            self._note("complete", trial_id)

    def _reason(self) -> dict[str, Any] | None:
        reason = self.scheduler.reason()
        json.dumps(reason, allow_nan=False)  # raises if it is not JSON
        return None if reason is None else dict(reason)

    def _note(self, *entry: Any) -> None:
        self.log.append(entry)
