"""Learning curves that are the sum of a function of the configuration and a decaying part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.gp.kernels.decay import GammaDecay, decay_parameters
from synetune_lab.gp.kernels.grouped_rows import (
    GroupedRows,
    dot_rows,
    equal_rows,
    group_rows,
    group_values,
    in_row_order,
    one_if_shared,
    sums_by_index,
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
    IndexArray = npt.NDArray[np.intp]

__all__ = ["AdditiveDecayProcess"]


@dataclass(frozen=True)
class _SamePairs:
    """Pairs of rows with the same configuration."""

    rows: IndexArray
    columns: IndexArray
    levels: IndexArray  # index into a raveled (l, l) matrix


@dataclass(frozen=True)
class _Rows:
    configs: GroupedRows  # the c different ones
    levels: GroupedRows  # the l different ones
    of_kernel: Any  # what kernel_x prepared of the different configurations
    same: _SamePairs | None  # None if the decay is common to all


@dataclass(frozen=True)
class _Parts:
    of_kernel: FloatArray
    of_mean: FloatArray
    decay: GammaDecay
    gamma: float


class AdditiveDecayProcess(Process):
    """f(x, r) = g(x) + γ e^(-λr), with g ~ GP(μ, k) and λ ~ Gamma.

    Mean μ(x) + γ κ(r), covariance k(x, y) + γ² Cov[e^(-λr), e^(-λs)], see `GammaDecay`. With a rate
    of its own for each configuration, the last term is there only for equal configurations.

    The last coordinate of points is r, encoded to [0, 1]. Kernel and mean are evaluated once for
    each different configuration, however often it is observed.

    Args:
        kernel_x: Kernel k of configurations.
        mean_x: Mean μ of configurations.
        alpha_init: Initial shape of the distribution of λ.
        mean_lam_init: Initial mean of λ.
        gamma_init: Initial γ.
        common_rate: Whether one λ is drawn for all configurations, or one for each.

    Raises:
        SchedulerError: If an initial value is not in its bounds.
    """

    def __init__(
        self,
        kernel_x: Kernel,
        mean_x: Mean,
        alpha_init: float = 1.0,
        mean_lam_init: float = 0.5,
        gamma_init: float = 0.5,
        *,
        common_rate: bool = True,
    ) -> None:
        self.kernel_x = kernel_x
        self.mean_x = mean_x
        self.common_rate = common_rate
        self.dimension = kernel_x.dimension + 1
        self.parameters = (
            *prefixed("kernelx_", kernel_x.parameters),
            *prefixed("meanx_", mean_x.parameters),
            *decay_parameters(alpha_init, mean_lam_init, gamma_init),
        )

    def _split(self, theta: FloatArray) -> _Parts:
        first = len(self.kernel_x.parameters)
        second = first + len(self.mean_x.parameters)
        alpha, mean_lam, gamma = theta[second:].tolist()
        return _Parts(theta[:first], theta[first:second], GammaDecay(alpha, mean_lam), gamma)

    def prepare(self, x: FloatArray) -> _Rows:
        """See `Process.prepare`."""
        configs, levels = group_rows(x[:, :-1]), group_values(x[:, -1])
        same = None
        if not self.common_rate:
            rows, columns = np.nonzero(configs.index[:, None] == configs.index)
            of_pairs = levels.index[rows] * len(levels.values) + levels.index[columns]
            same = _SamePairs(rows, columns, of_pairs)
        return _Rows(configs, levels, self.kernel_x.prepare(configs.values), same)

    def moments(
        self, theta: FloatArray, prepared: _Rows
    ) -> tuple[FloatArray, FloatArray, MomentsPullback]:
        """See `Process.moments`."""
        parts, configs, levels = self._split(theta), prepared.configs, prepared.levels
        gamma, same = parts.gamma, prepared.same
        kernel, kernel_pullback = self.kernel_x.gram(parts.of_kernel, prepared.of_kernel)
        mean_x, mean_pullback = self.mean_x.with_pullback_to_theta(parts.of_mean, configs.values)
        kappa, decay, decay_pullback = parts.decay.moments(levels.values)
        if same is None:
            covariance = levels.spread(gamma**2 * decay)
            covariance += configs.spread(kernel)
        else:
            covariance = np.array(configs.spread(kernel))
            covariance[same.rows, same.columns] += gamma**2 * decay.take(same.levels)

        def pullback(by_mean: FloatArray, by_covariance: FloatArray) -> FloatArray:
            by_all = in_row_order(by_covariance)
            if same is None:
                by_levels = levels.collect(by_all)
            else:
                by_pairs = by_all[same.rows, same.columns]
                by_levels = sums_by_index(same.levels, by_pairs, decay.size)
                by_levels = by_levels.reshape(decay.shape)
            by_kappa = levels.collect_vector(by_mean)
            by_alpha, by_mean_lam = decay_pullback(gamma * by_kappa, gamma**2 * by_levels)
            by_gamma = float(by_kappa @ kappa + 2.0 * gamma * np.vdot(by_levels, decay))
            return np.concatenate(
                [
                    kernel_pullback(configs.collect(by_all)),
                    mean_pullback(configs.collect_vector(by_mean)),
                    (by_alpha, by_mean_lam, by_gamma),
                ]
            )

        mean = mean_x[configs.index] + gamma * kappa[levels.index]
        return mean, covariance, pullback

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, CrossPullback]:
        """See `Process.cross`. Cheapest if all new points have the same resource."""
        parts = self._split(theta)
        gamma, decay = parts.gamma, parts.decay
        new, r_old = x_new[:, :-1], x[:, -1]
        old = group_rows(x[:, :-1]) if len(x_new) > 1 else ungrouped(x[:, :-1])
        r = one_if_shared(x_new[:, -1])
        kernel, kernel_pullback = self.kernel_x.cross(parts.of_kernel, new, old.values)
        variance, variance_pullback = self.kernel_x.diagonal_with_pullback(parts.of_kernel, new)
        mean_x, mean_pullback = self.mean_x.with_pullback_to_inputs(parts.of_mean, new)
        of_pairs = gamma**2 * decay.covariance(r[:, None], r_old)
        same = None if self.common_rate else equal_rows(new, x[:, :-1])
        covariance = old.spread_columns(kernel) + (of_pairs if same is None else same * of_pairs)
        diagonal = variance + gamma**2 * decay.covariance(r, r)

        def pullback(
            by_mean: FloatArray, by_diagonal: FloatArray, by_covariance: FloatArray
        ) -> FloatArray:
            gradient = np.empty(x_new.shape)
            gradient[:, :-1] = (
                kernel_pullback(old.collect_columns(by_covariance))
                + variance_pullback(by_diagonal)
                + mean_pullback(by_mean)
            )
            by_pairs = by_covariance if same is None else by_covariance * same
            gradient[:, -1] = gamma * by_mean * decay.mean_slope_by_resource(r) + gamma**2 * (
                dot_rows(by_pairs, decay.covariance_slope_by_resource(r[:, None], r_old))
                + 2.0 * by_diagonal * decay.covariance_slope_by_resource(r, r)
            )
            return gradient

        return mean_x + gamma * decay.mean(r), diagonal, covariance, pullback
