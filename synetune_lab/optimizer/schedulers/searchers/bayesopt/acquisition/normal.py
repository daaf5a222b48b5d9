"""Functions of the normal distribution that neither underflow nor cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "log_improvement",
    "log_mean_exp",
    "log_normal_cdf",
]

_HALF_LOG_2PI = 0.5 * np.log(2.0 * np.pi)
_ROOT_HALF = np.sqrt(0.5)
_ROOT_HALF_PI = np.sqrt(0.5 * np.pi)
_ROOT_2_OVER_PI = np.sqrt(2.0 / np.pi)

# From here on the direct formula, which subtracts nearly equal numbers, is replaced by a series.
_SERIES_FROM = 50.0


def log_improvement(u: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logarithm of phi(u) + u Phi(u), the expected improvement in units of the deviation.

    For u < 0 it is written with Mills' ratio R = Phi(u) / phi(u), which is a scaled complementary
    error function, as log phi(u) + log(1 + u R). Far out 1 + u R is taken from its asymptotic
    series. See Ament et al. 2023, Unexpected Improvements to Expected Improvement
    (https://arxiv.org/abs/2310.20708).

    Args:
        u: Any finite numbers.

    Returns:
        The logarithm h(u); its derivative h'(u) = Phi / (phi + u Phi); and 1 - u h'(u), which is
        phi / (phi + u Phi). Each has the shape of u.
    """
    far = np.abs(u)
    far = np.where(u < 0.0, far, 0.0)
    ratio = _ROOT_HALF_PI * erfcx(_ROOT_HALF * far)
    inverse_square = 1.0 / np.square(np.maximum(far, _SERIES_FROM))
    series = inverse_square * (
        1.0
        + inverse_square
        * (-3.0 + inverse_square * (15.0 + inverse_square * (-105.0 + inverse_square * 945.0)))
    )
    rest = np.where(far > _SERIES_FROM, series, 1.0 - far * ratio)
    log_density = -0.5 * u * u - _HALF_LOG_2PI
    below = log_density + np.log(rest)

    above_u = np.maximum(u, 0.0)
    density, mass = np.exp(np.maximum(log_density, -745.0)), ndtr(above_u)
    gain = density + above_u * mass
    is_below = u < 0.0
    value = np.where(is_below, below, np.log(np.where(is_below, 1.0, gain)))
    gain = np.where(is_below, 1.0, gain)
    slope = np.where(is_below, ratio / rest, mass / gain)
    return value, slope, np.where(is_below, 1.0 / rest, density / gain)


def log_normal_cdf(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logarithm of Phi(z) and its derivative, each of the shape of z."""
    # erfcx overflows to infinity for large z, where the derivative is zero.
    return log_ndtr(z), _ROOT_2_OVER_PI / erfcx(-_ROOT_HALF * z)


def log_mean_exp(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logarithm of the mean of exponentials over columns, and its derivatives.

    Args:
        values: Finite numbers, shape (m, k).

    Returns:
        Shapes (m,) and (m, k).
    """
    if values.shape[1] == 1:
        return values[:, 0], np.ones_like(values)
    top = np.max(values, axis=1, keepdims=True)
    weights = np.exp(values - top)
    total = np.sum(weights, axis=1, keepdims=True)
    return (top + np.log(total / values.shape[1]))[:, 0], weights / total
