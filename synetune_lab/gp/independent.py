"""One Gaussian process a resource level, with a kernel that all levels share.

The last coordinate of points is the encoded resource u = (r - 0.5) / r_max. With k the shared
kernel, the function at level r is f(x, r) = μ_r + √c_r g_r(x), where the g_r are independent, each
with mean 0 and covariance k. The covariance of all data is block diagonal: a fit costs the sum of
the n_r³ of the levels, not the cube of the sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import blas

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.constants import COVARIANCE_SCALE, NOISE_VARIANCE
from synetune_lab.gp.independent_posterior import (
    IndependentPosterior,
    nearest_level,
    rows_by_level,
)
from synetune_lab.gp.linalg import cholesky, inverse_from_cholesky, solve_lower, solve_lower_t
from synetune_lab.gp.means import ScalarMean
from synetune_lab.gp.optimize import OptimizationConfig, fit_starts, minimize
from synetune_lab.gp.parameters import Parameter, ParameterVector
from synetune_lab.gp.priors import LogNormal
from synetune_lab.gp.process import KernelProcess

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.independent_posterior import Rows
    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.gp.process import CrossPullback, MomentsPullback
    from synetune_lab.gp.warm_start import FitMemory

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["IndependentPosterior", "IndependentRegression", "PreparedLevels"]

_HALF_LOG_2_PI = 0.5 * math.log(2.0 * math.pi)


class _LevelProcess(KernelProcess):
    """The prior of one level: μ + √c g, with g of mean 0 and covariance k."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel, ScalarMean())
        scale = Parameter("covariance_scale", *COVARIANCE_SCALE, LogNormal(0.0, 1.0))
        self.parameters = (*self.parameters, scale)

    def moments(
        self, theta: FloatArray, prepared: tuple[FloatArray, Any]
    ) -> tuple[FloatArray, FloatArray, MomentsPullback]:
        scale = theta[-1]
        mean, covariance, inner = super().moments(theta[:-1], prepared)

        def pullback(by_mean: FloatArray, by_covariance: FloatArray) -> FloatArray:
            by_scale = np.vdot(by_covariance, covariance)
            return np.append(inner(by_mean, scale * by_covariance), by_scale)

        return mean, scale * covariance, pullback

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, CrossPullback]:
        scale = theta[-1]
        mean, diagonal, covariance, inner = super().cross(theta[:-1], x_new, x)

        def pullback(
            by_mean: FloatArray, by_diagonal: FloatArray, by_covariance: FloatArray
        ) -> FloatArray:
            return inner(by_mean, scale * by_diagonal, scale * by_covariance)

        return mean, scale * diagonal, scale * covariance, pullback


@dataclass(frozen=True)
class _LevelIndices:
    """Where the parameters of a level are in the vector of all."""

    mean: int
    scale: int
    noise: int


@dataclass(frozen=True)
class _LevelData:
    """Data of one level: n_r targets, what the kernel prepared, and memory for two matrices."""

    indices: _LevelIndices
    targets: FloatArray
    of_kernel: Any
    buffers: tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class PreparedLevels:
    """Data of one fit.

    Attributes:
        levels: The levels that have data.
        chosen: Which parameters the data speak of: not those of other levels.
        vector: These parameters.
    """

    levels: tuple[_LevelData, ...]
    chosen: IntArray
    vector: ParameterVector


