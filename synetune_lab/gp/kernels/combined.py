"""Kernels made of others: on some of the coordinates, and products over parts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.kernels.base import Kernel
from synetune_lab.gp.parameters import prefixed

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Pullback

    FloatArray = npt.NDArray[np.float64]

__all__ = ["ProductKernel", "RangeKernel"]


class RangeKernel(Kernel):
    """A kernel on a range of the coordinates.

    Args:
        dimension: Number of all coordinates.
        kernel: The kernel.
        start: The first coordinate that it sees.

    Raises:
        SchedulerError: If the range is not inside the coordinates.
    """

    def __init__(self, dimension: int, kernel: Kernel, start: int) -> None:
        if not 0 <= start <= dimension - kernel.dimension:
            raise SchedulerError(
                f"start={start} must be in [0, {dimension - kernel.dimension}] for a kernel of "
                f"{kernel.dimension} of {dimension} coordinates"
            )
        super().__init__(dimension, kernel.parameters)
        self.kernel = kernel
        self._range = slice(start, start + kernel.dimension)

    def forward(self, theta: FloatArray, x1: FloatArray, x2: FloatArray) -> FloatArray:
        """See `Kernel.forward`."""
        return self.kernel.forward(theta, x1[:, self._range], x2[:, self._range])

    def diagonal(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """See `Kernel.diagonal`."""
        return self.kernel.diagonal(theta, x[:, self._range])

    def prepare(self, x: FloatArray) -> Any:
        """See `Kernel.prepare`."""
        return self.kernel.prepare(x[:, self._range])

    def gram(self, theta: FloatArray, prepared: Any) -> tuple[FloatArray, Pullback]:
        """See `Kernel.gram`."""
        return self.kernel.gram(theta, prepared)

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.cross`."""
        matrix, pullback = self.kernel.cross(theta, x_new[:, self._range], x[:, self._range])
        return matrix, lambda by: self._embed(x_new, pullback(by))

    def diagonal_with_pullback(
        self, theta: FloatArray, x_new: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.diagonal_with_pullback`."""
        variances, pullback = self.kernel.diagonal_with_pullback(theta, x_new[:, self._range])
        return variances, lambda by: self._embed(x_new, pullback(by))

    def _embed(self, x_new: FloatArray, part: FloatArray) -> FloatArray:
        gradient = np.zeros(x_new.shape)
        gradient[:, self._range] = part
        return gradient


class ProductKernel(Kernel):
    """The product of a kernel of the first coordinates and one of the others.

    Args:
        kernel1: Kernel of the first coordinates.
        kernel2: Kernel of the coordinates after them.
        name_prefixes: What the names of their parameters begin with; None for `kernel1_` and
            `kernel2_`.
    """

    def __init__(
        self, kernel1: Kernel, kernel2: Kernel, name_prefixes: tuple[str, str] | None = None
    ) -> None:
        first, second = name_prefixes or ("kernel1_", "kernel2_")
        parameters = (*prefixed(first, kernel1.parameters), *prefixed(second, kernel2.parameters))
        dimension = kernel1.dimension + kernel2.dimension
        super().__init__(dimension, parameters)
        self.kernel1 = RangeKernel(dimension, kernel1, 0)
        self.kernel2 = RangeKernel(dimension, kernel2, kernel1.dimension)

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        cut = len(self.kernel1.parameters)
        return theta[:cut], theta[cut:]

    def forward(self, theta: FloatArray, x1: FloatArray, x2: FloatArray) -> FloatArray:
        """See `Kernel.forward`."""
        one, two = self._split(theta)
        return self.kernel1.forward(one, x1, x2) * self.kernel2.forward(two, x1, x2)

    def diagonal(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """See `Kernel.diagonal`."""
        one, two = self._split(theta)
        return self.kernel1.diagonal(one, x) * self.kernel2.diagonal(two, x)

    def prepare(self, x: FloatArray) -> tuple[Any, Any]:
        """See `Kernel.prepare`."""
        return self.kernel1.prepare(x), self.kernel2.prepare(x)

    def gram(self, theta: FloatArray, prepared: tuple[Any, Any]) -> tuple[FloatArray, Pullback]:
        """See `Kernel.gram`."""
        one, two = self._split(theta)
        matrix1, pullback1 = self.kernel1.gram(one, prepared[0])
        matrix2, pullback2 = self.kernel2.gram(two, prepared[1])
        return matrix1 * matrix2, lambda by: np.concatenate(
            [pullback1(by * matrix2), pullback2(by * matrix1)]
        )

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.cross`."""
        one, two = self._split(theta)
        matrix1, pullback1 = self.kernel1.cross(one, x_new, x)
        matrix2, pullback2 = self.kernel2.cross(two, x_new, x)
        return matrix1 * matrix2, lambda by: pullback1(by * matrix2) + pullback2(by * matrix1)

    def diagonal_with_pullback(
        self, theta: FloatArray, x_new: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.diagonal_with_pullback`."""
        one, two = self._split(theta)
        diagonal1, pullback1 = self.kernel1.diagonal_with_pullback(one, x_new)
        diagonal2, pullback2 = self.kernel2.diagonal_with_pullback(two, x_new)
        return (
            diagonal1 * diagonal2,
            lambda by: pullback1(by * diagonal2) + pullback2(by * diagonal1),
        )
