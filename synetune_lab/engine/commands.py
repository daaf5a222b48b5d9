"""The commands that a run understands: their arguments, checked, with defaults."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from synetune_lab.errors import CommandRefused

Check = Callable[[str, Any], Any]
_REQUIRED = object()


@dataclass(frozen=True)
class Argument:
    """One argument: how it is checked, and its default (`_REQUIRED` for none)."""

    check: Check
    default: Any = _REQUIRED


def _refuse(name: str, value: Any, wanted: str) -> CommandRefused:
    return CommandRefused(f"{name} must be {wanted}, got {value!r}")


def _ids(name: str, value: Any) -> list[int]:
    given = isinstance(value, (list, tuple)) and len(value) > 0
    if given and all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in value):
        return list(dict.fromkeys(value))
    raise _refuse(name, value, "a list of numbers of trials")


def _positive(name: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise _refuse(name, value, "a whole number of at least 1")


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _refuse(name, value, "true or false")


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise _refuse(name, value, "an object")


def _version(name: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise _refuse(name, value, "the number of a version of the space")


def _speed(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    raise _refuse(
        name, value, "simulated seconds a real second, or nothing for as fast as possible"
    )


def _one_of(*allowed: str) -> Check:
    def check(name: str, value: Any) -> str:
        if value in allowed:
            return str(value)
        raise _refuse(name, value, " or ".join(map(repr, allowed)))

    return check


_TRIALS = {"trial_ids": Argument(_ids)}
COMMANDS: dict[str, dict[str, Argument]] = {
    "pause_trial": _TRIALS,
    "resume_trial": _TRIALS,
    "stop_trial": _TRIALS,
    "pause_run": {"running": Argument(_one_of("pause", "finish"), "pause")},
    "resume_run": {},
    "stop_run": {"wait": Argument(_flag, False), "keep": Argument(_flag, False)},
    "set_workers": {"n_workers": Argument(_positive)},
    "edit_space": {
        "space": Argument(_mapping),
        "base_version": Argument(_version, None),
        "running": Argument(_one_of("keep", "stop"), "keep"),
    },
    "enqueue": {"config": Argument(_mapping)},
    "set_stop_criterion": {},
    "set_speed": {"speed": Argument(_speed)},
    "step": {"count": Argument(_positive, 1)},
}


def nearest(name: str, names: list[str]) -> str:
    """` (did you mean ...?)` for a name that is nearly right, else an empty string."""
    close = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def parse_command(name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a command, complete and checked.

    Raises:
        CommandRefused: If the command or an argument is not known, or a value is not possible.
    """
    if name not in COMMANDS:
        raise CommandRefused(f"there is no command {name!r}{nearest(name, list(COMMANDS))}")
    if name == "set_stop_criterion":
        return dict(args)
    arguments = COMMANDS[name]
    for given in args:
        if given not in arguments:
            hint = nearest(given, list(arguments))
            raise CommandRefused(f"{name} has no argument {given!r}{hint}")
    parsed: dict[str, Any] = {}
    for key, argument in arguments.items():
        value = args.get(key, argument.default)
        if value is _REQUIRED:
            raise CommandRefused(f"{name} needs the argument {key!r}")
        parsed[key] = argument.check(key, value)
    return parsed