class IndependentRegression:
    """Independent Gaussian processes at resource levels: own μ_r and c_r, shared kernel.

    Parameters are those of the kernel, `mean_value_r` and `covariance_scale_r` for each level r,
    and `noise_variance`, or `noise_variance_r` for each level.

    Args:
        kernel: Covariance function of configurations, without a factor before it.
        rung_levels: Levels at which there may be data; `r_max` is always one.
        r_max: Largest resource.
        separate_noise_variances: Whether each level has a noise variance of its own.
        initial_noise_variance: Where the fit of noise variances begins.
        optimization: How parameters are sought.

    Raises:
        SchedulerError: If a level is not in [1, r_max].
    """

    def __init__(
        self,
        kernel: Kernel,
        rung_levels: Sequence[int],
        r_max: int,
        separate_noise_variances: bool = False,
        initial_noise_variance: float | None = None,
        optimization: OptimizationConfig | None = None,
    ) -> None:
        levels = tuple(sorted({*map(int, rung_levels), int(r_max)}))
        if levels[0] < 1 or levels[-1] > r_max:
            raise SchedulerError(f"rung_levels={list(rung_levels)} must be in [1, r_max={r_max}]")
        self.kernel = kernel
        self.rung_levels = levels
        self.r_max = int(r_max)
        self.separate_noise_variances = separate_noise_variances
        self.optimization = optimization or OptimizationConfig()
        self.process = _LevelProcess(kernel)
        mean, scale = self.process.parameters[len(kernel.parameters) :]
        initial, lower, upper = NOISE_VARIANCE
        noise = Parameter("noise_variance", initial_noise_variance or initial, lower, upper)
        self.vector = ParameterVector(
            (
                *kernel.parameters,
                *_one_a_level(mean, levels),
                *_one_a_level(scale, levels),
                *(_one_a_level(noise, levels) if separate_noise_variances else (noise,)),
            )
        )
        first, count = len(kernel.parameters), len(levels)
        self._indices = {
            level: _LevelIndices(
                first + j, first + count + j, first + 2 * count + j * separate_noise_variances
            )
            for j, level in enumerate(levels)
        }

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The kernel's parameters, then means, covariance scales and noise variances."""
        return self.vector.parameters

    def prepare(self, x: FloatArray, targets: FloatArray) -> PreparedLevels:
        """Data for `criterion`: points (n, d) and targets (n,).

        Raises:
            SchedulerError: If a point is at none of the levels.
        """
        chosen = set(range(len(self.kernel.parameters)))
        levels = []
        for level, rows in self._split(x):
            indices = self._indices[level]
            chosen.update((indices.mean, indices.scale, indices.noise))
            of_kernel = self.kernel.prepare(np.ascontiguousarray(x[rows, :-1]))
            own = targets[rows]
            shape = len(own), len(own)
            buffers = np.empty(shape, order="F"), np.empty(shape)
            levels.append(_LevelData(indices, own, of_kernel, buffers))
        which = np.array(sorted(chosen), dtype=np.int64)
        vector = ParameterVector([self.parameters[i] for i in which])
        return PreparedLevels(tuple(levels), which, vector)

    def _split(self, x: FloatArray) -> list[tuple[int, Rows]]:
        groups = rows_by_level(x, self.r_max)
        unknown = [level for level, _ in groups if level not in self._indices]
        if unknown:
            raise SchedulerError(
                f"data at the resource levels {unknown}; they must be among {self.rung_levels}"
            )
        return groups

    def criterion(self, theta: FloatArray, data: PreparedLevels) -> tuple[float, FloatArray]:
        """Negative log marginal likelihood plus negative log priors, and its gradient (p,).

        Parameters of levels without data have no part in it.
        """
        gradient = np.zeros(len(theta))
        value, gradient[data.chosen] = data.vector.negative_log_prior(theta[data.chosen])
        cut = len(self.kernel.parameters)
        of_kernel = theta[:cut]
        for level in data.levels:
            indices, targets = level.indices, level.targets
            scale, noise = float(theta[indices.scale]), float(theta[indices.noise])
            matrix, pullback = self.kernel.gram(of_kernel, level.of_kernel)
            # The covariance is c (K + ρ I) with ρ = σ² / c, so that K need not be multiplied.
            factor, _ = cholesky(matrix, noise / scale, out=level.buffers[0])
            whitened = solve_lower(factor, targets - theta[indices.mean])
            weights = solve_lower_t(factor, whitened)
            square = float(whitened @ whitened) / scale
            n = len(targets)
            value += (
                0.5 * square
                + float(np.log(factor.diagonal()).sum())
                + n * (0.5 * math.log(scale) + _HALF_LOG_2_PI)
            )
            by_matrix = inverse_from_cholesky(factor, out=level.buffers[1])
            by_matrix *= 0.5
            # The transpose is in the order that BLAS wants; the update is symmetric.
            blas.dger(-0.5 / scale, weights, weights, a=by_matrix.T, overwrite_a=1)
            by_ratio = float(by_matrix.trace())
            gradient[:cut] += pullback(by_matrix)
            gradient[indices.mean] -= weights.sum() / scale
            gradient[indices.scale] += (0.5 * (n - square) - by_ratio * noise / scale) / scale
            gradient[indices.noise] += by_ratio / scale
        return value, gradient

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
            is_full: Whether to begin at other places as well (see `fit_starts`).
            memory: What earlier fits have left (see `minimize`).

        Returns:
            Values, shape (p,). Those of levels without data stay as they were at the start; all do
            if all starts fail.

        Raises:
            SchedulerError: If a point is at none of the levels.
        """
        theta = self.vector.initial if start is None else np.array(start, dtype=np.float64)
        data = self.prepare(x, targets)
        chosen, vector = data.chosen, data.vector

        def criterion(values: FloatArray) -> tuple[float, FloatArray]:
            whole = theta.copy()
            whole[chosen] = values
            value, gradient = self.criterion(whole, data)
            return value, gradient[chosen]

        starts = fit_starts(
            vector,
            self.optimization.n_starts,
            random_state,
            None if start is None else theta[chosen],
            is_full,
        )
        found = minimize(criterion, vector, starts, self.optimization, not is_full, memory)
        if found is not None:
            theta[chosen] = found[0]
        return theta

    def posterior(
        self, theta: FloatArray, x: FloatArray, targets: FloatArray
    ) -> IndependentPosterior:
        """The posterior given data.

        A level without data has the prior with the parameters (μ, c and noise variance) of the
        nearest lower level with data; if there is none, of the nearest higher one; without data at
        all, its own.

        Args:
            theta: Values of the parameters, shape (p,).
            x: Points, shape (n, d).
            targets: Shape (n,) or (n, k).

        Raises:
            SchedulerError: If a point is at none of the levels.
        """
        seen = [level for level, _ in self._split(x)]
        of_kernel = theta[: len(self.kernel.parameters)]
        values = {}
        for level in self.rung_levels:
            indices = self._indices[nearest_level(level, seen) if seen else level]
            of_level = np.append(of_kernel, theta[[indices.mean, indices.scale]])
            values[level] = of_level, float(theta[indices.noise])
        return IndependentPosterior(self.process, values, self.r_max).extend(x, targets)


def _one_a_level(parameter: Parameter, levels: Sequence[int]) -> list[Parameter]:
    return [replace(parameter, name=f"{parameter.name}_{level}") for level in levels]
