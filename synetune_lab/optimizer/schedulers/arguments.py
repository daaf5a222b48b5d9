"""Checks of arguments that schedulers share."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from synetune_lab.config_space.domain import Domain
from synetune_lab.errors import SchedulerError

__all__ = [
    "find_max_resource",
    "nearest_name",
    "refuse_unknown_arguments",
    "require_bool",
    "require_one_of",
    "require_positive_int",
]

_USUAL_MAX_RESOURCE_NAMES = ("epochs", "max_t", "max_epochs")


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The end of a message on an unknown name: the nearest right one, or all."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names) or 'none'}"


def refuse_unknown_arguments(scheduler: type, unknown: Mapping[str, Any]) -> None:
    """Refuse arguments that a scheduler does not have.

    Raises:
        SchedulerError: If there is one; names the nearest right one.
    """
    for name in unknown:
        known: set[str] = set()
        for cls in scheduler.__mro__:
            if "__init__" in vars(cls):
                parameters = inspect.signature(vars(cls)["__init__"]).parameters
                known.update(p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY)
                if "unknown" in parameters:
                    break  # it passes nothing on that it does not name
        raise SchedulerError(
            f"{scheduler.__name__} has no argument {name!r}; {nearest_name(name, known)}"
        )


def require_positive_int(name: str, value: Any) -> int:
    """The value, if it is a positive integer.

    Raises:
        SchedulerError: If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SchedulerError(f"{name} must be a positive integer, got {value!r}")
    return value


def require_bool(name: str, value: Any) -> bool:
    """The value, if it is True or False.

    Raises:
        SchedulerError: If it is not.
    """
    if not isinstance(value, bool):
        raise SchedulerError(f"{name} must be True or False, got {value!r}")
    return value


def require_one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """The value, if it is one of those allowed.

    Raises:
        SchedulerError: If it is not.
    """
    choices = list(allowed)
    if value not in choices:
        raise SchedulerError(
            f"{name} must be one of {', '.join(repr(choice) for choice in choices)}, got {value!r}"
        )
    return str(value)


def find_max_resource(
    config_space: Mapping[str, Any], max_resource_attr: str | None, max_t: int | None
) -> int | None:
    """The maximum resource of a trial.

    Args:
        config_space: May hold it as a constant.
        max_resource_attr: Name of that constant.
        max_t: The number itself, which goes before everything else.

    Returns:
        `max_t` if given, else the constant `max_resource_attr` of the space if given, else a
        constant `epochs`, `max_t` or `max_epochs` of the space; None if there is none.

    Raises:
        SchedulerError: If a given argument does not lead to a positive integer.
    """
    if max_resource_attr is not None and max_resource_attr not in config_space:
        raise SchedulerError(
            f"max_resource_attr={max_resource_attr!r} is not in config_space; "
            f"{nearest_name(str(max_resource_attr), config_space)}"
        )
    if max_t is not None:
        return require_positive_int("max_t", max_t)
    if max_resource_attr is not None:
        entry = config_space[max_resource_attr]
        if isinstance(entry, Domain):
            raise SchedulerError(
                f"config_space[{max_resource_attr!r}] must be a constant, since max_resource_attr "
                f"names the maximum resource; got {entry}"
            )
        return require_positive_int(f"config_space[{max_resource_attr!r}]", entry)
    for name in _USUAL_MAX_RESOURCE_NAMES:
        entry = config_space.get(name)
        if isinstance(entry, int) and not isinstance(entry, bool) and entry > 0:
            return entry
    return None
