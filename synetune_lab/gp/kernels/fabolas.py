"""The kernel of Fabolas for the fraction of the data that a model is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.constants import COVARIANCE_SCALE
from synetune_lab.gp.kernels.base import Kernel
from synetune_lab.gp.parameters import Parameter
from synetune_lab.gp.priors import LogNormal, Normal

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.kernels.base import Pullback

    FloatArray = npt.NDArray[np.float64]

__all__ = ["FabolasKernel"]

_LARGEST_U3 = 100.0


class FabolasKernel(Kernel):
    """Degenerate kernel (U φ(x))ᵀ U φ(y), with φ(x) = [1, (1 - x)²] and U = [[u1, u3], [0, u2]].

    Functions of it are a constant plus a multiple of (1 - x)²: they level off towards x = 1, all
    the data. It is for a product with a kernel of configurations. Klein, Falkner, Bartels, Hennig,
    Hutter: Fast Bayesian Optimization of Machine Learning Hyperparameters on Large Datasets,
    https://arxiv.org/abs/1605.07079.

    Args:
        dimension: Number of coordinates, which is 1: the fraction, in [0, 1].
        u1_init: Initial u1 and u2, positive.
        u3_init: Initial u3, of either sign.

    Raises:
        SchedulerError: If the dimension is not 1, or an initial value is not in its bounds.
    """

    def __init__(self, dimension: int = 1, u1_init: float = 1.0, u3_init: float = 0.0) -> None:
        if dimension != 1:
            raise SchedulerError(f"dimension={dimension!r} must be 1: the fraction of the data")
        _, lower, upper = COVARIANCE_SCALE
        # A mode of 1, the scale of normalised targets.
        prior = LogNormal(1.0, 1.0)
        super().__init__(
            dimension,
            (
                Parameter("u1", u1_init, lower, upper, prior),
                Parameter("u2", u1_init, lower, upper, prior),
                Parameter(
                    "u3",
                    u3_init,
                    -_LARGEST_U3,
                    _LARGEST_U3,
                    Normal(0.0, 2.0),
                    encoding="identity",
                ),
            ),
        )

    def forward(self, theta: FloatArray, x1: FloatArray, x2: FloatArray) -> FloatArray:
        """See `Kernel.forward`."""
        first, second = _features(theta, x1), _features(theta, x2)
        covariance: FloatArray = first @ second.T
        return covariance

    def diagonal(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """See `Kernel.diagonal`."""
        variances: FloatArray = (_features(theta, x) ** 2).sum(axis=1)
        return variances

    def gram(self, theta: FloatArray, prepared: FloatArray) -> tuple[FloatArray, Pullback]:
        """See `Kernel.gram`."""
        features = _features(theta, prepared)

        def pullback(by_matrix: FloatArray) -> FloatArray:
            by_features = 2.0 * (by_matrix @ features)
            square = (1.0 - prepared[:, 0]) ** 2
            return np.array(
                [by_features[:, 0].sum(), by_features[:, 1] @ square, by_features[:, 0] @ square]
            )

        return features @ features.T, pullback

    def cross(
        self, theta: FloatArray, x_new: FloatArray, x: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.cross`."""
        old = _features(theta, x)
        slopes = _feature_slopes(theta, x_new)

        def pullback(by_matrix: FloatArray) -> FloatArray:
            gradient: FloatArray = ((by_matrix @ old) * slopes).sum(axis=1)[:, None]
            return gradient

        return _features(theta, x_new) @ old.T, pullback

    def diagonal_with_pullback(
        self, theta: FloatArray, x_new: FloatArray
    ) -> tuple[FloatArray, Pullback]:
        """See `Kernel.diagonal_with_pullback`."""
        slopes = 2.0 * (_features(theta, x_new) * _feature_slopes(theta, x_new)).sum(axis=1)
        return self.diagonal(theta, x_new), lambda by: (by * slopes)[:, None]


def _features(theta: FloatArray, x: FloatArray) -> FloatArray:
    """U φ(x), shape (n, 2)."""
    u1, u2, u3 = theta
    square = (1.0 - x[:, 0]) ** 2
    return np.column_stack([u1 + u3 * square, u2 * square])


def _feature_slopes(theta: FloatArray, x: FloatArray) -> FloatArray:
    """Derivatives of U φ(x) by x, shape (n, 2)."""
    _, u2, u3 = theta
    slope = -2.0 * (1.0 - x[:, 0])
    return np.column_stack([u3 * slope, u2 * slope])
