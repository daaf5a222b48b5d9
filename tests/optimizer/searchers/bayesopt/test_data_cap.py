"""Which observations a model gets when there are too many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.optimizer.schedulers.searchers.bayesopt.data_cap import (
    cap_dense,
    cap_multi_fidelity,
    cap_single_fidelity,
)

SEEDS = st.integers(0, 1000)


def random_data(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and levels of observations, each pair once."""
    random = np.random.RandomState(seed)
    pairs = [(row, level) for row in range(12) for level in range(1, random.randint(2, 28))]
    chosen = random.permutation(len(pairs))[:n]
    rows, levels = np.array([pairs[i] for i in sorted(chosen)], dtype=np.intp).T
    return rows, levels


@given(seed=SEEDS, most=st.integers(1, 40), top=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
@settings(max_examples=40, deadline=None)
def test_single_fidelity_keeps_the_best_and_some_others(seed: int, most: int, top: float) -> None:
    values = np.random.RandomState(seed).standard_normal(30)
    kept = cap_single_fidelity(values, most, top, np.random.RandomState(seed))
    assert len(kept) == min(most, 30)
    assert (np.diff(kept) > 0).all()
    best = np.argsort(values)[: int(top * most)]
    assert set(best.tolist()) <= set(kept.tolist())


def test_single_fidelity_draws_the_others_anew() -> None:
    values, random = np.arange(30.0), np.random.RandomState(0)
    draws = {tuple(cap_single_fidelity(values, 10, 0.2, random).tolist()) for _ in range(5)}
    assert len(draws) == 5
    assert all(draw[:2] == (0, 1) for draw in draws)


@given(seed=SEEDS, most=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_multi_fidelity_keeps_trials_that_got_far(seed: int, most: int) -> None:
    rows, levels = random_data(seed, 50)
    kept = cap_multi_fidelity(rows, levels, most, np.random.RandomState(seed))
    assert len(kept) == min(most, len(rows))
    assert (np.diff(kept) > 0).all()
    highest = {row: levels[rows == row].max() for row in set(rows.tolist())}
    taken = set(rows[kept].tolist())
    left = [highest[row] for row in highest if row not in taken]
    if left:
        assert min(highest[row] for row in taken) >= max(left)
    # All but one trial are whole, and that one keeps its highest levels.
    cut = [row for row in taken if (rows[kept] == row).sum() < (rows == row).sum()]
    assert len(cut) <= 1
    for row in cut:
        own = np.sort(levels[rows == row])[::-1]
        np.testing.assert_array_equal(
            np.sort(levels[kept][rows[kept] == row])[::-1], own[: (rows[kept] == row).sum()]
        )


@given(seed=SEEDS, most=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_dense_data_are_thinned_before_trials_are_left_out(seed: int, most: int) -> None:
    rows, levels = random_data(seed, 50)
    kept = cap_dense(rows, levels, most, [1, 3, 9, 27], np.random.RandomState(seed))
    assert len(kept) == len(set(kept.tolist())) <= min(most, len(rows))
    bucket = np.searchsorted([1, 3, 9, 27], levels)
    in_each = len(set(zip(rows.tolist(), bucket.tolist(), strict=True)))
    if in_each <= most:
        # Every trial is there, with its highest observation of each bucket.
        for row, which in set(zip(rows.tolist(), bucket.tolist(), strict=True)):
            inside = (rows == row) & (bucket == which)
            assert levels[inside].max() in levels[kept][rows[kept] == row]


def test_dense_data_are_thinned_from_the_top() -> None:
    rows, levels = np.zeros(27, dtype=np.intp), np.arange(1, 28)
    kept = cap_dense(rows, levels, 12, [1, 3, 9, 27], np.random.RandomState(0))
    assert levels[kept].tolist() == [*range(1, 10), 27]


def test_levels_in_few_buckets_are_thinned_as_well() -> None:
    rows, levels = np.repeat([0, 1], 9), np.tile(np.arange(1, 10), 2)
    kept = cap_dense(rows, levels, 4, [1, 3, 9, 27, 81], np.random.RandomState(0))
    assert len(kept) == 4
    assert 9 in levels[kept]


@pytest.mark.parametrize("most", [3, 10])
def test_few_data_are_all_kept_without_a_draw(most: int) -> None:
    random = np.random.RandomState(0)
    rows, levels = np.arange(3), np.ones(3, dtype=np.intp)
    for kept in (
        cap_single_fidelity(np.zeros(3), most, 0.5, random),
        cap_multi_fidelity(rows, levels, most, random),
        cap_dense(rows, levels, most, [1, 3], random),
    ):
        np.testing.assert_array_equal(kept, [0, 1, 2])
    assert random.random_sample() == np.random.RandomState(0).random_sample()
