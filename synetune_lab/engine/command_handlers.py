"""What each command does to the engine, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import (
    cast_config_values,
    config_space_from_json_dict,
    config_space_to_json_dict,
    validate_config,
    validate_config_space,
)
from synetune_lab.config_space.edit import SpaceDiff, diff_config_spaces
from synetune_lab.engine.actions import Action, AnswerCommand, ChangeRun
from synetune_lab.engine.commands import nearest, parse_command
from synetune_lab.engine.events import CommandReceived
from synetune_lab.errors import CommandRefused, SynetuneLabError
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.engine.engine import TuningEngine
    from synetune_lab.engine.trial_table import TrialRecord

Handler = Callable[["TuningEngine", dict[str, Any], str, list[Action]], Any]


def answer(engine: TuningEngine, event: CommandReceived, out: list[Action]) -> AnswerCommand:
    """Carry a command out; a refusal changes nothing."""
    try:
        args = parse_command(event.name, event.args)
        if engine.run_state == "finished":
            raise CommandRefused("the run has ended; resume it first")
        result = _HANDLERS[event.name](engine, args, event.origin, out)
    except (SynetuneLabError, ValueError, TypeError) as error:
        return AnswerCommand(event.command_id, False, error=str(error))
    return AnswerCommand(event.command_id, True, result)


def _trials(
    engine: TuningEngine, ids: list[int], allowed: tuple[str, ...], what: str
) -> list[TrialRecord]:
    """The trials, all of them in a status in which this can be done."""
    records = []
    for trial_id in ids:
        if trial_id >= len(engine.trials):
            raise CommandRefused(f"there is no trial {trial_id}; {len(engine.trials)} were started")
        record = engine.trials[trial_id]
        if record.status not in allowed:
            raise CommandRefused(f"trial {trial_id} is {record.status} and can't be {what}")
        records.append(record)
    return records


def _pause_trial(engine: TuningEngine, args: dict[str, Any], _: str, out: list[Action]) -> Any:
    allowed = (Status.in_progress, Status.paused, Status.pausing)
    records = _trials(engine, args["trial_ids"], allowed, "paused")
    for record in records:
        engine.pause_for_user(record, out)
    return {"trial_ids": args["trial_ids"]}


def _resume_trial(engine: TuningEngine, args: dict[str, Any], _: str, out: list[Action]) -> Any:
    allowed = (Status.paused, Status.pausing, Status.in_progress)
    for record in _trials(engine, args["trial_ids"], allowed, "resumed"):
        engine.queue_resume(record)
    return {"trial_ids": args["trial_ids"]}


def _stop_trial(engine: TuningEngine, args: dict[str, Any], _: str, out: list[Action]) -> Any:
    allowed = (
        Status.in_progress,
        Status.pausing,
        Status.paused,
        Status.stopping,
        Status.stopped,
    )
    for record in _trials(engine, args["trial_ids"], allowed, "stopped"):
        engine.stop_for_user(record, out)
    return {"trial_ids": args["trial_ids"]}


def _pause_run(engine: TuningEngine, args: dict[str, Any], origin: str, out: list[Action]) -> Any:
    if engine.run_state == "stopping":
        raise CommandRefused("the run is about to end")
    engine.pause_run(args["running"], origin, out)
    return {"state": engine.run_state}


def _resume_run(engine: TuningEngine, args: dict[str, Any], origin: str, out: list[Action]) -> Any:
    if engine.run_state == "stopping":
        raise CommandRefused("the run is about to end")
    engine.resume_run(origin, out)
    return {"state": engine.run_state}


def _stop_run(engine: TuningEngine, args: dict[str, Any], origin: str, out: list[Action]) -> Any:
    engine.stop_run(args["wait"], args["keep"], origin, out)
    return {"state": engine.run_state}


def _set_workers(engine: TuningEngine, args: dict[str, Any], origin: str, out: list[Action]) -> Any:
    engine.n_workers = args["n_workers"]
    out.append(ChangeRun("workers", {"n_workers": engine.n_workers}, origin))
    return {"n_workers": engine.n_workers}


def _enqueue(engine: TuningEngine, args: dict[str, Any], origin: str, out: list[Action]) -> Any:
    config = complete_config(engine.config_space, args["config"])
    engine.enqueue(config)
    out.append(ChangeRun("enqueued", {"config": config}, origin))
    return {"config": config}


def complete_config(space: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration, checked and cast, with the constants of the space.

    Raises:
        InvalidConfigError: If a value is missing, unknown or not possible.
    """
    from synetune_lab.config_space import Domain

    constants = {name: v for name, v in space.items() if not isinstance(v, Domain)}
    whole = {**constants, **config}
    validate_config(whole, space)
    return {**whole, **cast_config_values(whole, space)}


