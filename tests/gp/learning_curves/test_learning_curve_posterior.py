from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.learning_curves import CurveData
from tests.gp.learning_curves.dense import (
    LEVELS,
    R_MAX,
    R_MIN,
    VARIANTS,
    Dense,
    make_data,
    make_model,
    make_theta,
)

variants = pytest.mark.parametrize("variant", VARIANTS)
R = len(LEVELS)


def make_posterior(variant, **options):
    model, data = make_model(variant), make_data(**options)
    theta = make_theta(model)
    return model, theta, data, model.posterior(theta, data)


def with_level(x, level):
    return np.column_stack([x, np.full(len(x), (level - 0.5) / R_MAX)])


def new_configurations(count=3, seed=5):
    return np.random.RandomState(seed).uniform(size=(count, 2))


def conditioned(model, theta, data, x_new=None, curves_new=None):
    """Mean (n, R) and covariance (n R, n R) of all curves given the data, by brute force."""
    x, curves = data.x, list(data.curves)
    if x_new is not None:
        x = np.concatenate([x, x_new])
        curves += [np.zeros(0)] * len(x_new) if curves_new is None else list(curves_new)
    mean, covariance = Dense(model, theta, x, curves).given_values()
    return mean.reshape(-1, R), covariance


@variants
def test_prediction_of_new_configurations_is_that_of_the_complete_gaussian(variant):
    model, theta, data, posterior = make_posterior(variant)
    x_new = new_configurations()
    mean, covariance = conditioned(model, theta, data, x_new)
    std = np.sqrt(covariance.diagonal()).reshape(-1, R)
    for position, level in enumerate(LEVELS):
        prediction = posterior.predict(with_level(x_new, level))
        np.testing.assert_allclose(prediction.mean[:, 0], mean[len(data) :, position], rtol=1e-6)
        np.testing.assert_allclose(prediction.std[:, 0], std[len(data) :, position], rtol=1e-6)
    at_the_end = posterior.predict_at(x_new)
    np.testing.assert_array_equal(at_the_end.mean, prediction.mean)
    np.testing.assert_array_equal(at_the_end.std, prediction.std)


@variants
def test_prediction_of_the_data_is_that_of_the_complete_gaussian(variant):
    model, theta, data, posterior = make_posterior(variant, counts=(6, 1, 0, 4, 2))
    mean, covariance = conditioned(model, theta, data)
    std = np.sqrt(covariance.diagonal()).reshape(-1, R)
    for position, level in enumerate(LEVELS):
        prediction = posterior.predict_data(level)
        np.testing.assert_allclose(prediction.mean[:, 0], mean[:, position], rtol=1e-6)
        np.testing.assert_allclose(prediction.std[:, 0], std[:, position], rtol=1e-6)


def test_state_space_prediction_at_the_end_is_exact_for_the_data_too():
    _, _, data, posterior = make_posterior("issm")
    anew, of_data = posterior.predict_at(data.x), posterior.predict_data()
    np.testing.assert_allclose(anew.mean, of_data.mean)
    np.testing.assert_allclose(anew.std, of_data.std)


@pytest.mark.parametrize("fantasies", [False, True])
@variants
def test_gradient_of_a_prediction(variant, fantasies):
    _, _, _, posterior = make_posterior(variant)
    rng = np.random.RandomState(1)
    if fantasies:
        posterior = posterior.fantasize([0, 2, 0, 1, 0, 0], 4, rng)
    points = rng.uniform(size=(3, 3))
    prediction, pullback = posterior.predict_with_pullback(points)
    np.testing.assert_allclose(prediction.mean, posterior.predict(points).mean)
    np.testing.assert_allclose(prediction.std, posterior.predict(points).std)
    by_mean = rng.standard_normal(prediction.mean.shape)
    by_std = rng.standard_normal(prediction.std.shape)

    def value(x):
        found = posterior.predict(np.column_stack([x.reshape(-1, 2), points[:, 2]]))
        return float(np.vdot(by_mean, found.mean) + np.vdot(by_std, found.std))

    numeric = approx_fprime(points[:, :2].ravel(), value, 1e-6).reshape(3, 2)
    gradient = pullback(by_mean, by_std)
    np.testing.assert_allclose(gradient[:, :2], numeric, rtol=1e-3, atol=1e-4)
    assert not gradient[:, 2].any()


@variants
def test_joint_samples_have_the_moments_of_the_complete_gaussian(variant):
    model, theta, data, posterior = make_posterior(variant)
    x_new = new_configurations(2)
    points = np.concatenate([with_level(x_new, level) for level in (R_MIN, R_MIN + 2, R_MAX)])
    samples = posterior.sample_joint(points, 20_000, np.random.RandomState(0))
    mean, covariance = conditioned(model, theta, data, x_new)
    rows = [(len(data) + i) * R + position for position in (0, 2, R - 1) for i in range(2)]
    assert_moments(samples, mean.ravel()[rows], covariance[np.ix_(rows, rows)])


def assert_moments(samples, mean, covariance):
    """Moments of samples, shape (m, count), within five standard errors."""
    count, std = samples.shape[1], np.sqrt(covariance.diagonal())
    assert (np.abs(samples.mean(axis=1) - mean) < 5 * std / np.sqrt(count) + 1e-7).all()
    error = np.abs(np.cov(samples) - covariance)
    assert (error < 5 * np.sqrt(2 / count) * np.outer(std, std) + 1e-7).all()


