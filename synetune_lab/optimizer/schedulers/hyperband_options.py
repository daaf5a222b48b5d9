"""The arguments of asynchronous Hyperband, checked once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.arguments import (
    nearest_name,
    require_bool,
    require_one_of,
    require_positive_int,
)
from synetune_lab.optimizer.schedulers.rungs.levels import (
    DEFAULT_REDUCTION_FACTOR,
    promote_quantiles,
    successive_halving_rung_levels,
)
from synetune_lab.optimizer.schedulers.rungs.registry import rung_system_class
from synetune_lab.optimizer.schedulers.searcher_feed import SEARCHER_DATA

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.rungs.system import RungSystem

__all__ = ["HyperbandOptions", "parse_hyperband_options"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HyperbandOptions:
    """What asynchronous Hyperband works with, after all checks.

    Attributes:
        type_name: Name of the rung system.
        system_class: Its class.
        max_t: Maximum resource.
        rung_levels: Levels below it.
        promote_quantiles: Fraction that goes on, one a level.
        reduction_factor: Ratio of the levels; None if they are not geometric.
        brackets: Number of brackets.
        rung_system_per_bracket: Whether each has its own rung system.
        resource_attr: Name of the resource in reports.
        cost_attr: Name of the cost in reports, or None.
        searcher_data: One of `SEARCHER_DATA`.
        register_pending_myopic: Whether only the next report is announced to the searcher.
        do_snapshots: Whether the searcher gets a snapshot of tasks and rungs.
        system_options: Options of the rung system.
    """

    type_name: str
    system_class: type[RungSystem]
    max_t: int
    rung_levels: tuple[int, ...]
    promote_quantiles: tuple[float, ...]
    reduction_factor: float | None
    brackets: int
    rung_system_per_bracket: bool
    resource_attr: str
    cost_attr: str | None
    searcher_data: str
    register_pending_myopic: bool
    do_snapshots: bool
    system_options: Mapping[str, Any]


def parse_hyperband_options(
    *,
    max_t: int | None,
    resource_attr: Any,
    grace_period: int,
    reduction_factor: float | None,
    rung_increment: int | None,
    rung_levels: Sequence[int] | None,
    brackets: int,
    type_: str | type[RungSystem],
    cost_attr: str | None,
    searcher_data: str,
    register_pending_myopic: bool,
    rung_system_per_bracket: bool,
    do_snapshots: bool,
    rung_system_kwargs: Mapping[str, Any] | None,
) -> HyperbandOptions:
    """Check the arguments of `HyperbandScheduler` (see there) and work the rungs out.

    Raises:
        SchedulerError: If an argument is out of range or does not go with the others.
    """
    if max_t is None:
        raise SchedulerError(
            "the maximum resource is not known: name the constant of config_space that holds it "
            "as max_resource_attr, or give it as max_t"
        )
    if not isinstance(resource_attr, str) or not resource_attr:
        raise SchedulerError(f"resource_attr must be a name, got {resource_attr!r}")
    type_name, system_class = rung_system_class(type_)
    if require_bool("do_snapshots", do_snapshots) and not system_class.supports_snapshots:
        raise SchedulerError(f"do_snapshots=True does not go with type={type_name!r}")
    levels = successive_halving_rung_levels(
        rung_levels, grace_period, reduction_factor, rung_increment, max_t
    )
    geometric = rung_levels is None and (rung_increment is None or reduction_factor is not None)
    if not geometric:
        reduction_factor = None
    elif reduction_factor is None:
        reduction_factor = DEFAULT_REDUCTION_FACTOR
    options = _parse_system_options(type_name, system_class, rung_system_kwargs)
    cost_in_options = options.pop("cost_attr", None)
    return HyperbandOptions(
        type_name=type_name,
        system_class=system_class,
        max_t=max_t,
        rung_levels=tuple(levels),
        promote_quantiles=tuple(promote_quantiles(levels, max_t)),
        reduction_factor=reduction_factor,
        brackets=_parse_brackets(brackets, len(levels) + 1),
        rung_system_per_bracket=require_bool("rung_system_per_bracket", rung_system_per_bracket),
        resource_attr=resource_attr,
        cost_attr=cost_attr if cost_attr is not None else cost_in_options,
        searcher_data=require_one_of("searcher_data", searcher_data, SEARCHER_DATA),
        register_pending_myopic=require_bool("register_pending_myopic", register_pending_myopic),
        do_snapshots=do_snapshots,
        system_options=options,
    )


def _parse_brackets(brackets: int, most: int) -> int:
    if require_positive_int("brackets", brackets) > most:
        logger.warning("brackets=%d is more than there can be here: %d are used", brackets, most)
    return min(brackets, most)


def _parse_system_options(
    type_name: str, system_class: type[RungSystem], given: Mapping[str, Any] | None
) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise SchedulerError(f"rung_system_kwargs must be a dictionary, got {given!r}")
    known = {"cost_attr", *system_class.option_names}
    for name in given:
        if name not in known:
            raise SchedulerError(
                f"rung_system_kwargs has no option {name!r} for type={type_name!r}; "
                f"{nearest_name(str(name), known)}"
            )
    return dict(given)
