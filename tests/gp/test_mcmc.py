from __future__ import annotations

import dill
import numpy as np
import pytest
from scipy.optimize import approx_fprime

from synetune_lab.errors import SchedulerError
from synetune_lab.gp import (
    GaussianProcessRegression,
    Kernel,
    KernelProcess,
    Matern52,
    Normal,
    Parameter,
    ScalarMean,
    ZeroMean,
)
from synetune_lab.gp.mcmc import GaussianProcessMCMC, MCMCConfig
from synetune_lab.gp.mixed import MixedPosterior


def make_regression():
    return GaussianProcessRegression(KernelProcess(Matern52(2, ARD=True), ScalarMean()))


def make_data(n=12, seed=0):
    rng = np.random.RandomState(seed)
    x = rng.uniform(size=(n, 2))
    return x, np.sin(5 * x[:, 0]) + 0.1 * rng.standard_normal(n)


@pytest.fixture(scope="module")
def fitted():
    model = GaussianProcessMCMC(make_regression(), MCMCConfig(40, 20, 5))
    x, y = make_data()
    return model, model.fit(x, y, np.random.RandomState(0)), x, y


class Unit(Kernel):
    """Covariance zero: targets are noise only."""

    def __init__(self):
        super().__init__(1, ())

    def forward(self, theta, x1, x2):
        return np.zeros((len(x1), len(x2)))


def test_default_configuration_keeps_ten_samples():
    assert GaussianProcessMCMC(make_regression()).num_samples == 10


def test_samples_respect_the_bounds(fitted):
    model, thetas, _, _ = fitted
    parameters = model.regression.parameters
    assert thetas.shape == (4, len(parameters))
    for values, parameter in zip(thetas.T, parameters, strict=True):
        assert (values >= parameter.lower).all()
        assert (values <= parameter.upper).all()
    assert (np.ptp(thetas, axis=0) > 0).all()


def test_bounds_hold_where_the_density_is_highest_beyond_them():
    x, y = make_data()
    model = GaussianProcessMCMC(make_regression(), MCMCConfig(60, 20, 2))
    # With targets this large, the scale and the noise want to leave their boxes.
    thetas = model.fit(x, 1e4 * y, np.random.RandomState(1))
    upper = np.array([parameter.upper for parameter in model.regression.parameters])
    assert (thetas <= upper).all()
    assert np.isfinite(thetas).all()


def test_noise_variance_follows_its_posterior():
    noise_only = GaussianProcessRegression(KernelProcess(Unit(), ZeroMean()))
    y = np.random.RandomState(0).standard_normal(40)
    x = np.zeros((40, 1))
    model = GaussianProcessMCMC(noise_only, MCMCConfig(3000, 100, 2))
    thetas = model.fit(x, y, np.random.RandomState(2))
    # By quadrature over the logarithm, in which the parameter is uniform before data.
    grid = np.linspace(np.log(0.05), np.log(50), 2000)
    data = noise_only.prepare(x, y)
    logs = np.array([-noise_only.criterion(np.exp([value]), data)[0] for value in grid])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    expected = weights @ grid
    assert np.log(thetas).mean() == pytest.approx(expected, abs=0.03)
    assert np.log(thetas).std() == pytest.approx(
        np.sqrt(weights @ (grid - expected) ** 2), rel=0.15
    )


def test_same_seed_same_samples(fitted):
    model, thetas, x, y = fitted
    np.testing.assert_array_equal(model.fit(x, y, np.random.RandomState(0)), thetas)


def test_chain_that_cannot_move_gives_its_start(caplog):
    class Broken(Unit):
        def __init__(self):
            super().__init__()
            self.parameters = (Parameter("a", 1.0, 0.1, 10.0, Normal(0.0, 1.0)),)

        def gram(self, theta, prepared):
            return np.full((len(prepared), len(prepared)), np.nan), lambda by: np.zeros(1)

    model = GaussianProcessMCMC(GaussianProcessRegression(KernelProcess(Broken(), ZeroMean())))
    thetas = model.fit(np.zeros((3, 1)), np.ones(3), np.random.RandomState(0))
    assert thetas.shape == (10, 2)
    np.testing.assert_array_equal(thetas, np.tile(model.regression.vector.initial, (10, 1)))
    assert "could not be sampled" in caplog.text


def test_prediction_has_one_column_for_each_sample(fitted):
    model, thetas, x, y = fitted
    posterior = model.posterior(thetas, x, y)
    assert posterior.num_columns == 4
    new = np.random.RandomState(3).uniform(size=(5, 2))
    prediction = posterior.predict(new)
    for column, theta in enumerate(thetas):
        alone = model.regression.posterior(theta, x, y).predict(new)
        np.testing.assert_allclose(prediction.mean[:, column], alone.mean[:, 0])
        np.testing.assert_allclose(prediction.std[:, column], alone.std[:, 0])


