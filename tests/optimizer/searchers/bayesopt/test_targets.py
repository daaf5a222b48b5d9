"""From reported values to the targets of a model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.optimizer.schedulers.searchers.bayesopt.targets import scaled_targets, tamed

ANY = st.one_of(st.floats(), st.floats(-10, 10), st.sampled_from([0.0, 1e-12, 1e12, -1e300, 1e300]))
VALUES = st.lists(ANY, min_size=1, max_size=20).map(np.array)


@given(values=VALUES)
@settings(max_examples=150, deadline=None)
@pytest.mark.filterwarnings("error")
def test_any_values_become_finite_targets_of_a_common_size(values: np.ndarray) -> None:
    scaled = scaled_targets(values)
    assert np.isfinite(scaled.values).all()
    assert scaled.std > 0
    assert abs(scaled.values.mean()) < 1e-6
    deviation = scaled.values.std()
    assert deviation == pytest.approx(1.0, abs=1e-6) or not scaled.values.any()


@given(values=VALUES)
@settings(max_examples=100, deadline=None)
def test_taming_keeps_the_order(values: np.ndarray) -> None:
    plain = tamed(values)
    finite = np.isfinite(values)
    order = np.argsort(values[finite], kind="stable")
    assert (np.diff(plain[finite][order]) >= 0).all()
    if finite.any():
        assert plain[finite].min() == values[finite].min()
        assert (plain[~finite] == plain.max()).all()


def test_usual_values_are_only_scaled() -> None:
    values = np.random.RandomState(0).standard_normal(30)
    scaled = scaled_targets(values)
    np.testing.assert_array_equal(tamed(values), values)
    np.testing.assert_allclose(scaled.values * scaled.std + scaled.mean, values)


@pytest.mark.parametrize("outlier", [1e3, 1e12, 1e300, np.inf, np.nan, -np.inf])
def test_an_outlier_leaves_the_others_apart(outlier: float) -> None:
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, outlier])
    targets = scaled_targets(values).values
    assert np.ptp(targets[:-1]) > 0.25
    assert targets[-1] == targets.max()


@pytest.mark.parametrize("exploded", [1e9, 1e30, 1e300])
def test_half_of_the_values_may_have_exploded(exploded: float) -> None:
    values = np.array([0.1, 0.2, 0.3, 0.4, exploded, 2 * exploded, 7 * exploded, exploded])
    np.testing.assert_array_equal(tamed(values), [0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4])


def test_values_close_to_the_best_one_do_not_hide_the_others() -> None:
    values = np.array([1.0, 1.0 + 1e-9, 1.0 + 2e-9, 3.0, 5.0, 7.0, 8.0])
    np.testing.assert_array_equal(tamed(values), values)


def test_a_very_good_value_is_left_alone() -> None:
    values = np.array([0.1, 0.2, 0.3, 0.4, -1e6])
    assert tamed(values).min() == -1e6


def test_most_values_being_the_same_does_not_hide_the_others() -> None:
    values = np.array([1.0] * 9 + [5.0])
    np.testing.assert_array_equal(tamed(values), values)


@pytest.mark.parametrize("value", [0.0, 7.0, -1e300, 5e-324])
def test_constant_values_become_zeros(value: float) -> None:
    scaled = scaled_targets(np.full(5, value))
    np.testing.assert_array_equal(scaled.values, np.zeros(5))
    assert (scaled.mean, scaled.std) == (value, 1.0)


@pytest.mark.parametrize("unit", [1.0, 1e20, 1e-300])
def test_values_that_differ_by_rounding_only_are_constant(unit: float) -> None:
    assert not scaled_targets(unit * np.array([0.3, 0.1 + 0.2])).values.any()


def test_nothing_finite_and_nothing_at_all() -> None:
    assert not scaled_targets(np.array([np.nan, np.inf])).values.any()
    assert len(scaled_targets(np.zeros(0)).values) == 0


@given(
    values=st.lists(st.floats(-100, 100), min_size=2, max_size=10).map(np.array),
    power=st.integers(-30, 30),
)
@settings(max_examples=50, deadline=None)
def test_the_unit_of_values_does_not_matter(values: np.ndarray, power: int) -> None:
    unit = 2.0**power
    np.testing.assert_array_equal(
        scaled_targets(unit * values).values, scaled_targets(values).values
    )


def test_bad_values_keep_their_order_when_most_are_near_the_best() -> None:
    calm = tamed(np.array([0.10, 0.101, 0.102, 0.103, 0.104, 0.105, 0.106, 0.12, 0.18, 0.9]))
    assert (np.diff(calm) > 0).all()
    assert calm[-1] < 0.3
