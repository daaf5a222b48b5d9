"""Input warping: each numerical coordinate is bent before the kernel sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.constants import WARPING
from synetune_lab.gp.kernels.base import Kernel
from synetune_lab.gp.parameters import Parameter
from synetune_lab.gp.priors import LogNormal

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Pullback

    FloatArray = npt.NDArray[np.float64]

__all__ = ["WarpedKernel"]

# Inputs are mapped to [_EPSILON, 1 - _EPSILON], where all powers have derivatives.
_EPSILON = 1e-7


class WarpedKernel(Kernel):
    """A kernel of 1 - (1 - x^a)^b, the Kumaraswamy distribution function, with a and b learnt.

    Snoek, Swersky, Zemel, Adams: Input Warping for Bayesian Optimization of Non-Stationary
    Functions, https://arxiv.org/abs/1402.0929.

    Args:
        kernel: The kernel of warped points.
        coordinates: Which coordinates to warp, each with its own a and b; None for all. Those that
            encode categories have nothing to bend.

    Raises:
        SchedulerError: If a coordinate is none of the kernel's.
    """

    def __init__(self, kernel: Kernel, coordinates: Sequence[int] | None = None) -> None:
        chosen = range(kernel.dimension) if coordinates is None else coordinates
        self.coordinates = np.array(sorted(set(chosen)), dtype=np.intp)
        if any(not 0 <= k < kernel.dimension for k in self.coordinates):
            raise SchedulerError(
                f"coordinates={list(chosen)!r} must be in [0, {kernel.dimension - 1}]"
            )
        # A mild prior keeps the identity, a = b = 1, unless the data speak against it.
        prior = LogNormal(0.0, 0.75)
        own = [
            Parameter(f"power_{which}{k}", *WARPING, prior)
            for which in ("a", "b")
            for k in self.coordinates
        ]
        super().__init__(kernel.dimension, (*kernel.parameters, *own))
        self.kernel = kernel

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        n_inner, n_warped = len(self.kernel.parameters), len(self.coordinates)
        return theta[:n_inner], theta[n_inner : n_inner + n_warped], theta[n_inner + n_warped :]

    def forward(self, theta: FloatArray, x1: FloatArray, x2: FloatArray) -> FloatArray:
        """See `Kernel.forward`; not for autograd."""
        inner, a, b = self._split(theta)
        return self.kernel.forward(inner, self._warp(a, b, x1), self._warp(a, b, x2))

    def diagonal(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """See `Kernel.diagonal`."""
        inner, a, b = self._split(theta)
        return self.kernel.diagonal(inner, self._warp(a, b, x))

    def diagonal_with_pullback(
        self, theta: FloatArray, x_new: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.diagonal_with_pullback`."""
        inner, a, b = self._split(theta)
        variances, pullback = self.kernel.diagonal_with_pullback(inner, self._warp(a, b, x_new))
        return variances, lambda by: self._by_inputs(a, b, x_new, pullback(by))

    def gram(self, theta: FloatArray, prepared: Any) -> tuple[FloatArray, Pullback]:
        """See `Kernel.gram`."""
        inner, a, b = self._split(theta)
        warped = self._warp(a, b, prepared)
        matrix, inner_pullback = self.kernel.gram(inner, self.kernel.prepare(warped))

        def pullback(by_matrix: FloatArray) -> FloatArray:
            # Each point is in a row and, by symmetry, in a column.
            _, to_warped = self.kernel.cross(inner, warped, warped)
            by_warped = 2.0 * to_warped(by_matrix)[:, self.coordinates]
            x = self._clipped(prepared)
            power = x**a
            rest = 1.0 - power
            by_a = by_warped * b * rest ** (b - 1.0) * power * np.log(x)
            by_b = -by_warped * rest**b * np.log(rest)
            return np.concatenate([inner_pullback(by_matrix), by_a.sum(axis=0), by_b.sum(axis=0)])

        return matrix, pullback

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.cross`."""
        inner, a, b = self._split(theta)
        new, old = self._warp(a, b, x_new), self._warp(a, b, x)
        matrix, pullback = self.kernel.cross(inner, new, old)
        return matrix, lambda by: self._by_inputs(a, b, x_new, pullback(by))

    def _clipped(self, x: FloatArray) -> FloatArray:
        inside = np.clip(x[:, self.coordinates], 0.0, 1.0)
        return _EPSILON + (1.0 - 2.0 * _EPSILON) * inside

    def _warp(self, a: FloatArray, b: FloatArray, x: FloatArray) -> FloatArray:
        warped = np.array(x)
        warped[:, self.coordinates] = 1.0 - (1.0 - self._clipped(x) ** a) ** b
        return warped

    def _by_inputs(
        self, a: FloatArray, b: FloatArray, x: FloatArray, by_warped: FloatArray
    ) -> FloatArray:
        """Derivatives by the inputs from those by warped inputs."""
        clipped = self._clipped(x)
        slope = a * b * clipped ** (a - 1.0) * (1.0 - clipped**a) ** (b - 1.0)
        gradient = np.array(by_warped)
        gradient[:, self.coordinates] *= (1.0 - 2.0 * _EPSILON) * slope
        return gradient
