"""Trainables with parameters, with resources, and by name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError

if TYPE_CHECKING:
    from synetune_lab.tune.resources import PlacementGroupFactory

__all__ = [
    "register_trainable",
    "with_parameters",
    "with_resources",
]

Resources = Mapping[str, Any] | Callable[[dict[str, Any]], Any]
"""Amounts by name, or a function that tells them of a configuration."""

_registered: dict[str, Any] = {}


@dataclass(frozen=True)
class _WithResources:
    trainable: Any
    resources: Resources


def with_resources(trainable: Any, resources: Resources | PlacementGroupFactory) -> Any:
    """A trainable together with what each trial of it may use.

    Args:
        trainable: A function or class.
        resources: As for `resources_per_trial`; or a function that tells it of a configuration. All
            trials of a run have the same, so that it can use what is the same for all of them.

    Raises:
        TuneError: If they are no dictionary.
    """
    if callable(resources):
        return _WithResources(trainable, resources)
    amounts: Any = getattr(resources, "required_resources", resources)
    if not isinstance(amounts, Mapping):
        raise TuneError(
            f"with_resources: resources={resources!r:.100} must be a dictionary, such as "
            "{'cpu': 2, 'gpu': 1}"
        )
    return _WithResources(trainable, dict(amounts))


def with_parameters(trainable: Any, **kwargs: Any) -> Any:
    """A trainable that gets more than its configuration, such as a data set.

    Args:
        trainable: A function, which gets them as arguments by name, or a class, whose `setup` does.
        kwargs: The parameters; they must be such that they can be sent to another process.
    """
    if isinstance(trainable, _WithResources):
        return _WithResources(with_parameters(trainable.trainable, **kwargs), trainable.resources)
    if not inspect.isclass(trainable):
        return functools.partial(trainable, **kwargs)

    base: Any = trainable

    def setup(self: Any, config: dict[str, Any]) -> None:
        base.setup(self, config, **kwargs)

    return type(trainable.__name__, (trainable,), {"setup": setup})


def register_trainable(name: str, trainable: Any) -> None:
    """Let `tune.run(name)` find a trainable."""
    _registered[name] = trainable


def resolve(trainable: Any) -> Any:
    """The function or class itself.

    Raises:
        TuneError: If it is a name that nobody registered.
    """
    if isinstance(trainable, _WithResources):
        return resolve(trainable.trainable)
    if isinstance(trainable, str):
        if trainable not in _registered:
            known = ", ".join(sorted(_registered)) or "none"
            raise TuneError(f"no trainable is registered as {trainable!r}; known are {known}")
        return resolve(_registered[trainable])
    return trainable


def resources_of(trainable: Any) -> Resources | None:
    """The resources that a trainable came with."""
    if isinstance(trainable, str):
        trainable = _registered.get(trainable)
    return trainable.resources if isinstance(trainable, _WithResources) else None


def name_of(trainable: Any) -> str:
    """Its name, for those of trials."""
    if isinstance(trainable, str):
        return trainable
    found: Callable[..., Any] = resolve(trainable)
    while isinstance(found, functools.partial):
        found = found.func
    name = getattr(found, "__name__", type(found).__name__)
    return "function" if name == "<lambda>" else str(name)
