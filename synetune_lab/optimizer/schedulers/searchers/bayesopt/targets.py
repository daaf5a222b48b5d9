"""From reported values to the targets of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Targets", "scaled_targets", "tamed"]

_FENCE = 5.0
_MOST_BEYOND = 1.0
_EXPLODED = 1e6


@dataclass(frozen=True)
class Targets:
    """Targets with mean 0 and variance 1, smaller is better.

    Attributes:
        values: Shape (n,).
        mean: What was subtracted.
        std: What they were divided by.
    """

    values: FloatArray
    mean: float
    std: float


def tamed(values: FloatArray) -> FloatArray:
    """Values, smaller is better, without what would drown the rest.

    What is not finite counts as the worst finite value. Bad values beyond the upper quartile by
    more than five times its distance from the best value are drawn in, by a logarithm and at most
    as far again: a loss of 1e12 is bad, and how bad does not matter, while its
    square would be all that a model sees. When up to half of the values have exploded like that,
    they count as those that are not finite.
    """
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(len(values))
    finite &= values <= _largest_sane(values[finite])
    known = values[finite]
    best, quartile = float(known.min()), float(np.quantile(known, 0.75))
    reach = _FENCE * (quartile - best)
    if 0 < reach < np.inf:  # otherwise three quarters of them are the same
        beyond = np.maximum(known - (quartile + reach), 0.0)
        drawn_in = reach * np.minimum(np.log1p(beyond / reach), _MOST_BEYOND)
        known = np.minimum(known, quartile + reach) + drawn_in
    calm = np.full(len(values), float(known.max()))
    calm[finite] = known
    return calm


def scaled_targets(values: FloatArray) -> Targets:
    """Tamed values with mean 0 and variance 1; constant ones become zeros."""
    plain = tamed(values)
    if len(plain) == 0:
        return Targets(plain, 0.0, 1.0)
    # Divided first: squares of 1e200 are not numbers.
    unit = float(np.max(np.abs(plain))) or 1.0
    mean = float(np.mean(plain / unit)) * unit
    std = float(np.std(plain / unit)) * unit
    if not std > 1e-14 * abs(unit):
        return Targets(np.zeros(len(plain)), float(plain[0]), 1.0)
    return Targets((plain - mean) / std, mean, std)


def _largest_sane(values: FloatArray) -> float:
    """The largest value below a gap that is a million times as wide as all before it together.

    Only gaps in the upper half count: near the optimum a few values may differ by very little.
    """
    ordered = np.sort(values)
    with np.errstate(over="ignore"):
        distances = ordered - ordered[0]
        is_gap = (distances[1:] > _EXPLODED * distances[:-1]) & (distances[:-1] > 0)
    gaps = np.flatnonzero(is_gap)
    gaps = gaps[2 * (gaps + 1) >= len(values)]
    return float(ordered[gaps[0]] if len(gaps) else ordered[-1])
