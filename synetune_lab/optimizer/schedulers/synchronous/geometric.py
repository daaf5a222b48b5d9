"""Synchronous Hyperband and DEHB with the geometric rungs of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.arguments import find_max_resource, require_positive_int
from synetune_lab.optimizer.schedulers.synchronous.dehb import (
    DifferentialEvolutionHyperbandScheduler,
)
from synetune_lab.optimizer.schedulers.synchronous.hyperband import SynchronousHyperbandScheduler
from synetune_lab.optimizer.schedulers.synchronous.rung_sizes import (
    Rungs,
    SynchronousHyperbandRungSystem,
)

__all__ = [
    "GeometricDifferentialEvolutionHyperbandScheduler",
    "SynchronousGeometricHyperbandScheduler",
]


class SynchronousGeometricHyperbandScheduler(SynchronousHyperbandScheduler):
    """Synchronous Hyperband with the geometric rungs of the paper.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        grace_period: The lowest level.
        reduction_factor: Ratio of successive levels, at least 2.
        brackets: Number of kinds of brackets; None for all, 1 for successive halving.
        max_resource_attr: See `SynchronousHyperbandScheduler`; one of it and `max_resource_level`
            is needed.
        max_resource_level: See `SynchronousHyperbandScheduler`.
        kwargs: Other arguments of `SynchronousHyperbandScheduler`.

    Raises:
        SchedulerError: If an argument is unknown or out of range.
        ConfigSpaceError: If `config_space` is not possible.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        *,
        metric: str,
        grace_period: int = 1,
        reduction_factor: float = 3,
        brackets: int | None = None,
        max_resource_attr: str | None = None,
        max_resource_level: int | None = None,
        **kwargs: Any,
    ) -> None:
        rungs = _geometric_rungs(
            config_space,
            grace_period,
            reduction_factor,
            brackets,
            max_resource_attr,
            max_resource_level,
        )
        super().__init__(
            config_space,
            rungs,
            metric=metric,
            max_resource_attr=max_resource_attr,
            max_resource_level=max_resource_level,
            **kwargs,
        )
        self._reduction_factor = float(reduction_factor)


class GeometricDifferentialEvolutionHyperbandScheduler(DifferentialEvolutionHyperbandScheduler):
    """DEHB with the geometric rungs of Hyperband.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        grace_period: The lowest level.
        reduction_factor: Ratio of successive levels, at least 2.
        brackets: Number of kinds of brackets; None for all.
        max_resource_attr: See `SynchronousHyperbandScheduler`; one of it and `max_resource_level`
            is needed.
        max_resource_level: See `SynchronousHyperbandScheduler`.
        kwargs: Other arguments of `DifferentialEvolutionHyperbandScheduler`.

    Raises:
        SchedulerError: If an argument is unknown or out of range.
        ConfigSpaceError: If `config_space` is not possible.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        *,
        metric: str,
        grace_period: int = 1,
        reduction_factor: float = 3,
        brackets: int | None = None,
        max_resource_attr: str | None = None,
        max_resource_level: int | None = None,
        **kwargs: Any,
    ) -> None:
        rungs = _geometric_rungs(
            config_space,
            grace_period,
            reduction_factor,
            brackets,
            max_resource_attr,
            max_resource_level,
        )
        super().__init__(
            config_space,
            rungs[0],
            len(rungs),
            metric=metric,
            max_resource_attr=max_resource_attr,
            max_resource_level=max_resource_level,
            **kwargs,
        )
        self._reduction_factor = float(reduction_factor)


def _geometric_rungs(
    config_space: Mapping[str, Any],
    grace_period: int,
    reduction_factor: float,
    brackets: int | None,
    max_resource_attr: str | None,
    max_resource_level: int | None,
) -> list[Rungs]:
    """The rungs of the paper up to the maximum resource.

    Raises:
        SchedulerError: If an argument is out of range, or there is no maximum resource.
    """
    require_positive_int("grace_period", grace_period)
    if brackets is not None:
        require_positive_int("brackets", brackets)
    if isinstance(reduction_factor, bool) or not isinstance(reduction_factor, (int, float)):
        raise SchedulerError(f"reduction_factor must be a number, got {reduction_factor!r}")
    largest = find_max_resource(config_space, max_resource_attr, max_resource_level)
    if largest is None:
        raise SchedulerError(
            "the maximum resource is not known: give max_resource_attr (the name of a constant of "
            "config_space) or max_resource_level"
        )
    return SynchronousHyperbandRungSystem.geometric(
        grace_period, largest, reduction_factor, brackets
    )
