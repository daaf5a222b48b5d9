"""Seeds for everything random in a scheduler, all drawn from one master seed."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from synetune_lab.errors import SchedulerError

__all__ = ["RandomSeedGenerator", "generate_random_seed"]

_SEED_BOUND = 2**32


def generate_random_seed(random_state: np.random.RandomState | None = None) -> int:
    """Draw one seed, from 0 to 2 ** 32 - 1.

    Args:
        random_state: What to draw from. None: the operating system's entropy.
    """
    if random_state is None:
        return secrets.randbelow(_SEED_BOUND)
    return int(random_state.randint(0, _SEED_BOUND, dtype=np.uint32))


class RandomSeedGenerator:
    """Another seed at each call, the same ones for the same master seed.

    Args:
        master_seed: From 0 to 2 ** 32 - 1.

    Raises:
        SchedulerError: If the seed is out of range.
    """

    def __init__(self, master_seed: int) -> None:
        if not _is_seed(master_seed):
            raise SchedulerError(
                f"random_seed must be an integer from 0 to 2**32 - 1, got {master_seed!r}"
            )
        self._random_state = np.random.RandomState(int(master_seed))

    def __call__(self) -> int:
        """The next seed."""
        return generate_random_seed(self._random_state)


def _is_seed(value: Any) -> bool:
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_integer and 0 <= value < _SEED_BOUND
