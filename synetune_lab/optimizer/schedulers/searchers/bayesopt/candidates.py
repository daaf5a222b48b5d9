"""Where the search for the next configuration begins: candidates, and the best of them.

Candidates are encoded, and decodable: encoding what a row decodes to gives the row again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.encoded_space import EncodedSpace

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["choose_starts", "listed_candidates", "local_candidates", "random_candidates"]

# Steps from the best configurations have standard deviations between these powers of ten.
_SMALLEST_SCALE = -3.0
_LARGEST_SCALE = 0.0
# Starts differ by at least this much in some coordinate.
_RADIUS = 0.1


def random_candidates(
    space: EncodedSpace, num: int, random_state: np.random.RandomState
) -> FloatArray:
    """Draws from the prior, with replacement: shape (num, d)."""
    return space.draw(num, random_state)


def local_candidates(
    space: EncodedSpace, centres: FloatArray, num: int, random_state: np.random.RandomState
) -> FloatArray:
    """Configurations near given ones, at all scales.

    Each takes a normal step from a centre in some of its coordinates. The step's standard deviation
    is drawn evenly on a logarithmic scale, and the share of coordinates evenly. Unordered choices
    are now and then drawn anew.

    Args:
        space: The space.
        centres: Encoded configurations, as the best that were observed, shape (c, d).
        num: Number of candidates. None come if there are no centres.
        random_state: Source of the draws.

    Returns:
        Shape (num, d).
    """
    if not len(centres):
        return np.zeros((0, space.dimension))
    x = centres[np.arange(num) % len(centres)]
    scale = 10.0 ** random_state.uniform(_SMALLEST_SCALE, _LARGEST_SCALE, (num, 1))
    share = np.maximum(random_state.random_sample((num, 1)), 1.0 / max(space.dimension, 1))
    is_moved = random_state.random_sample(x.shape) < share
    x = x + scale * random_state.standard_normal(x.shape) * is_moved
    unordered = [levels for levels in space.levels if levels.boundaries is None]
    for levels in unordered:
        positions = levels.positions(centres)[np.arange(num) % len(centres)]
        drawn = random_state.randint(len(levels), size=num)
        is_drawn = random_state.random_sample(num) < 1.0 / (len(unordered) + 1.0)
        levels.put(x, np.where(is_drawn, drawn, positions))
    return space.round(x)


def listed_candidates(
    space: EncodedSpace,
    configurations: Sequence[Mapping[str, Any]],
    num: int,
    random_state: np.random.RandomState,
) -> tuple[list[Mapping[str, Any]], FloatArray]:
    """Candidates from a list of configurations, without replacement.

    Args:
        space: The space.
        configurations: The list; they have the fixed last attribute if there is one.
        num: Number of candidates; all if the list has no more.
        random_state: Source of the draws.

    Returns:
        The chosen ones, and their encodings, shape (at most num, d).
    """
    chosen = list(configurations)
    if len(chosen) > num:
        chosen = [chosen[i] for i in random_state.choice(len(chosen), num, replace=False)]
    return chosen, space.hp_ranges.to_ndarray_matrix(chosen)


def choose_starts(
    groups: Sequence[FloatArray],
    scores: Sequence[FloatArray],
    num: int,
    random_state: np.random.RandomState,
) -> FloatArray:
    """Candidates to begin local searches with: good ones that differ, and some at random.

    The good ones come in equal shares from all groups, so that neither those near the best
    configurations nor those far away crowd out the others. A fifth is drawn from the first group,
    whatever the scores.

    Args:
        groups: Groups of candidates, shapes (m_i, d).
        scores: Their scores, shapes (m_i,); smaller is better.
        num: Number of starts, at least 1.
        random_state: Source of the draws.

    Returns:
        Shape (at most num, d), at least one row if there is a candidate.
    """
    filled = [pair for pair in zip(groups, scores, strict=True) if len(pair[0])]
    num_random = num // 5
    shares = np.array_split(np.arange(num - num_random), max(len(filled), 1))
    starts = [
        group[_best_that_differ(group, score, len(share))]
        for (group, score), share in zip(filled, shares, strict=False)
    ]
    first = groups[0]
    if num_random and len(first):
        starts.append(first[random_state.randint(len(first), size=num_random)])
    return np.concatenate(starts)


def _best_that_differ(x: FloatArray, scores: FloatArray, num: int) -> list[int]:
    """Rows in order of their scores, each some way off from those before."""
    order = np.argsort(scores, kind="stable")
    chosen: list[int] = []
    while len(order) and len(chosen) < num:
        chosen.append(int(order[0]))
        far = np.max(np.abs(x[order] - x[order[0]]), axis=1) > _RADIUS
        order = order[far]
    return chosen
