"""A run with a scheduler that does what the test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synetune_lab.config_space import uniform
from synetune_lab.engine.engine import TuningEngine
from synetune_lab.optimizer.scheduler import (
    SchedulerDecision,
    TrialScheduler,
    TrialSuggestion,
)
from tests.engine.world import World, never


class Obedient(TrialScheduler):
    """Decides what the report's `do` says; suggests `to_suggest`, then new trials up to `most`.

    Attributes:
        told: What it was told, as `add 0`, `remove 0`, ...
    """

    def __init__(self, most: int = 100) -> None:
        super().__init__({"x": uniform(0.0, 1.0), "epochs": 9})
        self.most = most
        self.to_suggest: list[TrialSuggestion] = []
        self.told: list[str] = []
        self.last: dict[str, Any] | None = None

    def metric_names(self) -> list[str]:
        return ["loss"]

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        if self.to_suggest:
            return self.to_suggest.pop(0)
        if trial_id >= self.most:
            return None
        return TrialSuggestion.start_suggestion({"x": 0.5, "epochs": 9})

    def on_trial_add(self, trial: Any) -> None:
        self.told.append(f"add {trial.trial_id}")

    def on_trial_result(self, trial: Any, result: dict[str, Any]) -> str:
        self.told.append(f"report {trial.trial_id}")
        self.last = result.get("why")
        return str(result.get("do", SchedulerDecision.CONTINUE))

    def on_trial_remove(self, trial: Any) -> None:
        self.told.append(f"remove {trial.trial_id}")

    def on_trial_complete(self, trial: Any, result: dict[str, Any]) -> None:
        self.told.append(f"complete {trial.trial_id} at epoch {result.get('epoch')}")

    def on_trial_error(self, trial: Any) -> None:
        self.told.append(f"error {trial.trial_id}")

    def on_trial_resumed_by_user(self, trial: Any) -> dict[str, Any] | None:
        self.told.append(f"resumed {trial.trial_id}")
        return {**trial.config, "epochs": 5}

    def reason(self) -> dict[str, Any] | None:
        return self.last

    def edit_space(self, config_space: Any, defaults: Any = None) -> dict[str, Any]:
        self.config_space = dict(config_space)
        return {"kept": 0, "outside": 0, "dropped": 0, "note": ""}


@pytest.fixture
def run() -> Callable[..., World]:
    """Makes a run that has begun."""

    def make(n_workers: int = 2, most: int = 100, **options: Any) -> World:
        criterion = options.pop("stop_criterion", never())
        world = World(TuningEngine(Obedient(most), criterion, n_workers, **options))
        world.open()
        return world

    return make
