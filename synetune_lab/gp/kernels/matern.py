"""The Matern 5/2 kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.constants import COVARIANCE_SCALE, INVERSE_BANDWIDTH, NUMERICAL_JITTER
from synetune_lab.gp.kernels.base import Kernel
from synetune_lab.gp.parameters import Parameter
from synetune_lab.gp.priors import LogNormal, Uniform

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Pullback
    from synetune_lab.gp.priors import PriorDensity

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Matern52"]


@dataclass(frozen=True)
class _Points:
    x: FloatArray
    distances: FloatArray | None  # squared, for one bandwidth
    # Results of `gram` are written here: fresh memory for each would cost more than the arithmetic.
    buffers: tuple[FloatArray, FloatArray, FloatArray]


class Matern52(Kernel):
    """Matern 5/2: c (1 + d + d² / 3) exp(-d), with d² = 5 Σ_k b_k² (x_k - y_k)².

    Rasmussen, Williams: Gaussian Processes for Machine Learning, MIT Press 2006, chapter 4.

    Args:
        dimension: Number of coordinates.
        ARD: Whether each coordinate has an inverse bandwidth b_k of its own.
        has_covariance_scale: Whether the factor c is learnt; it is 1 if not.
        bandwidth_prior: Prior of each inverse bandwidth; None for a uniform one.
    """

    def __init__(
        self,
        dimension: int,
        ARD: bool = False,  # noqa: N803 - the documented name
        has_covariance_scale: bool = True,
        bandwidth_prior: PriorDensity | None = None,
    ) -> None:
        initial, lower, upper = INVERSE_BANDWIDTH
        prior = bandwidth_prior or Uniform(lower, upper)
        names = [f"inv_bw{k}" for k in range(dimension)] if ARD and dimension > 1 else ["inv_bw"]
        parameters = [Parameter(name, initial, lower, upper, prior) for name in names]
        if has_covariance_scale:
            scale = Parameter("covariance_scale", *COVARIANCE_SCALE, LogNormal(0.0, 1.0))
            parameters.append(scale)
        super().__init__(dimension, parameters)
        self.ard = len(names) > 1
        self.has_covariance_scale = has_covariance_scale
        self._num_bandwidths = len(names)

    def _scale(self, theta: FloatArray) -> float:
        return float(theta[-1]) if self.has_covariance_scale else 1.0

    def forward(self, theta: FloatArray, x1: FloatArray, x2: FloatArray) -> FloatArray:
        """See `Kernel.forward`; also for autograd."""
        import autograd.numpy as anp

        bandwidths = theta[: self._num_bandwidths]
        a, b = x1 * bandwidths, x2 * bandwidths
        gap = anp.sum(a * a, axis=1)[:, None] + anp.sum(b * b, axis=1) - 2.0 * anp.dot(a, b.T)
        square = 5.0 * anp.abs(gap)
        d = anp.sqrt(square + NUMERICAL_JITTER)
        scale = theta[-1] if self.has_covariance_scale else 1.0
        return scale * (1.0 + d + square / 3.0) * anp.exp(-d)  # type: ignore[no-any-return]

    def diagonal(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """See `Kernel.diagonal`."""
        return np.full(len(x), self._scale(theta))

    def diagonal_with_pullback(
        self, theta: FloatArray, x_new: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.diagonal_with_pullback`."""
        return self.diagonal(theta, x_new), lambda _: np.zeros_like(x_new)

    def prepare(self, x: FloatArray) -> _Points:
        """See `Kernel.prepare`."""
        # Centred, so that the difference of squares loses fewer digits.
        centred = x - x.mean(axis=0) if len(x) else x
        distances = None if self.ard else squared_distances(centred, centred)
        n = len(x)
        return _Points(centred, distances, (np.empty((n, n)), np.empty((n, n)), np.empty((n, n))))

    def gram(self, theta: FloatArray, prepared: _Points) -> tuple[FloatArray, Pullback]:
        """See `Kernel.gram`."""
        bandwidths = theta[: self._num_bandwidths]
        scale = self._scale(theta)
        d, matrix, slope = prepared.buffers
        if prepared.distances is None:
            scaled = prepared.x * bandwidths
            squared_distances(scaled, scaled, d)
        else:
            np.multiply(prepared.distances, float(bandwidths[0]) ** 2, out=d)
        _matern_with_slope(d, scale, matrix, slope)

        def pullback(by_matrix: FloatArray) -> FloatArray:
            gradient = np.empty(len(theta))
            if self.has_covariance_scale:
                gradient[-1] = np.vdot(by_matrix, matrix) / scale
            # By the squared distances: Σ_ij w_ij (x_ik - x_jk)² is summed as two products.
            weights = np.multiply(by_matrix, slope, out=d)
            if prepared.distances is not None:
                total = 2.0 * bandwidths[0] * np.vdot(weights, prepared.distances)
                gradient[: self._num_bandwidths] = total
                return gradient
            x = prepared.x
            sums = weights.sum(axis=1)
            products = np.einsum("ik,ik->k", x, weights @ x)
            gradient[: self._num_bandwidths] = 4.0 * bandwidths * (sums @ (x * x) - products)
            return gradient

        return matrix, pullback

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.cross`."""
        bandwidths = theta[: self._num_bandwidths]
        centre = x.mean(axis=0) if len(x) else 0.0
        new, old = (x_new - centre) * bandwidths, (x - centre) * bandwidths
        d = squared_distances(new, old)
        matrix, slope = np.empty_like(d), np.empty_like(d)
        _matern_with_slope(d, self._scale(theta), matrix, slope)

        def pullback(by_matrix: FloatArray) -> FloatArray:
            weights = by_matrix * slope
            gradient: FloatArray = (
                2.0 * bandwidths * (weights.sum(axis=1)[:, None] * new - weights @ old)
            )
            return gradient

        return matrix, pullback


def squared_distances(x1: FloatArray, x2: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Squared Euclidean distances of all pairs, shape (n1, n2)."""
    square: FloatArray = np.matmul(x1, x2.T, out=out)
    square *= -2.0
    square += np.einsum("ij,ij->i", x1, x1)[:, None]
    square += np.einsum("ij,ij->i", x2, x2)
    return np.abs(square, out=square)


def _matern_with_slope(d: FloatArray, scale: float, matrix: FloatArray, slope: FloatArray) -> None:
    """The kernel, and its derivative by the squared scaled distance (before the factor 5).

    Args:
        d: Squared scaled distances; other numbers afterwards.
        scale: The factor before the kernel.
        matrix: Where the kernel is written.
        slope: Where the derivative is written.
    """
    np.multiply(d, 5.0 / 3.0, out=matrix)
    d *= 5.0
    d += NUMERICAL_JITTER
    np.sqrt(d, out=d)
    np.negative(d, out=slope)
    np.exp(slope, out=slope)
    slope *= scale
    d += 1.0
    matrix += d
    matrix *= slope
    slope *= d
    slope *= -5.0 / 6.0
