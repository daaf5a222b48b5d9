"""Entries of a rung: rank, cutoff, and who of those waiting may go on."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.optimizer.schedulers.rungs import Rung

VALUES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=1, max_size=40)


def filled(values: list[float], mode: str = "min", **kwargs: Any) -> Rung:
    rung = Rung(1, 1 / 3, mode)
    for trial_id, value in enumerate(values):
        rung.add(trial_id, value, **kwargs)
    return rung


@pytest.mark.parametrize("mode", ["min", "max"])
@given(values=VALUES)
def test_standing_tells_rank_size_and_cutoff(mode: str, values: list[float]) -> None:
    rung = filled(values[:-1], mode)
    standing = rung.add(99, values[-1])
    better = [v for v in values if (v < values[-1] if mode == "min" else v > values[-1])]
    assert standing.rank == len(better) + 1
    assert standing.size == len(values)
    assert standing == rung.standing(99)
    if len(values) == 1:
        assert standing.cutoff is None
    else:
        q = 1 / 3 if mode == "min" else 2 / 3
        assert standing.cutoff == pytest.approx(np.quantile(values, q), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("mode", ["min", "max"])
@given(values=VALUES)
def test_each_trial_is_promoted_at_most_once_and_only_among_the_best(
    mode: str, values: list[float]
) -> None:
    rung = filled(values, mode, waits=True)
    promoted = []
    while (standing := rung.promotable()) is not None:
        rung.release(standing.trial_id)
        promoted.append(standing.trial_id)
        # Among the best third, where (n - 1) / 3 of the others at most are better.
        assert standing.rank - 1 <= (len(values) - 1) / 3 + 1e-9
    assert len(promoted) == len(set(promoted))
    keys = [values[t] if mode == "min" else -values[t] for t in promoted]
    assert keys == sorted(keys)


def test_of_equal_values_the_first_to_come_goes_first() -> None:
    rung = Rung(1, 0.5, "min")
    for trial_id in (5, 2, 8):
        rung.add(trial_id, 1.0, waits=True)
    order = []
    while (standing := rung.promotable()) is not None:
        rung.release(standing.trial_id)
        order.append(standing.trial_id)
    assert order == [5, 2, 8]


def test_a_single_entry_is_never_promoted_but_passes() -> None:
    rung = filled([1.0], waits=True)
    assert rung.promotable() is None
    assert rung.passes(rung.standing(0))


def test_nan_is_worse_than_all_and_never_passes_nor_waits() -> None:
    rung = filled([math.nan], waits=True)
    assert not rung.passes(rung.standing(0))
    rung.add(1, math.inf, waits=True)
    rung.add(2, 1.0, waits=True)
    assert rung.standing(2).rank == 1
    assert not rung.passes(rung.standing(0))
    assert not rung.waits(0)
    assert [trial_id for trial_id, _, _ in rung.paused()] == [2, 1]


def test_a_trial_enters_once() -> None:
    rung = filled([1.0])
    with pytest.raises(ValueError, match="trial 0 is in the rung at 1 already"):
        rung.add(0, 2.0)
    assert len(rung) == 1


def test_a_removed_trial_leaves_rung_and_queue() -> None:
    rung = filled([3.0, 1.0, 2.0, math.nan], waits=True)
    rung.remove(1)
    rung.remove(3)
    rung.remove(77)
    assert 1 not in rung
    assert rung.sorted_entries() == [(2, 2.0), (0, 3.0)]
    best = rung.best_waiting()
    assert best is not None
    assert best.trial_id == 2


def test_a_released_trial_keeps_its_value() -> None:
    rung = filled([3.0, 1.0, 2.0], waits=True)
    rung.release(1)
    assert rung.sorted_entries() == [(1, 1.0), (2, 2.0), (0, 3.0)]
    # Position 0 is that of trial 1, which waits no more.
    assert rung.paused() == [(2, 1, 2.0), (0, 2, 3.0)]


@pytest.mark.parametrize("mode", ["min", "max"])
@given(values=VALUES, later=VALUES)
def test_a_pickled_rung_goes_on_alike(mode: str, values: list[float], later: list[float]) -> None:
    original = filled(values, mode, waits=True)
    first = original.promotable()
    if first is not None:
        original.release(first.trial_id)
    copy = pickle.loads(pickle.dumps(original))
    for trial_id, value in enumerate(later, start=1000):
        for rung in (original, copy):
            rung.add(trial_id, value, waits=True)
        assert copy.promotable() == original.promotable()
    assert copy.paused() == original.paused()
