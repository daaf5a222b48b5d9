"""Prior means.

To add one, write a class with the formula, by `autograd.numpy`::

    class LinearMean(Mean):
        def __init__(self, dimension):
            slopes = [
                Parameter(f"slope{k}", 0.0, -10, 10, encoding="identity") for k in range(dimension)
            ]
            super().__init__(slopes)

        def forward(self, theta, x):
            return anp.dot(x, theta)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.parameters import Parameter
from synetune_lab.gp.priors import Normal

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    Pullback = Callable[[FloatArray], FloatArray]

__all__ = ["Mean", "ScalarMean", "ZeroMean"]

_WIDEST = 1e3


class Mean:
    """A function of points; derivatives come from autograd unless they are overridden.

    Args:
        parameters: What is learnt; `theta` has their values in this order.
    """

    def __init__(self, parameters: Sequence[Parameter] = ()) -> None:
        self.parameters: tuple[Parameter, ...] = tuple(parameters)

    def forward(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """Values at points of shape (n, d): shape (n,)."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward")

    def with_pullback_to_theta(
        self, theta: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """Values, and the pullback to the parameters: shape (n,) to shape (p,)."""
        from autograd import make_vjp

        if not self.parameters:
            return self.forward(theta, x), lambda _: np.zeros(0)
        pullback, values = make_vjp(lambda t: self.forward(t, x))(theta)
        return values, pullback

    def with_pullback_to_inputs(
        self, theta: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """Values, and the pullback to the points: shape (n,) to shape (n, d)."""
        from autograd import make_vjp

        # Zeros that depend on the points: autograd warns of means that do not.
        pullback, values = make_vjp(lambda z: self.forward(theta, z) + 0.0 * z[:, 0])(x)
        return values, pullback


class ScalarMean(Mean):
    """The same learnt value everywhere.

    Args:
        initial_mean_value: Where its fit begins.
    """

    def __init__(self, initial_mean_value: float = 0.0) -> None:
        parameter = Parameter(
            "mean_value",
            initial_mean_value,
            initial_mean_value - _WIDEST,
            initial_mean_value + _WIDEST,
            Normal(0.0, 1.0),
            encoding="identity",
        )
        super().__init__((parameter,))

    def forward(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """See `Mean.forward`."""
        return np.full(len(x), float(theta[0]))

    def with_pullback_to_theta(
        self, theta: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Mean.with_pullback_to_theta`."""
        return self.forward(theta, x), lambda by: np.array([by.sum()])

    def with_pullback_to_inputs(
        self, theta: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Mean.with_pullback_to_inputs`."""
        return self.forward(theta, x), lambda _: np.zeros(x.shape)


class ZeroMean(Mean):
    """Zero everywhere."""

    def forward(self, theta: FloatArray, x: FloatArray) -> FloatArray:  # noqa: ARG002
        """See `Mean.forward`."""
        return np.zeros(len(x))

    def with_pullback_to_inputs(
        self, theta: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Mean.with_pullback_to_inputs`."""
        return self.forward(theta, x), lambda _: np.zeros(x.shape)
