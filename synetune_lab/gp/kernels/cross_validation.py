"""Averages over folds of cross-validation, where the resource is the number of folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.kernels.grouped_rows import (
    GroupedRows,
    group_rows,
    group_values,
    in_row_order,
    ungrouped,
)
from synetune_lab.gp.parameters import prefixed
from synetune_lab.gp.process import Process

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.gp.means import Mean
    from synetune_lab.gp.process import CrossPullback, MomentsPullback

    FloatArray = npt.NDArray[np.float64]

__all__ = ["CrossValidationProcess", "decode_resource_values"]


def decode_resource_values(res_encoded: FloatArray, num_folds: int) -> FloatArray:
    """Numbers of folds, not rounded, in [0.5, num_folds + 0.5], of their encoding in [0, 1]."""
    return res_encoded * num_folds + 0.5


@dataclass(frozen=True)
class _Rows:
    configs: GroupedRows  # the c different ones
    levels: GroupedRows  # the l different ones
    shares: FloatArray  # 1 / max(r, s) of the levels, (l, l)
    of_main: Any  # what the kernels prepared of the different configurations
    of_residual: Any


class CrossValidationProcess(Process):
    """f(x, r) is the mean score of the first r of several folds.

    The score of fold k is f(x) + e_k(x), with f ~ GP(μ, k_main) and independent e_k ~
    GP(0, k_residual). So the mean is μ(x) and the covariance k_main(x, y) + k_residual(x, y) /
    max(r, s).

    The last coordinate of points is r, encoded to [0, 1], see `decode_resource_values`. Kernels and
    mean are evaluated once for each different configuration, however often it is observed.

    Args:
        kernel_main: Kernel of what all folds share.
        kernel_residual: Kernel of the deviation of one fold. It may be the same object as
            `kernel_main`; their parameters are learnt apart.
        mean_main: Mean of configurations.
        num_folds: Number of folds, which is the largest resource.

    Raises:
        SchedulerError: If the kernels differ in dimension, or num_folds is below 1.
    """

    def __init__(
        self, kernel_main: Kernel, kernel_residual: Kernel, mean_main: Mean, num_folds: int
    ) -> None:
        if kernel_main.dimension != kernel_residual.dimension:
            raise SchedulerError(
                f"kernel_residual has dimension {kernel_residual.dimension}, which must be that of "
                f"kernel_main, {kernel_main.dimension}"
            )
        if num_folds < 1:
            raise SchedulerError(f"num_folds={num_folds!r} must be at least 1")
        self.kernel_main = kernel_main
        self.kernel_residual = kernel_residual
        self.mean_main = mean_main
        self.num_folds = num_folds
        self.dimension = kernel_main.dimension + 1
        self.parameters = (
            *prefixed("kernel_main_", kernel_main.parameters),
            *prefixed("kernel_residual_", kernel_residual.parameters),
            *prefixed("mean_main_", mean_main.parameters),
        )

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        first = len(self.kernel_main.parameters)
        second = first + len(self.kernel_residual.parameters)
        return theta[:first], theta[first:second], theta[second:]

    def prepare(self, x: FloatArray) -> _Rows:
        """See `Process.prepare`."""
        configs, levels = group_rows(x[:, :-1]), group_values(x[:, -1])
        r = decode_resource_values(levels.values, self.num_folds)
        return _Rows(
            configs,
            levels,
            1.0 / np.maximum.outer(r, r),
            self.kernel_main.prepare(configs.values),
            self.kernel_residual.prepare(configs.values),
        )

    def moments(
        self, theta: FloatArray, prepared: _Rows
    ) -> tuple[FloatArray, FloatArray, MomentsPullback]:
        """See `Process.moments`."""
        of_main, of_residual, of_mean = self._split(theta)
        configs, levels = prepared.configs, prepared.levels
        main, main_pullback = self.kernel_main.gram(of_main, prepared.of_main)
        residual, residual_pullback = self.kernel_residual.gram(of_residual, prepared.of_residual)
        mean, mean_pullback = self.mean_main.with_pullback_to_theta(of_mean, configs.values)
        covariance = configs.spread(residual) * levels.spread(prepared.shares)
        covariance += configs.spread(main)

        def pullback(by_mean: FloatArray, by_covariance: FloatArray) -> FloatArray:
            by_all = in_row_order(by_covariance)
            return np.concatenate(
                [
                    main_pullback(configs.collect(by_all)),
                    residual_pullback(configs.collect(by_all * levels.spread(prepared.shares))),
                    mean_pullback(configs.collect_vector(by_mean)),
                ]
            )

        return mean[configs.index], covariance, pullback

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, CrossPullback]:
        """See `Process.cross`."""
        of_main, of_residual, of_mean = self._split(theta)
        new = x_new[:, :-1]
        old = group_rows(x[:, :-1]) if len(x_new) > 1 else ungrouped(x[:, :-1])
        r_new = decode_resource_values(x_new[:, -1], self.num_folds)
        r_old = decode_resource_values(x[:, -1], self.num_folds)
        main, main_pullback = self.kernel_main.cross(of_main, new, old.values)
        residual, residual_pullback = self.kernel_residual.cross(of_residual, new, old.values)
        main_own, main_own_pullback = self.kernel_main.diagonal_with_pullback(of_main, new)
        residual_own, residual_own_pullback = self.kernel_residual.diagonal_with_pullback(
            of_residual, new
        )
        mean, mean_pullback = self.mean_main.with_pullback_to_inputs(of_mean, new)
        shares = 1.0 / np.maximum.outer(r_new, r_old)
        residuals = old.spread_columns(residual)
        covariance = residuals * shares
        covariance += old.spread_columns(main)

        def pullback(
            by_mean: FloatArray, by_diagonal: FloatArray, by_covariance: FloatArray
        ) -> FloatArray:
            by_residual = by_covariance * shares
            gradient = np.empty(x_new.shape)
            gradient[:, :-1] = (
                main_pullback(old.collect_columns(by_covariance))
                + residual_pullback(old.collect_columns(by_residual))
                + main_own_pullback(by_diagonal)
                + residual_own_pullback(by_diagonal / r_new)
                + mean_pullback(by_mean)
            )
            # 1 / max(r, s) has the derivative -1 / r² for r > s, and 0 below.
            falling = np.where(r_new[:, None] > r_old, by_residual * residuals, 0.0).sum(axis=1)
            gradient[:, -1] = -self.num_folds * (
                falling / r_new + by_diagonal * residual_own / r_new**2
            )
            return gradient

        return mean, main_own + residual_own / r_new, covariance, pullback
