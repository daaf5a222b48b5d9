"""Sizes and levels of the rungs of synchronous Hyperband.

Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: Hyperband: A Novel Bandit-Based Approach to
Hyperparameter Optimization, https://arxiv.org/abs/1603.06560.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from synetune_lab.errors import SchedulerError

__all__ = ["Rungs", "SynchronousHyperbandRungSystem", "check_bracket_rungs"]

Rungs = list[tuple[int, int]]
"""Size and level of each rung of a bracket."""

_TOLERANCE = 1e-9


class SynchronousHyperbandRungSystem:
    """The geometric rungs of Hyperband."""

    @staticmethod
    def geometric(
        min_resource: int,
        max_resource: int,
        reduction_factor: float,
        num_brackets: int | None = None,
    ) -> list[Rungs]:
        """Size and level of each rung, for each bracket.

        Args:
            min_resource: The lowest level of the first bracket.
            max_resource: The last level of all brackets.
            reduction_factor: Ratio of successive levels, at least 2.
            num_brackets: Number of brackets; None, or more than there can be, for all.

        Raises:
            SchedulerError: If an argument is out of range.
        """
        if not 1 <= min_resource <= max_resource:
            raise SchedulerError(
                f"grace_period={min_resource} must be from 1 to the maximum resource, "
                f"{max_resource}"
            )
        if not reduction_factor >= 2:
            raise SchedulerError(f"reduction_factor={reduction_factor} must be at least 2")
        if num_brackets is not None and num_brackets < 1:
            raise SchedulerError(f"brackets={num_brackets} must be at least 1")
        eta = float(reduction_factor)
        s_max = _ceil(math.log(max_resource / min_resource) / math.log(eta))
        count = s_max + 1 if num_brackets is None else min(num_brackets, s_max + 1)
        brackets = []
        for bracket in range(count):
            length = s_max - bracket + 1
            levels = [round(min_resource * eta ** (bracket + k)) for k in range(length - 1)]
            sizes = [_ceil((s_max + 1) / length * eta ** (length - 1 - k)) for k in range(length)]
            rungs = zip(sizes, [*levels, max_resource], strict=True)
            # A level that is rounded up to the last one falls together with it.
            last = length - 1
            brackets.append(
                [rung for k, rung in enumerate(rungs) if k == last or rung[1] < max_resource]
            )
        return brackets


def _ceil(value: float) -> int:
    """The next whole number, unless rounding errors alone put the value above one."""
    nearest = round(value)
    return nearest if abs(value - nearest) < _TOLERANCE * max(1.0, value) else math.ceil(value)


def check_bracket_rungs(name: str, brackets: Any) -> list[Rungs]:
    """Rungs of brackets as they were given, checked.

    Raises:
        SchedulerError: If a bracket has no rungs, or its sizes do not decrease, or its levels do
            not increase.
    """
    if not isinstance(brackets, Sequence) or not brackets:
        raise SchedulerError(f"{name} must be a list of brackets, got {brackets!r}")
    checked = []
    for number, rungs in enumerate(brackets):
        try:
            pairs = [(int(size), int(level)) for size, level in rungs]
        except (TypeError, ValueError):
            raise SchedulerError(
                f"{name}[{number}] must be a list of (size, level), got {rungs!r}"
            ) from None
        if not pairs or pairs[-1][0] < 1 or pairs[0][1] < 1:
            raise SchedulerError(
                f"{name}[{number}] must have sizes and levels of at least 1, got {rungs!r}"
            )
        for before, after in itertools.pairwise(pairs):
            if not (before[0] > after[0] and before[1] < after[1]):
                raise SchedulerError(
                    f"{name}[{number}]: sizes must decrease and levels increase from rung to rung; "
                    f"{before} is followed by {after}"
                )
        checked.append(pairs)
    return checked
