"""Learning curves that decay exponentially, with one random rate for all configurations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.kernels.additive_decay import AdditiveDecayProcess
from synetune_lab.gp.kernels.decay import GammaDecay, decay_parameters
from synetune_lab.gp.kernels.grouped_rows import (
    GroupedRows,
    dot_rows,
    group_rows,
    group_values,
    in_row_order,
    one_if_shared,
    ungrouped,
)
from synetune_lab.gp.parameters import Parameter, prefixed
from synetune_lab.gp.process import Process

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.gp.means import Mean
    from synetune_lab.gp.process import CrossPullback, MomentsPullback

    FloatArray = npt.NDArray[np.float64]

__all__ = ["ExponentialDecayProcess"]


@dataclass(frozen=True)
class _Rows:
    configs: GroupedRows  # the c different ones
    levels: GroupedRows  # the l different ones
    of_kernel: Any  # what kernel_x prepared of the different configurations


@dataclass(frozen=True)
class _Parts:
    of_kernel: FloatArray
    of_mean: FloatArray
    decay: GammaDecay
    gamma: float
    delta: float

    def weight(self, r: FloatArray) -> FloatArray:
        """1 - δ κ(r), without loss of digits where both are nearly 1."""
        return (1.0 - self.delta) + self.delta * self.decay.one_minus_mean(r)


class ExponentialDecayProcess(Process):
    """f(x, r) = γ e^(-λr) + g(x) (1 - δ e^(-λr)), with g ~ GP(μ, k) and λ ~ Gamma.

    Moments, with κ(r) = E[e^(-λr)], B(r, s) = Cov[e^(-λr), e^(-λs)], a(r) = 1 - δ κ(r) and
    h(x) = γ - δ μ(x), which is how far a curve is expected to fall:

    - mean: μ(x) + κ(r) h(x)
    - covariance: k(x, y) (a(r) a(s) + δ² B(r, s)) + h(x) h(y) B(r, s)

    With δ = 0, this is the additive model of Swersky, Snoek, Adams: Freeze-Thaw Bayesian
    Optimization, https://arxiv.org/abs/1406.3896; the family is that of Tiao, Klein, Archambeau,
    Seeger: Model-based Asynchronous Hyperparameter and Neural Architecture Search,
    https://arxiv.org/abs/2003.10865.

    The last coordinate of points is r, encoded to [0, 1]. Kernel and mean are evaluated once for
    each different configuration, however often it is observed.

    Args:
        kernel_x: Kernel k of configurations.
        mean_x: Mean μ of configurations.
        alpha_init: Initial shape of the distribution of λ.
        mean_lam_init: Initial mean of λ.
        gamma_init: Initial γ.
        delta_fixed_value: δ in [0, 1]; None to learn it.
        delta_init: Initial δ if it is learnt.

    Raises:
        SchedulerError: If an initial or fixed value is not in its bounds.
    """

    def __init__(
        self,
        kernel_x: Kernel,
        mean_x: Mean,
        alpha_init: float = 1.0,
        mean_lam_init: float = 0.5,
        gamma_init: float = 0.5,
        delta_fixed_value: float | None = None,
        delta_init: float = 0.5,
    ) -> None:
        if delta_fixed_value is not None and not 0.0 <= delta_fixed_value <= 1.0:
            raise SchedulerError(f"delta_fixed_value={delta_fixed_value!r} must be in [0, 1]")
        self.kernel_x = kernel_x
        self.mean_x = mean_x
        self.delta_fixed_value = delta_fixed_value
        self.dimension = kernel_x.dimension + 1
        own = list(decay_parameters(alpha_init, mean_lam_init, gamma_init))
        if delta_fixed_value is None:
            own.append(Parameter("delta", delta_init, 0.0, 1.0, encoding="identity"))
        self.parameters = (
            *prefixed("kernelx_", kernel_x.parameters),
            *prefixed("meanx_", mean_x.parameters),
            *own,
        )
        # The same model if δ = 0, with less to compute.
        self._additive = (
            AdditiveDecayProcess(kernel_x, mean_x, alpha_init, mean_lam_init, gamma_init)
            if delta_fixed_value == 0.0
            else None
        )

    def _split(self, theta: FloatArray) -> _Parts:
        first = len(self.kernel_x.parameters)
        second = first + len(self.mean_x.parameters)
        alpha, mean_lam, gamma, *rest = theta[second:].tolist()
        delta = rest[0] if self.delta_fixed_value is None else self.delta_fixed_value
        decay = GammaDecay(alpha, mean_lam)
        return _Parts(theta[:first], theta[first:second], decay, gamma, delta)

    def prepare(self, x: FloatArray) -> Any:
        """See `Process.prepare`."""
        if self._additive is not None:
            return self._additive.prepare(x)
        configs = group_rows(x[:, :-1])
        return _Rows(configs, group_values(x[:, -1]), self.kernel_x.prepare(configs.values))

    def moments(
        self, theta: FloatArray, prepared: Any
    ) -> tuple[FloatArray, FloatArray, MomentsPullback]:
        """See `Process.moments`."""
        if self._additive is not None:
            return self._additive.moments(theta, prepared)
        parts, configs, levels = self._split(theta), prepared.configs, prepared.levels
        gamma, delta = parts.gamma, parts.delta
        # Over the different configurations (c) and levels (l) ...
        kernel, kernel_pullback = self.kernel_x.gram(parts.of_kernel, prepared.of_kernel)
        mean_x, mean_pullback = self.mean_x.with_pullback_to_theta(parts.of_mean, configs.values)
        kappa, decay, decay_pullback = parts.decay.moments(levels.values)
        weight = parts.weight(levels.values)
        weights = np.multiply.outer(weight, weight) + delta**2 * decay
        # ... and over all rows (n).
        mean_rows, kappa_rows = mean_x[configs.index], kappa[levels.index]
        falls = gamma - delta * mean_rows
        spread = configs.spread(kernel)
        covariance = np.multiply.outer(falls, falls)
        covariance *= levels.spread(decay)
        covariance += spread * levels.spread(weights)

        def pullback(by_mean: FloatArray, by_covariance: FloatArray) -> FloatArray:
            by_all = in_row_order(by_covariance)
            half = levels.collect_rows(by_all * falls[:, None])  # (l, n)
            by_falls = 2.0 * (half * decay.take(levels.index, axis=1)).sum(axis=0)
            by_falls += by_mean * kappa_rows
            by_weights = levels.collect(by_all * spread)
            by_weight = 2.0 * (by_weights @ weight)
            by_kappa = levels.collect_vector(by_mean * falls) - delta * by_weight
            by_decay = levels.collect_columns(half * falls) + delta**2 * by_weights
            own = [*decay_pullback(by_kappa, by_decay), float(by_falls.sum())]
            if self.delta_fixed_value is None:
                by_delta = 2.0 * delta * np.vdot(by_weights, decay) - by_weight @ kappa
                own.append(float(by_delta - by_falls @ mean_rows))
            return np.concatenate(
                [
                    kernel_pullback(configs.collect(by_all * levels.spread(weights))),
                    mean_pullback(configs.collect_vector(by_mean - delta * by_falls)),
                    own,
                ]
            )

        return mean_rows + kappa_rows * falls, covariance, pullback

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, CrossPullback]:
        """See `Process.cross`. Cheapest if all new points have the same resource."""
        if self._additive is not None:
            return self._additive.cross(theta, x_new, x)
        parts = self._split(theta)
        gamma, delta, decay = parts.gamma, parts.delta, parts.decay
        new, r_old = x_new[:, :-1], x[:, -1]
        old = group_rows(x[:, :-1]) if len(x_new) > 1 else ungrouped(x[:, :-1])
        r = one_if_shared(x_new[:, -1])
        kernel, kernel_pullback = self.kernel_x.cross(parts.of_kernel, new, old.values)
        variance, variance_pullback = self.kernel_x.diagonal_with_pullback(parts.of_kernel, new)
        mean_x, mean_pullback = self.mean_x.with_pullback_to_inputs(parts.of_mean, new)
        mean_old = self.mean_x.forward(parts.of_mean, x[:, :-1])
        kappa, of_new = decay.mean(r), decay.covariance(r, r)
        of_pairs = decay.covariance(r[:, None], r_old)
        falls, falls_old = gamma - delta * mean_x, gamma - delta * mean_old
        weight, weight_old = parts.weight(r), parts.weight(r_old)
        weights = np.multiply.outer(weight, weight_old) + delta**2 * of_pairs
        own_weights = weight**2 + delta**2 * of_new

        spread = old.spread_columns(kernel)
        covariance = spread * weights
        covariance += falls[:, None] * (of_pairs * falls_old)
        diagonal = variance * own_weights + falls**2 * of_new

        def pullback(
            by_mean: FloatArray, by_diagonal: FloatArray, by_covariance: FloatArray
        ) -> FloatArray:
            by_falls = by_mean * kappa + 2.0 * by_diagonal * falls * of_new
            by_falls += dot_rows(by_covariance, of_pairs * falls_old)
            gradient = np.empty(x_new.shape)
            gradient[:, :-1] = (
                kernel_pullback(old.collect_columns(by_covariance * weights))
                + variance_pullback(by_diagonal * own_weights)
                + mean_pullback(by_mean - delta * by_falls)
            )
            # By the resource: through κ, the weights, and both covariances of the decay.
            by_kernel = by_covariance * spread
            by_weight = by_kernel @ weight_old + 2.0 * by_diagonal * variance * weight
            by_kappa = by_mean * falls - delta * by_weight
            slopes = decay.covariance_slope_by_resource(r[:, None], r_old)
            by_new = by_diagonal * (delta**2 * variance + falls**2)
            gradient[:, -1] = (
                by_kappa * decay.mean_slope_by_resource(r)
                + delta**2 * dot_rows(by_kernel, slopes)
                + falls * dot_rows(by_covariance, slopes * falls_old)
                + 2.0 * by_new * decay.covariance_slope_by_resource(r, r)
            )
            return gradient

        return mean_x + kappa * falls, diagonal, covariance, pullback
