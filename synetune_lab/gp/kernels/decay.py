"""Moments of exp(-λ r) for a random rate λ, which models of decaying learning curves share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.parameters import Parameter
from synetune_lab.gp.priors import LogNormal

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    DecayPullback = Callable[[FloatArray, FloatArray], tuple[float, float]]

__all__ = ["GammaDecay", "decay_parameters"]

# Resources are in [0, 1], so a curve that has decayed after one epoch of a thousand needs λ = 1000.
_ALPHA_BOUNDS = (1e-3, 1e3)
_MEAN_LAM_BOUNDS = (1e-4, 1e4)
_GAMMA_BOUNDS = (1e-4, 1e3)


def decay_parameters(
    alpha_init: float = 1.0, mean_lam_init: float = 0.5, gamma_init: float = 0.5
) -> tuple[Parameter, ...]:
    """The parameters `alpha`, `mean_lam` and `gamma`.

    Their priors are wide, with the initial values as modes. Without them, alpha and mean_lam could
    be anything wherever gamma is small.

    Args:
        alpha_init: Initial shape of the gamma distribution of λ.
        mean_lam_init: Initial mean of λ, for resources that are in [0, 1].
        gamma_init: Initial height of the decaying part at resource 0.

    Raises:
        SchedulerError: If an initial value is not in its bounds.
    """
    return (
        _parameter("alpha", alpha_init, _ALPHA_BOUNDS, 1.0),
        _parameter("mean_lam", mean_lam_init, _MEAN_LAM_BOUNDS, 1.5),
        _parameter("gamma", gamma_init, _GAMMA_BOUNDS, 1.0),
    )


def _parameter(name: str, initial: float, bounds: tuple[float, float], sigma: float) -> Parameter:
    plain = Parameter(name, initial, *bounds)  # refuses what has no logarithm
    return replace(plain, prior=LogNormal(math.log(initial) + sigma**2, sigma))


@dataclass(frozen=True)
class GammaDecay:
    """exp(-λ r), r >= 0, with λ drawn from a gamma distribution.

    Mean κ(r) = (β / (β + r))^α with β = α / E[λ], covariance κ(r + s) - κ(r) κ(s). Swersky, Snoek,
    Adams: Freeze-Thaw Bayesian Optimization, https://arxiv.org/abs/1406.3896.

    Attributes:
        alpha: Shape α of the distribution.
        mean_lam: Mean of λ.
    """

    alpha: float
    mean_lam: float

    def mean(self, r: FloatArray) -> FloatArray:
        """κ(r)."""
        return np.exp(self._log_mean(r))

    def one_minus_mean(self, r: FloatArray) -> FloatArray:
        """1 - κ(r), exact to all digits for small r as well."""
        return -np.expm1(self._log_mean(r))

    def covariance(self, r: FloatArray, s: FloatArray) -> FloatArray:
        """Covariance at r and s, which are broadcast.

        With t = r / β and u = s / β, κ(r) κ(s) / κ(r + s) = (1 + t u / (1 + t + u))^-α, so that the
        difference needs no subtraction of nearly equal numbers.
        """
        loss: FloatArray = -np.expm1(-self._log_ratio(r, s))
        return np.exp(self._log_mean(r + s)) * loss

    def moments(self, r: FloatArray) -> tuple[FloatArray, FloatArray, DecayPullback]:
        """Mean, shape (l,), and covariance, shape (l, l), at resources r of shape (l,).

        The third is the pullback from derivatives by both to those by `alpha` and `mean_lam`.
        Nothing is computed twice, as small arrays cost by the operation.
        """
        alpha = self.alpha
        scale = self.mean_lam / alpha
        t = r * scale
        log_t = np.log1p(t)
        mean = np.exp(-alpha * log_t)
        both = t[:, None] + t
        both_1 = both + 1.0
        log_both = np.log1p(both)
        excess = np.multiply.outer(t, t) / both_1
        log_ratio = np.log1p(excess)
        covariance = np.exp(-alpha * log_both) * -np.expm1(-alpha * log_ratio)

        def pullback(by_mean: FloatArray, by_covariance: FloatArray) -> tuple[float, float]:
            by_log_mean = by_mean * mean
            share = t / (1.0 + t)
            by_alpha = float(by_log_mean @ (share - log_t))
            by_scale = -float(by_log_mean @ share)
            # Of the covariance as exp(-α log_both) - exp(-α log_both - α log_ratio).
            by_log = by_covariance * covariance
            by_product = by_covariance * np.multiply.outer(mean, mean)
            share = both / both_1
            weight = excess / (1.0 + excess) * (1.0 + 1.0 / both_1)
            by_alpha += float(np.vdot(by_log, share - log_both))
            by_alpha += float(np.vdot(by_product, log_ratio - weight))
            by_scale += float(np.vdot(by_product, weight) - np.vdot(by_log, share))
            return by_alpha, by_scale / scale

        return mean, covariance, pullback

    def mean_slope_by_resource(self, r: FloatArray) -> FloatArray:
        """Derivative of κ(r) by r."""
        return -self.mean(r) * self._rate(r)

    def covariance_slope_by_resource(self, r: FloatArray, s: FloatArray) -> FloatArray:
        """Derivative of `covariance` by r."""
        product = np.exp(self._log_mean(r) + self._log_mean(s))
        return product * self._rate(r) - np.exp(self._log_mean(r + s)) * self._rate(r + s)

    def _log_mean(self, r: FloatArray) -> FloatArray:
        return np.log1p(r * (self.mean_lam / self.alpha)) * -self.alpha

    def _log_ratio(self, r: FloatArray, s: FloatArray) -> FloatArray:
        t, u = r * (self.mean_lam / self.alpha), s * (self.mean_lam / self.alpha)
        return np.log1p(t * u / (1.0 + t + u)) * self.alpha

    def _rate(self, r: FloatArray) -> FloatArray:
        """Minus the derivative of log κ(r) by r."""
        return self.mean_lam / (1.0 + r * (self.mean_lam / self.alpha))
