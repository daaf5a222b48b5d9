"""Exact Gaussian-process regression with learnt parameters (empirical Bayes)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import blas

from synetune_lab.gp.constants import NOISE_VARIANCE
from synetune_lab.gp.linalg import cholesky, inverse_from_cholesky, solve_lower, solve_lower_t
from synetune_lab.gp.optimize import OptimizationConfig, fit_starts, minimize
from synetune_lab.gp.parameters import Parameter, ParameterVector
from synetune_lab.gp.posterior import Posterior, extended_factor

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.priors import PriorDensity
    from synetune_lab.gp.process import Process
    from synetune_lab.gp.target_transforms import BoxCoxTransform
    from synetune_lab.gp.warm_start import FitMemory

    FloatArray = npt.NDArray[np.float64]

__all__ = ["GaussianProcessRegression", "PreparedData"]

_HALF_LOG_2_PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class PreparedData:
    """Data of one fit, with what does not depend on parameters worked out.

    Attributes:
        x: Points, shape (n, d).
        targets: Shape (n,).
        of_process: What the process prepared.
        buffers: Memory for the factor and the inverse, shape (n, n) each.
    """

    x: FloatArray
    targets: FloatArray
    of_process: Any
    buffers: tuple[FloatArray, FloatArray]


class GaussianProcessRegression:
    """A Gaussian process with Gaussian noise.

    Parameters maximise the marginal likelihood times their priors. Rasmussen, Williams: Gaussian
    Processes for Machine Learning, MIT Press 2006, chapter 5.

    Args:
        process: Prior of the function.
        target_transform: Transform of targets whose parameter is learnt as well; None for none.
        initial_noise_variance: Where the fit of the noise variance begins.
        optimization: How parameters are sought.
        noise_prior: Prior of the noise variance; None for a uniform one of its logarithm.
    """

    def __init__(
        self,
        process: Process,
        target_transform: BoxCoxTransform | None = None,
        initial_noise_variance: float | None = None,
        optimization: OptimizationConfig | None = None,
        noise_prior: PriorDensity | None = None,
    ) -> None:
        self.process = process
        self.target_transform = target_transform
        self.optimization = optimization or OptimizationConfig()
        initial, lower, upper = NOISE_VARIANCE
        start = initial_noise_variance or initial
        noise = Parameter("noise_variance", start, lower, upper, noise_prior)
        own = [noise]
        if target_transform is not None:
            own.append(target_transform.parameter)
        self.vector = ParameterVector((*process.parameters, *own))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The process' parameters, `noise_variance`, and that of the target transform."""
        return self.vector.parameters

    def _split(self, theta: FloatArray) -> tuple[FloatArray, float, float]:
        cut = len(self.process.parameters)
        power = float(theta[cut + 1]) if self.target_transform is not None else 1.0
        return theta[:cut], float(theta[cut]), power

    def prepare(self, x: FloatArray, targets: FloatArray) -> PreparedData:
        """Data for `criterion`: points (n, d) and targets (n,)."""
        if self.target_transform is not None:
            self.target_transform.adapt(targets)
        shape = len(x), len(x)
        buffers = np.empty(shape, order="F"), np.empty(shape)
        return PreparedData(x, targets, self.process.prepare(x), buffers)

    def criterion(self, theta: FloatArray, data: PreparedData) -> tuple[float, FloatArray]:
        """Negative log marginal likelihood plus negative log priors, and its gradient (p,)."""
        of_process, noise_variance, power = self._split(theta)
        targets, transform = data.targets, self.target_transform
        if transform is not None:
            targets = transform.forward(power, targets)
        mean, covariance, pullback = self.process.moments(of_process, data.of_process)
        factor, _ = cholesky(covariance, noise_variance, out=data.buffers[0])
        whitened = solve_lower(factor, targets - mean)
        value = (
            0.5 * float(whitened @ whitened)
            + float(np.log(factor.diagonal()).sum())
            + len(targets) * _HALF_LOG_2_PI
        )
        weights = solve_lower_t(factor, whitened)
        by_covariance = inverse_from_cholesky(factor, out=data.buffers[1])
        by_covariance *= 0.5
        # The transpose is in the order that BLAS wants; the update is symmetric.
        blas.dger(-0.5, weights, weights, a=by_covariance.T, overwrite_a=1)
        own = [float(np.trace(by_covariance))]
        if transform is not None:
            own.append(float(weights @ transform.by_lambda(power, data.targets)))
        gradient = np.concatenate([pullback(-weights, by_covariance), own])
        prior, prior_gradient = self.vector.negative_log_prior(theta)
        return value + prior, gradient + prior_gradient

    def fit(
        self,
        x: FloatArray,
        targets: FloatArray,
        random_state: np.random.RandomState,
        start: FloatArray | None = None,
        is_full: bool = True,
        memory: FitMemory | None = None,
    ) -> FloatArray:
        """Parameters that fit data best.

        Args:
            x: Points, shape (n, d).
            targets: Shape (n,).
            random_state: For the starts that are drawn.
            start: Values to begin with, as the last ones; None for the initial ones.
            is_full: Whether to begin at other places as well: the initial values and random ones
                around them, `n_starts` in all.
            memory: What earlier fits have left (see `minimize`).

        Returns:
            Values, shape (p,): those to begin with if all starts fail.
        """
        data = self.prepare(x, targets)
        starts = fit_starts(self.vector, self.optimization.n_starts, random_state, start, is_full)
        found = minimize(
            lambda theta: self.criterion(theta, data),
            self.vector,
            starts,
            self.optimization,
            not is_full,
            memory,
        )
        theta = starts[0] if found is None else found[0]
        if self.target_transform is not None and not self.target_transform.learns:
            # Random starts have others, which too few targets say nothing of.
            theta[-1] = self.target_transform.initial_lambda
        return theta

    def posterior(
        self,
        theta: FloatArray,
        x: FloatArray,
        targets: FloatArray,
        factor: FloatArray | None = None,
    ) -> Posterior:
        """The posterior given data, of the transformed targets if there is a transform.

        Args:
            theta: Values of the parameters, shape (p,).
            x: Points, shape (n, d).
            targets: Shape (n,), or (n, k) for several columns without a transform.
            factor: Cholesky factor of the covariance of targets, if it is known.
        """
        of_process, noise_variance, power = self._split(theta)
        if self.target_transform is not None:
            self.target_transform.adapt(targets)
            targets = self.target_transform.forward(power, targets)
        return Posterior(self.process, of_process, noise_variance, x, targets, factor)

    def extended_factor(
        self, theta: FloatArray, factor: FloatArray, x: FloatArray, x_new: FloatArray
    ) -> FloatArray:
        """The factor of the covariance of targets at points x and x_new, from that at x alone."""
        of_process, noise_variance, _ = self._split(theta)
        return extended_factor(self.process, of_process, noise_variance, factor, x, x_new)
