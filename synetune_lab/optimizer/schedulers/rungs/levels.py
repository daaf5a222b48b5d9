"""Where the rungs sit and which fraction of their entries goes on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from synetune_lab.errors import SchedulerError

__all__ = ["DEFAULT_REDUCTION_FACTOR", "promote_quantiles", "successive_halving_rung_levels"]

logger = logging.getLogger(__name__)

DEFAULT_REDUCTION_FACTOR = 3.0


def successive_halving_rung_levels(
    rung_levels: Sequence[int] | None,
    grace_period: int,
    reduction_factor: float | None,
    rung_increment: int | None,
    max_t: int,
) -> list[int]:
    """The rung levels below the maximum resource.

    Args:
        rung_levels: The levels themselves; the three arguments after it are ignored then.
        grace_period: Lowest level r_min.
        reduction_factor: The levels are round(r_min · reduction_factor ** j). None: 3, unless
            `rung_increment` is given.
        rung_increment: The levels are r_min + j · rung_increment, if neither of `rung_levels` and
            `reduction_factor` is given.
        max_t: Maximum resource, which is no rung level and left out.

    Raises:
        SchedulerError: If an argument is out of range.
    """
    if rung_levels is not None:
        if grace_period != 1 or reduction_factor is not None or rung_increment is not None:
            logger.warning(
                "rung_levels is given: grace_period, reduction_factor and rung_increment are "
                "ignored"
            )
        return _given_levels(rung_levels, max_t)
    _check_positive_int("grace_period", grace_period)
    if grace_period > max_t:
        raise SchedulerError(
            f"grace_period={grace_period} must not be above the maximum resource, {max_t}"
        )
    if reduction_factor is None and rung_increment is not None:
        _check_positive_int("rung_increment", rung_increment)
        return list(range(grace_period, max_t, rung_increment))
    factor: Any = DEFAULT_REDUCTION_FACTOR if reduction_factor is None else reduction_factor
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not factor >= 2:
        raise SchedulerError(f"reduction_factor must be a number of at least 2, got {factor!r}")
    levels: list[int] = []
    while (level := round(grace_period * factor ** len(levels))) < max_t:
        levels.append(level)
    return levels


def promote_quantiles(rung_levels: Sequence[int], max_t: int) -> list[float]:
    """The fraction of entries that goes on from each rung: its level over the next one."""
    return [level / above for level, above in pairwise([*rung_levels, max_t])]


def _given_levels(rung_levels: Sequence[int], max_t: int) -> list[int]:
    levels = list(rung_levels)
    for level in levels:
        _check_positive_int("each of rung_levels", level)
    if not levels:
        raise SchedulerError("rung_levels must name at least one level, got an empty list")
    if any(above <= level for level, above in pairwise(levels)):
        raise SchedulerError(f"rung_levels must be strictly increasing, got {levels}")
    if levels[-1] > max_t:
        raise SchedulerError(
            f"rung_levels must not go beyond the maximum resource, {max_t}; got {levels}"
        )
    return [level for level in levels if level < max_t]


def _check_positive_int(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SchedulerError(f"{name} must be a positive integer, got {value!r}")
