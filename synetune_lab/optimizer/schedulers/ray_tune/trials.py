"""What Ray Tune's schedulers see of trials and of what runs them."""

from __future__ import annotations

from typing import Any

from synetune_lab.constants import ST_WORKER_TIME

__all__ = ["Controller", "RayTrial"]


class RayTrial:
    """A trial, with what Ray's schedulers read of theirs.

    Args:
        trial_id: Its number.
        config: Its configuration.
    """

    def __init__(self, trial_id: int, config: dict[str, Any]) -> None:
        self.trial_id = str(trial_id)
        self.config = config
        self.evaluated_params = config
        self.status = "RUNNING"
        self.is_saving = False
        self.last_result: dict[str, Any] = {}
        self.iterations = 0
        self.is_removed = False  # told after the scheduler paused it
        self.is_known_done = False  # to the searcher

    def __repr__(self) -> str:
        return f"trial {self.trial_id}"

    def is_finished(self) -> bool:
        """Whether nothing is to come of it."""
        return self.status in ("TERMINATED", "ERROR")

    def completed(self, result: dict[str, Any], *, done: bool = False) -> dict[str, Any]:
        """A report with the entries that Ray Tune adds to each.

        Args:
            result: The report.
            done: Whether it is the last one, seen before.
        """
        self.iterations += not done
        full = dict(result)
        full.setdefault("training_iteration", self.iterations)
        full.setdefault("time_total_s", full.get(ST_WORKER_TIME, 0.0))
        full.update(trial_id=self.trial_id, done=done, config=self.config)
        self.last_result = full
        return full


class Controller:
    """Stands for Ray's controller where a scheduler only asks which trials live."""

    def __init__(self) -> None:
        self.trials: dict[int, RayTrial] = {}

    def get_trials(self) -> list[RayTrial]:
        """All trials."""
        return list(self.trials.values())

    def get_live_trials(self) -> list[RayTrial]:
        """Trials of which something is to come."""
        return [trial for trial in self.trials.values() if not trial.is_finished()]
