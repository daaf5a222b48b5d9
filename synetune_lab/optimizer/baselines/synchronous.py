"""Methods whose rungs have a fixed size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synetune_lab.optimizer.baselines.arguments import own_arguments
from synetune_lab.optimizer.schedulers.synchronous import (
    GeometricDifferentialEvolutionHyperbandScheduler,
    SynchronousGeometricHyperbandScheduler,
)

__all__ = [
    "DEHB",
    "SyncBOHB",
    "SyncHyperband",
]


class SyncHyperband(SynchronousGeometricHyperbandScheduler):
    """Synchronous Hyperband with random configurations; `brackets=1` is successive halving.

    Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: Hyperband: A Novel Bandit-Based Approach to
    Hyperparameter Optimization, https://arxiv.org/abs/1603.06560.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        kwargs: Arguments of `SynchronousGeometricHyperbandScheduler`. One of `max_resource_attr`
            and `max_resource_level` is needed, unless the space has a constant `epochs`, `max_t`
            or `max_epochs`.
    """

    def __init__(
        self, config_space: Mapping[str, Any], metric: str, resource_attr: str, **kwargs: Any
    ) -> None:
        super().__init__(
            config_space,
            metric=metric,
            resource_attr=resource_attr,
            **own_arguments(self, kwargs, searcher="random"),
        )


class DEHB(GeometricDifferentialEvolutionHyperbandScheduler):
    """Synchronous Hyperband whose configurations evolve.

    Awad, Mallik, Hutter: DEHB: Evolutionary Hyperband for Scalable, Robust and Efficient
    Hyperparameter Optimization, https://arxiv.org/abs/2105.09821.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        kwargs: Arguments of `GeometricDifferentialEvolutionHyperbandScheduler`, such as
            `mutation_factor`, `crossover_probability`, `support_pause_resume`. The maximum resource
            is needed as for `SyncHyperband`.
    """

    def __init__(
        self, config_space: Mapping[str, Any], metric: str, resource_attr: str, **kwargs: Any
    ) -> None:
        super().__init__(config_space, metric=metric, resource_attr=resource_attr, **kwargs)


class SyncBOHB(SynchronousGeometricHyperbandScheduler):
    """Synchronous Hyperband whose configurations are chosen as in `KDE`.

    Falkner, Klein, Hutter: BOHB: Robust and Efficient Hyperparameter Optimization at Scale,
    https://arxiv.org/abs/1807.01774.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        kwargs: Arguments of `SynchronousGeometricHyperbandScheduler`. `search_options`: those of
            `MultiFidelityKernelDensityEstimator`.
    """

    def __init__(
        self, config_space: Mapping[str, Any], metric: str, resource_attr: str, **kwargs: Any
    ) -> None:
        super().__init__(
            config_space,
            metric=metric,
            resource_attr=resource_attr,
            **own_arguments(self, kwargs, searcher="kde"),
        )
