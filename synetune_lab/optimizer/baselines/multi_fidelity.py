"""Methods that stop or pause trials at rungs as they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.baselines.arguments import own_arguments
from synetune_lab.optimizer.schedulers.hyperband import HyperbandArguments, HyperbandScheduler

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from synetune_lab.optimizer.schedulers.rungs import RungSystem

__all__ = [
    "ASHA",
    "ASHABORE",
    "BOHB",
    "PASHA",
]


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
            **own_arguments(self, kwargs, searcher="random"),
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
            **own_arguments(self, kwargs, searcher="random"),
        )


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
            **own_arguments(self, kwargs, searcher="kde"),
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
            **own_arguments(self, kwargs, searcher="bore"),
        )
