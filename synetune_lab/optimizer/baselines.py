"""The methods by their names: schedulers with the right searcher and defaults.

All arguments that are not spelled out are those of the parent class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.fifo import FIFOArguments, FIFOScheduler
from synetune_lab.optimizer.schedulers.hyperband import HyperbandArguments, HyperbandScheduler
from synetune_lab.optimizer.schedulers.synchronous import (
    GeometricDifferentialEvolutionHyperbandScheduler,
    SynchronousGeometricHyperbandScheduler,
)
from synetune_lab.optimizer.schedulers.transfer_learning.quantile_based import (
    QuantileBasedSurrogateSearcher,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synetune_lab.optimizer.schedulers.rungs import RungSystem
    from synetune_lab.optimizer.schedulers.transfer_learning import (
        TransferLearningTaskEvaluations,
    )

__all__ = [
    "ASHA",
    "ASHABORE",
    "ASHACTS",
    "BOHB",
    "BORE",
    "DEHB",
    "KDE",
    "PASHA",
    "REA",
    "GridSearch",
    "RandomSearch",
    "SyncBOHB",
    "SyncHyperband",
]


def _own(scheduler: object, kwargs: Mapping[str, Any], **own: Any) -> dict[str, Any]:
    """Arguments together with those that a baseline sets itself.

    Raises:
        SchedulerError: If the user gave one of these.
    """
    for name, value in own.items():
        if name in kwargs:
            base = type(scheduler).__mro__[1].__name__
            raise SchedulerError(
                f"{type(scheduler).__name__} sets {name}={value!r} itself, got "
                f"{name}={kwargs[name]!r}; for another one use {base}"
            )
    return {**own, **kwargs}


class RandomSearch(FIFOScheduler):
    """Random search: each configuration is drawn from the space, none twice.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        kwargs: Arguments of `FIFOScheduler`. `search_options`: those of `RandomSearcher`.
    """

    def __init__(
        self, config_space: Mapping[str, Any], metric: str, **kwargs: Unpack[FIFOArguments]
    ) -> None:
        super().__init__(config_space, metric=metric, **_own(self, kwargs, searcher="random"))


class GridSearch(FIFOScheduler):
    """Grid search: every combination of equally spaced values.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        kwargs: Arguments of `FIFOScheduler`. `search_options`: those of `GridSearcher`.
    """

    def __init__(
        self, config_space: Mapping[str, Any], metric: str, **kwargs: Unpack[FIFOArguments]
    ) -> None:
        super().__init__(config_space, metric=metric, **_own(self, kwargs, searcher="grid"))


class ASHA(HyperbandScheduler):
    """Asynchronous successive halving with random configurations.

    Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht, Talwalkar: A System for Massively Parallel
    Hyperparameter Tuning, https://arxiv.org/abs/1810.05934.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        type: `stopping` or `promotion` (see `HyperbandScheduler`).
        kwargs: Arguments of `HyperbandScheduler`. One of `max_resource_attr` and `max_t` is needed,
            unless the space has a constant `epochs`, `max_t` or `max_epochs`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        *,
        type: str | type[RungSystem] = "stopping",  # noqa: A002 - the documented name
        **kwargs: Unpack[HyperbandArguments],
    ) -> None:
        super().__init__(
            config_space,
            metric=metric,
            resource_attr=resource_attr,
            type=type,
            **_own(self, kwargs, searcher="random"),
        )


class PASHA(HyperbandScheduler):
    """Asynchronous successive halving that begins with a small maximum resource.

    Bohdal, Balles, Wistuba, Ermis, Archambeau, Zappella: PASHA: Efficient HPO and NAS with
    Progressive Resource Allocation, https://arxiv.org/abs/2207.06940. A number of trials makes a
    good stopping criterion.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        kwargs: Arguments of `HyperbandScheduler`; the maximum resource is needed as for `ASHA`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        **kwargs: Unpack[HyperbandArguments],
    ) -> None:
        super().__init__(
            config_space,
            metric=metric,
            resource_attr=resource_attr,
            type="pasha",
            **_own(self, kwargs, searcher="random"),
        )


class REA(FIFOScheduler):
    """Regularised evolution: mutants of the best of the latest trials.

    Real, Aggarwal, Huang, Le: Regularized Evolution for Image Classifier Architecture Search,
    https://arxiv.org/abs/1802.01548.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        population_size: Number of latest trials that may become parents; so many configurations
            are drawn at random first.
        sample_size: How many of them are compared for each new configuration.
        random_seed: See `FIFOScheduler`.
        kwargs: Arguments of `FIFOScheduler`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        population_size: int = 100,
        sample_size: int = 10,
        random_seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        options = dict(kwargs.pop("search_options", None) or {})
        own = {"population_size": population_size, "sample_size": sample_size}
        super().__init__(
            config_space,
            metric=metric,
            search_options={**own, **options},
            random_seed=random_seed,
            **_own(self, kwargs, searcher="rea"),
        )


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
            **_own(self, kwargs, searcher="random"),
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


