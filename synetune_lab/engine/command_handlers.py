"""What each command does to the engine, and what it answers.

A handler checks everything before it changes anything: a refusal leaves all as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from synetune_lab.engine import run_life, space_edits, trial_steering
from synetune_lab.engine.actions import AnswerCommand, ChangeRun
from synetune_lab.engine.commands import nearest, parse_command
from synetune_lab.errors import CommandRefused, SynetuneLabError
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.engine.events import CommandReceived
    from synetune_lab.engine.state import EngineState
    from synetune_lab.engine.trial_table import TrialRecord

REMEMBERED_ANSWERS = 1000

Args = dict[str, Any]
Handler = Callable[["EngineState", Args, str], Any]


def handle_command(state: EngineState, event: CommandReceived) -> None:
    """Carry a command out and answer it; one that was answered before is only answered again."""
    answer = state.answers.get(event.command_id)
    if answer is None:
        answer = _carry_out(state, event)
        state.answers[event.command_id] = answer
        if len(state.answers) > REMEMBERED_ANSWERS:
            state.answers.popitem(last=False)
        state.queue.exhausted = False
    state.emit(answer)


def _carry_out(state: EngineState, event: CommandReceived) -> AnswerCommand:
    try:
        args = parse_command(event.name, event.args)
        if state.run_state == "finished":
            raise CommandRefused("the run has ended; resume it first")
        result = _HANDLERS[event.name](state, args, event.origin)
    except SynetuneLabError as error:
        return AnswerCommand(event.command_id, False, error=str(error))
    return AnswerCommand(event.command_id, True, result)


# Trials


def _trials(
    state: EngineState, ids: list[int], allowed: tuple[str, ...], what: str
) -> list[TrialRecord]:
    """The trials, all of them in a status in which this can be done."""
    records = []
    for trial_id in ids:
        if trial_id >= len(state.trials):
            raise CommandRefused(f"there is no trial {trial_id}; {len(state.trials)} were started")
        record = state.trials[trial_id]
        if record.status not in allowed:
            raise CommandRefused(f"trial {trial_id} is {record.status} and can't be {what}")
        records.append(record)
    return records


def _refuse_while_ending(state: EngineState) -> None:
    if state.run_state == "stopping":
        raise CommandRefused("the run is about to end")


def _pause_trial(state: EngineState, args: Args, _: str) -> Any:
    allowed = (Status.in_progress, Status.paused, Status.pausing)
    for record in _trials(state, args["trial_ids"], allowed, "paused"):
        trial_steering.pause(state, record)
    return {"trial_ids": args["trial_ids"]}


def _resume_trial(state: EngineState, args: Args, _: str) -> Any:
    _refuse_while_ending(state)
    allowed = (Status.paused, Status.pausing, Status.in_progress)
    for record in _trials(state, args["trial_ids"], allowed, "resumed"):
        trial_steering.resume(state, record)
    free = max(0, state.n_workers - len(state.occupied)) if state.run_state == "running" else 0
    waiting = list(state.queue.resumes)[free:]
    return {
        "trial_ids": args["trial_ids"],
        "waiting": [trial_id for trial_id in args["trial_ids"] if trial_id in waiting],
    }


def _stop_trial(state: EngineState, args: Args, _: str) -> Any:
    allowed = (
        Status.in_progress,
        Status.pausing,
        Status.paused,
        Status.stopping,
        Status.stopped,
    )
    for record in _trials(state, args["trial_ids"], allowed, "stopped"):
        trial_steering.stop(state, record)
    return {"trial_ids": args["trial_ids"]}


# The run


def _pause_run(state: EngineState, args: Args, origin: str) -> Any:
    _refuse_while_ending(state)
    run_life.pause(state, args["running"], origin)
    return {"state": state.run_state}


def _resume_run(state: EngineState, _: Args, origin: str) -> Any:
    _refuse_while_ending(state)
    run_life.resume(state, origin)
    return {"state": state.run_state}


def _stop_run(state: EngineState, args: Args, origin: str) -> Any:
    keep = args["keep"]
    waits = state.wait_trial_completion_when_stopping and state.run_state != "stopping"
    wait = args["wait"] or (waits and not keep)
    run_life.begin_end(state, f"stopped by the {origin}", keep=keep, wait=wait)
    return {"state": state.run_state}


def _set_workers(state: EngineState, args: Args, origin: str) -> Any:
    state.n_workers = args["n_workers"]
    state.emit(ChangeRun("workers", {"n_workers": state.n_workers}, origin))
    return {"n_workers": state.n_workers}


def _enqueue(state: EngineState, args: Args, origin: str) -> Any:
    _refuse_while_ending(state)
    config = space_edits.complete_config(state.config_space, args["config"])
    state.queue.enqueued.append(dict(config))
    state.emit(ChangeRun("enqueued", {"config": config}, origin))
    return {"config": config}


def _edit_space(state: EngineState, args: Args, origin: str) -> Any:
    _refuse_while_ending(state)
    return space_edits.apply(state, args, origin)


def _set_stop_criterion(state: EngineState, args: Args, origin: str) -> Any:
    criterion = state.stop_criterion
    if not isinstance(criterion, StoppingCriterion):
        raise CommandRefused(
            f"the stopping criterion is a {type(criterion).__name__} of your own; only rules of "
            "StoppingCriterion can be changed during a run"
        )
    names = [field.name for field in fields(StoppingCriterion)]
    for name in args:
        if name not in names:
            raise CommandRefused(f"there is no rule {name!r}{nearest(name, names)}")
    try:
        changed = StoppingCriterion(**{**criterion.to_json(), **args})
    except ValueError as error:
        raise CommandRefused(str(error)) from error
    state.stop_criterion = changed
    told = changed.to_json()
    state.emit(ChangeRun("stop_criterion", told, origin))
    return told


def _refuse_without_simulation(state: EngineState, args: Args, origin: str) -> Any:
    del state, args, origin
    raise CommandRefused("only a run on simulated time has a speed that can be changed")


_HANDLERS: dict[str, Handler] = {
    "pause_trial": _pause_trial,
    "resume_trial": _resume_trial,
    "stop_trial": _stop_trial,
    "pause_run": _pause_run,
    "resume_run": _resume_run,
    "stop_run": _stop_run,
    "set_workers": _set_workers,
    "enqueue": _enqueue,
    "edit_space": _edit_space,
    "set_stop_criterion": _set_stop_criterion,
    "set_speed": _refuse_without_simulation,
    "step": _refuse_without_simulation,
}
