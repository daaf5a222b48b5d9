"""Acquisition functions by the names that options take."""

from __future__ import annotations

import difflib
import inspect
from typing import Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
    AcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.confidence_bound import (
    LCBAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.expected_improvement import (
    EIAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.thompson import (
    ThompsonSampling,
)

__all__ = [
    "ACQUISITION_FUNCTIONS",
    "acquisition_function_factory",
    "register_acquisition_function",
]

ACQUISITION_FUNCTIONS: dict[str, type[AcquisitionFunction]] = {
    "ei": EIAcquisitionFunction,
    "lcb": LCBAcquisitionFunction,
    "thompson": ThompsonSampling,
}
"""Classes by their names; `register_acquisition_function` adds to them."""


def register_acquisition_function(name: str, cls: Any) -> None:
    """Give a name to an acquisition function of one's own, for the option `acq_function`.

    Args:
        name: The name. One that is taken already can be registered only for the same class.
        cls: A subclass of `AcquisitionFunction`; `acq_function_kwargs` are its arguments.

    Raises:
        SchedulerError: If the name is taken, or `cls` is no such class.
    """
    if not (isinstance(cls, type) and issubclass(cls, AcquisitionFunction)):
        raise SchedulerError(f"cls={cls!r} must be a subclass of AcquisitionFunction")
    taken = ACQUISITION_FUNCTIONS.get(name)
    # A cell that is run again defines the same class anew.
    if taken is not None and _home(taken) != _home(cls):
        raise SchedulerError(f"name={name!r} stands for {taken.__name__} already; take another")
    ACQUISITION_FUNCTIONS[name] = cls


def acquisition_function_factory(name: str, **kwargs: Any) -> AcquisitionFunction:
    """Make an acquisition function by its name.

    Args:
        name: `ei`, `lcb`, `thompson`, or a name that was registered.
        kwargs: Arguments of the class, as `kappa` of `lcb`.

    Raises:
        SchedulerError: If the name or an argument is unknown, or a value is out of range. The
            message has the nearest right name.
    """
    if name not in ACQUISITION_FUNCTIONS:
        raise SchedulerError(
            f"acq_function={name!r} is unknown{_hint(name, sorted(ACQUISITION_FUNCTIONS))}"
        )
    cls = ACQUISITION_FUNCTIONS[name]
    parameters = inspect.signature(cls).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        for argument in kwargs:
            if argument not in parameters:
                raise SchedulerError(
                    f"acq_function_kwargs: {argument!r} is no argument of acq_function={name!r}"
                    f"{_hint(argument, sorted(parameters))}"
                )
    return cls(**kwargs)


def _home(cls: type[Any]) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


def _hint(name: Any, names: list[str]) -> str:
    near = difflib.get_close_matches(str(name), names, n=1)
    first = f"; do you mean {near[0]!r}?" if near else ";"
    return f"{first} known are {', '.join(names)}"
