"""The contract of a covariance function, with derivatives by autograd for those without their own.

To add a kernel, write one class with the formula::

    import autograd.numpy as anp


    class RationalQuadratic(Kernel):
        def __init__(self, dimension):
            super().__init__(dimension, (Parameter("length", 1.0, 1e-3, 1e3),))

        def forward(self, theta, x1, x2):
            gap = anp.sum((x1[:, None, :] - x2[None, :, :]) ** 2, axis=2)
            return 1.0 / (1.0 + 0.5 * gap / theta[0] ** 2)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.parameters import Parameter

    FloatArray = npt.NDArray[np.float64]
    Pullback = Callable[[FloatArray], FloatArray]

__all__ = ["Kernel"]

_BLOCK = 32


class Kernel:
    """A positive definite function of two points.

    Shapes: n points of d coordinates, p parameters. A pullback takes the derivatives of some number
    by what was returned, and gives its derivatives by what it was made from.

    Args:
        dimension: Number of coordinates d.
        parameters: What is learnt; `theta` has their values in this order.
    """

    def __init__(self, dimension: int, parameters: Sequence[Parameter]) -> None:
        self.dimension = dimension
        self.parameters: tuple[Parameter, ...] = tuple(parameters)

    def forward(self, theta: FloatArray, x1: FloatArray, x2: FloatArray) -> FloatArray:
        """Covariances of all pairs, shape (n1, n2).

        Written with `autograd.numpy`, unless `gram` and `cross` are overridden as well.

        Args:
            theta: Values of the parameters, shape (p,).
            x1: Points, shape (n1, d).
            x2: Points, shape (n2, d).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement forward")

    def diagonal(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """Variances of points, shape (n,). Override it where they are cheaper than this."""
        import autograd.numpy as anp

        # Of small blocks: neither a call a row nor all pairs of rows.
        blocks = [x[begin : begin + _BLOCK] for begin in range(0, len(x), _BLOCK)] or [x]
        parts = [anp.diag(self.forward(theta, block, block)) for block in blocks]
        return anp.concatenate(parts)  # type: ignore[no-any-return]

    # Derivatives

    def prepare(self, x: FloatArray) -> Any:
        """What `gram` needs of points, whatever the parameters; made once a fit."""
        return x

    def gram(self, theta: FloatArray, prepared: Any) -> tuple[FloatArray, Pullback]:
        """Covariances of prepared points with each other.

        Returns:
            The matrix, shape (n, n), and the pullback to `theta`: symmetric derivatives of shape
            (n, n) to shape (p,). Both hold until the next call with the same `prepared`, whose
            memory they may be in; the matrix is not to be changed.
        """
        from autograd import make_vjp

        if not self.parameters:
            return self.forward(theta, prepared, prepared), lambda _: np.zeros(0)
        pullback, matrix = make_vjp(lambda t: self.forward(t, prepared, prepared))(theta)
        return matrix, pullback

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """Covariances of m new points with n others.

        Returns:
            The matrix, shape (m, n), and the pullback to the new points: derivatives of shape
            (m, n) to shape (m, d).
        """
        from autograd import make_vjp

        pullback, matrix = make_vjp(lambda z: self.forward(theta, z, x))(x_new)
        return matrix, pullback

    def diagonal_with_pullback(
        self, theta: FloatArray, x_new: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """Variances of new points, and the pullback to them: shape (m,) to shape (m, d)."""
        from autograd import make_vjp

        # Zeros that depend on the points: autograd warns of variances that do not.
        pullback, variances = make_vjp(lambda z: self.diagonal(theta, z) + 0.0 * z[:, 0])(x_new)
        return variances, pullback
