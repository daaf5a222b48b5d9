"""A scheduler under the hands of a test: trials by number, reports by resource and value."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from synetune_lab.config_space import uniform
from synetune_lab.optimizer.scheduler import TrialSuggestion
from synetune_lab.optimizer.schedulers import HyperbandScheduler
from synetune_lab.optimizer.schedulers.searchers import BaseSearcher
from synetune_lab.trial import Trial

SPACE = {"x": uniform(0.0, 1.0), "epochs": 81}


class Hand:
    """Asks and tells a scheduler step by step."""

    def __init__(self, **kwargs: Any) -> None:
        arguments = {
            "metric": "loss",
            "max_resource_attr": "epochs",
            "random_seed": 1,
            "type": "promotion",
            **kwargs,
        }
        self.scheduler = HyperbandScheduler(arguments.pop("config_space", SPACE), **arguments)
        self.trials: dict[int, Trial] = {}

    def suggest(self) -> TrialSuggestion | None:
        new_id = len(self.trials)
        suggestion = self.scheduler.suggest(new_id)
        if suggestion is not None and suggestion.spawn_new_trial_id:
            assert suggestion.config is not None
            self.trials[new_id] = Trial(new_id, suggestion.config, datetime(2026, 1, 1))
            self.scheduler.on_trial_add(self.trials[new_id])
        return suggestion

    def report(self, trial_id: int, resource: int, loss: float, **more: Any) -> str:
        """The decision; a trial that is told to pause or stop is removed, as the engine does."""
        trial = self.trials[trial_id]
        result = {"epoch": resource, "loss": loss, **more}
        decision = self.scheduler.on_trial_result(trial, result)
        if decision != "CONTINUE":
            self.scheduler.on_trial_remove(trial)
        return decision

    def start_and_report(self, losses: list[float], resource: int = 1) -> list[str]:
        """Start as many trials at once, then let each report."""
        first = len(self.trials)
        for _ in losses:
            suggestion = self.suggest()
            assert suggestion is not None
            assert suggestion.spawn_new_trial_id
        return [self.report(first + k, resource, loss) for k, loss in enumerate(losses)]

    def resumed(self) -> int | None:
        """The trial that the next suggestion resumes; None if it starts a new one."""
        suggestion = self.suggest()
        assert suggestion is not None
        return None if suggestion.spawn_new_trial_id else suggestion.checkpoint_trial_id


class RecordingSearcher(BaseSearcher):
    """Suggests the same again and again, and writes down what it is told."""

    def __init__(self, config_space: dict[str, Any], metric: str = "loss") -> None:
        super().__init__(config_space, metric, points_to_evaluate=[])
        self.told: list[tuple[Any, ...]] = []
        self.asked: list[dict[str, Any]] = []

    def get_config(self, **kwargs: Any) -> dict[str, Any]:
        self.asked.append(kwargs)
        return {"x": 0.5}

    def on_trial_result(
        self, trial_id: str, config: dict[str, Any], result: dict[str, Any], update: bool
    ) -> None:
        self.told.append(("result", trial_id, result.get("epoch"), update))

    def register_pending(
        self, trial_id: str, config: dict[str, Any] | None = None, milestone: int | None = None
    ) -> None:
        self.told.append(("pending", trial_id, milestone))

    def remove_case(self, trial_id: str, **kwargs: Any) -> None:
        self.told.append(("remove", trial_id, kwargs))

    def evaluation_failed(self, trial_id: str) -> None:
        self.told.append(("failed", trial_id))

    def cleanup_pending(self, trial_id: str) -> None:
        self.told.append(("cleanup", trial_id))

    def take(self) -> list[tuple[Any, ...]]:
        """What it was told since the last time."""
        told, self.told = self.told, []
        return told
