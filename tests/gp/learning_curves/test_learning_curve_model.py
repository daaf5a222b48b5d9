from __future__ import annotations

import dill
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.errors import SchedulerError
from synetune_lab.gp import Matern52, OptimizationConfig
from synetune_lab.gp.learning_curves import CurveData, LearningCurveModel
from tests.gp.learning_curves.dense import (
    LEVELS,
    R_MAX,
    R_MIN,
    VARIANTS,
    Dense,
    make_data,
    make_model,
    make_theta,
    residual_moments,
)

variants = pytest.mark.parametrize("variant", VARIANTS)


@variants
def test_moments_of_a_curve_are_those_of_its_definition(variant):
    model = make_model(variant)
    theta = make_theta(model)
    cut = len(model.process.parameters)
    mean, covariance, _ = model.residual.moments(theta[cut:-1], len(LEVELS))
    wanted_mean, wanted_covariance = residual_moments(model, theta)
    np.testing.assert_allclose(mean, wanted_mean, atol=1e-12)
    np.testing.assert_allclose(covariance, wanted_covariance, atol=1e-12)


@variants
def test_moments_of_the_first_levels_are_a_part_of_all(variant):
    model = make_model(variant)
    theta = make_theta(model)[len(model.process.parameters) : -1]
    mean, covariance, _ = model.residual.moments(theta, len(LEVELS))
    for depth in (1, 3):
        first_mean, first_covariance, _ = model.residual.moments(theta, depth)
        np.testing.assert_allclose(first_mean, mean[:depth])
        np.testing.assert_allclose(first_covariance, covariance[:depth, :depth])


@pytest.mark.parametrize("gamma_is_one", [False, True])
def test_state_space_curves_end_at_zero_and_come_down_to_it(gamma_is_one):
    model = make_model("issm with gamma 1" if gamma_is_one else "issm")
    theta = model.vector.initial[len(model.process.parameters) : -1]
    mean, covariance, _ = model.residual.moments(theta, len(LEVELS))
    assert mean[-1] == 0
    assert not covariance[-1].any()
    assert (np.diff(mean) < 0).all()
    assert (np.diff(covariance.diagonal()) < 0).all()


