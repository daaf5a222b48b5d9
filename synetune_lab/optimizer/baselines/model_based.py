"""Methods that choose by a Gaussian process of what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.baselines.arguments import own_arguments
from synetune_lab.optimizer.schedulers.fifo import FIFOArguments, FIFOScheduler
from synetune_lab.optimizer.schedulers.hyperband import HyperbandArguments, HyperbandScheduler
from synetune_lab.optimizer.schedulers.synchronous import SynchronousGeometricHyperbandScheduler

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "MOBSTER",
    "BayesianOptimization",
    "DyHPO",
    "HyperTune",
    "SyncMOBSTER",
]


class BayesianOptimization(FIFOScheduler):
    """Bayesian optimisation with a Gaussian process and expected improvement.

    Snoek, Larochelle, Adams: Practical Bayesian Optimization of Machine Learning Algorithms,
    https://arxiv.org/abs/1206.2944.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        kwargs: Arguments of `FIFOScheduler`. `search_options`: fields of `GPOptions`.
    """

    def __init__(
        self, config_space: Mapping[str, Any], metric: str, **kwargs: Unpack[FIFOArguments]
    ) -> None:
        own = own_arguments(self, kwargs, searcher="bayesopt")
        super().__init__(config_space, metric=metric, **own)


class MOBSTER(HyperbandScheduler):
    """Asynchronous successive halving whose configurations come from a Gaussian process.

    The process is one over configurations and resources (`model="gp_multitask"`), independent ones
    (`"gp_independent"`), or one of learning curves (`"gp_expdecay"`, `"gp_issm"`, which need
    `searcher_data="all"`).

    Klein, Tiao, Lienart, Archambeau, Seeger: Model-based Asynchronous Hyperparameter and Neural
    Architecture Search, https://arxiv.org/abs/2003.10865.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        kwargs: Arguments of `HyperbandScheduler`. `search_options`: fields of
            `MultiFidelityOptions`. The maximum resource is needed as for `ASHA`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        **kwargs: Unpack[HyperbandArguments],
    ) -> None:
        own = own_arguments(self, kwargs, searcher="bayesopt")
        super().__init__(config_space, metric=metric, resource_attr=resource_attr, **own)


class HyperTune(HyperbandScheduler):
    """`MOBSTER` with levels weighted by how well they predict the order at the highest one.

    The weights also decide in which bracket a trial begins, so that several `brackets` pay.

    Li, Shen, Jiang, Zhang, Li, Liu, Zhang, Cui: Hyper-Tune: Towards Efficient Hyper-parameter
    Tuning at Scale, https://arxiv.org/abs/2201.06834.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        kwargs: Arguments of `HyperbandScheduler`. `search_options`: fields of `HyperTuneOptions`.
            The maximum resource is needed as for `ASHA`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        **kwargs: Unpack[HyperbandArguments],
    ) -> None:
        own = own_arguments(self, kwargs, searcher="hypertune")
        super().__init__(config_space, metric=metric, resource_attr=resource_attr, **own)


class DyHPO(HyperbandScheduler):
    """On a free worker, paused trials and new configurations compete by a Gaussian process.

    Rungs are spaced evenly. Now and then a trial is promoted by the rule of `ASHA` instead.

    Wistuba, Kadra, Grabocka: Supervising the Multi-Fidelity Race of Hyperparameter Configurations,
    https://arxiv.org/abs/2202.09774.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        probability_sh: Probability of a decision by successive halving; None for 0.25, 0 is the
            published method.
        kwargs: Arguments of `HyperbandScheduler`; `rung_increment` is 2 unless it or `rung_levels`
            is given. `search_options`: fields of `MultiFidelityOptions`, with `opt_skip_period`
            being 3. The maximum resource is needed as for `ASHA`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        resource_attr: str,
        probability_sh: float | None = None,
        **kwargs: Unpack[HyperbandArguments],
    ) -> None:
        options = {"opt_skip_period": 3, **(kwargs.pop("search_options", None) or {})}
        own: dict[str, Any] = own_arguments(self, kwargs, searcher="dyhpo", type="dyhpo")
        if own.get("rung_levels") is None and own.get("reduction_factor") is None:
            own.setdefault("rung_increment", 2)
        system = dict(own.pop("rung_system_kwargs", None) or {})
        if probability_sh is not None:
            system["probability_sh"] = probability_sh
        super().__init__(
            config_space,
            metric=metric,
            resource_attr=resource_attr,
            search_options=options,
            rung_system_kwargs=system,
            **own,
        )


class SyncMOBSTER(SynchronousGeometricHyperbandScheduler):
    """Synchronous Hyperband whose configurations come from a Gaussian process.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        resource_attr: Name of the reported resource.
        kwargs: Arguments of `SynchronousGeometricHyperbandScheduler`. `search_options`: fields of
            `MultiFidelityOptions`, with `model` being `gp_independent`.
    """

    def __init__(
        self, config_space: Mapping[str, Any], metric: str, resource_attr: str, **kwargs: Any
    ) -> None:
        own = own_arguments(self, kwargs, searcher="bayesopt")
        super().__init__(config_space, metric=metric, resource_attr=resource_attr, **own)
