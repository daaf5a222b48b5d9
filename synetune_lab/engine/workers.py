"""What free workers do next: resume a trial, try what the user wants tried, ask the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.engine import trial_life
from synetune_lab.engine.state import Resumption
from synetune_lab.errors import SchedulerError
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.engine.state import EngineState
    from synetune_lab.engine.trial_table import TrialRecord
    from synetune_lab.optimizer.scheduler import TrialSuggestion

MAX_FRUITLESS = 1000
"""A scheduler that wishes so often, in a row, what can't be done, would do so for ever."""

_PAUSED = (Status.paused, Status.pausing)


def fill(state: EngineState) -> None:
    """Give all free workers something to do, as far as there is something.

    With synchronous scheduling, they wait until the last of a batch is free.

    Raises:
        SchedulerError: If the scheduler keeps suggesting what can't be done.
    """
    if not state.asynchronous_scheduling and state.occupied:
        return
    fruitless = 0
    while len(state.occupied) < state.n_workers:
        if _resume_next(state):
            continue
        if state.queue.enqueued:
            config = state.queue.enqueued.popleft()
            trial_life.create(state, config, None, {"kind": "enqueued"}, "user")
            continue
        suggestion = _ask(state)
        if suggestion is None:
            return
        if not _follow(state, suggestion):
            fruitless += 1
            if fruitless > MAX_FRUITLESS:
                raise SchedulerError(
                    f"{type(state.scheduler).__name__} keeps suggesting to resume trial "
                    f"{suggestion.checkpoint_trial_id}, which is not paused"
                )


def _resume_next(state: EngineState) -> bool:
    """Resume the paused trial that has waited longest; False if there is none."""
    while state.queue.resumes:
        record = state.trials[state.queue.resumes.popleft()]
        if record.status in _PAUSED:
            _resume_for_user(state, record)
            return True
    return False


def _resume_for_user(state: EngineState, record: TrialRecord) -> None:
    config = None
    if record.trial_id in state.queue.wishes:
        config = state.queue.wishes.pop(record.trial_id)
    elif record.removed:
        config = state.scheduler.on_trial_resumed_by_user(record.trial)
    cause = "run" if record.paused_by == "run" else "user"
    trial_life.resume(state, record, Resumption(config, {"kind": "resumed", "by": cause}, cause))


def _ask(state: EngineState) -> TrialSuggestion | None:
    """What the scheduler suggests; None if it has nothing now."""
    if state.queue.exhausted:
        return None
    suggestion = state.scheduler.suggest(len(state.trials))
    state.queue.exhausted = suggestion is None
    return suggestion


def _follow(state: EngineState, suggestion: TrialSuggestion) -> bool:
    """Do what the scheduler suggests; False if it can't be done.

    Raises:
        SchedulerError: If the suggestion is not complete, or of a trial that never was.
    """
    reason = state.scheduler.reason()
    source, name = suggestion.checkpoint_trial_id, type(state.scheduler).__name__
    if source is not None and not 0 <= source < len(state.trials):
        raise SchedulerError(
            f"{name} suggested to go on from trial {source}; {len(state.trials)} were started"
        )
    if suggestion.spawn_new_trial_id:
        if suggestion.config is None:
            raise SchedulerError(f"{name} suggested a new trial without a configuration")
        trial_life.create(state, suggestion.config, source, reason, "scheduler")
        return True
    if source is None:
        raise SchedulerError(f"{name} suggested to resume a trial and did not say which")
    record = state.trials[source]
    if record.status not in _PAUSED:
        return False
    record.removed = False  # for the scheduler it goes on, whenever it really does
    if record.paused_by == "scheduler":
        resumption = Resumption(suggestion.config, reason, "scheduler")
        trial_life.resume(state, record, resumption)
    else:
        state.queue.wishes[record.trial_id] = suggestion.config
    return True
