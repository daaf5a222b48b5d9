"""Gaussian processes before data: a mean and a covariance, with parameters of both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.gp.means import Mean
    from synetune_lab.gp.parameters import Parameter

    FloatArray = npt.NDArray[np.float64]
    MomentsPullback = Callable[[FloatArray, FloatArray], FloatArray]
    CrossPullback = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]

__all__ = ["KernelProcess", "Process"]


class Process(ABC):
    """Prior of a function: mean and covariance together, as curve models share their parameters.

    Shapes: n points of d coordinates, p parameters, m new points.

    Attributes:
        dimension: Number of coordinates d.
        parameters: What is learnt; `theta` has their values in this order.
    """

    dimension: int
    parameters: tuple[Parameter, ...]

    @abstractmethod
    def prepare(self, x: FloatArray) -> Any:
        """What `moments` needs of points, whatever the parameters; made once a fit."""

    @abstractmethod
    def moments(
        self, theta: FloatArray, prepared: Any
    ) -> tuple[FloatArray, FloatArray, MomentsPullback]:
        """Mean and covariance of prepared points.

        Returns:
            The mean, shape (n,), the covariance, shape (n, n), and the pullback from derivatives
            by both (the second symmetric) to derivatives by `theta`.
        """

    @abstractmethod
    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, CrossPullback]:
        """What relates new points to others.

        Returns:
            Mean of the new points, shape (m,), their variances, shape (m,), their covariances with
            the others, shape (m, n), and the pullback from derivatives by these three to
            derivatives by the new points, shape (m, d).
        """

    def joint(self, theta: FloatArray, x_new: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean, shape (m,), and covariance, shape (m, m), of new points."""
        mean, covariance, _ = self.moments(theta, self.prepare(x_new))
        return mean, covariance


class KernelProcess(Process):
    """A process with a kernel and a mean that have nothing in common.

    Args:
        kernel: Covariance function.
        mean: Mean function.
    """

    def __init__(self, kernel: Kernel, mean: Mean) -> None:
        self.kernel = kernel
        self.mean = mean
        self.dimension = kernel.dimension
        self.parameters = (*kernel.parameters, *mean.parameters)

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        cut = len(self.kernel.parameters)
        return theta[:cut], theta[cut:]

    def prepare(self, x: FloatArray) -> tuple[FloatArray, Any]:
        """See `Process.prepare`."""
        return x, self.kernel.prepare(x)

    def moments(
        self, theta: FloatArray, prepared: tuple[FloatArray, Any]
    ) -> tuple[FloatArray, FloatArray, MomentsPullback]:
        """See `Process.moments`."""
        of_kernel, of_mean = self._split(theta)
        covariance, kernel_pullback = self.kernel.gram(of_kernel, prepared[1])
        mean, mean_pullback = self.mean.with_pullback_to_theta(of_mean, prepared[0])

        def pullback(by_mean: FloatArray, by_covariance: FloatArray) -> FloatArray:
            return np.concatenate([kernel_pullback(by_covariance), mean_pullback(by_mean)])

        return mean, covariance, pullback

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, CrossPullback]:
        """See `Process.cross`."""
        of_kernel, of_mean = self._split(theta)
        mean, to_inputs = self.mean.with_pullback_to_inputs(of_mean, x_new)
        diagonal, from_diagonal = self.kernel.diagonal_with_pullback(of_kernel, x_new)
        covariance, from_covariance = self.kernel.cross(of_kernel, x_new, x)

        def pullback(
            by_mean: FloatArray, by_diagonal: FloatArray, by_covariance: FloatArray
        ) -> FloatArray:
            gradient: FloatArray = (
                to_inputs(by_mean) + from_diagonal(by_diagonal) + from_covariance(by_covariance)
            )
            return gradient

        return mean, diagonal, covariance, pullback
