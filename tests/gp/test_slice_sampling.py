from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.errors import SchedulerError, SynetuneLabError
from synetune_lab.gp.slice_sampling import SliceSamplingError, slice_sample


def standard_normal(x):
    return -0.5 * float(x @ x)


def test_defaults_keep_ten_samples():
    samples = slice_sample(standard_normal, np.zeros(3), random_state=np.random.RandomState(0))
    assert samples.shape == (10, 3)


@given(
    burn_in=st.integers(0, 20),
    further=st.integers(1, 20),
    thinning=st.integers(1, 5),
)
@settings(max_examples=20, deadline=None)
def test_number_of_samples_that_are_kept(burn_in, further, thinning):
    arguments = (np.zeros(2), burn_in + further, burn_in, thinning)
    generator = np.random.RandomState(0)
    if further < thinning:
        with pytest.raises(SchedulerError, match="num_samples"):
            slice_sample(standard_normal, *arguments, random_state=generator)
        return
    samples = slice_sample(standard_normal, *arguments, random_state=generator)
    assert samples.shape == (further // thinning, 2)


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
def test_moments_of_a_correlated_normal(scale):
    mean = np.array([1.0, -2.0])
    covariance = np.array([[1.0, 0.6], [0.6, 0.8]])
    precision = np.linalg.inv(covariance)
    samples = slice_sample(
        lambda x: -0.5 * float((x - mean) @ precision @ (x - mean)),
        mean,
        num_samples=12_000,
        num_burn_in=100,
        thinning=4,
        scale=scale,
        random_state=np.random.RandomState(1),
    )
    # Five standard errors of some 1000 independent samples.
    assert samples.mean(axis=0) == pytest.approx(mean, abs=5 / np.sqrt(1000))
    assert np.cov(samples.T) == pytest.approx(covariance, abs=5 * np.sqrt(2 / 1000))


def test_bounded_support_is_covered_evenly():
    def log_density(x):
        return 0.0 if ((x >= 0) & (x <= 1)).all() else -np.inf

    samples = slice_sample(
        log_density, np.full(2, 0.9), 6000, 0, 2, random_state=np.random.RandomState(2)
    )
    assert samples.min() >= 0
    assert samples.max() <= 1
    for quantile in (0.1, 0.5, 0.9):
        assert np.quantile(samples, quantile, axis=0) == pytest.approx(quantile, abs=0.05)


def test_both_modes_are_met_where_the_bracket_spans_them():
    def log_density(x):
        return float(np.logaddexp(-0.5 * (x[0] - 3) ** 2, -0.5 * (x[0] + 3) ** 2))

    samples = slice_sample(
        log_density, np.array([3.0]), 4000, 0, 1, scale=8.0, random_state=np.random.RandomState(3)
    )
    assert np.mean(samples > 0) == pytest.approx(0.5, abs=0.1)


def test_nan_counts_as_density_zero():
    def log_density(x):
        return float("nan") if x[0] < 0 else -float(x[0])

    samples = slice_sample(
        log_density, np.ones(1), 4000, 100, 2, random_state=np.random.RandomState(4)
    )
    assert samples.min() >= 0
    assert samples.mean() == pytest.approx(1.0, abs=0.15)


def test_same_seed_same_samples():
    first, second = (
        slice_sample(standard_normal, np.zeros(2), random_state=np.random.RandomState(5))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_constant_density_without_bounds_ends():
    samples = slice_sample(
        lambda x: 0.0, np.zeros(1), 20, 0, 1, random_state=np.random.RandomState(6)
    )
    assert np.isfinite(samples).all()


def test_initial_point_is_left_as_it_is():
    initial = np.zeros(2)
    slice_sample(standard_normal, initial, random_state=np.random.RandomState(7))
    assert not initial.any()


@pytest.mark.parametrize("level", [-np.inf, np.nan, np.inf])
def test_first_point_without_density_is_refused(level):
    with pytest.raises(SliceSamplingError, match="first point"):
        slice_sample(lambda x: level, np.zeros(2), random_state=np.random.RandomState(0))


def test_density_that_changes_its_mind_is_refused():
    values = iter([0.0])
    with pytest.raises(SynetuneLabError, match="same value"):
        slice_sample(
            lambda x: next(values, -np.inf), np.zeros(1), random_state=np.random.RandomState(0)
        )


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_scale_must_be_positive(scale):
    with pytest.raises(SchedulerError, match="scale"):
        slice_sample(
            standard_normal, np.zeros(1), scale=scale, random_state=np.random.RandomState(0)
        )
