"""Believe the log: where playing it back came out differently, trials become what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.engine import trial_life
from synetune_lab.engine.actions import ChangeRun, ChangeStatus, ResumeTrial, StartTrial
from synetune_lab.engine.transitions import ENDED, WITH_PROCESS
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from synetune_lab.engine.actions import Action
    from synetune_lab.engine.state import EngineState


def impose(state: EngineState, actions: Iterable[Action]) -> None:
    """Make the trials what the actions of one record say that they became.

    What the scheduler believes is left alone: it has no way to be told.
    """
    actions = list(actions)
    for action in actions:  # a trial's status is told before its start
        if isinstance(action, StartTrial) and action.trial_id >= len(state.trials):
            origin = "user" if (action.reason or {}).get("kind") == "enqueued" else "scheduler"
            source = action.checkpoint_trial_id
            trial_life.create(state, action.config, source, action.reason, origin)
    for action in actions:
        if isinstance(action, StartTrial | ResumeTrial):
            record = state.trials[action.trial_id]
            record.run, record.trial.config = action.run, dict(action.config)
            state.alive.add(action.trial_id)
            state.occupied.add(action.trial_id)
        elif isinstance(action, ChangeStatus):
            _impose_status(state, action)
        elif isinstance(action, ChangeRun) and action.what in _RUN_STATES:
            state.run_state = _RUN_STATES[action.what]
    state.out = []


_RUN_STATES = {
    "opened": "running",
    "paused": "paused",
    "resumed": "running",
    "stopping": "stopping",
    "finished": "finished",
}


def _impose_status(state: EngineState, action: ChangeStatus) -> None:
    trial_id = action.trial_id
    record = state.trials[trial_id]
    record.status, record.paused_by, record.error = action.status, action.paused_by, action.error
    record.ended = state.status.tuner_time if action.status in ENDED else None
    state.status.note_status(record.trial, action.status)
    if action.status != Status.pausing:
        state.awaiting_end.pop(trial_id, None)
    if action.status in WITH_PROCESS:
        state.alive.add(trial_id)
    else:
        state.alive.discard(trial_id)
        trial_life.free(state, record)
    if action.status == Status.in_progress:
        state.occupied.add(trial_id)
