"""What a trial may use, and how many trials run at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, inf
from typing import Any

from synetune_lab.backend.local.gpus import usable_gpus
from synetune_lab.errors import TuneError
from synetune_lab.tune.checks import is_number

__all__ = ["Needs", "PlacementGroupFactory", "Resources", "cpu_count"]

_ROUND_OFF = 1e-9


class PlacementGroupFactory:
    """What a trial may use, in bundles. Here a trial is one process, which gets their sum.

    Args:
        bundles: Amounts by name, such as `[{"CPU": 1, "GPU": 1}, {"CPU": 2}]`.
        strategy: How Ray places them; of no meaning for one process.
    """

    def __init__(self, bundles: Sequence[Mapping[str, float]], strategy: str = "PACK") -> None:
        if isinstance(bundles, Mapping) or not all(isinstance(one, Mapping) for one in bundles):
            raise TuneError(
                f"PlacementGroupFactory: bundles={bundles!r:.100} must be a list of dictionaries, "
                "such as [{'CPU': 1}]"
            )
        self.bundles = [dict(bundle) for bundle in bundles]
        self.strategy = strategy

    @property
    def required_resources(self) -> dict[str, float]:
        """The sum of the bundles."""
        total: dict[str, float] = {}
        for bundle in self.bundles:
            for name, amount in bundle.items():
                total[name] = total.get(name, 0.0) + amount
        return total

    def __repr__(self) -> str:
        return f"PlacementGroupFactory({self.bundles!r})"


@dataclass(frozen=True)
class Needs:
    """What one trial may use.

    Attributes:
        cpu: CPUs; may be a fraction.
        gpu: GPUs; a fraction of one lets trials share it.
        other: Amounts of what else a cluster has, by name.
    """

    cpu: float = 1.0
    gpu: float = 0.0
    other: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any] | PlacementGroupFactory | None) -> Needs:
        """Read `resources_per_trial`.

        Args:
            given: `cpu` and `gpu`, in small or large letters, and whatever else a cluster has, by
                itself or in `custom_resources`; None for one CPU.

        Raises:
            TuneError: If it is not possible.
        """
        if isinstance(given, PlacementGroupFactory):
            given = given.required_resources
        if given is not None and not isinstance(given, Mapping):
            raise TuneError(
                f"resources_per_trial={given!r:.100} must be a dictionary, such as "
                "{'cpu': 2, 'gpu': 1}"
            )
        wanted = {"cpu": 1.0, "gpu": 0.0}
        extra = {"extra_cpu": 0.0, "extra_gpu": 0.0}
        for name, amount in _amounts(given or {}):
            key = name.lower()
            if key in extra:
                extra[key] = amount
            else:
                wanted[key if key in wanted else name] = amount
        for key, amount in extra.items():  # for processes that the trial starts: it is one of them
            wanted[key.removeprefix("extra_")] += amount
        gpu = wanted["gpu"]
        if gpu > 1 and gpu != int(gpu):
            raise TuneError(
                f"resources_per_trial['gpu']={gpu:g} must be a fraction of one GPU, or a whole "
                f"number of them: use {floor(gpu)} or {ceil(gpu)}"
            )
        return cls(wanted.pop("cpu"), wanted.pop("gpu"), wanted)

    @property
    def whole_gpus(self) -> int:
        """GPUs that a trial sees."""
        return ceil(self.gpu - _ROUND_OFF)

    def environment(self) -> dict[str, str]:
        """Settings by which a trial keeps to its share."""
        settings = {}
        if "OMP_NUM_THREADS" not in os.environ:
            settings["OMP_NUM_THREADS"] = str(max(1, int(self.cpu)))
        if not self.gpu:
            settings["CUDA_VISIBLE_DEVICES"] = ""
        return settings

    def to_json(self) -> dict[str, float]:
        """What a trial may use."""
        return {"cpu": self.cpu, "gpu": self.gpu, **self.other}

    def for_ray(self) -> dict[str, float]:
        """The same, as Ray names it."""
        return {"CPU": self.cpu, "GPU": self.gpu, **self.other}

    def times_in(self, cpus: float, gpus: float, other: Mapping[str, float]) -> int:
        """How many trials there is room for on one machine with so much."""
        room = [floor(cpus / self.cpu + _ROUND_OFF)] if self.cpu else []
        if self.gpu >= 1:
            room.append(int(gpus // self.gpu))
        elif self.gpu:
            # A trial's share is of one GPU: what is left of several is of no use to it.
            room.append(int(gpus) * floor(1 / self.gpu + _ROUND_OFF))
        room += [floor(other.get(n, 0.0) / a + _ROUND_OFF) for n, a in self.other.items() if a]
        return min(room, default=max(1, int(cpus)))


@dataclass(frozen=True)
class Resources:
    """What a trial may use, and what there is.

    Attributes:
        needs: What one trial may use.
        cpus: CPUs that there are.
        gpus: GPUs that there are.
        at_once: How many trials there is room for; 0 if nobody knows.
    """

    needs: Needs
    cpus: float
    gpus: float
    at_once: int

    @classmethod
    def of_this_machine(cls, needs: Needs) -> Resources:
        """What there is here.

        Raises:
            TuneError: If a trial needs more.
        """
        unknown = ", ".join(repr(name) for name in needs.other)
        if unknown:
            raise TuneError(
                f"resources_per_trial: {unknown} is not known here; this machine has 'cpu' and "
                "'gpu'"
            )
        cpus, gpus = cpu_count(), len(usable_gpus(None)) if needs.gpu else 0
        for name, amount, there in (("cpu", needs.cpu, cpus), ("gpu", needs.gpu, gpus)):
            if amount > there:
                raise TuneError(
                    f"resources_per_trial asks for {amount:g} {name} a trial, but this machine has "
                    f"{there}"
                )
        return cls(needs, cpus, gpus, max(1, needs.times_in(cpus, gpus, {})))

    @classmethod
    def of_nodes(cls, needs: Needs, nodes: Sequence[Mapping[str, float]]) -> Resources:
        """What the nodes of a cluster have, each by Ray's names."""
        room = sum(needs.times_in(n.get("CPU", 0.0), n.get("GPU", 0.0), n) for n in nodes)
        cpus, gpus = (sum(node.get(name, 0.0) for node in nodes) for name in ("CPU", "GPU"))
        return cls(needs, cpus, gpus, max(1, room))

    def line(self, running: int) -> str:
        """What is used now, in words."""
        cpu, gpu = self.needs.cpu * running, self.needs.gpu * running
        if not self.at_once:
            return f"{cpu:g} CPUs, {gpu:g} GPUs"
        return f"{cpu:g}/{self.cpus:g} CPUs, {gpu:g}/{self.gpus:g} GPUs"


def _amounts(given: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Names and amounts.

    Raises:
        TuneError: If one is not possible.
    """
    for name, amount in given.items():
        if name == "custom_resources" and isinstance(amount, Mapping):
            yield from _amounts(amount)
        elif not is_number(amount) or not 0 <= amount < inf:
            raise TuneError(
                f"resources_per_trial[{name!r}]={amount!r:.100} must be a number of at least 0"
            )
        else:
            yield str(name), float(amount)


def cpu_count() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
