"""Methods that learn from other tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.schedulers.hyperband import HyperbandScheduler
from synetune_lab.optimizer.schedulers.transfer_learning.quantile_based import (
    QuantileBasedSurrogateSearcher,
)

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.transfer_learning import (
        TransferLearningTaskEvaluations,
    )

__all__ = [
    "ASHACTS",
]


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
