"""How likely a paused trial is to be resumed in the time that is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["BetaBinomialEstimator", "compute_probabilities_of_getting_resumed"]

_MAX_ARRIVALS = 200
"""More arrivals than this are counted in bundles."""


class BetaBinomialEstimator:
    """Estimates the chance of a 1 from zeros and ones, with a Beta prior.

    Args:
        beta_mean: Mean of the prior, in (0, 1).
        beta_size: How many observations the prior is worth.
    """

    def __init__(self, beta_mean: float, beta_size: float) -> None:
        self._prior = (beta_mean, beta_size)
        self.num_one = 0
        self.num_total = 0

    def update(self, data: Sequence[int]) -> None:
        """Take observations in, each 0 or 1."""
        self.num_one += sum(data)
        self.num_total += len(data)

    def posterior_mean(self) -> float:
        """The estimate."""
        mean, size = self._prior
        return (mean * size + self.num_one) / (size + self.num_total)


def compute_probabilities_of_getting_resumed(
    ranks: Sequence[int],
    rung_lens: Sequence[int],
    prom_quants: Sequence[float],
    p_vals: Sequence[float],
    time_ratio: float,
    approx_steps: int = 25,
) -> np.ndarray:
    """Chance of each paused trial to be promoted before the run ends.

    A rung of n entries is expected to see n times `time_ratio` more; each of them beats the trial
    with probability p. The trial is promoted as soon as its rank is within the best share of all
    entries. The arrivals come in `approx_steps` steps, and it is looked at after each.

    Args:
        ranks: Ranks of the trials in their rungs, 1 for the best; shape (n,).
        rung_lens: Entries of their rungs.
        prom_quants: Share of entries that goes on from there.
        p_vals: Chance of a new entry to be better than the trial.
        time_ratio: Time left by time spent.
        approx_steps: See above.

    Returns:
        Shape (n,).
    """
    chances = np.zeros(len(ranks))
    groups: dict[tuple[int, float, float], list[int]] = {}
    for index, key in enumerate(zip(rung_lens, prom_quants, p_vals, strict=True)):
        groups.setdefault(key, []).append(index)
    for (size, quantile, p), members in groups.items():
        own = np.array([ranks[index] for index in members])
        chances[members] = _of_a_rung(own, size, quantile, p, time_ratio, approx_steps)
    return chances


def _of_a_rung(
    ranks: np.ndarray, size: int, quantile: float, p: float, time_ratio: float, steps: int
) -> np.ndarray:
    expected = size * time_ratio
    arrivals = int(np.ceil(min(expected, _MAX_ARRIVALS)))
    if arrivals == 0:
        return (ranks <= quantile * size).astype(np.float64)
    bundle = expected / arrivals  # how many real arrivals one counts for
    marks = np.unique(np.linspace(0, arrivals, min(steps, arrivals) + 1).astype(int))
    better = np.arange(arrivals + 1)
    # Row: trial, column: how many were better so far; the chance of that, not promoted yet.
    waiting = np.zeros((len(ranks), arrivals + 1))
    waiting[:, 0] = 1.0
    promoted = np.zeros(len(ranks))
    done = 0
    for mark in marks.tolist():
        if mark > done:
            waiting = _arrive(waiting, _binomial(mark - done, p))
            done = mark
        best = quantile * (size + bundle * done)
        goes_on = ranks[:, None] + bundle * better[None, :] <= best
        promoted += np.where(goes_on, waiting, 0.0).sum(axis=1)
        waiting[goes_on] = 0.0
    return np.clip(promoted, 0.0, 1.0)


def _binomial(count: int, p: float) -> Any:
    from scipy.stats import binom

    return binom.pmf(np.arange(count + 1), count, p)


def _arrive(waiting: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Add the arrivals of a step to each row."""
    after = np.zeros_like(waiting)
    columns = waiting.shape[1]
    for number, chance in enumerate(chances.tolist()):
        after[:, number:] += chance * waiting[:, : columns - number]
    return after