@variants
def test_fantasies_have_the_moments_of_the_pending_values(variant):
    model, theta, data, posterior = make_posterior(variant, counts=(6, 1, 0, 4, 2))
    pending = [0, 2, 3, 0, 1]
    fantasies = posterior.fantasize(pending, 20_000, np.random.RandomState(0))
    assert fantasies.num_columns == 20_000
    mean, covariance = conditioned(model, theta, data)
    rows, samples = [], []
    for index, (count, extra) in enumerate(zip(data.counts, pending, strict=True)):
        for position in range(count, count + extra):
            rows.append(index * R + position)
            samples.append(fantasies.values[position, index])
    with_noise = covariance[np.ix_(rows, rows)] + theta[-1] * np.eye(len(rows))
    assert_moments(np.array(samples), mean.ravel()[rows], with_noise)


@variants
def test_posterior_with_fantasies_is_conditioned_on_them(variant):
    model, theta, data, posterior = make_posterior(variant, counts=(6, 1, 0, 4, 2))
    pending = [0, 2, 3, 0, 1]
    fantasies = posterior.fantasize(pending, 3, np.random.RandomState(0))
    points = np.random.RandomState(1).uniform(size=(4, 3))
    for column in range(3):
        curves = [
            fantasies.values[: count + extra, index, column]
            for index, (count, extra) in enumerate(zip(data.counts, pending, strict=True))
        ]
        for curve, old in zip(curves, data.curves, strict=True):
            np.testing.assert_array_equal(curve[: len(old)], old)
        alone = model.posterior(theta, CurveData(data.x, curves))
        np.testing.assert_allclose(
            fantasies.predict(points).mean[:, column], alone.predict(points).mean[:, 0], rtol=1e-6
        )
        np.testing.assert_allclose(fantasies.predict(points).std, alone.predict(points).std)
        np.testing.assert_allclose(
            fantasies.predict_data(R_MIN + 1).mean[:, column],
            alone.predict_data(R_MIN + 1).mean[:, 0],
            rtol=1e-6,
        )


def test_nothing_pending_repeats_the_data():
    _, _, data, posterior = make_posterior("issm")
    fantasies = posterior.fantasize([0] * len(data), 2, np.random.RandomState(0))
    prediction = fantasies.predict_at(new_configurations())
    np.testing.assert_array_equal(prediction.mean[:, 0], prediction.mean[:, 1])


@pytest.mark.parametrize("count", [0, 1, 4])
@variants
def test_sampled_curves_have_the_moments_of_the_complete_gaussian(variant, count):
    model, theta, data, posterior = make_posterior(variant)
    other = make_data((count,), seed=9)
    (sample,) = posterior.sample_curves(other, 20_000, np.random.RandomState(0))
    mean, covariance = conditioned(model, theta, data, other.x, other.curves)
    base = len(data) * R
    assert sample.levels.tolist() == list(range(R_MIN + count, R_MAX + 1))
    rows = base + np.arange(count, R)
    noise = theta[-1] * np.eye(len(rows))
    block = covariance[np.ix_(rows, rows)]
    assert_moments(sample.values, mean.ravel()[rows], block + noise)
    first = base + np.arange(max(count - 1, 0), R)
    assert_moments(sample.latent, mean.ravel()[first], covariance[np.ix_(first, first)])
    # Values are the latent ones with independent noise.
    errors = sample.values - sample.latent[-len(rows) :]
    assert_moments(errors, np.zeros(len(rows)), noise)


def test_curves_of_several_configurations_come_in_their_order():
    _, _, _, posterior = make_posterior("expdecay")
    others = make_data((2, 0, 5), seed=3)
    samples = posterior.sample_curves(others, 7, np.random.RandomState(0))
    assert [sample.values.shape for sample in samples] == [(4, 7), (6, 7), (1, 7)]
    assert [sample.latent.shape for sample in samples] == [(5, 7), (6, 7), (2, 7)]


def test_marginal_samples_have_the_moments_of_the_prediction():
    _, _, _, posterior = make_posterior("issm")
    points = np.random.RandomState(1).uniform(size=(2, 3))
    samples = posterior.sample_marginals(points, 5000, np.random.RandomState(0))
    assert samples.shape == (2, 1, 5000)
    prediction = posterior.predict(points)
    np.testing.assert_allclose(samples.std(axis=2), prediction.std, rtol=0.06)


def test_same_seed_same_samples():
    _, _, _, posterior = make_posterior("issm")
    first, second = (
        posterior.fantasize([0, 1, 2, 0, 0, 1], 3, np.random.RandomState(4)).values
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_calls_that_cannot_be_served_are_refused():
    _, _, data, posterior = make_posterior("issm")
    generator = np.random.RandomState(0)
    with pytest.raises(SchedulerError, match=r"resource=1 must be in \[2, 7\]"):
        posterior.predict_data(1)
    with pytest.raises(SchedulerError, match="resource=8"):
        posterior.predict_at(data.x, 8)
    with pytest.raises(SchedulerError, match="each of the 6 configurations"):
        posterior.fantasize([1], 2, generator)
    with pytest.raises(SchedulerError, match="0 or more"):
        posterior.fantasize([-1, 0, 0, 0, 0, 0], 2, generator)
    with pytest.raises(SchedulerError, match="configuration 0 has 6 values and 1 pending"):
        posterior.fantasize([1, 0, 0, 0, 0, 0], 2, generator)
    with pytest.raises(SchedulerError, match="do not reach"):
        posterior.sample_curves(make_data((6,)), 2, generator)
    fantasies = posterior.fantasize([0, 1, 0, 0, 0, 0], 2, generator)
    with pytest.raises(ValueError, match="one column"):
        fantasies.fantasize([0, 1, 0, 0, 0, 0], 2, generator)
