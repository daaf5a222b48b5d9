"""Trials that failed and are tried again by a later call.

The engine never brings a failed trial back. A new trial takes its place, with its configuration
and, if that is wanted, with a copy of its checkpoint, which the backend makes: so it works wherever
checkpoints are. The reason why it was started says in whose place it is; whoever reads the log of
the run finds it there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.scheduler import TrialSuggestion
from synetune_lab.trial import Status
from synetune_lab.tune.wrapped import WrappedScheduler

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config, TrialScheduler
    from synetune_lab.tuner import Tuner

__all__ = ["RetryingScheduler", "replaced_trial", "try_again"]

_KIND = "tried_again"


class RetryingScheduler(WrappedScheduler):
    """Begins with configurations of trials that failed, then leaves all to another scheduler.

    Args:
        scheduler: The other one.
    """

    def __init__(self, scheduler: TrialScheduler) -> None:
        super().__init__(scheduler)
        self._waiting: deque[tuple[int, Config, bool]] = deque()
        self._reason: dict[str, Any] | None = None

    def add(self, failed: int, config: Mapping[str, Any], from_checkpoint: bool) -> None:
        """Have a configuration tried again.

        Args:
            failed: Number of the trial that failed.
            config: Its configuration.
            from_checkpoint: Whether the new trial begins from its checkpoint.
        """
        if failed not in {number for number, _, _ in self._waiting}:
            self._waiting.append((failed, dict(config), from_checkpoint))

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        self._reason = None
        if not self._waiting:
            return super()._suggest(trial_id)
        failed, config, from_checkpoint = self._waiting.popleft()
        self._reason = {"kind": _KIND, "trial": failed, "from_checkpoint": from_checkpoint}
        return TrialSuggestion.start_suggestion(config, failed if from_checkpoint else None)

    def on_trial_result(self, trial: Any, result: dict[str, Any]) -> str:
        """See `TrialScheduler.on_trial_result`."""
        self._reason = None
        return super().on_trial_result(trial, result)

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`."""
        return super().reason() if self._reason is None else self._reason


def replaced_trial(reason: Mapping[str, Any] | None) -> tuple[int, bool] | None:
    """In whose place a trial was started, and whether from its checkpoint; None for all others.

    Args:
        reason: Why it was started, as the log has it.
    """
    if reason is None or reason.get("kind") != _KIND:
        return None
    return reason["trial"], reason["from_checkpoint"]


def try_again(tuner: Tuner, from_checkpoint: bool) -> None:
    """Have all trials that failed tried again, each once.

    Args:
        tuner: A tuner that is about to go on, and knows what its log has.
        from_checkpoint: Whether from their checkpoints.
    """
    records = [record for _, record in tuner.engine.trials.peek_all()]
    told = [replaced_trial(record.reason) for record in records]
    again = {found[0] for found in told if found is not None}
    scheduler = tuner.scheduler
    if not isinstance(scheduler, RetryingScheduler):
        scheduler = RetryingScheduler(scheduler)
        tuner.scheduler = tuner.engine.scheduler = scheduler
    for record in records:
        if record.status == Status.failed and record.trial_id not in again:
            scheduler.add(record.trial_id, record.trial.config, from_checkpoint)
