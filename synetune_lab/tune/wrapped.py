"""A scheduler around another one, which leaves to it what it does not override."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.scheduler import TrialScheduler

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config, TrialSuggestion
    from synetune_lab.trial import Trial

__all__ = ["WrappedScheduler"]


class WrappedScheduler(TrialScheduler):
    """Leaves everything to another scheduler.

    Args:
        scheduler: The other one.

    Attributes:
        scheduler: The other one.
    """

    def __init__(self, scheduler: TrialScheduler) -> None:
        super().__init__(scheduler.config_space)
        self.scheduler = scheduler

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        return self.scheduler.suggest(trial_id)

    def on_trial_add(self, trial: Trial) -> None:
        """See `TrialScheduler.on_trial_add`."""
        self.scheduler.on_trial_add(trial)

    def on_trial_error(self, trial: Trial) -> None:
        """See `TrialScheduler.on_trial_error`."""
        self.scheduler.on_trial_error(trial)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """See `TrialScheduler.on_trial_result`."""
        return self.scheduler.on_trial_result(trial, result)

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """See `TrialScheduler.on_trial_complete`."""
        self.scheduler.on_trial_complete(trial, result)

    def on_trial_remove(self, trial: Trial) -> None:
        """See `TrialScheduler.on_trial_remove`."""
        self.scheduler.on_trial_remove(trial)

    def on_trial_resumed_by_user(self, trial: Trial) -> Config | None:
        """See `TrialScheduler.on_trial_resumed_by_user`."""
        return self.scheduler.on_trial_resumed_by_user(trial)

    def metric_names(self) -> list[str]:
        """See `TrialScheduler.metric_names`."""
        return self.scheduler.metric_names()

    def metric_mode(self) -> str | list[str]:
        """See `TrialScheduler.metric_mode`."""
        return self.scheduler.metric_mode()

    def metadata(self) -> dict[str, Any]:
        """See `TrialScheduler.metadata`."""
        return self.scheduler.metadata()

    def is_multiobjective_scheduler(self) -> bool:
        """See `TrialScheduler.is_multiobjective_scheduler`."""
        return self.scheduler.is_multiobjective_scheduler()

    def trials_checkpoints_can_be_removed(self) -> list[int]:
        """See `TrialScheduler.trials_checkpoints_can_be_removed`."""
        return self.scheduler.trials_checkpoints_can_be_removed()

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`."""
        return self.scheduler.reason()

    def describe(self) -> dict[str, Any]:
        """See `TrialScheduler.describe`."""
        return self.scheduler.describe()

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """See `TrialScheduler.edit_space`."""
        report = self.scheduler.edit_space(config_space, defaults)
        self.config_space = dict(config_space)
        return report