def _set_stop_criterion(
    engine: TuningEngine, args: dict[str, Any], origin: str, out: list[Action]
) -> Any:
    criterion = engine.stop_criterion
    if not isinstance(criterion, StoppingCriterion):
        raise CommandRefused(
            f"the stopping criterion is a {type(criterion).__name__} of your own; only rules of "
            "StoppingCriterion can be changed during a run"
        )
    names = [field.name for field in fields(StoppingCriterion)]
    for name in args:
        if name not in names:
            raise CommandRefused(f"there is no rule {name!r}{nearest(name, names)}")
    engine.stop_criterion = StoppingCriterion(**{**criterion.to_json(), **args})
    told = engine.stop_criterion.to_json()
    out.append(ChangeRun("stop_criterion", told, origin))
    return told


def _edit_space(engine: TuningEngine, args: dict[str, Any], origin: str, out: list[Action]) -> Any:
    base = args["base_version"]
    if base is not None and base != engine.space_version:
        raise CommandRefused(
            f"the space was edited meanwhile: this edit is of version {base}, "
            f"the newest is {engine.space_version}"
        )
    diff = _diff(engine, args["space"])
    if diff.refused:
        raise CommandRefused("; ".join(change.message for change in diff.refused))
    if diff.is_empty:
        raise CommandRefused("the edit changes nothing")
    report = engine.scheduler.edit_space(diff.space)
    return engine.apply_space(diff, report, args["running"], origin, out)


def _diff(engine: TuningEngine, edit: Mapping[str, Any]) -> SpaceDiff:
    changes = config_space_from_json_dict(edit)
    space = {**engine.config_space, **changes}
    validate_config_space(space)
    return diff_config_spaces(engine.config_space, space)


def preview_space(engine: TuningEngine, args: Mapping[str, Any]) -> dict[str, Any]:
    """What an edit of the space would change; asks nothing of the scheduler, changes nothing.

    Args:
        engine: The engine.
        args: `space`, as of the command `edit_space`.

    Returns:
        `errors` (a message for each entry that is not possible), `changes`, `outside` (how many of
        the configurations tried so far the new space does not hold) and `running_go_on`.
    """
    from synetune_lab.config_space import validate_space_json

    current = config_space_to_json_dict(engine.config_space)
    errors = dict(validate_space_json({**current, **dict(args["space"])}))
    if errors:
        return {"errors": errors, "changes": [], "outside": 0, "running_go_on": []}
    diff = _diff(engine, args["space"])
    errors = {change.name: change.message for change in diff.refused}
    return {"errors": errors, **consequences(engine, diff)}


def consequences(engine: TuningEngine, diff: SpaceDiff) -> dict[str, Any]:
    """What follows from an edit for the trials so far."""
    configs = [record.config for record in engine.trials.values()]
    running = [i for i, r in engine.trials.items() if r.status == Status.in_progress]
    return {
        "changes": [change.to_json() for change in diff.entries],
        "outside": diff.count_outside(configs),
        "trials": len(configs),
        "running_go_on": running,
    }


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
}