@pytest.mark.parametrize("fantasies", [0, 8])
def test_gradient_of_a_mixed_prediction(fitted, fantasies):
    model, thetas, x, y = fitted
    rng = np.random.RandomState(4)
    posterior = model.posterior(thetas, x, y)
    if fantasies:
        posterior = posterior.extend(rng.uniform(size=(2, 2)), rng.uniform(size=(2, fantasies)))
    point = rng.uniform(size=(1, 2))
    prediction, pullback = posterior.predict_with_pullback(point)
    shape = (1, fantasies or 4)
    assert prediction.mean.shape == prediction.std.shape == shape
    by_mean, by_std = rng.standard_normal(shape), rng.standard_normal(shape)

    def value(z):
        found = posterior.predict(z[None, :])
        return float(np.vdot(by_mean, found.mean) + np.vdot(by_std, found.std))

    numeric = approx_fprime(point[0], value, 1e-6)
    np.testing.assert_allclose(pullback(by_mean, by_std)[0], numeric, rtol=1e-3, atol=1e-4)


def test_fantasies_are_dealt_out_blockwise(fitted):
    model, thetas, x, y = fitted
    posterior = model.posterior(thetas, x, y)
    pending, probe = np.array([[0.2, 0.3], [0.8, 0.1]]), np.array([[0.5, 0.5]])
    samples = posterior.sample_joint(pending, 8, np.random.RandomState(5))
    assert samples.shape == (2, 8)
    extended = posterior.extend(pending, samples)
    assert extended.num_columns == 8
    for index, part in enumerate(posterior.parts):
        block = slice(2 * index, 2 * index + 2)
        alone = part.extend(pending, samples[:, block]).predict(probe)
        np.testing.assert_allclose(extended.predict(probe).mean[:, block], alone.mean)
    # The other way: all data at once, for given parameters.
    columns = np.concatenate([np.repeat(y[:, None], 8, axis=1), samples])
    at_once = model.posterior(thetas, np.concatenate([x, pending]), columns)
    np.testing.assert_allclose(at_once.predict(probe).mean, extended.predict(probe).mean, rtol=1e-6)


def test_one_column_of_new_targets_goes_to_all_parts(fitted):
    model, thetas, x, y = fitted
    posterior = model.posterior(thetas, x[:-1], y[:-1]).extend(x[-1:], y[-1:])
    whole = model.posterior(thetas, x, y)
    np.testing.assert_allclose(posterior.predict(x).mean, whole.predict(x).mean, rtol=1e-6)


def test_marginal_samples_have_the_moments_of_the_prediction(fitted):
    model, thetas, x, y = fitted
    posterior = model.posterior(thetas, x, y)
    prediction = posterior.predict(x[:2])
    samples = posterior.sample_marginals(x[:2], 4000, np.random.RandomState(6))
    assert samples.shape == (2, 4, 4000)
    error = 5 * prediction.std.max() / np.sqrt(4000)
    np.testing.assert_allclose(samples.mean(axis=2), prediction.mean, atol=error)


def test_numbers_of_columns_that_do_not_fit_are_refused(fitted):
    model, thetas, x, y = fitted
    posterior = model.posterior(thetas, x, y)
    with pytest.raises(SchedulerError, match="multiple"):
        posterior.extend(x[:1], np.zeros((1, 6)))
    with pytest.raises(SchedulerError, match="num_samples is 3"):
        posterior.sample_joint(x[:1], 3, np.random.RandomState(0))
    with pytest.raises(SchedulerError, match="6 columns"):
        model.posterior(thetas, x, np.zeros((len(x), 6)))
    with pytest.raises(SchedulerError, match="at least one"):
        MixedPosterior([])
    wide = model.regression.posterior(thetas[0], x, np.repeat(y[:, None], 2, axis=1))
    with pytest.raises(SchedulerError, match="same number"):
        MixedPosterior([*posterior.parts, wide])


@pytest.mark.parametrize("sizes", [(10, 10, 1), (10, -1, 1), (10, 0, 0)])
def test_impossible_lengths_of_chains_are_refused(sizes):
    with pytest.raises(SchedulerError, match="n_samples"):
        MCMCConfig(*sizes)


def test_posterior_survives_pickling(fitted):
    model, thetas, x, y = fitted
    posterior = model.posterior(thetas, x, y)
    copy = dill.loads(dill.dumps(posterior))
    np.testing.assert_array_equal(copy.predict(x).mean, posterior.predict(x).mean)
