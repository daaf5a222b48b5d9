"""Checks of the settings of the backend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from synetune_lab.errors import BackendError

__all__ = ["check_prices", "check_seconds", "check_waits"]


def check_seconds(name: str, value: Any) -> float:
    """A duration.

    Raises:
        BackendError: If it is none.
    """
    if not _is_number(value) or value < 0:
        raise BackendError(f"{name} is {value!r:.100}; give seconds, at least 0")
    return float(value)


def check_waits(name: str, value: Any) -> tuple[float, float]:
    """The shortest and the longest wait before something is tried again.

    Raises:
        BackendError: If it is no such pair.
    """
    is_pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
    if not is_pair or not all(map(_is_number, value)) or not 0 < value[0] <= value[1]:
        raise BackendError(
            f"{name} is {value!r:.100}; give the shortest and the longest wait in seconds, for "
            "example (1.0, 60.0)"
        )
    return float(value[0]), float(value[1])


def check_prices(prices: Any) -> dict[str, float]:
    """Dollars an hour of instance types.

    Raises:
        BackendError: If there is one that can't be.
    """
    if not isinstance(prices, Mapping):
        raise BackendError(
            f"instance_prices is {prices!r:.100}; give a dictionary of dollars an hour, for "
            "example {'ml.g5.xlarge': 1.2}"
        )
    for name, price in prices.items():
        if not _is_number(price) or price < 0:
            raise BackendError(
                f"instance_prices has {price!r:.100} for {name!r}; give dollars an hour, for "
                "example 1.2"
            )
    return {str(name): float(price) for name, price in prices.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)
