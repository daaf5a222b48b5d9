"""Fewer observations for a model whose cost grows with the third power of their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.optimizer.schedulers.searchers.bayesopt.data_cap import cap_single_fidelity

if TYPE_CHECKING:
    from synetune_lab.experiments.insight.observations import Observations

__all__ = ["capped"]

_TOP = 0.5


def capped(observations: Observations, most: int, mode: str, random_seed: int) -> Observations:
    """At most so many observations.

    The highest one of each trial comes first, then its next lower ones. If there are too many
    trials, half of those that stay are the best and the others random; trials that got to the
    level go before others.

    Args:
        observations: All of them.
        most: How many to keep.
        mode: `min` or `max`.
        random_seed: Of the random ones.
    """
    if len(observations) <= most:
        return observations
    random_state = np.random.RandomState(random_seed)
    signed = observations.values if mode == "min" else -observations.values
    signed = np.where(np.isfinite(signed), signed, np.inf)
    rank = _rank_within(observations)
    tier = np.where(observations.is_at_level, -1, rank)
    kept: list[int] = []
    for one in np.unique(tier):
        inside = np.flatnonzero(tier == one)
        room = most - len(kept)
        chosen = cap_single_fidelity(signed[inside], room, _TOP, random_state)
        kept.extend(inside[chosen].tolist())
        if len(kept) >= most:
            break
    return observations.take(np.sort(np.array(kept, dtype=np.intp)))


def _rank_within(observations: Observations) -> np.ndarray:
    """Rank of each observation among those of its trial: 0 for its highest level."""
    order = np.lexsort((-observations.levels, observations.rows))
    rows = observations.rows[order]
    begins = np.flatnonzero(np.append(True, rows[1:] != rows[:-1]))
    lengths = np.diff(np.append(begins, len(rows)))
    rank = np.empty(len(rows), dtype=np.intp)
    rank[order] = np.arange(len(rows)) - np.repeat(begins, lengths)
    return rank
