"""BORE for schedulers with rungs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synetune_lab.optimizer.schedulers.searchers.bore.bore import Bore

__all__ = ["MultiFidelityBore"]


class MultiFidelityBore(Bore):
    """Fits its classifier at the highest level with enough observations.

    Args:
        config_space: See `Bore`.
        metric: See `Bore`.
        points_to_evaluate: See `Bore`.
        allow_duplicates: See `Bore`.
        gamma: See `Bore`.
        calibrate: See `Bore`.
        classifier: See `Bore`.
        acq_optimizer: See `Bore`.
        feval_acq: See `Bore`.
        random_prob: See `Bore`.
        init_random: See `Bore`; so many observations a level needs.
        classifier_kwargs: See `Bore`.
        resource_attr: Name of the resource in reports; the scheduler gives it.
        mode: See `Bore`.
        random_seed: See `Bore`.
        random_seed_generator: See `Bore`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        gamma: float = 0.25,
        calibrate: bool = False,
        classifier: str = "xgboost",
        acq_optimizer: str = "rs",
        feval_acq: int = 500,
        random_prob: float = 0.0,
        init_random: int = 6,
        classifier_kwargs: Mapping[str, Any] | None = None,
        resource_attr: str = "epoch",
        *,
        mode: str = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates,
            None,
            gamma,
            calibrate,
            classifier,
            acq_optimizer,
            feval_acq,
            random_prob,
            init_random,
            classifier_kwargs,
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
            _resource_attr=resource_attr,
        )
