"""Kernel density estimation for schedulers with rungs: what BOHB chooses by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synetune_lab.optimizer.schedulers.searchers.kde.kde_searcher import KernelDensityEstimator

__all__ = ["MultiFidelityKernelDensityEstimator"]


class MultiFidelityKernelDensityEstimator(KernelDensityEstimator):
    """Fits its densities at the highest level with enough observations.

    Args:
        config_space: See `KernelDensityEstimator`.
        metric: See `KernelDensityEstimator`.
        points_to_evaluate: See `KernelDensityEstimator`.
        allow_duplicates: See `KernelDensityEstimator`.
        num_min_data_points: See `KernelDensityEstimator`.
        top_n_percent: See `KernelDensityEstimator`.
        min_bandwidth: See `KernelDensityEstimator`.
        num_candidates: See `KernelDensityEstimator`.
        bandwidth_factor: See `KernelDensityEstimator`.
        random_fraction: See `KernelDensityEstimator`.
        resource_attr: Name of the resource in reports; the scheduler gives it.
        mode: See `KernelDensityEstimator`.
        random_seed: See `KernelDensityEstimator`.
        random_seed_generator: See `KernelDensityEstimator`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        num_min_data_points: int | None = None,
        top_n_percent: float = 15,
        min_bandwidth: float = 1e-3,
        num_candidates: int = 64,
        bandwidth_factor: float = 3,
        random_fraction: float = 0.33,
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
            num_min_data_points,
            top_n_percent,
            min_bandwidth,
            num_candidates,
            bandwidth_factor,
            random_fraction,
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
            _resource_attr=resource_attr,
        )
