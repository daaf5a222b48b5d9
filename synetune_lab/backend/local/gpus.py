"""Gives each trial the GPUs that are least busy."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence

from synetune_lab import num_gpu
from synetune_lab.errors import BackendError

__all__ = ["GpuAssigner", "usable_gpus"]


def usable_gpus(gpus_to_use: Sequence[int] | None) -> list[str]:
    """Names, as `CUDA_VISIBLE_DEVICES` takes them, of the GPUs that trials may use.

    Where `CUDA_VISIBLE_DEVICES` is set for this process, its entries are the GPUs that there are.

    Raises:
        BackendError: If `gpus_to_use` names one that there isn't.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        names = [str(index) for index in range(num_gpu.get_num_gpus())]
    else:
        names = [name.strip() for name in visible.split(",") if name.strip()]
    if gpus_to_use is None:
        return names
    unknown = [index for index in gpus_to_use if index not in range(len(names))]
    if unknown:
        raise BackendError(
            f"gpus_to_use contains {unknown}, but this machine has {len(names)} usable GPUs; name "
            f"some of {list(range(len(names)))}"
        )
    return [names[index] for index in gpus_to_use]


class GpuAssigner:
    """Keeps count of who uses which GPU.

    Args:
        names: The GPUs.
        per_trial: How many a trial gets.

    Raises:
        BackendError: If there are some, but fewer than `per_trial`.
    """

    def __init__(self, names: Sequence[str], per_trial: int) -> None:
        if names and per_trial > len(names):
            raise BackendError(
                f"num_gpus_per_trial is {per_trial}, but only {len(names)} GPUs are usable; use at "
                f"most {len(names)}"
            )
        self.names = list(names)
        self.per_trial = per_trial
        self._assigned_before = dict.fromkeys(self.names, 0)
        self._held: dict[Hashable, list[str]] = {}

    def acquire(self, key: Hashable, wanted: Sequence[str] | None = None) -> list[str]:
        """GPUs for a trial: those with the fewest users now, then with the fewest so far.

        Args:
            key: Who gets them; to be given to `release`.
            wanted: These and no others: a trial that was found running has them already.
        """
        users = dict.fromkeys(self.names, 0)
        for names in self._held.values():
            for name in names:
                users[name] += 1
        if wanted is None:
            order = sorted(self.names, key=lambda name: (users[name], self._assigned_before[name]))
            chosen = order[: self.per_trial]
        else:
            chosen = [name for name in wanted if name in users]
        for name in chosen:
            self._assigned_before[name] += 1
        self._held[key] = chosen
        return chosen

    def release(self, key: Hashable) -> None:
        """The trial has ended."""
        self._held.pop(key, None)
