"""The tuning engine: a pure transition from events to actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.engine import invariants, recovery, run_life, space_edits, trial_events, workers
from synetune_lab.engine.actions import Action, DeleteCheckpoint
from synetune_lab.engine.command_handlers import handle_command
from synetune_lab.engine.events import (
    CommandReceived,
    Event,
    RunOpened,
    TrialEnded,
    TrialReported,
    TrialStarted,
)
from synetune_lab.engine.state import EngineState, StopCriterion
from synetune_lab.optimizer.scheduler import SchedulerDecision

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler


class TuningEngine(EngineState):
    """Owns the state of a run and of all its trials.

    It does no input or output and reads no clock: the same events at the same times give the same
    actions, so that a log of events can be played back.

    Args:
        scheduler: Decides.
        stop_criterion: Ends the run; any callable on the `TuningStatus`.
        n_workers: How many trials may run at once.
        max_failures: The run ends when more trials than this have failed.
        asynchronous_scheduling: False to wait for all trials before the next batch is started.
        start_jobs_without_delay: True to use a worker again as soon as its trial was told to end.
        wait_trial_completion_when_stopping: True to let running trials finish at the end.
        config_space: The configuration space, None for the scheduler's.
    """

    def __init__(
        self,
        scheduler: TrialScheduler,
        stop_criterion: StopCriterion,
        n_workers: int,
        *,
        max_failures: int = 1,
        asynchronous_scheduling: bool = True,
        start_jobs_without_delay: bool = True,
        wait_trial_completion_when_stopping: bool = False,
        config_space: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            scheduler,
            stop_criterion,
            n_workers,
            max_failures=max_failures,
            asynchronous_scheduling=asynchronous_scheduling,
            start_jobs_without_delay=start_jobs_without_delay,
            wait_trial_completion_when_stopping=wait_trial_completion_when_stopping,
            config_space=config_space,
        )
        self._pending: list[Action] = []

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take an event in and say what is to be done.

        Args:
            event: What happened.
            now: Seconds since the run began; never goes back.

        Raises:
            Exception: What the scheduler or the stopping criterion raised; the run can't go on.
        """
        self.set_clock(now)
        self.out = []
        if isinstance(event, TrialReported):
            trial_events.reported(self, event)
        elif isinstance(event, TrialEnded):
            trial_events.ended(self, event)
        elif isinstance(event, TrialStarted):
            trial_events.started(self, event)
        elif isinstance(event, CommandReceived):
            handle_command(self, event)
        elif isinstance(event, RunOpened):
            run_life.opened(self, event)
        return self._conclude()

    def report(
        self, trial_id: int, run: int, result: dict[str, Any], now: float
    ) -> tuple[str, str] | None:
        """`handle` for a report, at less cost: its `RecordDecision` is not made.

        Args:
            trial_id: The trial that reported.
            run: Its run.
            result: The report; it must stay as it is.
            now: Seconds since the run began; never goes back.

        Returns:
            Status before and decision; None if the report was not judged. What else is to be done
            is for `take_actions`.

        Raises:
            Exception: As `handle` does.
        """
        self.set_clock(now)
        judged = trial_events.judge(self, trial_id, run, result)
        if judged is None:
            self._pending = self._conclude()
            return None
        record, status, decision, reason = judged
        if reason is None and decision == SchedulerDecision.CONTINUE:
            # Nothing follows for any trial, only perhaps for the run.
            if self.run_state == "running" and self.stop_criterion(self.status):
                self._pending = self._conclude()
        else:
            trial_events.follow(self, record, decision, reason)
            self._pending = self._conclude()
        return status, decision

    def take_actions(self) -> list[Action]:
        """What is to be done after `report`."""
        actions = self._pending
        if actions:
            self._pending = []
        return actions

    def _conclude(self) -> list[Action]:
        """What follows for the run and its workers from what was handled; gives all actions."""
        run_life.advance(self)
        if self.run_state == "running":
            workers.fill(self)
        for trial_id in self.scheduler.trials_checkpoints_can_be_removed():
            self.emit(DeleteCheckpoint(trial_id))
        run_life.finish_if_idle(self)
        actions, self.out = self.out, []
        return actions

    def preview_space(self, entries: Mapping[str, Any]) -> dict[str, Any]:
        """What an edit of the space would change (see `space_edits.preview`); changes nothing."""
        return space_edits.preview(self, entries)

    def impose(self, actions: Iterable[Action], now: float) -> None:
        """Make the trials what a log says that they became, where replay came out differently."""
        self.set_clock(now)
        recovery.impose(self, actions)

    def validate(self) -> None:
        """Check every invariant.

        Raises:
            AssertionError: If one is broken.
        """
        invariants.check(self)
