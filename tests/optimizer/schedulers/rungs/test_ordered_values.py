"""Ordered values agree with sorting and with numpy.quantile, whatever comes and goes."""

from __future__ import annotations

import math
import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.optimizer.schedulers.rungs import ordered
from synetune_lab.optimizer.schedulers.rungs.ordered import OrderedValues

FRACTIONS = st.one_of(
    st.sampled_from([0.0, 1 / 3, 0.25, 27 / 56, 81 / 200, 0.5, 0.8, 1.0]), st.floats(0, 1)
)
FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    """Blocks of four, so that a few values split them."""
    usual = ordered._LONGEST_BLOCK
    ordered._LONGEST_BLOCK = 4
    yield
    ordered._LONGEST_BLOCK = usual


@given(fraction=FRACTIONS, values=st.lists(FINITE, min_size=2, max_size=60))
def test_quantile_is_numpys_after_each_addition(fraction: float, values: list[float]) -> None:
    ordered_values = OrderedValues(fraction)
    for count, value in enumerate(values, start=1):
        smaller = ordered_values.add(value)
        seen = values[:count]
        assert smaller == sum(other < value for other in seen)
        quantile = ordered_values.quantile()
        if count == 1:
            assert quantile is None
        else:
            assert quantile == pytest.approx(np.quantile(seen, fraction), rel=1e-9, abs=1e-3)
            assert _rank_of_position(seen, fraction, quantile)


def _rank_of_position(seen: list[float], fraction: float, quantile: float) -> bool:
    """Whether the quantile parts the values at the right place."""
    position = (len(seen) - 1) * fraction
    ascending = sorted(seen)
    low = ascending[max(math.floor(position - 1e-8), 0)]
    high = ascending[min(math.ceil(position + 1e-8), len(seen) - 1)]
    return low <= quantile <= high


@given(
    fraction=FRACTIONS,
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=120),
)
def test_additions_and_removals_leave_what_sorting_leaves(
    fraction: float, steps: list[tuple[bool, int]]
) -> None:
    ordered_values, kept = OrderedValues(fraction), []
    for adds, number in steps:
        value = float(number)
        if adds or value not in kept:
            ordered_values.add(value)
            kept.append(value)
        else:
            ordered_values.remove(value)
            kept.remove(value)
        assert list(ordered_values) == sorted(kept)
        assert len(ordered_values) == len(kept)
        assert ordered_values.count_smaller(20.0) == sum(other < 20 for other in kept)
        quantile = ordered_values.quantile()
        if len(kept) < 2:
            assert quantile is None
        else:
            assert quantile == pytest.approx(np.quantile(kept, fraction), rel=1e-9, abs=1e-7)


def test_removing_what_is_not_there_is_an_error() -> None:
    ordered_values = OrderedValues(0.5)
    with pytest.raises(KeyError):
        ordered_values.remove(1.0)
    for value in (1.0, 3.0):
        ordered_values.add(value)
    for missing in (0.0, 2.0, 4.0):
        with pytest.raises(KeyError):
            ordered_values.remove(missing)
    assert list(ordered_values) == [1.0, 3.0]


def test_the_quantile_at_a_whole_position_is_the_value_itself() -> None:
    # With q = 1/3 and 3k + 1 values, (n - 1) q is k, and no rounding may mix in a neighbour.
    ordered_values = OrderedValues(1 / 3)
    draws = random.Random(3)
    values = [draws.random() for _ in range(3001)]
    for count, value in enumerate(values, start=1):
        ordered_values.add(value)
        if count > 1 and count % 3 == 1:
            assert ordered_values.quantile() == sorted(values[:count])[(count - 1) // 3]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, math.inf], 1.0),
        ([-math.inf, 1.0], -math.inf),
        ([math.inf, math.inf], math.inf),
        ([-math.inf, math.inf], -math.inf),
        ([-1e308, 1e308], -1e308),
    ],
)
def test_infinite_neighbours_give_the_smaller_one(values: list[float], expected: float) -> None:
    ordered_values = OrderedValues(1 / 3)
    for value in values:
        ordered_values.add(value)
    assert ordered_values.quantile() == expected


@given(fraction=FRACTIONS, values=st.lists(FINITE, max_size=40), later=st.lists(FINITE, max_size=9))
def test_a_pickled_copy_goes_on_alike(
    fraction: float, values: list[float], later: list[float]
) -> None:
    original = OrderedValues(fraction)
    for value in values:
        original.add(value)
    copy = pickle.loads(pickle.dumps(original))
    for value in later:
        assert copy.add(value) == original.add(value)
        assert copy.quantile() == original.quantile()
    assert list(copy) == list(original)
