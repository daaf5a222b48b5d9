"""Which observations a model gets when there are more than it can take.

Scheduling decisions use all data; only the model, whose cost grows with the third power of their
number, gets a part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["cap_dense", "cap_multi_fidelity", "cap_single_fidelity"]


def cap_single_fidelity(
    values: FloatArray, max_size: int, top_fraction: float, random_state: np.random.RandomState
) -> IntArray:
    """The best observations, and a random part of the others.

    Args:
        values: Observed values, smaller is better, shape (n,).
        max_size: How many to keep.
        top_fraction: Share of them that are the best ones.
        random_state: Source of the random part.

    Returns:
        Positions to keep, in ascending order.
    """
    n = len(values)
    if n <= max_size:
        return np.arange(n)
    num_top = int(max_size * top_fraction)
    order = np.argsort(values, kind="stable")
    rest = random_state.permutation(order[num_top:])[: max_size - num_top]
    return np.sort(np.concatenate([order[:num_top], rest]))


def cap_multi_fidelity(
    rows: IntArray, levels: IntArray, max_size: int, random_state: np.random.RandomState
) -> IntArray:
    """All data of trials that got far; of the others, as many as there is room for.

    Trials are taken in the descending order of the highest level that they reached, in a random
    order among equals. The one at the edge keeps its highest levels.

    Args:
        rows: Trial of each observation, shape (n,).
        levels: Level of each observation, shape (n,).
        max_size: How many to keep.
        random_state: Source of the order among equals.

    Returns:
        Positions to keep, in ascending order.
    """
    n = len(rows)
    if n <= max_size:
        return np.arange(n)
    trials, of_trial = np.unique(rows, return_inverse=True)
    highest = np.zeros(len(trials), dtype=np.intp)
    np.maximum.at(highest, of_trial, levels)
    lot = random_state.permutation(len(trials))
    # Last key first: highest level of the trial, its lot, then its own levels from the top.
    order = np.lexsort((-levels, lot[of_trial], -highest[of_trial]))
    return np.sort(order[:max_size])


def cap_dense(
    rows: IntArray,
    levels: IntArray,
    max_size: int,
    bucket_levels: list[int],
    random_state: np.random.RandomState,
) -> IntArray:
    """For trials that report at every level: first thinned to one observation a bucket.

    Buckets are the intervals between geometric levels; of a trial's observations in one, the
    highest stays. They are thinned from the top down, until the rest fits.

    Args:
        rows: Trial of each observation, shape (n,).
        levels: Level of each observation, shape (n,).
        max_size: How many to keep.
        bucket_levels: Upper ends of the buckets, ascending.
        random_state: See `cap_multi_fidelity`.

    Returns:
        Positions to keep, in ascending order.
    """
    kept = np.ones(len(rows), dtype=bool)
    buckets = np.searchsorted(np.asarray(bucket_levels), levels, side="left")
    for bucket in range(len(bucket_levels), -1, -1):
        if kept.sum() <= max_size:
            break
        inside = np.flatnonzero(buckets == bucket)
        if len(inside) == 0:
            continue
        # The last of each trial in ascending order of levels is its highest.
        ordered = inside[np.lexsort((levels[inside], rows[inside]))]
        is_last = np.append(rows[ordered][1:] != rows[ordered][:-1], True)
        kept[ordered[~is_last]] = False
    places = np.flatnonzero(kept)
    part = cap_multi_fidelity(rows[places], levels[places], max_size, random_state)
    return places[part]
