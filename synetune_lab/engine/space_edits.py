"""Edits of the configuration space during a run, and what a user sees of one beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import (
    Domain,
    cast_config_values,
    config_space_from_json_dict,
    config_space_to_json_dict,
    validate_config,
    validate_config_space,
    validate_space_json,
)
from synetune_lab.config_space.edit import diff_config_spaces
from synetune_lab.engine import trial_life
from synetune_lab.engine.actions import ChangeRun
from synetune_lab.errors import CommandRefused, SynetuneLabError
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.config_space.edit import SpaceDiff
    from synetune_lab.engine.state import EngineState


def complete_config(space: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration, checked and cast, with the constants of the space.

    Raises:
        InvalidConfigError: If a value is missing, unknown or not possible.
    """
    constants = {name: v for name, v in space.items() if not isinstance(v, Domain)}
    whole = {**constants, **config}
    validate_config(whole, space)
    return {**whole, **cast_config_values(whole, space)}


def preview(state: EngineState, entries: Mapping[str, Any]) -> dict[str, Any]:
    """What an edit of the space would change; asks nothing of the scheduler, changes nothing.

    Args:
        state: The engine's state.
        entries: New forms of entries, as JSON; the others stay.

    Returns:
        `errors` (a message for each entry that is not possible), and as `consequences`.
    """
    errors = _errors(entries)
    if not errors:
        try:
            diff = _diff(state, entries)
        except SynetuneLabError as error:
            errors = {"": str(error)}
        else:
            refused = {change.name: change.message for change in diff.refused}
            return {"errors": refused, **consequences(state, diff)}
    return {
        "errors": errors,
        "changes": [],
        "outside": 0,
        "trials": len(state.trials),
        "running_go_on": [],
        "running_outside": [],
    }


def consequences(state: EngineState, diff: SpaceDiff) -> dict[str, Any]:
    """What follows from an edit for the trials so far.

    Returns:
        `changes`, `outside` (how many of the `trials` tried configurations that the new space does
        not hold), `running_go_on` (the trials that run) and `running_outside` (those of them that
        the new space does not hold).
    """
    configs = [record.config for _, record in state.trials.peek_all()]
    alive = (state.trials[trial_id] for trial_id in sorted(state.alive))
    running = [record for record in alive if record.status == Status.in_progress]
    return {
        "changes": [change.to_json() for change in diff.entries],
        "outside": diff.count_outside(configs),
        "trials": len(configs),
        "running_go_on": [r.trial_id for r in running],
        "running_outside": [r.trial_id for r in running if diff.count_outside([r.config])],
    }


def apply(state: EngineState, args: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Draw from the edited space from now on.

    Args:
        state: The engine's state.
        args: Arguments of the command `edit_space`.
        origin: Who asked.

    Returns:
        The new `version`, the consequences, and what the scheduler tells of its data.

    Raises:
        CommandRefused: If it was edited meanwhile, nothing changes, or it can't be; nothing is
            changed then.
        ConfigSpaceError: If an entry is not possible.
    """
    base = args["base_version"]
    if base is not None and base != state.space_version:
        raise CommandRefused(
            f"the space was edited meanwhile: this edit is of version {base}, "
            f"the newest is {state.space_version}"
        )
    errors = _errors(args["space"])
    if errors:
        raise CommandRefused("; ".join(f"{name}: {told}" for name, told in errors.items()))
    diff = _diff(state, args["space"])
    if diff.refused:
        raise CommandRefused("; ".join(f"{each.name}: {each.message}" for each in diff.refused))
    if diff.is_empty:
        raise CommandRefused("the edit changes nothing")
    told = consequences(state, diff)
    report = _tell_scheduler(state, diff)
    state.config_space = dict(diff.space)
    state.spaces.append(config_space_to_json_dict(state.config_space))
    ending = told["running_outside"] if args["running"] == "stop" else []
    told["running_go_on"] = [i for i in told["running_go_on"] if i not in ending]
    details = {"version": state.space_version, **report, **told}
    state.emit(ChangeRun("space", {**details, "space": state.spaces[-1]}, origin))
    for trial_id in ending:
        trial_life.stop(state, state.trials[trial_id], "user")
    return details


def _errors(entries: Mapping[str, Any]) -> dict[str, str]:
    """A message for each entry that is not possible in itself."""
    return dict(validate_space_json(dict(entries))) if entries else {}


def _diff(state: EngineState, entries: Mapping[str, Any]) -> SpaceDiff:
    # Entries that are not edited are never parsed: some, as functions, have no JSON form.
    space = {**state.config_space, **config_space_from_json_dict(entries)}
    validate_config_space(space)
    return diff_config_spaces(state.config_space, space)


def _tell_scheduler(state: EngineState, diff: SpaceDiff) -> dict[str, Any]:
    try:
        return dict(state.scheduler.edit_space(diff.space))
    except Exception as error:
        # A scheduler of the user's own may raise whatever it likes: that is a refusal, no more.
        raise CommandRefused(str(error) or type(error).__name__) from error
