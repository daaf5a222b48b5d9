"""Minimises from many starts within a box at once, by a projected quasi-Newton method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    BoolArray = npt.NDArray[np.bool_]
    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]
    Objective = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

__all__ = ["minimise_in_box"]

_SUFFICIENT_DECREASE = 1e-4
_FIRST_STEP = 0.1
_LONGEST_STEP = 0.5
_SHORTEST_STEP = 1e-10
# A projected step has to keep this share of the descent.
_LEAST_SHARE = 0.1
_CURVATURE = 1e-10


def minimise_in_box(
    objective: Objective,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    max_evaluations: int = 30,
    tolerance: float = 1e-4,
) -> tuple[FloatArray, FloatArray]:
    """Local minima of a function near several starts, each search on its own.

    Every evaluation is of all starts in one call. A start whose step was good enough goes on to
    its next step, while others shorten theirs, so that none waits. Steps are of the projected
    quasi-Newton method with BFGS updates: coordinates that a bound holds are left out of the step,
    and the step is projected onto the box.

    Bertsekas 1982, Projected Newton Methods for Optimization Problems with Simple Constraints
    (https://doi.org/10.1137/0320018).

    Args:
        objective: From points, shape (s, d), to values, shape (s,), and gradients, shape (s, d).
        start: Starts within the box, shape (s, d).
        lower: Lower bounds, shape (d,) or (s, d). Coordinates whose bounds meet stay.
        upper: Upper bounds, shape (d,) or (s, d).
        max_evaluations: Number of calls of `objective`, at least 1.
        tolerance: A search ends when a step is expected to gain no more than this.

    Returns:
        The best point of each search, shape (s, d), and its value, shape (s,).
    """
    lower, upper = np.broadcast_to(lower, start.shape), np.broadcast_to(upper, start.shape)
    # Matrices are of these only: a choice of 1,000 values has 1,000 coordinates that stay.
    moved = np.flatnonzero((lower < upper).any(axis=0))

    def evaluate(x: FloatArray, index: IntArray) -> tuple[FloatArray, FloatArray]:
        points = start[index]
        points[:, moved] = x
        value, gradient = objective(points)
        return value, gradient[:, moved]

    index = np.arange(len(start))
    x, lower, upper = start[:, moved], lower[:, moved], upper[:, moved]
    value, gradient = evaluate(x, index)
    end, best_value = start.copy(), value.copy()
    if not len(moved):
        return end, best_value
    inverse = _identity(x)
    is_fresh = np.ones(len(x), dtype=bool)
    direction, slope = _direction(x, gradient, inverse, is_fresh, lower, upper)
    step = np.ones(len(x))
    for _ in range(max_evaluations - 1):
        going = (slope < -tolerance) & (step > _SHORTEST_STEP) & np.isfinite(value)
        if not going.all():
            index, x, value, gradient = index[going], x[going], value[going], gradient[going]
            inverse, is_fresh = inverse[going], is_fresh[going]
            direction, slope, step = direction[going], slope[going], step[going]
            lower, upper = lower[going], upper[going]
            if not len(index):
                break
        trial = np.clip(x + step[:, None] * direction, lower, upper)  # for round-off
        trial_value, trial_gradient = evaluate(trial, index)
        move = trial - x
        expected = np.einsum("ij,ij->i", gradient, move)
        gain = trial_value - value
        accepted = gain <= _SUFFICIENT_DECREASE * expected
        rows = np.flatnonzero(accepted)
        if len(rows):
            inverse[rows], is_fresh[rows] = _updated(
                inverse[rows], move[rows], trial_gradient[rows] - gradient[rows], is_fresh[rows]
            )
            x[rows], value[rows] = trial[rows], trial_value[rows]
            gradient[rows] = trial_gradient[rows]
            step[rows] = 1.0
            direction[rows], slope[rows] = _direction(
                x[rows], gradient[rows], inverse[rows], is_fresh[rows], lower[rows], upper[rows]
            )
            end[index[rows][:, None], moved], best_value[index[rows]] = x[rows], value[rows]
        if len(rows) < len(index):
            with np.errstate(all="ignore"):
                # Minimum of the parabola through what is known along the step.
                shorter = -0.5 * expected / (gain - expected)
            shorter = np.where(np.isfinite(shorter), np.clip(shorter, 0.1, 0.5), 0.1)
            step = np.where(accepted, step, step * shorter)
    return end, best_value


def _identity(x: FloatArray) -> FloatArray:
    return np.tile(np.eye(x.shape[1]), (len(x), 1, 1))


def _direction(
    x: FloatArray,
    gradient: FloatArray,
    inverse: FloatArray,
    is_fresh: BoolArray,
    lower: FloatArray,
    upper: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Quasi-Newton steps of the free coordinates that end in the box, and slopes along them.

    A step that leaves the box is projected onto it. Where that spoils its descent, it is cut off at
    the first bound instead. The slope is that of the whole step.
    """
    at_lower, at_upper = x <= lower, x >= upper
    is_held = (at_lower & (gradient > 0.0)) | (at_upper & (gradient < 0.0))
    free = np.where(is_held, 0.0, gradient)
    direction = -np.einsum("ijk,ik->ij", inverse, free)
    # The step may point out of the box even where the gradient does not.
    is_held |= (at_lower & (direction < 0.0)) | (at_upper & (direction > 0.0))
    direction[is_held] = 0.0
    size = np.max(np.abs(direction), axis=1)
    longest = np.where(is_fresh, _FIRST_STEP, _LONGEST_STEP)
    # A first step has no scale yet: gradients may be tiny or huge.
    size = np.where(size > 0.0, size, 1.0)
    factor = np.where(is_fresh, longest / size, np.minimum(longest / size, 1.0))
    direction *= factor[:, None]
    slope = np.einsum("ij,ij->i", gradient, direction)

    reached = np.clip(x + direction, lower, upper) - x
    is_spoilt = np.einsum("ij,ij->i", gradient, reached) > _LEAST_SHARE * slope
    if is_spoilt.any():
        rows = np.flatnonzero(is_spoilt)
        outer = np.where(direction[rows] > 0.0, upper[rows], lower[rows]) - x[rows]
        shares = np.ones_like(outer)
        np.divide(outer, direction[rows], out=shares, where=direction[rows] != 0.0)
        share = np.minimum(np.min(shares, axis=1), 1.0)
        reached[rows] = direction[rows] * share[:, None]
    return reached, slope


def _updated(
    inverse: FloatArray, move: FloatArray, change: FloatArray, is_fresh: BoolArray
) -> tuple[FloatArray, BoolArray]:
    """BFGS update of inverse Hessians; without positive curvature they stay as they are.

    Returns:
        The new ones, and which of them have not been updated ever.
    """
    # Of coordinates that did not move nothing was learnt.
    change = np.where(move == 0.0, 0.0, change)
    curvature = np.einsum("ij,ij->i", move, change)
    square = np.einsum("ij,ij->i", change, change)
    length = np.einsum("ij,ij->i", move, move)
    is_good = curvature > _CURVATURE * np.sqrt(square * length)
    curvature = np.where(is_good, curvature, 1.0)
    scale = np.where(is_good & is_fresh, curvature / np.where(square > 0.0, square, 1.0), 1.0)
    scaled = inverse * scale[:, None, None]
    projected = np.einsum("ijk,ik->ij", scaled, change)
    weight = (1.0 + np.einsum("ij,ij->i", change, projected) / curvature) / curvature
    cross = move[:, :, None] * (projected / curvature[:, None])[:, None, :]
    update = scaled + weight[:, None, None] * move[:, :, None] * move[:, None, :]
    update -= cross + np.swapaxes(cross, 1, 2)
    return np.where(is_good[:, None, None], update, inverse), is_fresh & ~is_good
