"""Following an optimum that moves a little with each new observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    Criterion = Callable[[FloatArray], tuple[float, FloatArray]]

__all__ = ["FitMemory", "follow"]

_SUFFICIENT_DECREASE = 1e-4
_MAX_EVALUATIONS = 8
_LONGEST_STEP = 1.0
_CURVATURE = 1e-8


@dataclass
class FitMemory:
    """What the fits of one model leave for the next one.

    Attributes:
        inverse_hessian: Of the criterion by the encoded parameters, shape (p, p); None if unknown.
    """

    inverse_hessian: FloatArray | None = None

    def fits(self, num_parameters: int) -> bool:
        """Whether there is something for so many parameters."""
        known = self.inverse_hessian
        return known is not None and len(known) == num_parameters


def follow(
    criterion: Criterion,
    start: FloatArray,
    bounds: list[tuple[float, float]],
    memory: FitMemory,
    gradient_tolerance: float,
) -> None:
    """Minimise from a point near the optimum, with the curvature that earlier fits have found.

    A few steps of the projected BFGS method. What the last fit knew of the curvature makes the
    first step a Newton step, which is often all that is needed.

    Nocedal, Wright: Numerical Optimization, Springer 2006, chapters 6 and 16.

    Args:
        criterion: Value and gradient at encoded parameters; it keeps the best ones itself.
        start: Encoded parameters, shape (p,).
        bounds: Lower and upper bound of each.
        memory: Has an inverse Hessian, which is brought up to date.
        gradient_tolerance: Largest derivative at which the search ends.
    """
    assert memory.inverse_hessian is not None
    inverse = memory.inverse_hessian
    lower, upper = np.array(bounds).T
    x = np.clip(start, lower, upper)
    value, gradient = criterion(x)
    evaluations = 1
    while evaluations < _MAX_EVALUATIONS:
        free = ~(((x <= lower) & (gradient > 0)) | ((x >= upper) & (gradient < 0)))
        if not free.any() or np.abs(gradient[free]).max() <= gradient_tolerance:
            break
        direction = np.zeros(len(x))
        direction[free] = -inverse[np.ix_(free, free)] @ gradient[free]
        longest = np.abs(direction).max()
        if longest > _LONGEST_STEP:
            direction *= _LONGEST_STEP / longest
        size = 1.0
        while evaluations < _MAX_EVALUATIONS:
            moved = np.clip(x + size * direction, lower, upper)
            new_value, new_gradient = criterion(moved)
            evaluations += 1
            if new_value <= value + _SUFFICIENT_DECREASE * gradient @ (moved - x):
                break
            size *= 0.3
        step, change = moved - x, new_gradient - gradient
        inverse = _updated(inverse, step, change)
        if new_value >= value:
            break
        gain = value - new_value
        x, value, gradient = moved, new_value, new_gradient
        if gain < gradient_tolerance**2:
            break
    memory.inverse_hessian = inverse


def _updated(inverse: FloatArray, step: FloatArray, change: FloatArray) -> FloatArray:
    """The BFGS update, which keeps the matrix positive definite."""
    curvature = float(step @ change)
    if curvature <= _CURVATURE * float(np.linalg.norm(step) * np.linalg.norm(change)):
        return inverse
    spread = np.outer(step, inverse @ change) / curvature
    scale = (1.0 + float(change @ inverse @ change) / curvature) / curvature
    updated: FloatArray = inverse - spread - spread.T + scale * np.outer(step, step)
    return updated
