"""Gaussian-process regression against scikit-learn, SciPy, finite differences and itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from synetune_lab.errors import SchedulerError
from synetune_lab.gp import (
    BoxCoxTransform,
    GaussianProcessRegression,
    KernelProcess,
    Matern52,
    OptimizationConfig,
    ScalarMean,
    WarpedKernel,
    ZeroMean,
)

SEEDS = st.integers(0, 10_000)


def plain(dimension: int = 2, **kwargs: Any) -> GaussianProcessRegression:
    return GaussianProcessRegression(
        KernelProcess(Matern52(dimension, ARD=True), ScalarMean()), **kwargs
    )


def boxcox(dimension: int = 2) -> GaussianProcessRegression:
    return plain(dimension, target_transform=BoxCoxTransform())


def warped(dimension: int = 2) -> GaussianProcessRegression:
    kernel = WarpedKernel(Matern52(dimension, ARD=True))
    return GaussianProcessRegression(KernelProcess(kernel, ScalarMean()))


def problem(seed: int, n: int = 12, dimension: int = 2) -> tuple[Any, Any, Any]:
    """Inputs, targets, and new inputs."""
    random = np.random.RandomState(seed)
    x, x_new = random.random_sample((n, dimension)), random.random_sample((5, dimension))
    return x, np.sin(5 * x[:, 0]) + x.sum(axis=1) ** 2 + 0.1 * random.standard_normal(n), x_new


def some_theta(regression: GaussianProcessRegression, seed: int) -> Any:
    """Parameters in the middle of their ranges, with a noise that is not lost in rounding."""
    vector = regression.vector
    step = 0.5 * np.random.RandomState(seed).standard_normal(len(vector))
    theta = vector.decode(vector.encode(vector.initial) + step)
    theta[len(regression.process.parameters)] = 0.02
    return theta


def scikit_learn(theta: Any, x: Any, y: Any) -> GaussianProcessRegressor:
    """The model with two bandwidths, scale, mean and noise, given data less the mean."""
    kernel = ConstantKernel(theta[2]) * Matern(1.0 / theta[:2], nu=2.5) + WhiteKernel(theta[4])
    reference = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None)
    return reference.fit(x, y - theta[3])


# Against independent references


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_criterion_is_the_marginal_likelihood_of_scikit_learn(seed: int) -> None:
    regression, (x, y, _) = plain(), problem(seed)
    theta = some_theta(regression, seed)
    value, _ = regression.criterion(theta, regression.prepare(x, y))
    priors, _ = regression.vector.negative_log_prior(theta)
    reference = scikit_learn(theta, x, y).log_marginal_likelihood_value_
    assert value - priors == pytest.approx(-reference, rel=1e-6, abs=1e-5)


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_posterior_is_that_of_scikit_learn(seed: int) -> None:
    regression, (x, y, x_new) = plain(), problem(seed)
    theta = some_theta(regression, seed)
    posterior = regression.posterior(theta, x, y)
    prediction = posterior.predict(x_new)
    mean, covariance = scikit_learn(theta, x, y).predict(x_new, return_cov=True)
    # Its covariance has the noise of new observations, ours is of the function.
    covariance = covariance - theta[4] * np.eye(len(x_new))
    np.testing.assert_allclose(prediction.mean[:, 0], mean + theta[3], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(prediction.std[:, 0] ** 2, np.diag(covariance), atol=1e-6)
    np.testing.assert_allclose(posterior.joint(x_new)[1], covariance, atol=1e-6)
    np.testing.assert_array_equal(posterior.predict_mean(x_new), prediction.mean)


def test_one_observation_has_a_closed_form() -> None:
    regression = GaussianProcessRegression(KernelProcess(Matern52(1), ZeroMean()))
    theta = np.array([1.0, 2.0, 0.5])
    x, y = np.array([[0.3]]), np.array([1.2])
    prediction = regression.posterior(theta, x, y).predict(x)
    assert prediction.mean[0, 0] == pytest.approx(2.0 / 2.5 * 1.2)
    assert prediction.std[0, 0] == pytest.approx(np.sqrt(2.0 - 4.0 / 2.5))
    value, _ = regression.criterion(theta, regression.prepare(x, y))
    priors, _ = regression.vector.negative_log_prior(theta)
    assert value - priors == pytest.approx(-stats.norm(0.0, np.sqrt(2.5)).logpdf(1.2))


@pytest.mark.parametrize("power", [-1.0, -0.3, 0.0, 1e-7, 0.5, 1.0, 2.0])
def test_box_cox_has_the_likelihood_of_scipy(power: float) -> None:
    y = np.exp(np.random.RandomState(0).standard_normal(20)) * 1e3
    transform = BoxCoxTransform()
    transform.adapt(y)
    transformed = transform.forward(power, y)
    # With its unit, the transform has a Jacobian that is the same for all powers.
    own = -0.5 * len(y) * np.log(transformed.var())
    base = transform.forward(1.0, y)
    own_base = -0.5 * len(y) * np.log(base.var())
    expected = stats.boxcox_llf(power, y) - stats.boxcox_llf(1.0, y)
    assert own - own_base == pytest.approx(expected, abs=1e-4)
    np.testing.assert_allclose(transform.inverse(power, transformed), y, rtol=1e-6)


@pytest.mark.parametrize("make", [plain, boxcox, warped])
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_gradient_of_the_criterion_agrees_with_finite_differences(make: Any, seed: int) -> None:
    regression, (x, y, _) = make(), problem(seed)
    y = y - y.min() + 0.5  # Box-Cox needs positive targets
    theta = some_theta(regression, seed)
    data = regression.prepare(x, y)
    _, gradient = regression.criterion(theta, data)
    for k in range(len(theta)):
        step = 1e-5 * max(abs(theta[k]), 0.01)
        up, down = theta.copy(), theta.copy()
        up[k] += step
        down[k] -= step
        difference = regression.criterion(up, data)[0] - regression.criterion(down, data)[0]
        expected = difference / (2 * step)
        assert gradient[k] == pytest.approx(expected, rel=1e-3, abs=1e-3), regression.parameters[k]


@pytest.mark.parametrize("make", [plain, warped])
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_gradients_of_predictions_agree_with_finite_differences(make: Any, seed: int) -> None:
    regression, (x, y, x_new) = make(), problem(seed)
    posterior = regression.posterior(some_theta(regression, seed), x, y)
    random = np.random.RandomState(seed)
    by_mean, by_std = random.standard_normal((2, 5, 1))

    def weighted(at: Any) -> float:
        prediction = posterior.predict(at)
        return float(np.sum(by_mean * prediction.mean + by_std * prediction.std))

    prediction, pullback = posterior.predict_with_pullback(x_new)
    np.testing.assert_array_equal(prediction.mean, posterior.predict(x_new).mean)
    gradient = pullback(by_mean, by_std)
    for place in np.ndindex(x_new.shape):
        up, down = x_new.copy(), x_new.copy()
        up[place] += 1e-6
        down[place] -= 1e-6
        expected = (weighted(up) - weighted(down)) / 2e-6
        assert gradient[place] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_joint_samples_have_the_moments_of_the_posterior() -> None:
    regression, (x, y, x_new) = plain(), problem(0)
    posterior = regression.posterior(some_theta(regression, 0), x, y)
    samples = posterior.sample_joint(x_new, 20_000, np.random.RandomState(0))
    mean, covariance = posterior.joint(x_new)
    np.testing.assert_allclose(samples.mean(axis=1), mean[:, 0], atol=0.03)
    np.testing.assert_allclose(np.cov(samples), covariance, atol=0.03)
    marginals = posterior.sample_marginals(x_new, 20_000, np.random.RandomState(0))
    assert marginals.shape == (5, 1, 20_000)
    np.testing.assert_allclose(marginals.var(axis=2)[:, 0], np.diag(covariance), atol=0.03)


# Invariances


@pytest.mark.parametrize("make", [plain, boxcox, warped])
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_the_order_of_observations_does_not_matter(make: Any, seed: int) -> None:
    regression, (x, y, x_new) = make(), problem(seed)
    y = y - y.min() + 0.5
    theta = some_theta(regression, seed)
    order = np.random.RandomState(seed).permutation(len(x))
    value, gradient = regression.criterion(theta, regression.prepare(x, y))
    permuted = regression.criterion(theta, regression.prepare(x[order], y[order]))
    assert permuted[0] == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(permuted[1], gradient, rtol=1e-6, atol=1e-6)
    mean = regression.posterior(theta, x, y).predict(x_new).mean
    other = regression.posterior(theta, x[order], y[order]).predict(x_new).mean
    np.testing.assert_allclose(other, mean, rtol=1e-8, atol=1e-8)


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_the_order_of_coordinates_does_not_matter(seed: int) -> None:
    regression, (x, y, x_new) = plain(), problem(seed)
    theta = some_theta(regression, seed)
    swapped = theta[[1, 0, 2, 3, 4]]
    one = regression.posterior(theta, x, y).predict(x_new)
    two = regression.posterior(swapped, x[:, ::-1], y).predict(x_new[:, ::-1])
    np.testing.assert_allclose(two.mean, one.mean, atol=1e-8)
    np.testing.assert_allclose(two.std, one.std, atol=1e-8)


@given(seed=SEEDS, scale=st.floats(1e-3, 1e3))
@settings(max_examples=10, deadline=None)
def test_targets_of_another_scale_scale_the_posterior(seed: int, scale: float) -> None:
    regression, (x, y, x_new) = plain(), problem(seed)
    theta = some_theta(regression, seed)
    scaled = theta * [1.0, 1.0, scale**2, scale, scale**2]
    one = regression.posterior(theta, x, y).predict(x_new)
    two = regression.posterior(scaled, x, scale * y).predict(x_new)
    np.testing.assert_allclose(two.mean, scale * one.mean, rtol=1e-6, atol=1e-8 * scale)
    np.testing.assert_allclose(two.std, scale * one.std, rtol=1e-6)


@given(scale=st.floats(1e-6, 1e6))
@settings(max_examples=10, deadline=None)
def test_box_cox_does_not_see_the_unit_of_targets(scale: float) -> None:
    y = np.exp(np.random.RandomState(0).standard_normal(12))
    one, two = BoxCoxTransform(), BoxCoxTransform()
    one.adapt(y)
    two.adapt(scale * y)
    np.testing.assert_allclose(two.forward(0.3, scale * y), one.forward(0.3, y), atol=1e-8)


# Inputs that are hard


def _hard() -> dict[str, tuple[Any, Any]]:
    x, y, _ = problem(1, 10)
    near = x.copy()
    near[5:] = near[:5] + 1e-12
    far = y.copy()
    far[3] = 1e12
    return {
        "duplicates": (np.repeat(x[:5], 2, axis=0), np.repeat(y[:5], 2)),
        "duplicates that disagree": (np.repeat(x[:5], 2, axis=0), y),
        "all at one place": (np.repeat(x[:1], 10, axis=0), y),
        "1e-12 apart": (near, y),
        "constant targets": (x, np.full(10, 3.0)),
        "zeros": (x, np.zeros(10)),
        "one observation": (x[:1], y[:1]),
        "one coordinate is constant": (x * [1.0, 0.0], y),
        "an outlier of 1e12": (x, far),
        "tiny targets": (x, 1e-12 * y),
        "a grid": (np.stack(np.meshgrid([0.0, 0.5, 1.0], [0.0, 1.0]), -1).reshape(-1, 2), y[:6]),
    }


@pytest.mark.parametrize("make", [plain, boxcox, warped])
@pytest.mark.parametrize("case", _hard())
@pytest.mark.filterwarnings("error")
def test_hard_inputs_are_fitted_and_predicted(make: Any, case: str) -> None:
    x, y = _hard()[case]
    regression = make()
    if make is boxcox:
        y = y - y.min() + 1e-3
    theta = regression.fit(x, y, np.random.RandomState(0))
    assert np.isfinite(theta).all()
    for parameter, value in zip(regression.parameters, theta, strict=True):
        assert parameter.lower <= value <= parameter.upper
    value, gradient = regression.criterion(theta, regression.prepare(x, y))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    posterior = regression.posterior(theta, x, y)
    at = np.vstack([x, problem(2)[2]])
    prediction, pullback = posterior.predict_with_pullback(at)
    assert np.isfinite(prediction.mean).all()
    assert (prediction.std > 0).all()
    assert np.isfinite(pullback(np.ones_like(prediction.mean), np.ones((len(at), 1)))).all()
    assert np.isfinite(posterior.sample_joint(at, 3, np.random.RandomState(0))).all()
    extended = posterior.extend(x[:2], np.asarray(posterior.targets)[:2, 0])
    assert np.isfinite(extended.predict(at).mean).all()


@pytest.mark.parametrize("noise_variance", [1e-9, 1e6])
@pytest.mark.parametrize("inverse_bandwidth", [1e-4, 100.0])
@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_parameters_at_their_bounds_are_no_problem(
    noise_variance: float, inverse_bandwidth: float, scale: float
) -> None:
    regression, (x, y, x_new) = plain(), problem(3, 30)
    theta = np.array([inverse_bandwidth, inverse_bandwidth, scale, 0.0, noise_variance])
    value, gradient = regression.criterion(theta, regression.prepare(x, y))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert np.isfinite(regression.posterior(theta, x, y).predict(x_new).mean).all()


def test_targets_that_are_not_numbers_leave_the_initial_parameters() -> None:
    regression, (x, y, _) = plain(), problem(0)
    y[0] = np.nan
    theta = regression.fit(x, y, np.random.RandomState(0))
    np.testing.assert_array_equal(theta, regression.vector.initial)


@pytest.mark.parametrize("least", [0.0, -1.0])
def test_box_cox_refuses_what_is_not_positive(least: float) -> None:
    regression, (x, y, _) = boxcox(), problem(0)
    y = y - y.min() + least
    with pytest.raises(SchedulerError, match=r"boxcox_transform.*positive.*leave it out"):
        regression.fit(x, y, np.random.RandomState(0))


def test_few_targets_do_not_teach_a_power() -> None:
    regression, (x, y, _) = boxcox(), problem(0, 4)
    theta = regression.fit(x, np.exp(y), np.random.RandomState(0))
    assert regression.vector.to_dict(theta)["boxcox_lambda"] == 0.5


# More data


@given(seed=SEEDS, q=st.integers(1, 6))
@settings(max_examples=10, deadline=None)
def test_an_extended_posterior_is_that_of_all_data(seed: int, q: int) -> None:
    regression, (x, y, x_new) = plain(), problem(seed)
    theta = some_theta(regression, seed)
    whole = regression.posterior(theta, x, y)
    part = regression.posterior(theta, x[:-q], y[:-q])
    before = part.predict(x_new)
    extended = part.extend(x[-q:], y[-q:])
    np.testing.assert_allclose(extended.predict(x_new).mean, whole.predict(x_new).mean, atol=1e-7)
    np.testing.assert_allclose(extended.predict(x_new).std, whole.predict(x_new).std, atol=1e-7)
    # What was extended has not changed.
    np.testing.assert_array_equal(part.predict(x_new).mean, before.mean)


def test_columns_of_new_targets_are_posteriors_of_their_own() -> None:
    regression, (x, y, x_new) = plain(), problem(0)
    theta = some_theta(regression, 0)
    fantasies = np.random.RandomState(0).standard_normal((2, 3))
    many = regression.posterior(theta, x[:-2], y[:-2]).extend(x[-2:], fantasies)
    assert many.num_columns == 3
    for k in range(3):
        alone = regression.posterior(theta, x, np.append(y[:-2], fantasies[:, k]))
        np.testing.assert_allclose(
            many.predict(x_new).mean[:, [k]], alone.predict(x_new).mean, atol=1e-8
        )
    with pytest.raises(ValueError, match="one column"):
        many.sample_joint(x_new, 1, np.random.RandomState(0))


def test_many_points_are_predicted_as_each_alone() -> None:
    regression, (x, y, _) = plain(), problem(0)
    posterior = regression.posterior(some_theta(regression, 0), x, y)
    many = np.random.RandomState(0).random_sample((1500, 2))
    all_at_once = posterior.predict(many)
    assert all_at_once.mean.shape == all_at_once.std.shape == (1500, 1)
    for row in (0, 511, 512, 1499):
        alone = posterior.predict(many[[row]])
        np.testing.assert_allclose(all_at_once.mean[[row]], alone.mean, atol=1e-9)
        np.testing.assert_allclose(all_at_once.std[[row]], alone.std, atol=1e-9)


# Fits


def test_a_fit_finds_planted_parameters() -> None:
    regression, random = plain(), np.random.RandomState(0)
    planted = np.array([4.0, 0.3, 2.0, 0.5, 0.01])
    x = random.random_sample((200, 2)) * [1.0, 3.0]
    mean, covariance, _ = regression.process.moments(planted[:4], regression.process.prepare(x))
    y = random.multivariate_normal(mean, covariance + planted[4] * np.eye(len(x)))
    theta = regression.fit(x, y, np.random.RandomState(1))
    np.testing.assert_allclose(np.log(theta[[0, 1, 4]]), np.log(planted[[0, 1, 4]]), atol=0.5)
    data = regression.prepare(x, y)
    value, gradient = regression.criterion(theta, data)
    assert value <= regression.criterion(planted, data)[0]
    assert np.abs(gradient * regression.vector.derivative(theta)).max() < 0.05


def test_a_fit_finds_the_power_that_was_planted() -> None:
    random = np.random.RandomState(0)
    x = random.random_sample((60, 1))
    y = np.exp(2.0 * np.sin(6.0 * x[:, 0]) + 0.01 * random.standard_normal(60))
    regression = boxcox(1)
    theta = regression.fit(x, y, np.random.RandomState(0))
    assert regression.vector.to_dict(theta)["boxcox_lambda"] == pytest.approx(0.0, abs=0.15)


def test_a_fit_from_its_result_stays_there_and_draws_nothing() -> None:
    regression, (x, y, _) = plain(), problem(0, 30)
    theta = regression.fit(x, y, np.random.RandomState(0))
    random = np.random.RandomState(1)
    before = random.get_state()[1].copy()  # type: ignore[index, union-attr]
    again = regression.fit(x, y, random, theta, is_full=False)
    np.testing.assert_array_equal(random.get_state()[1], before)  # type: ignore[index]
    np.testing.assert_allclose(again, theta, rtol=0.05)


def test_the_same_seed_gives_the_same_fit() -> None:
    x, y, _ = problem(0)
    fits = [
        plain(optimization=OptimizationConfig(n_starts=3)).fit(x, y, np.random.RandomState(5))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*fits)
