"""Where trials run: on this machine, on a Ray cluster, or where the user says."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from synetune_lab.backend.local_backend import LocalBackend
from synetune_lab.backend.python_backend import PythonBackend
from synetune_lab.backend.ray_backend.cluster import connect, living_nodes
from synetune_lab.backend.ray_backend.ray_backend import RayBackend
from synetune_lab.backend.trial_backend import TrialBackend
from synetune_lab.errors import TuneError
from synetune_lab.tune.resources import Needs, Resources

__all__ = ["MakeBackend", "Workplace", "check_backend", "make_workplace"]

MakeBackend = Callable[[Callable[..., None], dict[str, Any]], TrialBackend]
"""From the function that a trial runs, and the flat configuration space."""

_HERE = (None, "python", "local")
_RAY = "ray"
_CLASS_GRACE_S = 60.0
_FUNCTION_GRACE_S = 10.0


@dataclass(frozen=True)
class Workplace:
    """Where the trials of a run are.

    Attributes:
        backend: Runs them.
        resources: What there is for them.
    """

    backend: TrialBackend
    resources: Resources


def check_backend(given: Any) -> None:
    """Refuse what names no backend.

    Raises:
        TuneError: If it does not.
    """
    is_ray = isinstance(given, str) and (given == _RAY or given.startswith("ray://"))
    if given in _HERE or is_ray or (callable(given) and not isinstance(given, str)):
        return
    hint = ""
    if isinstance(given, TrialBackend):
        hint = f"; give the class {type(given).__name__}, for it is made for the function to run"
    raise TuneError(
        f"backend={given!r:.100} must be 'python' (processes of this machine), 'ray' (a Ray "
        f"cluster), 'ray://host:port', or what makes a backend of a function and a space{hint}"
    )


def make_workplace(
    given: str | MakeBackend | None,
    function: Callable[..., None],
    config_space: dict[str, Any],
    needs: Needs,
    is_class: bool,
) -> Workplace:
    """Make a backend.

    Args:
        given: The argument `backend` of `tune.run`.
        function: What a trial runs.
        config_space: The flat configuration space.
        needs: What a trial may use.
        is_class: Whether a class is trained, which is asked between two steps to end.

    Raises:
        TuneError: If a trial needs more than there is.
        BackendError: If the backend can't be made, or its cluster not be reached.
    """
    grace_period_s = _CLASS_GRACE_S if is_class else _FUNCTION_GRACE_S
    if given in _HERE:
        resources = Resources.of_this_machine(needs)
        backend = PythonBackend(
            function,
            config_space,
            rotate_gpus=needs.gpu > 0,
            num_gpus_per_trial=max(1, needs.whole_gpus),
            grace_period_s=grace_period_s,
            env=needs.environment(),
        )
        return Workplace(backend, resources)
    make: Any = given
    if isinstance(given, str):
        address = None if given == _RAY else given
        make = functools.partial(RayBackend, address=address, grace_period_s=grace_period_s)
    made = make(function, config_space, **_known_to(make, needs))
    if not isinstance(made, TrialBackend):
        raise TuneError(f"backend must make a TrialBackend, it made {made!r:.100}")
    return Workplace(made, _resources_of(made, needs))


def _known_to(make: Any, needs: Needs) -> dict[str, Any]:
    """What the run knows and the backend would else be told twice."""
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):
        return {}
    known = {"resources": needs.for_ray(), "resource_attr": "training_iteration"}
    return {
        name: value
        for name, value in known.items()
        if name in parameters and parameters[name].default is None
    }


def _resources_of(backend: TrialBackend, needs: Needs) -> Resources:
    if isinstance(backend, RayBackend):
        nodes = living_nodes(connect(backend.address, backend.init_args))
        return Resources.of_nodes(needs, list(nodes.values()))
    if isinstance(backend, LocalBackend):
        return Resources.of_this_machine(needs)
    return Resources(needs, 0, 0, 0)
