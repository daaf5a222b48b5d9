"""What was changed on a tuner while its run was at rest, as commands that the log can hold.

The documented way to go on differently is to load a tuner, assign its `stop_criterion` or its
scheduler's `config_space`, and run it. Recovery replays the log, so what was assigned must be
there.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import config_space_to_json_dict
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.store.event_log import plain_json

if TYPE_CHECKING:
    from synetune_lab.engine.engine import TuningEngine
    from synetune_lab.optimizer.scheduler import TrialScheduler

Command = tuple[str, dict[str, Any]]


def criterion_rules(criterion: object) -> dict[str, Any] | None:
    """All rules of a `StoppingCriterion`; None for anything else, which the log can't hold."""
    if type(criterion) is not StoppingCriterion:
        return None
    rules = {field.name: getattr(criterion, field.name) for field in fields(criterion)}
    return dict(plain_json(rules))


def changes_at_rest(
    engine: TuningEngine, scheduler: TrialScheduler, known_rules: dict[str, Any] | None
) -> list[Command]:
    """The commands that tell the log what was assigned since the run was left.

    Args:
        engine: The engine, whose stopping criterion may be another one now.
        scheduler: The scheduler, whose space may be another one now.
        known_rules: The rules of the stopping criterion when the run was left.
    """
    commands: list[Command] = []
    rules = criterion_rules(engine.stop_criterion)
    if rules is not None and rules != known_rules:
        commands.append(("set_stop_criterion", rules))
    edit = space_edit(engine, config_space_to_json_dict(scheduler.config_space))
    if edit:
        commands.append(("edit_space", {"space": edit}))
    return commands


def space_edit(engine: TuningEngine, space: dict[str, Any]) -> dict[str, Any]:
    """The entries of a space (as JSON) that are not in the engine's."""
    current = plain_json(engine.spaces[-1])
    return {
        name: entry
        for name, entry in plain_json(space).items()
        if name not in current or current[name] != entry
    }
