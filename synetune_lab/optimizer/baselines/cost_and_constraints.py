"""Methods that look at a second reported value: a constraint, or what a trial costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.baselines.arguments import own_arguments
from synetune_lab.optimizer.schedulers.fifo import FIFOArguments, FIFOScheduler
from synetune_lab.optimizer.schedulers.hyperband import HyperbandScheduler

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synetune_lab.surrogates.cost_models.base import CostModel

__all__ = [
    "ConstrainedBayesianOptimization",
    "CostAwareCoarseGrained",
    "CostAwareFineGrained",
    "CostAwareMultiFidelity",
]


class ConstrainedBayesianOptimization(FIFOScheduler):
    """Bayesian optimisation where another reported value must be at most 0.

    Gardner, Kusner, Xu, Weinberger, Cunningham: Bayesian Optimization with Inequality Constraints,
    https://proceedings.mlr.press/v32/gardner14.html.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        constraint_attr: Name of the reported constraint. A configuration is feasible if it is at
            most 0; not finite counts as infeasible.
        kwargs: Arguments of `FIFOScheduler`. `search_options`: fields of `ConstrainedOptions`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        constraint_attr: str,
        **kwargs: Unpack[FIFOArguments],
    ) -> None:
        options = _with_options(kwargs, constraint_attr=constraint_attr)
        own = own_arguments(self, kwargs, searcher="bayesopt_constrained")
        own["search_options"] = options
        super().__init__(config_space, metric=metric, **own)


class CostAwareCoarseGrained(FIFOScheduler):
    """Bayesian optimisation by expected improvement per unit of cost, learnt from whole trials.

    Snoek, Larochelle, Adams: Practical Bayesian Optimization of Machine Learning Algorithms,
    https://arxiv.org/abs/1206.2944.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        cost_attr: Name of the reported cost, counted from the start of a trial. The one in its last
            report is learnt, by a Gaussian process.
        kwargs: Arguments of `FIFOScheduler`. `search_options`: fields of `CostAwareOptions`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        cost_attr: str,
        **kwargs: Unpack[FIFOArguments],
    ) -> None:
        options = _with_options(kwargs, cost_attr=cost_attr)
        own = own_arguments(self, kwargs, searcher="bayesopt_cost")
        own["search_options"] = options
        super().__init__(config_space, metric=metric, **own)


class CostAwareFineGrained(FIFOScheduler):
    """`CostAwareCoarseGrained` with a model of the cost that learns from every report.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        cost_attr: Name of the reported cost, counted from the start of a trial.
        cost_model: Model of the cost of a configuration up to a resource.
        kwargs: Arguments of `FIFOScheduler`. `search_options`: fields of `CostAwareOptions`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        cost_attr: str,
        cost_model: CostModel,
        **kwargs: Unpack[FIFOArguments],
    ) -> None:
        options = _with_options(
            kwargs, resource_attr=resource_attr, cost_attr=cost_attr, cost_model=cost_model
        )
        own = own_arguments(self, kwargs, searcher="bayesopt_cost")
        own["search_options"] = options
        super().__init__(config_space, metric=metric, **own)


class CostAwareMultiFidelity(HyperbandScheduler):
    """`MOBSTER` by expected improvement at a level per unit of the cost of getting there.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        cost_attr: Name of the reported cost, counted from the last start or resumption of a trial.
        cost_model: Model of the cost of a configuration up to a resource; None for
            `ScikitLearnCostModel()`.
        kwargs: Arguments of `HyperbandScheduler`. `search_options`: fields of
            `CostAwareMultiFidelityOptions`. The maximum resource is needed as for `ASHA`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        cost_attr: str,
        cost_model: CostModel | None = None,
        **kwargs: Any,
    ) -> None:
        options = _with_options(kwargs, cost_attr=cost_attr, cost_model=cost_model)
        own = own_arguments(self, kwargs, searcher="bayesopt_cost")
        own["search_options"] = options
        super().__init__(
            config_space, metric=metric, resource_attr=resource_attr, cost_attr=cost_attr, **own
        )


def _with_options(kwargs: Mapping[str, Any], **own: Any) -> dict[str, Any]:
    """The user's search options, and those that are arguments of the baseline.

    Raises:
        SchedulerError: If the user gave one of the latter among the former.
    """
    given = dict(kwargs.get("search_options") or {})
    for name in own:
        if name in given:
            raise SchedulerError(
                f"search_options: {name!r} is an argument of its own here, got {given[name]!r}"
            )
    return {**given, **own}
