"""The hosts of an experiment: made on demand, kept warm for a while, given up when lost."""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.ray_backend.cluster import actor_options, fits, living_nodes
from synetune_lab.backend.ray_backend.host import TrialHost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from queue import SimpleQueue

    from synetune_lab.backend.ray_backend.host import HostPlan

__all__ = ["NAMESPACE", "Host", "HostPool"]

logger = logging.getLogger(__name__)

NAMESPACE = "synetune_lab"
"""Namespace of the names of hosts."""
SUSPECT_S = 120.0
"""A node that did not answer is avoided for so long."""
_CALLS_AT_ONCE = 8

Key = tuple[tuple[str, float], ...]


@dataclass(eq=False)
class Host:
    """One host.

    Attributes:
        actor: Ray's handle.
        name: Its name in the cluster.
        key: Its resources; None if it was found.
        version: Number of the plan that it follows.
        node: Id of its node; None if it did not answer yet.
        idle_since: When its last trial ended (monotonic seconds).
    """

    actor: Any
    name: str
    key: Key | None
    version: int
    node: str | None = None
    idle_since: float = 0.0


class HostPool:
    """Makes hosts and ends them.

    Args:
        ray: Ray.
        prefix: Beginning of the names of hosts.
        keep_warm_s: How long a host without a trial holds its resources, for the next one.
        runtime_env: Ray's description of what a host needs to be installed.
        clean_up_s: Seconds that a host without a trial has to clean up before it is ended; None if
            there is nothing to clean up.
        news: Gets what is to be passed to `Watch.hear`: hosts that have cleaned up.
    """

    def __init__(
        self,
        ray: Any,
        prefix: str,
        keep_warm_s: float,
        runtime_env: Mapping[str, Any] | None,
        clean_up_s: float | None,
        news: SimpleQueue[tuple[Any, ...]],
    ) -> None:
        self._ray = ray
        self._prefix = prefix
        self._keep_warm = keep_warm_s
        self._runtime_env = dict(runtime_env or {})
        self._idle: list[Host] = []
        self._busy: set[Host] = set()
        self._suspects: dict[str, float] = {}
        self._clean_up_s = clean_up_s
        self._news = news
        self._leaving: dict[Host, tuple[float, Any]] = {}
        self._remote = ray.remote(max_concurrency=_CALLS_AT_ONCE)(TrialHost)

    def acquire(
        self, resources: Mapping[str, float], plan: Callable[[], HostPlan], version: int
    ) -> Host:
        """A host with these resources: a warm one if there is, else a new one, wherever it fits.

        Args:
            resources: What it has to hold.
            plan: Makes what a new host is to do.
            version: Number of the plan.
        """
        key = tuple(sorted(resources.items()))
        usable = [host for host in self._idle if host.key == key and host.version == version]
        if usable:
            warm = [host for host in usable if host.node is not None]
            host = (warm or usable)[-1]
            self._idle.remove(host)
            self._busy.add(host)
            return host
        while self._idle:  # they may hold what the new one waits for
            self.dismiss(self._idle[0])
        name = f"{self._prefix}{uuid.uuid4().hex[:12]}"
        options = {**actor_options(resources), "name": name, "namespace": NAMESPACE}
        if self._runtime_env:
            options["runtime_env"] = self._runtime_env
        strategy = self._strategy(resources)
        if strategy is not None:
            options["scheduling_strategy"] = strategy
        actor = self._remote.options(lifetime="detached", max_restarts=0, **options).remote(plan())
        host = Host(actor, name, key, version)
        self._busy.add(host)
        return host

    def find(self, name: str) -> Host | None:
        """The host of this name, if it lives."""
        try:
            actor = self._ray.get_actor(name, namespace=NAMESPACE)
        except ValueError:
            return None
        host = Host(actor, name, None, -1)
        self._busy.add(host)
        return host

    def end_others(self) -> None:
        """End hosts of the experiment that are not in this pool."""
        known = {host.name for host in self._busy} | {host.name for host in self._idle}
        for found in self._ray.util.list_named_actors(all_namespaces=True):
            name = found["name"]
            if found["namespace"] == NAMESPACE and name.startswith(self._prefix):
                if name in known:
                    continue
                with suppress(ValueError):
                    self._kill(self._ray.get_actor(name, namespace=NAMESPACE))

    def release(self, host: Host) -> None:
        """The host has no trial any more, or does not need to have one when it is there."""
        if host.key is None or self._keep_warm <= 0:
            self.dismiss(host)
            return
        self._busy.discard(host)
        host.idle_since = time.monotonic()
        self._idle.append(host)

    def discard(self, host: Host) -> None:
        """End a host at once, with the trial that it may have."""
        self._forget(host)
        self._leaving.pop(host, None)
        self._kill(host.actor)

    def dismiss(self, host: Host) -> None:
        """End a host without a trial, once it has cleaned up."""
        if self._clean_up_s is None or host.node is None:
            self.discard(host)
            return
        self._forget(host)
        try:
            answer = host.actor.clean_up.remote()
        except Exception:  # the cluster is gone
            self._kill(host.actor)
            return
        self._leaving[host] = (time.monotonic() + self._clean_up_s, answer)
        news = self._news
        answer.future().add_done_callback(lambda done: news.put((None, host, done)))

    def _forget(self, host: Host) -> None:
        self._busy.discard(host)
        if host in self._idle:
            self._idle.remove(host)

    def suspect(self, node: str | None) -> None:
        """A node does not answer: nothing is put there as long as Ray takes it for alive."""
        if node is not None:
            self._suspects[node] = time.monotonic()
        for host in [host for host in self._idle if host.node in self._suspects]:
            self.discard(host)

    def end_idle(self, now: float) -> float:
        """End hosts that were idle for long; returns when there will be more to end."""
        for host in [h for h in self._idle if h.idle_since + self._keep_warm <= now]:
            self.dismiss(host)
        for host in [h for h, (due, _) in self._leaving.items() if due <= now]:
            logger.warning("host %s did not clean up in time", host.name)
            self.discard(host)
        idle = [host.idle_since + self._keep_warm for host in self._idle]
        return min([*idle, *(due for due, _ in self._leaving.values())], default=math.inf)

    def close(self, *, leave_busy: bool) -> None:
        """End all hosts, or only the idle ones; those that clean up are waited for."""
        for host in [] if leave_busy else list(self._busy):
            self.discard(host)
        for host in list(self._idle):
            self.dismiss(host)
        if self._leaving:
            dues, answers = zip(*self._leaving.values(), strict=True)
            left = max(0.0, max(dues) - time.monotonic())
            with suppress(Exception):
                self._ray.wait(list(answers), num_returns=len(answers), timeout=left)
        for host in list(self._leaving):
            self.discard(host)

    def _kill(self, actor: Any) -> None:
        with suppress(Exception):  # it is gone already, or will be told later
            self._ray.kill(actor)

    def _strategy(self, resources: Mapping[str, float]) -> Any:
        """Where to put a host; None leaves it to Ray, which learns late of lost nodes."""
        if not self._suspects:
            return None
        nodes, now = living_nodes(self._ray), time.monotonic()
        self._suspects = {
            node: since
            for node, since in self._suspects.items()
            if node in nodes and now < since + SUSPECT_S
        }
        good = [n for n, has in nodes.items() if n not in self._suspects and fits(resources, has)]
        if not self._suspects or not good:
            return None
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        load = Counter(host.node for host in self._busy)
        best = min(good, key=lambda n: load[n] / max(1.0, nodes[n].get("CPU", 1.0)))
        logger.info("a trial with %s goes to node %s", dict(resources), best)
        return NodeAffinitySchedulingStrategy(best, soft=False)
