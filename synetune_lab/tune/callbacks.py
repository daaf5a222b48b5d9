"""Hooks of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.tune.trials import Trial

__all__ = ["Callback"]


class Callback:
    """Hooks into a run. Subclass it; every hook does nothing here."""

    def setup(self, **info: Any) -> None:
        """Before the run begins."""

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial was started, or goes on."""

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, Any],
        **info: Any,
    ) -> None:
        """A trial has reported."""

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial has ended, or was stopped."""

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial has failed."""

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """What has happened was told."""

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """The run is over."""
