"""Learning curves that decay exponentially, at an unknown rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.kernels.decay import GammaDecay, decay_parameters
from synetune_lab.gp.learning_curves.residual import Residual

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.learning_curves.residual import ResidualPullback

    FloatArray = npt.NDArray[np.float64]

__all__ = ["ExponentialDecayResidual"]


class ExponentialDecayResidual(Residual):
    """g(r) = γ exp(-λ r), with λ drawn from a Gamma distribution for each configuration.

    As a Gaussian process with the same moments: mean γ κ(r), where κ(r) = E[exp(-λ r)], and
    covariance γ² (κ(r + r') - κ(r) κ(r')); see `GammaDecay`. Swersky, Snoek, Adams: Freeze-thaw
    Bayesian optimization, https://arxiv.org/abs/1406.3896; centred as in Klein, Tiao, Lienart,
    Archambeau, Seeger, https://arxiv.org/abs/2003.10865. Values have independent noise. h(x) is
    where the curve is heading to, and g(r_max) need not be zero.

    Args:
        r_min: Smallest level.
        r_max: Largest level.
        normalize_inputs: Whether levels are mapped to [0, 1] first; else r itself is used.
    """

    def __init__(self, r_min: int, r_max: int, normalize_inputs: bool = False) -> None:
        super().__init__(r_min, r_max)
        self.normalize_inputs = normalize_inputs
        self.parameters = decay_parameters()
        levels = np.arange(r_min, r_max + 1, dtype=np.float64)
        self._inputs = (levels - r_min) / (r_max - r_min) if normalize_inputs else levels

    def moments(
        self, theta: FloatArray, depth: int
    ) -> tuple[FloatArray, FloatArray, ResidualPullback]:
        """See `Residual.moments`."""
        gamma = float(theta[2])
        decay = GammaDecay(float(theta[0]), float(theta[1]))
        kappa, spread, to_decay = decay.moments(self._inputs[:depth])

        def pullback(by_mean: FloatArray, by_covariance: FloatArray) -> FloatArray:
            by_alpha, by_mean_lam = to_decay(gamma * by_mean, gamma**2 * by_covariance)
            by_gamma = float(by_mean @ kappa + 2.0 * gamma * np.vdot(by_covariance, spread))
            return np.array([by_alpha, by_mean_lam, by_gamma])

        return gamma * kappa, gamma**2 * spread, pullback
