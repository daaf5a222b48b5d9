"""What the user does to a trial: pause it, let it go on, stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.engine import trial_life
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.engine.state import EngineState
    from synetune_lab.engine.trial_table import TrialRecord


def pause(state: EngineState, record: TrialRecord) -> None:
    """Pause a trial so that only the user resumes it; one that is paused is merely kept so."""
    state.queue.drop_resume(record.trial_id)
    if record.status == Status.in_progress:
        trial_life.pause(state, record, "user")
        return
    going_on = state.awaiting_end.pop(record.trial_id, None)
    if going_on is not None:
        state.queue.wishes[record.trial_id] = going_on.config
        trial_life.free_early(state, record)
    if record.paused_by != "user":
        record.paused_by = "user"
        trial_life.tell_status(state, record, "user")


def resume(state: EngineState, record: TrialRecord) -> None:
    """Have a paused trial take the next free worker; nothing if it runs or is about to."""
    if record.status != Status.in_progress and record.trial_id not in state.awaiting_end:
        state.queue.add_resume(record.trial_id)


def stop(state: EngineState, record: TrialRecord) -> None:
    """Stop a trial for good; nothing if it is stopped or about to be."""
    if record.status == Status.paused:
        trial_life.remove(state, record)
        trial_life.change_status(state, record, Status.stopped, cause="user")
    elif record.status in (Status.in_progress, Status.pausing):
        trial_life.stop(state, record, "user")
