"""The cluster: reaching it, what its nodes have, and in which form Ray wants to be asked for it."""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from synetune_lab.errors import BackendError
from synetune_lab.extras import require

__all__ = ["actor_options", "check_fits", "connect", "living_nodes", "load_ray", "tidy_resources"]

logger = logging.getLogger(__name__)

_OPTION_OF_RESOURCE = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}
_EPSILON = 1e-9


def load_ray() -> Any:
    """Ray, if it is installed.

    Raises:
        MissingDependencyError: If it is not.
    """
    return require("ray", extra="ray", purpose="running trials on a Ray cluster")


def connect(address: str | None, init_args: Mapping[str, Any]) -> Any:
    """Connect this process to a cluster, if it is not connected to one.

    Args:
        address: Of the cluster (`auto`: the one on this machine, `ray://host:port`: through Ray's
            client); None for the one that `RAY_ADDRESS` names, or a new one on this machine.
        init_args: Further arguments of `ray.init`.

    Returns:
        Ray.

    Raises:
        BackendError: If there is no such cluster.
    """
    ray = load_ray()
    if ray.is_initialized():
        _warn_if_elsewhere(ray, address)
        return ray
    arguments = {"log_to_driver": False, "logging_level": logging.ERROR, **init_args}
    # Left to itself, Ray takes any cluster that this machine had last, dead or alive.
    target = address or os.environ.get("RAY_ADDRESS") or "local"
    try:
        _call_in_lasting_thread(lambda: ray.init(address=target, **arguments))
    except Exception as error:
        where = "a Ray cluster on this machine" if target == "local" else f"address {target!r}"
        raise BackendError(
            f"{where} could not be reached or started: {error}. Start one with `ray start --head`, "
            "or leave address out to have one started here"
        ) from error
    return ray


def _warn_if_elsewhere(ray: Any, address: str | None) -> None:
    """Say so if this process is connected to another cluster than the one that is asked for."""
    if address is None or ":" not in address or "://" in address:
        return
    connected = ray.get_runtime_context().gcs_address
    if connected.rpartition(":")[2] != address.rpartition(":")[2]:
        logger.warning(
            "address is %r, but this process is connected to the Ray cluster at %s, which is used; "
            "call ray.shutdown() first to change that",
            address,
            connected,
        )


def _call_in_lasting_thread(function: Callable[[], Any]) -> None:
    """Call a function in a thread that lives as long as this process.

    The system ends the cluster's processes together with the thread that started them, and that of
    a run ends with the run.
    """
    outcome: Future[None] = Future()

    def call() -> None:
        try:
            function()
        except BaseException as error:
            outcome.set_exception(error)
            return
        outcome.set_result(None)
        threading.Event().wait()

    threading.Thread(target=call, name="ray cluster", daemon=True).start()
    outcome.result()


def tidy_resources(resources: Mapping[Any, Any]) -> dict[str, float]:
    """What a trial needs, with its names and amounts checked.

    Raises:
        BackendError: If an amount is not possible.
    """
    checked: dict[str, float] = {}
    for name, amount in resources.items():
        if not isinstance(name, str) or not name:
            raise BackendError(f"resources has the name {name!r}; use strings such as 'CPU', 'GPU'")
        if name in ("cpu", "gpu", "num_cpus", "num_gpus"):
            right = "CPU" if "cpu" in name else "GPU"
            raise BackendError(f"resources has the name {name!r}; Ray calls it {right!r}")
        is_number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
        if not is_number or not 0 <= amount < math.inf:
            raise BackendError(f"resources[{name!r}] is {amount!r}; use a number of at least 0")
        if amount > 1 and amount != int(amount):
            raise BackendError(
                f"resources[{name!r}] is {amount}; Ray gives out fractions of one unit, or whole "
                f"units: use {math.floor(amount)} or {math.ceil(amount)}"
            )
        checked[name] = amount
    return checked


def actor_options(resources: Mapping[str, float]) -> dict[str, Any]:
    """The same as options of an actor."""
    options: dict[str, Any] = {"num_cpus": 0, "num_gpus": 0, "resources": {}}
    for name, amount in resources.items():
        if name in _OPTION_OF_RESOURCE:
            options[_OPTION_OF_RESOURCE[name]] = amount
        elif amount > 0:
            options["resources"][name] = amount
    return options


def living_nodes(ray: Any) -> dict[str, dict[str, float]]:
    """What each node that Ray holds for alive has in all, by the node's id."""
    return {node["NodeID"]: dict(node["Resources"]) for node in ray.nodes() if node["Alive"]}


def fits(resources: Mapping[str, float], node: Mapping[str, float]) -> bool:
    """Whether a node has as much as that when it is idle."""
    return all(node.get(name, 0.0) >= amount - _EPSILON for name, amount in resources.items())


def check_fits(resources: Mapping[str, float], nodes: Mapping[str, Mapping[str, float]]) -> None:
    """Check that some node could ever run such a trial.

    Raises:
        BackendError: If none could; the message names what is missing.
    """
    if any(fits(resources, node) for node in nodes.values()):
        return
    most = {name: max((n.get(name, 0.0) for n in nodes.values()), default=0) for name in resources}
    lacking = [
        f"{name} {amount:g} (the most that a node has is {most[name]:g})"
        for name, amount in resources.items()
        if most[name] < amount - _EPSILON
    ]
    known = sorted({name for node in nodes.values() for name in node if ":" not in name})
    what = ", ".join(lacking) or f"{dict(resources)} together on one node"
    raise BackendError(
        f"no node of the Ray cluster has what a trial needs: {what}. The {len(nodes)} nodes have "
        f"{', '.join(known)}. Change resources, or pass check_resources=False if the cluster is "
        "going to grow"
    )
