"""Searchers by the names that schedulers take."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import SchedulerError

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.base import BaseSearcher

__all__ = ["SEARCHERS", "searcher_factory"]

_HERE = "synetune_lab.optimizer.schedulers.searchers"

SEARCHERS: dict[str, str] = {
    "random": f"{_HERE}.random_searcher:RandomSearcher",
    "random_encoded": f"{_HERE}.random_encoded:RandomEncodedSearcher",
    "bayesopt": f"{_HERE}.bayesopt.gp_fifo_searcher:GPFIFOSearcher",
    "bayesopt_constrained": f"{_HERE}.bayesopt.constrained_searcher:ConstrainedGPFIFOSearcher",
    "bayesopt_cost": f"{_HERE}.bayesopt.cost_aware_searcher:CostAwareGPFIFOSearcher",
    "bore": f"{_HERE}.bore.bore:Bore",
    "botorch": f"{_HERE}.botorch.botorch_searcher:BoTorchSearcher",
    "grid": f"{_HERE}.grid_searcher:GridSearcher",
    "kde": f"{_HERE}.kde.kde_searcher:KernelDensityEstimator",
    "rea": f"{_HERE}.regularized_evolution:RegularizedEvolution",
}
"""Module and class of each searcher by its name; imported when first used."""

_MULTI_FIDELITY: dict[str, str] = {
    "bayesopt": f"{_HERE}.bayesopt.gp_multifidelity_searcher:GPMultiFidelitySearcher",
    "bayesopt_cost": f"{_HERE}.bayesopt.cost_aware_searcher:CostAwareGPMultiFidelitySearcher",
    "bore": f"{_HERE}.bore.multi_fidelity_bore:MultiFidelityBore",
    "dyhpo": f"{_HERE}.bayesopt.dyhpo_searcher:DynamicHPOSearcher",
    "hypertune": f"{_HERE}.bayesopt.hypertune_searcher:HyperTuneSearcher",
    "kde": f"{_HERE}.kde.multi_fidelity_kde_searcher:MultiFidelityKernelDensityEstimator",
}
"""What the same names stand for in schedulers with rungs."""

# What schedulers pass to every searcher; those that do not need an entry do not get it.
_FROM_SCHEDULER = frozenset(
    {
        "config_space",
        "max_epochs",
        "max_resource_level",
        "metric",
        "mode",
        "points_to_evaluate",
        "random_seed",
        "random_seed_generator",
        "resource_attr",
        "scheduler",
        "scheduler_mode",
    }
)


def searcher_factory(
    searcher: str, *, supported: Iterable[str] | None = None, **kwargs: Any
) -> BaseSearcher:
    """Make a searcher by its name.

    Args:
        searcher: Name of the searcher.
        supported: Names that the scheduler can work with; None for all.
        kwargs: Arguments of the searcher: search options of the user, and what the scheduler passes
            to every searcher.

    Raises:
        SchedulerError: If the name is unknown or not supported, or an option is unknown. The
            message has the nearest right name.
    """
    has_rungs = str(kwargs.get("scheduler", "")).startswith("hyperband")
    known = {**SEARCHERS, **_MULTI_FIDELITY} if has_rungs else SEARCHERS
    names = sorted(known if supported is None else set(supported) & set(known))
    if searcher not in names:
        if searcher in _MULTI_FIDELITY and not has_rungs:
            raise SchedulerError(f"searcher={searcher!r} goes with schedulers that have rungs")
        raise SchedulerError(f"searcher={searcher!r} is unknown{_hint(searcher, names)}")
    module, _, name = known[searcher].partition(":")
    cls = getattr(import_module(module), name)
    made: BaseSearcher = cls(**_arguments(searcher, cls, kwargs))
    return made


def _arguments(searcher: str, cls: type[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        # It checks its options itself; what schedulers tell is for those who name it.
        named = {n for base in cls.__mro__ for n in inspect.signature(base).parameters}
        return {n: v for n, v in kwargs.items() if n in named or n not in _FROM_SCHEDULER}
    options = [n for n in parameters if n not in _FROM_SCHEDULER and not n.startswith("_")]
    for name in kwargs:
        if name == "debug_log":
            continue  # documented for all; those that log nothing have no use for it
        if name not in parameters and name not in _FROM_SCHEDULER:
            raise SchedulerError(
                f"search_options: {name!r} is no option of searcher={searcher!r}"
                f"{_hint(name, options)}"
            )
    return {name: value for name, value in kwargs.items() if name in parameters}


def _hint(name: Any, names: list[str]) -> str:
    near = difflib.get_close_matches(str(name), names, n=1)
    first = f"; do you mean {near[0]!r}?" if near else ";"
    return f"{first} known are {', '.join(names)}"
