"""What becomes of a trial when its process has started, reported or ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.engine import trial_life
from synetune_lab.engine.actions import RecordDecision
from synetune_lab.engine.transitions import ENDED
from synetune_lab.errors import InvalidReportError
from synetune_lab.optimizer.scheduler import SchedulerDecision
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from synetune_lab.engine.events import TrialEnded, TrialReported, TrialStarted
    from synetune_lab.engine.state import EngineState
    from synetune_lab.engine.trial_table import TrialRecord

MAX_LOSSES = 3
"""A trial whose process vanishes more often than this has failed."""


def started(state: EngineState, event: TrialStarted) -> None:
    """A process has started: remember how to find it again."""
    record = state.trials[event.trial_id]
    if event.run == record.run:
        record.handle = dict(event.handle)


# Reports


def reported(state: EngineState, event: TrialReported) -> None:
    """A trial has reported: have the scheduler judge it."""
    result = dict(event.result)
    judged = judge(state, event.trial_id, event.run, result)
    if judged is None:
        return
    record, status, decision, reason = judged
    state.emit(
        RecordDecision(
            record.trial_id, record.run, result, decision, status, reason, state.status.tuner_time
        )
    )
    follow(state, record, decision, reason)


def judge(
    state: EngineState, trial_id: int, run: int, result: dict[str, Any]
) -> tuple[TrialRecord, str, str, Mapping[str, Any] | None] | None:
    """Have the scheduler judge a report; `result` is kept as it is.

    Returns:
        The trial, its status, the decision and the reason. None if nobody could judge it.
    """
    record = state.trials[trial_id]
    status = record.status
    if run != record.run or not (status == Status.in_progress or _is_judged(record)):
        state.late_reports += 1
        return None
    state.status.note_result(trial_id, result)
    try:
        decision = state.scheduler.on_trial_result(record.trial, result)
    except InvalidReportError as error:
        trial_life.fail(state, record, str(error), has_process=True)
        return None
    return record, status, decision, state.scheduler.reason()


def follow(
    state: EngineState, record: TrialRecord, decision: str, reason: Mapping[str, Any] | None
) -> None:
    """Do with a trial what the scheduler has decided."""
    if reason is not None:
        state.queue.exhausted = False
    if decision == SchedulerDecision.PAUSE:
        _pause(state, record, reason)
    elif decision == SchedulerDecision.STOP:
        _stop(state, record, reason)


def _is_judged(record: TrialRecord) -> bool:
    """Whether the scheduler looks at reports of the trial.

    It does until it has been told that the trial was paused or stopped. A trial that the user
    pauses may still report what it did before it heard of it; its checkpoint has that in it.
    """
    if record.status == Status.in_progress:
        return True
    return record.status == Status.pausing and not record.removed


def _pause(state: EngineState, record: TrialRecord, reason: Mapping[str, Any] | None) -> None:
    state.queue.exhausted = False
    if record.status == Status.in_progress:
        trial_life.pause(state, record, "scheduler", reason=reason)
        return
    trial_life.remove(state, record)
    trial_id = record.trial_id
    was_to_go_on = trial_id in state.awaiting_end or trial_id in state.queue.resumes
    if record.paused_by == "user" and not was_to_go_on:
        return  # only the user lets it go on
    state.queue.drop_resume(trial_id)
    if state.awaiting_end.pop(trial_id, None) is not None:
        trial_life.free_early(state, record)
    record.paused_by = "scheduler"
    trial_life.tell_status(state, record, "scheduler", reason)


def _stop(state: EngineState, record: TrialRecord, reason: Mapping[str, Any] | None) -> None:
    state.queue.exhausted = False
    if reason is not None and reason.get("kind") == "max_resource":
        record.is_complete = True
        if reason.get("ends_by_itself"):
            return  # it knows its maximum: it is about to save its model
    trial_life.stop(state, record, "scheduler", reason=reason)


# Ends


def ended(state: EngineState, event: TrialEnded) -> None:
    """The process of a trial has ended."""
    record = state.trials[event.trial_id]
    if event.run != record.run or event.trial_id not in state.alive:
        return
    state.alive.discard(event.trial_id)
    state.queue.exhausted = False
    if record.status in ENDED:
        trial_life.free(state, record)
    elif record.status != Status.in_progress or event.cause == "lost":
        lost(state, record)
    elif event.cause == "exited":
        complete(state, record)
    else:
        code = event.exit_code
        how = f"exit code {code}" if code is None or code >= 0 else f"killed by signal {-code}"
        trial_life.fail(state, record, event.error or how, has_process=False)


def lost(state: EngineState, record: TrialRecord) -> None:
    """A trial has no process any more, for a reason that does not matter or is not known."""
    state.alive.discard(record.trial_id)
    if record.is_complete:
        complete(state, record)
    elif record.status == Status.pausing:
        _paused(state, record)
    elif record.status == Status.stopping:
        trial_life.free(state, record)
        trial_life.change_status(state, record, Status.stopped, cause="run")
    else:
        record.losses += 1
        if record.losses > MAX_LOSSES:
            error = f"its process vanished {record.losses} times"
            trial_life.fail(state, record, error, has_process=False)
            return
        reason = {"kind": "restarted", "losses": record.losses}
        trial_life.launch(state, record, record.config, reason)


def complete(state: EngineState, record: TrialRecord) -> None:
    """A trial came to its natural end."""
    trial_life.free(state, record)
    trial_life.change_status(state, record, Status.completed)
    if not record.removed:
        state.scheduler.on_trial_complete(record.trial, state.status.last_metrics(record.trial_id))


def _paused(state: EngineState, record: TrialRecord) -> None:
    """A trial that was told to pause has no process any more."""
    trial_life.free(state, record)
    going_on = state.awaiting_end.pop(record.trial_id, None)
    may_go_on = state.run_state == "running" and len(state.occupied) < state.n_workers
    if going_on is not None and not may_go_on:
        # The run was paused, or has fewer workers, since it took one: it goes on later.
        state.queue.wishes[record.trial_id] = going_on.config
        if state.run_state == "running":
            state.queue.add_resume(record.trial_id)
        record.paused_by = "run"
        going_on = None
    elif going_on is None and record.paused_by == "user" and _goes_on_for_scheduler(state, record):
        trial_life.remove(state, record)
    cause = record.paused_by or "scheduler"
    trial_life.change_status(state, record, Status.paused, cause=cause)
    if going_on is not None:
        trial_life.resume(state, record, going_on)


def _goes_on_for_scheduler(state: EngineState, record: TrialRecord) -> bool:
    """Whether the scheduler believes that a trial runs, though the user pauses it.

    One that it has let go on meanwhile stays running for it: this wish is kept.
    """
    return not record.removed and record.trial_id not in state.queue.wishes
