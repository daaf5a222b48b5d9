"""Methods whose trials run to their end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.baselines.arguments import own_arguments
from synetune_lab.optimizer.schedulers.fifo import FIFOArguments, FIFOScheduler

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "BORE",
    "KDE",
    "REA",
    "BoTorch",
    "GridSearch",
    "RandomSearch",
]


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
        super().__init__(
            config_space, metric=metric, **own_arguments(self, kwargs, searcher="random")
        )


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
        super().__init__(
            config_space, metric=metric, **own_arguments(self, kwargs, searcher="grid")
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
            **own_arguments(self, kwargs, searcher="rea"),
        )


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
        super().__init__(config_space, metric=metric, **own_arguments(self, kwargs, searcher="kde"))


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
            **own_arguments(self, kwargs, searcher="bore"),
        )


class BoTorch(FIFOScheduler):
    """Bayesian optimisation with BoTorch (see `BoTorchSearcher`; needs the extra `botorch`).

    Balandat, Karrer, Jiang, Daulton, Letham, Wilson, Bakshy: BoTorch: A Framework for Efficient
    Monte-Carlo Bayesian Optimization, https://arxiv.org/abs/1910.06403.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        random_seed: See `FIFOScheduler`.
        kwargs: Arguments of `FIFOScheduler`. `search_options`: those of `BoTorchSearcher`.
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
            **own_arguments(self, kwargs, searcher="botorch"),
        )
