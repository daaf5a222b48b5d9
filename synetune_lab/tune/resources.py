"""What a trial may use, and how many trials run at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from synetune_lab.backend.local.gpus import usable_gpus
from synetune_lab.errors import TuneError

__all__ = ["Resources", "cpu_count"]

_ROUND_OFF = 1e-9


@dataclass(frozen=True)
class Resources:
    """What one trial may use, and what this machine has.

    Attributes:
        cpu: CPUs of a trial; may be a fraction.
        gpu: GPUs of a trial; a fraction lets trials share one.
        cpus: CPUs of the machine.
        gpus: GPUs of the machine.
    """

    cpu: float
    gpu: float
    cpus: int
    gpus: int

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Resources:
        """Read `resources_per_trial`.

        Args:
            given: `cpu` and `gpu`, in small or large letters; None for one CPU.

        Raises:
            TuneError: If it is not possible, or more than the machine has.
        """
        wanted = {"cpu": 1.0, "gpu": 0.0}
        for name, amount in (given or {}).items():
            key = str(name).lower()
            if key not in wanted:
                raise TuneError(
                    f"resources_per_trial: {name!r} is not known here; this machine has 'cpu' and "
                    "'gpu'"
                )
            if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not amount >= 0:
                raise TuneError(f"resources_per_trial[{name!r}]={amount!r} must be at least 0")
            wanted[key] = float(amount)
        gpus = len(usable_gpus(None)) if wanted["gpu"] else 0
        found = cls(wanted["cpu"], wanted["gpu"], cpu_count(), gpus)
        for name, amount, there in (
            ("cpu", found.cpu, found.cpus),
            ("gpu", found.gpu, found.gpus),
        ):
            if amount > there:
                raise TuneError(
                    f"resources_per_trial asks for {amount:g} {name} a trial, but this machine has "
                    f"{there}"
                )
        return found

    @property
    def at_once(self) -> int:
        """How many trials run at once, at least 1."""
        room = [self.cpus / self.cpu] if self.cpu else []
        if self.gpu:
            room.append(self.gpus / self.gpu)
        return max(1, int(min(room, default=float(self.cpus)) + _ROUND_OFF))

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
        return {"cpu": self.cpu, "gpu": self.gpu}

    def line(self, running: int) -> str:
        """What is used now, in words."""
        return f"{self.cpu * running:g}/{self.cpus} CPUs, {self.gpu * running:g}/{self.gpus} GPUs"


def cpu_count() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