@variants
@given(
    counts=st.lists(st.integers(1, len(LEVELS)), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
)
@settings(max_examples=15, deadline=None)
def test_reduced_likelihood_is_that_of_the_complete_covariance(variant, counts, seed):
    model = make_model(variant)
    theta, data = make_theta(model, seed), make_data(counts, seed)
    value, _ = model.criterion(theta, model.prepare(data))
    prior, _ = model.vector.negative_log_prior(theta)
    wanted = Dense(model, theta, data.x, data.curves).negative_log_likelihood()
    assert value - prior == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@variants
@given(
    counts=st.lists(st.integers(1, len(LEVELS)), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
)
@settings(max_examples=8, deadline=None)
def test_gradient_of_the_criterion(variant, counts, seed):
    model = make_model(variant)
    theta, data = make_theta(model, seed), model.prepare(make_data(counts, seed))
    _, gradient = model.criterion(theta, data)
    for index, slope in enumerate(gradient):
        step = np.zeros(len(theta))
        step[index] = 1e-5 * max(abs(theta[index]), 0.1)
        above, below = (
            model.criterion(theta + step, data)[0],
            model.criterion(theta - step, data)[0],
        )
        numeric = (above - below) / (2 * step[index])
        assert slope == pytest.approx(numeric, rel=1e-4, abs=1e-4)


@variants
def test_configurations_without_values_do_not_matter(variant):
    model, data = make_model(variant), make_data()
    theta = make_theta(model)
    more = CurveData(np.concatenate([[[0.1, 0.9]], data.x]), [np.zeros(0), *data.curves])
    expected = model.criterion(theta, model.prepare(data))
    found = model.criterion(theta, model.prepare(more))
    assert found[0] == pytest.approx(expected[0])
    np.testing.assert_allclose(found[1], expected[1])
    points = np.random.RandomState(0).uniform(size=(4, 3))
    np.testing.assert_allclose(
        model.posterior(theta, more).predict(points).mean,
        model.posterior(theta, data).predict(points).mean,
    )


@variants
def test_order_of_configurations_does_not_matter(variant):
    model, data = make_model(variant), make_data()
    theta = make_theta(model)
    order = [3, 0, 5, 1, 4, 2]
    turned = CurveData(data.x[order], [data.curves[index] for index in order])
    assert model.criterion(theta, model.prepare(turned))[0] == pytest.approx(
        model.criterion(theta, model.prepare(data))[0]
    )


@variants
def test_fit_lowers_the_criterion_and_is_deterministic(variant):
    model = make_model(variant, optimization=OptimizationConfig(n_starts=2, lbfgs_maxiter=40))
    data = make_data()
    theta = model.fit(data, np.random.RandomState(0))
    prepared = model.prepare(data)
    assert model.criterion(theta, prepared)[0] < model.criterion(model.vector.initial, prepared)[0]
    np.testing.assert_array_equal(model.fit(data, np.random.RandomState(0)), theta)
    for value, parameter in zip(theta, model.parameters, strict=True):
        assert parameter.lower <= value <= parameter.upper


def test_fit_begins_where_it_is_told():
    model = make_model("issm", optimization=OptimizationConfig(n_starts=1, lbfgs_maxiter=1))
    data = make_data()
    good = make_model("issm").fit(data, np.random.RandomState(0))
    criterion = [
        model.criterion(model.fit(data, np.random.RandomState(0), start), model.prepare(data))[0]
        for start in (good, None)
    ]
    assert criterion[0] < criterion[1]


def test_final_values_are_foreseen_from_first_values():
    rng = np.random.RandomState(0)
    x = rng.uniform(size=(30, 2))
    r_max = 27
    levels = np.arange(1, r_max + 1)
    final, amplitude = np.sin(4 * x[:, 0]) + x[:, 1] ** 2, rng.uniform(0.3, 1.5, 30)
    curves = final[:, None] + amplitude[:, None] * (levels**-0.8 - r_max**-0.8)
    observed = curves + 0.02 * rng.standard_normal(curves.shape)
    counts = np.where(np.arange(30) % 3 == 0, r_max, 5)
    model = LearningCurveModel(
        Matern52(2, ARD=True), "issm", 1, r_max, optimization=OptimizationConfig(n_starts=2)
    )
    data = CurveData(x, [curve[:count] for curve, count in zip(observed, counts, strict=True)])
    theta = model.fit(data, np.random.RandomState(0))
    errors = model.posterior(theta, data).predict_data().mean[:, 0] - final
    partial = counts < r_max
    last_values = np.array([curve[-1] for curve in data.curves])
    assert np.abs(errors[partial]).mean() < 0.3 * np.abs(last_values - final)[partial].mean()


@pytest.mark.parametrize("noise", [1e-9, 1e-3, 1e6])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
@variants
def test_extreme_parameters_and_values_give_finite_numbers(variant, noise, scale):
    model, data = make_model(variant), make_data()
    data = CurveData(data.x, [scale * curve for curve in data.curves])
    vector = model.vector
    for theta in (vector.initial, *map(vector.decode, np.array(vector.bounds).T)):
        theta[-1] = noise
        value, gradient = model.criterion(theta, model.prepare(data))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        prediction = model.posterior(theta, data).predict_data()
        assert np.isfinite(prediction.mean).all()
        assert (prediction.std > 0).all()


def test_parameters_have_the_names_of_their_part():
    names = [parameter.name for parameter in make_model("issm").parameters]
    assert names[-4:] == ["issm_minus_alpha", "issm_beta", "issm_gamma", "noise_variance"]
    assert "issm_gamma" not in [p.name for p in make_model("issm with gamma 1").parameters]


@pytest.mark.parametrize(("r_min", "r_max"), [(0, 5), (3, 3), (4, 2)])
def test_impossible_levels_are_refused(r_min, r_max):
    with pytest.raises(SchedulerError, match="r_min"):
        LearningCurveModel(Matern52(1), "issm", r_min, r_max)


def test_unknown_residual_is_refused():
    with pytest.raises(SchedulerError, match="residual='power'"):
        LearningCurveModel(Matern52(1), "power", 1, 9)


@pytest.mark.parametrize("curves", [[[], []], [[1.0] * 7, [1.0]]])
def test_no_values_and_too_many_are_refused(curves):
    model = make_model("issm")
    data = CurveData(np.zeros((2, 2)), curves)
    with pytest.raises(SchedulerError, match="longest curve"):
        model.prepare(data)
    with pytest.raises(SchedulerError, match="longest curve"):
        model.posterior(model.vector.initial, data)


def test_model_and_posterior_survive_pickling():
    model, data = make_model("issm"), make_data()
    posterior = model.posterior(model.vector.initial, data)
    copy, model_copy = dill.loads(dill.dumps((posterior, model)))
    np.testing.assert_array_equal(copy.predict_data(R_MIN).mean, posterior.predict_data(R_MIN).mean)
    assert model_copy.criterion(model.vector.initial, model.prepare(data))[0] == pytest.approx(
        model.criterion(model.vector.initial, model.prepare(data))[0]
    )
    assert model_copy.residual.r_max == R_MAX
