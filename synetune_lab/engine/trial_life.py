"""The life of a trial: created, started, told to end, resumed, failed.

Each function changes the state and asks for the actions that go with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.engine.actions import (
    ChangeStatus,
    PauseTrial,
    ResumeTrial,
    StartTrial,
    StopTrial,
)
from synetune_lab.engine.transitions import ENDED, is_lawful
from synetune_lab.engine.trial_table import TrialRecord
from synetune_lab.trial import Status, Trial

if TYPE_CHECKING:
    from synetune_lab.engine.state import EngineState, Resumption

Reason = Mapping[str, Any] | None


def change_status(
    state: EngineState,
    record: TrialRecord,
    status: str,
    *,
    cause: str = "script",
    reason: Reason = None,
) -> None:
    """Let a trial have another status, and tell it."""
    assert is_lawful(record.status, status), (record.trial_id, record.status, status)
    record.status = status
    if status not in (Status.paused, Status.pausing):
        trial_id, queue = record.trial_id, state.queue
        record.paused_by = None
        state.awaiting_end.pop(trial_id, None)
        if queue.resumes:
            queue.drop_resume(trial_id)
        queue.wishes.pop(trial_id, None)
    if status in ENDED:
        record.ended = state.status.tuner_time
    state.status.note_status(record.trial, status)
    tell_status(state, record, cause, reason)


def tell_status(state: EngineState, record: TrialRecord, cause: str, reason: Reason = None) -> None:
    """Tell the status of a trial: it is another one, or paused by somebody else."""
    state.emit(
        ChangeStatus(record.trial_id, record.status, record.paused_by, record.error, cause, reason)
    )


def create(
    state: EngineState,
    config: Mapping[str, Any],
    checkpoint_trial_id: int | None,
    reason: Reason,
    origin: str,
) -> None:
    """Start a new trial; it takes a worker."""
    state.trials.rest(state.alive)
    trial_id = len(state.trials)
    trial = Trial(trial_id, dict(config), state.date())
    version = state.space_version
    record = TrialRecord(
        trial,
        space_version=version,
        created=state.status.tuner_time,
        reason=reason,
        origin=origin,
    )
    state.trials.add(record)
    state.status.note_status(trial, Status.pending)
    state.occupied.add(trial_id)
    state.alive.add(trial_id)
    change_status(state, record, Status.in_progress, cause=origin)
    state.emit(StartTrial(trial_id, 0, trial.config, checkpoint_trial_id, version, reason))
    state.scheduler.on_trial_add(trial)


def launch(
    state: EngineState, record: TrialRecord, config: Mapping[str, Any], reason: Reason
) -> None:
    """Start another run of a trial that is in progress."""
    record.run += 1
    record.removed = False
    record.trial.config = dict(config)
    state.occupied.add(record.trial_id)
    state.alive.add(record.trial_id)
    state.emit(ResumeTrial(record.trial_id, record.run, record.trial.config, reason))


def resume(state: EngineState, record: TrialRecord, how: Resumption) -> None:
    """Let a paused trial go on; it takes a worker. One that still has a process waits for it."""
    state.occupied.add(record.trial_id)
    if record.status == Status.pausing:
        state.awaiting_end[record.trial_id] = how
        return
    change_status(state, record, Status.in_progress, cause=how.cause, reason=how.reason)
    launch(state, record, record.config if how.config is None else how.config, how.reason)


def pause(
    state: EngineState, record: TrialRecord, paused_by: str, *, reason: Reason = None
) -> None:
    """Have a running trial paused.

    The scheduler is told at once if it wished so. If the user did, it is told when the process has
    ended, since reports come until then. If the run is paused, it is not told at all: for the
    scheduler, the trial goes on.
    """
    record.paused_by = paused_by
    change_status(state, record, Status.pausing, cause=paused_by, reason=reason)
    state.emit(PauseTrial(record.trial_id, record.run))
    if paused_by == "scheduler":
        remove(state, record)
    free_early(state, record)


def stop(state: EngineState, record: TrialRecord, cause: str, *, reason: Reason = None) -> None:
    """Have a trial that has a process stopped for good.

    A scheduler that was told of its pause is told once more: it must not count on it any longer.
    """
    change_status(state, record, Status.stopping, cause=cause, reason=reason)
    state.emit(StopTrial(record.trial_id, record.run))
    remove(state, record)
    free_early(state, record)


def remove(state: EngineState, record: TrialRecord) -> None:
    """Tell the scheduler that a trial was paused or stopped."""
    record.removed = True
    state.scheduler.on_trial_remove(record.trial)


def fail(state: EngineState, record: TrialRecord, error: str, *, has_process: bool) -> None:
    """A trial has failed; one that still has a process is made to end."""
    record.error = error
    change_status(state, record, Status.failed)
    if has_process:
        state.emit(StopTrial(record.trial_id, record.run))
        free_early(state, record)
    else:
        free(state, record)
    state.scheduler.on_trial_error(record.trial)
    failures = state.status.num_trials_failed
    if failures > state.max_failures:
        state.too_many_failures = (
            f"{failures} trials failed, more than max_failures = {state.max_failures}; "
            f"the last one, trial {record.trial_id}: {_last_line(error)}"
        )


def _last_line(error: str) -> str:
    """What says most of a traceback."""
    lines = error.strip().splitlines()
    return lines[-1].strip() if lines else error


def free(state: EngineState, record: TrialRecord) -> None:
    """A trial does not hold a worker any more."""
    state.occupied.discard(record.trial_id)


def free_early(state: EngineState, record: TrialRecord) -> None:
    """A trial was told to end: its worker is free, unless its process is to be waited for."""
    if state.start_jobs_without_delay:
        free(state, record)
