"""The life of a run: opened, paused, resumed, asked to end, finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.engine import trial_events, trial_life
from synetune_lab.engine.actions import ChangeRun, FinishRun
from synetune_lab.engine.transitions import WITH_PROCESS
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from synetune_lab.engine.events import RunOpened
    from synetune_lab.engine.state import EngineState
    from synetune_lab.engine.trial_table import TrialRecord


def opened(state: EngineState, event: RunOpened) -> None:
    """A session drives the run, for the first time or again."""
    state.set_unix_time(event.unix_time)
    state.why = None
    state.run_state = "running"
    state.emit(ChangeRun("opened", {"resumed": event.resumed}))
    if not event.resumed:
        return
    state.queue.exhausted = False
    alive = {int(trial_id): run for trial_id, run in event.alive.items()}
    state.alive = {i for i, run in alive.items() if state.trials[i].run == run}
    for trial_id in _of(state, lambda record: record.status in WITH_PROCESS):
        if trial_id not in state.alive:
            trial_events.lost(state, state.trials[trial_id])
    state.occupied &= state.alive  # a trial that failed may have held its worker to its end
    for trial_id in _paused_by_run(state):
        state.queue.add_resume(trial_id)


def pause(state: EngineState, running: str, origin: str) -> None:
    """Start nothing new; running trials are paused, too (`running` is `pause`), or finish."""
    if state.run_state == "paused":
        return
    state.run_state = "paused"
    state.emit(ChangeRun("paused", {"running": running}, origin))
    if running == "pause":
        for record in _running(state):
            trial_life.pause(state, record, "run")


def resume(state: EngineState, origin: str) -> None:
    """Go on after `pause`."""
    if state.run_state != "paused":
        return
    state.run_state = "running"
    state.emit(ChangeRun("resumed", {}, origin))
    for trial_id in _paused_by_run(state):
        if trial_id not in state.awaiting_end:
            state.queue.add_resume(trial_id)


def begin_end(state: EngineState, why: str, *, keep: bool = False, wait: bool = False) -> None:
    """Start nothing new; running trials are stopped, paused to be kept, or waited for.

    Asked for again, it ends those that were waited for. The first reason stays.

    Args:
        state: The state.
        why: Why, in one sentence.
        keep: Pause running trials, so that a resumed run goes on with them.
        wait: Let running trials finish.
    """
    if state.run_state != "stopping":
        state.why = why
        state.run_state = "stopping"
        state.emit(ChangeRun("stopping", {"why": why}))
    if wait:
        return
    for record in _running(state):
        if keep:
            trial_life.pause(state, record, "run")
        else:
            trial_life.stop(state, record, "run")


def advance(state: EngineState) -> None:
    """What follows for the run from what has just happened, but for free workers."""
    going = state.run_state in ("running", "paused")
    if going and state.too_many_failures is not None:
        begin_end(state, state.too_many_failures, wait=state.wait_trial_completion_when_stopping)
    state.too_many_failures = None
    if state.run_state == "running" and state.stop_criterion(state.status):
        tell = getattr(state.stop_criterion, "why", None)
        why = tell(state.status) if callable(tell) else None
        begin_end(
            state,
            why or "the stopping criterion holds",
            wait=state.wait_trial_completion_when_stopping,
        )


def finish_if_idle(state: EngineState) -> None:
    """End the run if no process is left and nothing more will be started.

    While the user keeps a trial paused, the run waits: it can still go on.
    """
    if state.alive or state.run_state in ("finished", "paused"):
        return
    if state.run_state == "running":
        queue = state.queue
        if queue.resumes or queue.enqueued or not queue.exhausted:
            return
        if any(record.paused_by == "user" for _, record in state.trials.peek_all()):
            return
        state.why = "the scheduler has nothing more to suggest"
    state.run_state = "finished"
    why = state.why or "stopped"
    state.emit(ChangeRun("finished", {"why": why}))
    state.emit(FinishRun(why))


def _running(state: EngineState) -> list[TrialRecord]:
    """Trials in progress, in the order of their numbers."""
    records = (state.trials[trial_id] for trial_id in sorted(state.alive))
    return [record for record in records if record.status == Status.in_progress]


def _paused_by_run(state: EngineState) -> list[int]:
    return _of(state, lambda record: record.paused_by == "run")


def _of(state: EngineState, is_one: Callable[[TrialRecord], bool]) -> list[int]:
    """Trials with a property, by number."""
    return [trial_id for trial_id, record in state.trials.peek_all() if is_one(record)]
