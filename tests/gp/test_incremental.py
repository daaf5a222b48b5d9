"""Posteriors of growing data."""

from __future__ import annotations

import copy
from typing import Any

import dill
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.gp import (
    BoxCoxTransform,
    GaussianProcessRegression,
    KernelProcess,
    Matern52,
    ScalarMean,
)
from synetune_lab.gp.incremental import IncrementalPosterior

RANDOM = np.random.RandomState(0)
X = RANDOM.random_sample((40, 3))
Y = np.exp(np.sin(4 * X[:, 0]) + X[:, 1])
NEW = RANDOM.random_sample((7, 3))


def make(boxcox: bool = False) -> IncrementalPosterior:
    transform = BoxCoxTransform() if boxcox else None
    process = KernelProcess(Matern52(3, ARD=True), ScalarMean())
    return IncrementalPosterior(GaussianProcessRegression(process, transform))


def theta_of(model: IncrementalPosterior, noise: float = 1e-3) -> Any:
    theta = model.regression.vector.initial
    theta[len(model.regression.process.parameters)] = noise
    return theta


def predicted(model: IncrementalPosterior, theta: Any, size: int) -> Any:
    prediction = model.posterior(theta, X[:size], Y[:size]).predict(NEW)
    return np.hstack([prediction.mean, prediction.std])


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=8).map(sorted)


@pytest.mark.parametrize("boxcox", [False, True])
@given(sizes=SIZES, noise=st.sampled_from([1e-9, 1e-3, 1.0]))
@settings(max_examples=15, deadline=None)
def test_extended_is_as_good_as_fresh(boxcox: bool, sizes: list[int], noise: float) -> None:
    model = make(boxcox)
    theta = theta_of(model, noise)
    for size in sizes:
        fresh = model.regression.posterior(theta, X[:size], Y[:size]).predict(NEW)
        expected = np.hstack([fresh.mean, fresh.std])
        np.testing.assert_allclose(predicted(model, theta, size), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("copied", [lambda m: dill.loads(dill.dumps(m)), copy.deepcopy])
@given(sizes=SIZES, when=st.integers(0, 7))
@settings(max_examples=15, deadline=None)
def test_copied_in_the_middle_it_gives_the_very_same_numbers(
    copied: Any, sizes: list[int], when: int
) -> None:
    model, uninterrupted = make(), make()
    theta = theta_of(model)
    for step, size in enumerate(sizes):
        if step == when:
            model = copied(model)
        np.testing.assert_array_equal(
            predicted(model, theta, size), predicted(uninterrupted, theta, size)
        )


def test_a_copy_does_not_carry_the_factor() -> None:
    model = make()
    before = len(dill.dumps(model))
    predicted(model, theta_of(model), 40)
    assert len(dill.dumps(model)) < before + 1000


def test_other_parameters_begin_anew() -> None:
    model = make()
    theta = theta_of(model)
    predicted(model, theta, 10)
    changed = theta.copy()
    changed[0] = 3.0
    expected = predicted(make(), changed, 20)
    np.testing.assert_array_equal(predicted(model, changed, 20), expected)


def test_data_that_changed_before_the_end_begin_anew() -> None:
    model = make()
    theta = theta_of(model)
    predicted(model, theta, 20)
    others = X[::-1].copy()
    prediction = model.posterior(theta, others, Y).predict(NEW).mean
    expected = model.regression.posterior(theta, others, Y).predict(NEW).mean
    np.testing.assert_array_equal(prediction, expected)


def test_fewer_data_begin_anew_and_other_targets_do_not_matter() -> None:
    model = make()
    theta = theta_of(model)
    predicted(model, theta, 20)
    np.testing.assert_array_equal(predicted(model, theta, 10), predicted(make(), theta, 10))
    moved = model.posterior(theta, X[:10], Y[:10] + 1.0).predict(NEW).mean
    expected = model.regression.posterior(theta, X[:10], Y[:10] + 1.0).predict(NEW).mean
    np.testing.assert_allclose(moved, expected)


def test_an_earlier_posterior_stays_as_it_was() -> None:
    model = make()
    theta = theta_of(model)
    early = model.posterior(theta, X[:10], Y[:10])
    before = early.predict(NEW).mean
    model.posterior(theta, X, Y)
    np.testing.assert_array_equal(early.predict(NEW).mean, before)
