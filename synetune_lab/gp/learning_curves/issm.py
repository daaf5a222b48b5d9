"""Learning curves that decay by a power law, as a state-space model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.learning_curves.residual import Residual
from synetune_lab.gp.parameters import Parameter
from synetune_lab.gp.priors import LogNormal

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.learning_curves.residual import ResidualPullback

    FloatArray = npt.NDArray[np.float64]

__all__ = ["StateSpaceResidual"]


class StateSpaceResidual(Residual):
    """A state-space model that runs from r_max down, where it begins at f = h, so g(r_max) = 0.

    The state is the level f_r of the curve and the amplitude b_r of its decay. With the steps of a
    power law a_r = ((r - 1) / r_min)^-γ - (r / r_min)^-γ > 0 and independent standard normal ξ_r::

        f_(r-1) = f_r + a_r b_r,                            f_(r_max) = h
        b_(r-1) = b_r + β √(log(r / (r - 1))) ξ_(r-1),      b_(r_max) = -α + β ξ_(r_max)

    Its mean is E[g(r)] = -α ((r / r_min)^-γ - (r_max / r_min)^-γ): for α < 0 the curve comes down
    to h as r^-γ does. Each configuration has an amplitude of its own, of standard deviation β,
    which drifts by β for a factor e in r: curves need not be power laws exactly, and what their
    last values say of h counts for more than what the first ones say. Running down from r_max keeps
    h the value there, and independent of g.

    Values are y_r = f_r + noise. In the innovations form of such a model (Hyndman, Koehler, Ord,
    Snyder: Forecasting with Exponential Smoothing, Springer 2008) a filter works upwards through
    the innovations y_r - E[y_r | y_s, s < r]; divided by their standard deviations, these are the
    entries of L⁻¹ (y - h - E[g]) with L the Cholesky factor of the covariance, which is closed::

        Cov(g_r, g_s) = β² (q_s + (A_r - A_s) e_s) for r <= s,    A_r = Σ_(t > r) a_t,
        e_s = Σ_(t > s) a_t (1 + log(r_max / t)),
        q_s = Σ_(t > s) a_t² (1 + log(r_max / t)) + 2 a_t e_t

    Args:
        r_min: Smallest level.
        r_max: Largest level.
        gamma_is_one: Whether γ is fixed at 1; it is learnt if not.
    """

    def __init__(self, r_min: int, r_max: int, gamma_is_one: bool = False) -> None:
        super().__init__(r_min, r_max)
        self.gamma_is_one = gamma_is_one
        parameters = [
            _parameter("minus_alpha", 0.5, 1e-3, 1e3, 1.5),
            _parameter("beta", 0.5, 1e-3, 1e3, 1.5),
        ]
        if not gamma_is_one:
            parameters.append(_parameter("gamma", 1.0, 0.05, 10.0, 1.0))
        self.parameters = tuple(parameters)
        levels = np.arange(r_min, r_max + 1)
        self._logs = np.log(levels / r_min)
        self._spread = 1.0 + np.log(r_max / levels)

    def moments(
        self, theta: FloatArray, depth: int
    ) -> tuple[FloatArray, FloatArray, ResidualPullback]:
        """See `Residual.moments`."""
        amplitude, beta = float(theta[0]), float(theta[1])
        gamma = 1.0 if self.gamma_is_one else float(theta[2])
        spread = self._spread
        power = np.exp(-gamma * self._logs)
        a, drops = _falls(power), power - power[-1]
        e = _sums_above(a * spread)
        q = _sums_above(a * (a * spread + 2.0 * e))
        order = np.arange(depth)
        higher, lower = np.maximum.outer(order, order), np.minimum.outer(order, order)
        between = drops[lower] - drops[higher]
        shape = q[higher] + between * e[higher]

        def pullback(by_mean: FloatArray, by_covariance: FloatArray) -> FloatArray:
            gradient = [
                float(by_mean @ drops[:depth]),
                2.0 * beta * float(np.vdot(by_covariance, shape)),
            ]
            if not self.gamma_is_one:
                # The same quantities differentiated by γ.
                power_1 = -self._logs * power
                a_1, drops_1 = _falls(power_1), power_1 - power_1[-1]
                e_1 = _sums_above(a_1 * spread)
                q_1 = _sums_above(2.0 * (a_1 * (a * spread + e) + a * e_1))
                shape_1 = (
                    q_1[higher]
                    + (drops_1[lower] - drops_1[higher]) * e[higher]
                    + between * e_1[higher]
                )
                gradient.append(
                    amplitude * float(by_mean @ drops_1[:depth])
                    + beta**2 * float(np.vdot(by_covariance, shape_1))
                )
            return np.array(gradient)

        return amplitude * drops[:depth], beta**2 * shape, pullback


def _parameter(name: str, initial: float, lower: float, upper: float, width: float) -> Parameter:
    """A positive parameter with a wide prior whose mode is the initial value."""
    prior = LogNormal(math.log(initial) + width**2, width)
    return Parameter(name, initial, lower, upper, prior)


def _falls(values: FloatArray) -> FloatArray:
    """By how much values fall from the level below, for each level; 0 for the smallest."""
    return np.concatenate([[0.0], values[:-1] - values[1:]])


def _sums_above(values: FloatArray) -> FloatArray:
    """Of each level, the sum over those above it."""
    from_here_on = np.cumsum(values[::-1])[::-1]
    return np.concatenate([from_here_on[1:], [0.0]])
