"""What every backend offers: the engine's side.

It is four verbs: `open` it, `execute` actions, `wait_events`, `close`. A backend that is told by
its platform what happens overrides them. One that can only ask overrides the documented methods
(`_schedule`, `_pause_trial`, `_stop_trial`, `_resume_trial` and `_all_trial_results`), and the ones
here ask it every `sleep_time` seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.documented_backend import DocumentedBackend
from synetune_lab.backend.ledger import BUSY
from synetune_lab.engine.actions import (
    BackendAction,
    DeleteCheckpoint,
    PauseTrial,
    ResumeTrial,
    StartTrial,
    StopTrial,
)
from synetune_lab.engine.events import EndCause, Event, TrialEnded, TrialReported, TrialStarted
from synetune_lab.errors import BackendError
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler

__all__ = ["TrialBackend"]

logger = logging.getLogger(__name__)

_CAUSE_OF_STATUS: dict[str, EndCause] = {
    Status.completed: "exited",
    Status.paused: "paused",
    Status.stopped: "stopped",
    Status.failed: "failed",
}
_STATUS_OF_CAUSE: dict[EndCause, str] = {
    **{cause: status for status, cause in _CAUSE_OF_STATUS.items()},
    "lost": Status.failed,
}


class TrialBackend(DocumentedBackend):
    """Base class of all backends.

    Args:
        delete_checkpoints: Delete the checkpoint of a trial when it is stopped or has completed,
            and those left in `stop_all`. By default all are kept.
        pass_args_as_json: Write the configuration to a JSON file and pass its name to the script
            as `--st_config_json_filename`. Allows lists and dictionaries as values. By default
            hyperparameters are passed as command line arguments.

    Attributes:
        time_keeper: The clock of the experiment.
        sleep_time: How often a backend that can't tell of changes is asked, in seconds.
    """

    is_simulated = False
    """Whether time is simulated, and what trials are going to report is known beforehand."""

    # All but `wake` and `log_tail` belong to one thread.

    def open(self, results_root: Path, tuner_name: str) -> None:
        """Get ready to run trials; harmless if it is already.

        Args:
            results_root: Folder of the experiment, where trials may keep files.
            tuner_name: Name of the experiment.
        """
        self.set_path(str(results_root), tuner_name)

    def check_scheduler(self, scheduler: TrialScheduler) -> None:
        """Called before a run is opened: refuse a scheduler that this backend can't serve.

        Args:
            scheduler: The scheduler.

        Raises:
            BackendError: If it asks for what trials are not going to report.
        """

    def adopt(self, handles: Mapping[int, tuple[int, Mapping[str, Any]]]) -> dict[int, int]:
        """Take over the trials of a run that ended without telling them.

        What they reported and was not delivered yet (see `set_delivered`) comes as events, as do
        their ends. Trials of this experiment that run and are not named are ended.

        Args:
            handles: For each trial that was in progress, its run and its handle.

        Returns:
            The run of each trial that is alive.
        """
        now = self.time_keeper.time_stamp()
        self._ledger.let_go(handles, now)
        for trial_id, (run, _) in handles.items():
            self._ledger.begin(trial_id, run, None, now)
        return {
            result.trial_id: handles[result.trial_id][0]
            for result in self._all_trial_results(list(handles))
            if result.status in BUSY
        }

    def execute(self, action: BackendAction) -> None:
        """Carry out what the engine asks for; returns at once.

        A trial that can't be started has failed, which comes as an event. Pausing or stopping one
        that has ended already changes nothing.
        """
        if isinstance(action, (StartTrial, ResumeTrial)):
            self._execute_start(action)
        elif isinstance(action, (PauseTrial, StopTrial)):
            if action.trial_id in self._ledger:
                entry = self._ledger[action.trial_id]
                pause = isinstance(action, PauseTrial)
                if entry.run == action.run:
                    # Perhaps it has ended, and that was not told yet: then it ends as asked.
                    entry.request = "pause" if pause else "stop"
                    if entry.status in BUSY:
                        self._end(action.trial_id, pause=pause, result=None)
        elif isinstance(action, DeleteCheckpoint):
            self.delete_checkpoint(action.trial_id)

    def wait_events(self, timeout: float | None) -> list[Event]:
        """Wait until something happens.

        Args:
            timeout: Seconds at most; None waits for ever.

        Returns:
            What happened, in order; empty if the time is over or `wake` was called. It holds one
            report of a trial at most, and no end of a trial that reported, so that `delivered`
            is exact and an end is told after the decisions on all reports.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if not self._queue:
                self._ask_for_changes()
            left = None if deadline is None else deadline - time.monotonic()
            if self._queue or self._woken.is_set() or (left is not None and left <= 0):
                self._woken.clear()
                return self._next_batch()
            self._woken.wait(self.sleep_time if left is None else min(left, self.sleep_time))

    def wake(self) -> None:
        """Let `wait_events` return; from any thread."""
        self._woken.set()

    def close(self, *, leave_running: bool = False) -> None:
        """Stop watching.

        Args:
            leave_running: Leave the trials alone, to be adopted later; by default they are ended.
        """
        if not leave_running:
            for trial_id in self._ledger.busy():
                self._end(trial_id, pause=False, result=None)

    def delivered(self, trial_id: int) -> int:
        """How much of a trial's log was delivered, in units of the backend (bytes, reports)."""
        return self._seen.get(trial_id, 0)

    def set_delivered(self, trial_id: int, run: int, offset: int) -> None:  # noqa: ARG002
        """Tell before `adopt` how much was delivered by an earlier process.

        Args:
            trial_id: The trial.
            run: Its run then.
            offset: What `delivered` was.
        """
        self._seen[trial_id] = offset

    def log_tail(self, trial_id: int, lines: int = 50) -> dict[str, list[str]]:
        """The last lines of a trial's logs, without line breaks; from any thread.

        Returns:
            Lists `stdout` and `stderr`.
        """
        logs = {"stdout": self.stdout(trial_id), "stderr": self.stderr(trial_id)}
        if lines <= 0:
            return {name: [] for name in logs}
        return {name: [line.rstrip("\n") for line in log[-lines:]] for name, log in logs.items()}

    # How it hangs together.

    def _execute_start(self, action: StartTrial | ResumeTrial) -> None:
        try:
            self._launch_now(action)
        except Exception as error:
            if not isinstance(error, (BackendError, OSError)):
                logger.exception("Trial %d could not be started", action.trial_id)
            self._queue.append(TrialEnded(action.trial_id, action.run, "failed", None, str(error)))

    def _launch_now(self, action: StartTrial | ResumeTrial) -> None:
        trial_id, run = action.trial_id, action.run
        if trial_id in self._ledger and self._ledger[trial_id].status in BUSY:
            raise BackendError(
                f"trial {trial_id} can't be started as run {run}: its run "
                f"{self._ledger[trial_id].run} has not ended"
            )
        now = self.time_keeper.time_stamp()
        self._ledger.begin(trial_id, run, action.config, now)
        try:
            if isinstance(action, StartTrial) and action.checkpoint_trial_id is not None:
                self.copy_checkpoint(action.checkpoint_trial_id, trial_id)
            if isinstance(action, ResumeTrial):
                self._resume_trial(trial_id)
            handle = self._launch(trial_id, run, dict(action.config))
        except BaseException:
            self._ledger.change(trial_id, Status.failed, now)
            raise
        self._queue.append(TrialStarted(trial_id, run, handle))

    def _launch(
        self,
        trial_id: int,
        run: int,  # noqa: ARG002 - a backend that is asked has no use for it
        config: dict[str, Any],
    ) -> Mapping[str, Any]:
        """Start the run; returns its handle."""
        self._schedule(trial_id, config)
        return {}

    def _end(self, trial_id: int, *, pause: bool, result: dict[str, Any] | None) -> None:
        """Begin to end the run of a busy trial."""
        self._ledger.change(trial_id, Status.pausing if pause else Status.stopping)
        if pause:
            self._pause_trial(trial_id, result)
        else:
            self._stop_trial(trial_id, result)

    def _ask_for_changes(self) -> None:
        """Ask the trials that hold a worker how they are, and queue the answers as events."""
        busy = self._ledger.busy()
        if not busy:
            return
        statuses, news = self.fetch_status_results(busy)
        for trial_id, result in news:
            self._queue.append(TrialReported(trial_id, self._ledger[trial_id].run, result))
        for trial_id, (_, status) in statuses.items():
            if status in _CAUSE_OF_STATUS:
                run = self._ledger[trial_id].run
                self._queue.append(TrialEnded(trial_id, run, _CAUSE_OF_STATUS[status]))

    def _next_batch(self) -> list[Event]:
        """Take events up to, excluding, the second one of a trial."""
        batch: list[Event] = []
        seen: set[int] = set()
        while self._queue:
            event = self._queue[0]
            if isinstance(event, (TrialReported, TrialEnded)):
                if event.trial_id in seen:
                    break
                seen.add(event.trial_id)
            self._queue.popleft()
            if isinstance(event, TrialEnded):
                event = self._after_end(event)
            batch.append(event)
        return batch

    def _after_end(self, event: TrialEnded) -> TrialEnded:
        """See to checkpoint and status; returns the end as it is to be told."""
        entry = self._ledger[event.trial_id]
        if entry.request is not None and event.cause in ("exited", "failed"):
            event = replace(event, cause="paused" if entry.request == "pause" else "stopped")
        self._ledger.change(
            event.trial_id, _STATUS_OF_CAUSE[event.cause], self.time_keeper.time_stamp()
        )
        if self.delete_checkpoints and event.cause in ("exited", "stopped"):
            self.delete_checkpoint(event.trial_id)
        return event
