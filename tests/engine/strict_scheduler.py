"""A scheduler that decides at random and checks that the engine keeps the schedulers' contract."""

from __future__ import annotations

import random
from typing import Any

from synetune_lab.config_space import uniform
from synetune_lab.errors import InvalidReportError, SchedulerError
from synetune_lab.optimizer.scheduler import (
    SchedulerDecision,
    TrialScheduler,
    TrialSuggestion,
)
from synetune_lab.trial import Trial

RUNNING, REMOVED, GONE = "running", "removed", "gone"


class StrictScheduler(TrialScheduler):
    """Pauses, promotes and stops at random; a call that breaks the contract is an error.

    Args:
        seed: Of its decisions.
        most: How many trials it suggests in all.
    """

    def __init__(self, seed: int = 0, most: int = 30) -> None:
        super().__init__({"x": uniform(0.0, 1.0), "epochs": 9})
        self.random = random.Random(seed)
        self.most = most
        self.belief: dict[int, str] = {}
        self.waiting: list[int] = []
        self.last_reason: dict[str, Any] | None = None

    def metric_names(self) -> list[str]:
        return ["loss"]

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        assert trial_id == len(self.belief)
        self.last_reason = None
        if self.waiting and self.random.random() < 0.5:
            chosen = self.waiting.pop(self.random.randrange(len(self.waiting)))
            assert self.belief[chosen] == REMOVED
            self.belief[chosen] = RUNNING
            self.last_reason = {"kind": "promoted"}
            config = {"x": 0.5, "epochs": 3} if self.random.random() < 0.5 else None
            return TrialSuggestion.resume_suggestion(chosen, config)
        if trial_id >= self.most:
            return None
        return TrialSuggestion.start_suggestion({"x": self.random.random(), "epochs": 9})

    def on_trial_add(self, trial: Trial) -> None:
        assert trial.trial_id == len(self.belief)
        self.belief[trial.trial_id] = RUNNING

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        assert self.belief[trial.trial_id] == RUNNING, trial
        self.last_reason = None
        if "loss" not in result:
            raise InvalidReportError("the report lacks 'loss'")
        chance = self.random.random()
        if chance < 0.2:
            self.waiting.append(trial.trial_id)
            return SchedulerDecision.PAUSE
        if chance < 0.3:
            return SchedulerDecision.STOP
        if chance < 0.4:
            by_itself = self.random.random() < 0.5
            self.last_reason = {"kind": "max_resource", "ends_by_itself": by_itself}
            return SchedulerDecision.STOP
        return SchedulerDecision.CONTINUE

    def on_trial_remove(self, trial: Trial) -> None:
        belief = self.belief[trial.trial_id]
        assert belief in (RUNNING, REMOVED), trial
        self.belief[trial.trial_id] = REMOVED
        if belief == REMOVED and trial.trial_id in self.waiting:
            self.waiting.remove(trial.trial_id)

    def on_trial_resumed_by_user(self, trial: Trial) -> dict[str, Any] | None:
        assert self.belief[trial.trial_id] == REMOVED, trial
        self.belief[trial.trial_id] = RUNNING
        if trial.trial_id in self.waiting:
            self.waiting.remove(trial.trial_id)
        return {**trial.config, "epochs": 5}

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        assert self.belief[trial.trial_id] == RUNNING, trial
        self.belief[trial.trial_id] = GONE

    def on_trial_error(self, trial: Trial) -> None:
        assert self.belief[trial.trial_id] in (RUNNING, REMOVED), trial
        self.belief[trial.trial_id] = GONE
        if trial.trial_id in self.waiting:
            self.waiting.remove(trial.trial_id)

    def reason(self) -> dict[str, Any] | None:
        return self.last_reason

    def edit_space(
        self, config_space: dict[str, Any], defaults: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if config_space["epochs"] == 13:
            raise SchedulerError("13 epochs are unlucky")
        self.config_space = dict(config_space)
        return {"kept": len(self.belief), "outside": 0, "dropped": 0, "note": ""}
