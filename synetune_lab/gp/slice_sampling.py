"""Slice sampling along random directions: samples of a density known up to a factor."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError, SynetuneLabError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    LogDensity = Callable[[FloatArray], float]

__all__ = ["SliceSamplingError", "slice_sample"]

_MAX_STEPS_OUT = 200
_MAX_SHRINKAGES = 200


class SliceSamplingError(SynetuneLabError, RuntimeError):
    """The sampler can't leave a point: its density is zero, not finite, or not reproducible."""


def slice_sample(
    log_density: LogDensity,
    initial: FloatArray,
    num_samples: int = 300,
    num_burn_in: int = 250,
    thinning: int = 5,
    scale: float = 1.0,
    *,
    random_state: np.random.RandomState,
) -> FloatArray:
    """Samples of a density by slice sampling with stepping out and shrinkage.

    Each step draws a direction uniformly and moves along it. Neal: Slice sampling, Annals of
    Statistics 31 (2003), figures 3 and 5; for the parameters of Gaussian processes Murray, Adams:
    Slice sampling covariance hyperparameters of latent Gaussian models,
    https://arxiv.org/abs/1006.0868.

    Args:
        log_density: Logarithm of the density up to a constant. -inf and NaN are density zero, which
            is how a support that is bounded is told.
        initial: Where to begin, shape (p,).
        num_samples: Number of steps, with those of the burn-in.
        num_burn_in: Number of first steps to drop.
        thinning: Of the other steps, each `thinning`-th is kept.
        scale: Width of the first bracket around a point, and of each step out of it.
        random_state: Source of all randomness.

    Returns:
        The k = (num_samples - num_burn_in) // thinning points that are kept, shape (k, p).

    Raises:
        SchedulerError: If nothing would be kept, or `scale` is not positive.
        SliceSamplingError: If the density at the first point is zero or not finite, or a bracket
            shrinks to nothing without meeting the slice.
    """
    if num_burn_in < 0 or thinning < 1 or num_samples - num_burn_in < thinning:
        raise SchedulerError(
            f"num_samples={num_samples} must be at least num_burn_in={num_burn_in} (0 or more) "
            f"plus thinning={thinning} (1 or more)"
        )
    if not (math.isfinite(scale) and scale > 0):
        raise SchedulerError(f"scale={scale!r} must be a number above 0")
    point = np.array(initial, dtype=np.float64)
    level = _value(log_density, point)
    if not math.isfinite(level):
        raise SliceSamplingError(
            f"the logarithm of the density at the first point {point} is {level}; begin at a point "
            "where it is finite"
        )
    kept = []
    for step in range(1, num_samples + 1):
        point, level = _step(log_density, point, level, scale, random_state)
        if step > num_burn_in and (step - num_burn_in) % thinning == 0:
            kept.append(point)
    return np.array(kept)


def _value(log_density: LogDensity, point: FloatArray) -> float:
    value = float(log_density(point))
    return -math.inf if math.isnan(value) else value


def _step(
    log_density: LogDensity,
    point: FloatArray,
    level: float,
    scale: float,
    random_state: np.random.RandomState,
) -> tuple[FloatArray, float]:
    """The next point of the chain, and the logarithm of its density."""
    direction = random_state.standard_normal(len(point))
    direction /= np.linalg.norm(direction)
    pivot = level - random_state.standard_exponential()
    lower, upper = _step_out(log_density, point, direction, pivot, scale, random_state)
    for _ in range(_MAX_SHRINKAGES):
        distance = random_state.uniform(lower, upper)
        proposal = point + distance * direction
        proposed = _value(log_density, proposal)
        if proposed >= pivot:
            return proposal, proposed
        if distance < 0:
            lower = distance
        else:
            upper = distance
    raise SliceSamplingError(
        f"no point of the slice was met around {point} in {_MAX_SHRINKAGES} draws: does the "
        "density give the same value for the same point each time?"
    )


def _step_out(
    log_density: LogDensity,
    point: FloatArray,
    direction: FloatArray,
    pivot: float,
    scale: float,
    random_state: np.random.RandomState,
) -> tuple[float, float]:
    """A bracket, placed at random around the point, whose ends are outside of the slice.

    The number of steps is limited, and the limit split at random between the two sides, which
    leaves the chain reversible (Neal 2003, figure 3).
    """
    lower = -scale * random_state.uniform()
    upper = lower + scale
    steps_down = int(random_state.randint(_MAX_STEPS_OUT))
    steps_up = _MAX_STEPS_OUT - 1 - steps_down
    while steps_down > 0 and _value(log_density, point + lower * direction) > pivot:
        lower -= scale
        steps_down -= 1
    while steps_up > 0 and _value(log_density, point + upper * direction) > pivot:
        upper += scale
        steps_up -= 1
    return lower, upper