class KDE(FIFOScheduler):
    """Chooses what is likely among good configurations and unlikely among bad ones (TPE).

    Bergstra, Bardenet, Bengio, Kegl: Algorithms for Hyper-Parameter Optimization, NeurIPS 2011.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        kwargs: Arguments of `FIFOScheduler`. `search_options`: those of `KernelDensityEstimator`.
    """

    def __init__(
        self, config_space: Mapping[str, Any], metric: str, **kwargs: Unpack[FIFOArguments]
    ) -> None:
        super().__init__(config_space, metric=metric, **_own(self, kwargs, searcher="kde"))


class BOHB(HyperbandScheduler):
    """Asynchronous Hyperband whose configurations are chosen as in `KDE`.

    Falkner, Klein, Hutter: BOHB: Robust and Efficient Hyperparameter Optimization at Scale,
    https://arxiv.org/abs/1807.01774. `SyncBOHB` has the brackets of the paper.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        kwargs: Arguments of `HyperbandScheduler`. `search_options`: those of
            `MultiFidelityKernelDensityEstimator`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            config_space,
            metric=metric,
            resource_attr=resource_attr,
            **_own(self, kwargs, searcher="kde"),
        )


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
            **_own(self, kwargs, searcher="kde"),
        )


class BORE(FIFOScheduler):
    """Chooses the configuration that a classifier takes for a good one.

    Tiao, Klein, Seeger, Bonilla, Archambeau, Ramos: BORE: Bayesian Optimization by Density-Ratio
    Estimation, https://arxiv.org/abs/2102.09009.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        random_seed: See `FIFOScheduler`.
        kwargs: Arguments of `FIFOScheduler`. `search_options`: those of `Bore`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        random_seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            config_space,
            metric=metric,
            random_seed=random_seed,
            **_own(self, kwargs, searcher="bore"),
        )


class ASHABORE(HyperbandScheduler):
    """Asynchronous successive halving whose configurations are chosen as in `BORE`.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        random_seed: See `FIFOScheduler`.
        kwargs: Arguments of `HyperbandScheduler`. `search_options`: those of `MultiFidelityBore`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        random_seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            config_space,
            metric=metric,
            resource_attr=resource_attr,
            random_seed=random_seed,
            **_own(self, kwargs, searcher="bore"),
        )


class ASHACTS(HyperbandScheduler):
    """Asynchronous successive halving with configurations that rank well on other tasks.

    Salinas, Shen, Perrone: A Quantile-based Approach for Hyperparameter Transfer Learning, ICML
    2020.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric, and of the objective in the evaluations.
        resource_attr: Name of the reported resource.
        transfer_learning_evaluations: Evaluations of other tasks, by name.
        mode: `min` or `max`.
        random_seed: See `FIFOScheduler`.
        kwargs: Arguments of `HyperbandScheduler`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        transfer_learning_evaluations: Mapping[str, TransferLearningTaskEvaluations],
        mode: str = "min",
        random_seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        searcher = QuantileBasedSurrogateSearcher(
            config_space,
            metric,
            transfer_learning_evaluations,
            mode=mode,
            points_to_evaluate=kwargs.pop("points_to_evaluate", None),
            random_seed=random_seed,
        )
        super().__init__(
            config_space,
            metric=metric,
            mode=mode,
            searcher=searcher,
            resource_attr=resource_attr,
            random_seed=random_seed,
            **kwargs,
        )
