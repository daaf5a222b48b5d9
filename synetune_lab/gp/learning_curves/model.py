"""Additive Gaussian models of learning curves, with learnt parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.constants import NOISE_VARIANCE
from synetune_lab.gp.learning_curves.exp_decay import ExponentialDecayResidual
from synetune_lab.gp.learning_curves.issm import StateSpaceResidual
from synetune_lab.gp.learning_curves.likelihood import reduce_curves, reduced_likelihood
from synetune_lab.gp.learning_curves.posterior import CurvePrior, LearningCurvePosterior
from synetune_lab.gp.linalg import cholesky
from synetune_lab.gp.means import ScalarMean
from synetune_lab.gp.optimize import OptimizationConfig, fit_starts, minimize
from synetune_lab.gp.parameters import Parameter, ParameterVector, prefixed
from synetune_lab.gp.process import KernelProcess

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.gp.learning_curves.data import CurveData
    from synetune_lab.gp.learning_curves.residual import Residual
    from synetune_lab.gp.means import Mean
    from synetune_lab.gp.warm_start import FitMemory

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["LearningCurveModel", "PreparedCurves"]

_RESIDUALS = ("expdecay", "issm")


@dataclass(frozen=True)
class PreparedCurves:
    """Data of one fit, with what does not depend on parameters worked out.

    Attributes:
        values: By level and configuration, shape (depth, n, 1), of those with values.
        counts: Numbers of values, shape (n,).
        of_process: What the process of h prepared.
    """

    values: FloatArray
    counts: IntArray
    of_process: Any


class LearningCurveModel:
    """f(x, r) = h(x) + g(r | x): a Gaussian process over configurations, plus one curve for each.

    The curves g are Gaussian and independent given the parameters, and values have Gaussian noise.
    Inference is cubic in the number of configurations, not in that of values: each curve is reduced
    to a few numbers first (see `likelihood`). Klein, Tiao, Lienart, Archambeau, Seeger: Model-based
    Asynchronous Hyperparameter and Neural Architecture Search, https://arxiv.org/abs/2003.10865.

    Args:
        kernel: Covariance of h.
        residual: `issm` for curves that decay by a power law and end at g(r_max) = 0 (see
            `StateSpaceResidual`), `expdecay` for exponential ones (`ExponentialDecayResidual`).
        r_min: Smallest level.
        r_max: Largest level.
        mean: Mean of h; None for a learnt constant.
        initial_noise_variance: Where the fit of the noise variance begins; None for the usual one.
        optimization: How parameters are sought.
        gamma_is_one: Of `issm`: whether the exponent of the power law is fixed at 1.
        normalize_inputs: Of `expdecay`: whether levels are mapped to [0, 1].

    Raises:
        SchedulerError: If `residual` is not known, or the levels are not in order.
    """

    def __init__(
        self,
        kernel: Kernel,
        residual: str,
        r_min: int,
        r_max: int,
        mean: Mean | None = None,
        initial_noise_variance: float | None = None,
        optimization: OptimizationConfig | None = None,
        *,
        gamma_is_one: bool = False,
        normalize_inputs: bool = False,
    ) -> None:
        if residual not in _RESIDUALS:
            raise SchedulerError(f"residual={residual!r} must be one of {', '.join(_RESIDUALS)}")
        self.process = KernelProcess(kernel, ScalarMean() if mean is None else mean)
        self.residual: Residual = (
            StateSpaceResidual(r_min, r_max, gamma_is_one)
            if residual == "issm"
            else ExponentialDecayResidual(r_min, r_max, normalize_inputs)
        )
        self.optimization = optimization or OptimizationConfig()
        initial, lower, upper = NOISE_VARIANCE
        noise = Parameter("noise_variance", initial_noise_variance or initial, lower, upper)
        of_residual = prefixed(f"{residual}_", self.residual.parameters)
        self.vector = ParameterVector((*self.process.parameters, *of_residual, noise))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of the kernel, the mean, the curves, and `noise_variance`."""
        return self.vector.parameters

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        cut = len(self.process.parameters)
        return theta[:cut], theta[cut:-1], float(theta[-1])

    def prepare(self, data: CurveData) -> PreparedCurves:
        """Data for `criterion`.

        Raises:
            SchedulerError: If there is no value, or a curve is longer than there are levels.
        """
        if not 0 < data.depth <= self.residual.num_levels:
            raise SchedulerError(
                f"the longest curve has {data.depth} values; it must have at least one and, for "
                f"levels {self.residual.r_min} to {self.residual.r_max}, at most "
                f"{self.residual.num_levels}"
            )
        observed = data.counts > 0
        return PreparedCurves(
            data.padded()[:, observed, None],
            data.counts[observed],
            self.process.prepare(data.x[observed]),
        )

    def criterion(self, theta: FloatArray, data: PreparedCurves) -> tuple[float, FloatArray]:
        """Negative log marginal likelihood plus negative log priors, and its gradient (p,)."""
        of_process, of_residual, noise_variance = self._split(theta)
        levels_mean, levels_covariance, to_residual = self.residual.moments(
            of_residual, len(data.values)
        )
        factor, _ = cholesky(levels_covariance, noise_variance)
        curves = reduce_curves(data.values, data.counts, levels_mean, factor)
        mean, covariance, to_process = self.process.moments(of_process, data.of_process)
        value, by_process, by_mean, by_covariance = reduced_likelihood(
            curves, mean, covariance, to_process
        )
        by_residual = to_residual(by_mean, by_covariance)
        gradient = np.concatenate([by_process, by_residual, [np.trace(by_covariance)]])
        prior, prior_gradient = self.vector.negative_log_prior(theta)
        return value + prior, gradient + prior_gradient

    def fit(
        self,
        data: CurveData,
        random_state: np.random.RandomState,
        start: FloatArray | None = None,
        is_full: bool = True,
        memory: FitMemory | None = None,
    ) -> FloatArray:
        """Parameters that fit data best.

        Args:
            data: Configurations and values; those without values are left out.
            random_state: For the starts that are drawn.
            start: Values to begin with, as the last ones; None for the initial ones.
            is_full: Whether to begin at other places as well (see `fit_starts`).
            memory: What earlier fits have left (see `minimize`).

        Returns:
            Values, shape (p,): those to begin with if all starts fail.
        """
        prepared = self.prepare(data)
        starts = fit_starts(self.vector, self.optimization.n_starts, random_state, start, is_full)
        found = minimize(
            lambda theta: self.criterion(theta, prepared),
            self.vector,
            starts,
            self.optimization,
            not is_full,
            memory,
        )
        return starts[0] if found is None else found[0]

    def posterior(self, theta: FloatArray, data: CurveData) -> LearningCurvePosterior:
        """The posterior given data; see `LearningCurvePosterior.fantasize` for pending values.

        Args:
            theta: Values of the parameters, shape (p,).
            data: Configurations and values, at least one value.
        """
        of_process, of_residual, noise_variance = self._split(theta)
        residual = self.residual
        mean, latent, _ = residual.moments(of_residual, residual.num_levels)
        factor, _ = cholesky(latent, noise_variance)
        prior = CurvePrior(
            self.process, of_process, mean, latent, factor, residual.r_min, residual.r_max
        )
        return LearningCurvePosterior(prior, data)
