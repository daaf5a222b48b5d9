"""Independent Gaussian processes at resource levels."""

from __future__ import annotations

import dill
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.errors import SchedulerError
from synetune_lab.gp import (
    GaussianProcessRegression,
    Kernel,
    KernelProcess,
    Matern52,
    OptimizationConfig,
    Parameter,
    ScalarMean,
)
from synetune_lab.gp.independent import IndependentRegression
from synetune_lab.gp.independent_posterior import decode_resources, encode_resource

R_MAX = 27
LEVELS = (1, 3, 9, 27)


class RationalQuadratic(Kernel):
    """A kernel whose derivatives come from autograd."""

    def __init__(self, dimension):
        super().__init__(dimension, (Parameter("length", 1.0, 1e-3, 1e3),))

    def forward(self, theta, x1, x2):
        import autograd.numpy as anp

        gap = anp.sum((x1[:, None, :] - x2[None, :, :]) ** 2, axis=2)
        return 1.0 / (1.0 + 0.5 * gap / theta[0] ** 2)


def make_kernel(d=2):
    return Matern52(d, ARD=True, has_covariance_scale=False)


def make_model(d=2, **kwargs):
    return IndependentRegression(make_kernel(d), LEVELS, R_MAX, **kwargs)


def points_at(x, level):
    return np.column_stack([x, np.full(len(x), encode_resource(level, R_MAX))])


def make_data(counts=(9, 5, 3), d=2, seed=0):
    """Points and targets at the lowest levels, in no order."""
    random_state = np.random.RandomState(seed)
    base = random_state.uniform(size=(max(counts), d))
    x = np.concatenate([points_at(base[:n], r) for n, r in zip(counts, LEVELS, strict=False) if n])
    y = np.sin(4.0 * x[:, :-1].sum(axis=1)) - x[:, -1] + 0.1 * random_state.standard_normal(len(x))
    order = random_state.permutation(len(x))
    return x[order], y[order]


def make_theta(model, seed=1):
    steps = np.random.RandomState(seed).uniform(-0.7, 0.7, len(model.vector))
    return model.vector.decode(model.vector.encode(model.vector.initial) + steps)


def values_of(model, theta):
    return model.vector.to_dict(theta)


def single_model(model, theta, level):
    """The same process at one level, as a model of its own, and its parameters."""
    named = values_of(model, theta)
    single = GaussianProcessRegression(KernelProcess(Matern52(2, ARD=True), ScalarMean()))
    noise = named.get(f"noise_variance_{level}", named.get("noise_variance"))
    scale, mean = named[f"covariance_scale_{level}"], named[f"mean_value_{level}"]
    bandwidths = [named["inv_bw0"], named["inv_bw1"]]
    return single, np.array([*bandwidths, scale, mean, noise])


def by_level(x, y):
    resources = decode_resources(x, R_MAX)
    return {r: (x[resources == r, :-1], y[resources == r]) for r in np.unique(resources).tolist()}


def numerical_gradient(function, at, step=1e-6):
    gradient = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        move = np.zeros(at.shape)
        move[index] = step
        gradient[index] = (function(at + move) - function(at - move)) / (2.0 * step)
    return gradient


@given(st.integers(1, 500), st.data())
def test_resources_are_what_was_encoded(r_max, data):
    resource = data.draw(st.integers(1, r_max))
    x = np.array([[0.3, encode_resource(resource, r_max)]])
    assert decode_resources(x, r_max).tolist() == [resource]


def test_parameters_are_one_mean_and_one_scale_a_level_and_one_noise_variance():
    names = [entry.name for entry in make_model().parameters]
    assert names == [
        "inv_bw0",
        "inv_bw1",
        *(f"mean_value_{r}" for r in LEVELS),
        *(f"covariance_scale_{r}" for r in LEVELS),
        "noise_variance",
    ]


def test_the_largest_resource_is_always_a_level():
    assert IndependentRegression(make_kernel(), [3, 1], 9).rung_levels == (1, 3, 9)


def test_separate_noise_variances_are_one_a_level():
    model = make_model(separate_noise_variances=True, initial_noise_variance=0.02)
    noise = [entry for entry in model.parameters if entry.name.startswith("noise")]
    assert [entry.name for entry in noise] == [f"noise_variance_{r}" for r in LEVELS]
    assert {entry.initial for entry in noise} == {0.02}


@pytest.mark.parametrize("levels", [[0, 3], [1, 81]])
def test_levels_out_of_range_are_refused(levels):
    with pytest.raises(SchedulerError, match="rung_levels"):
        IndependentRegression(make_kernel(), levels, R_MAX)


def test_data_at_no_level_are_refused():
    model, (x, y) = make_model(), make_data()
    x[0, -1] = encode_resource(2, R_MAX)
    with pytest.raises(SchedulerError, match=r"\[2\]"):
        model.prepare(x, y)
    with pytest.raises(SchedulerError, match=r"\[2\]"):
        model.posterior(model.vector.initial, x, y)


@pytest.mark.parametrize("separate", [False, True])
def test_criterion_is_the_sum_of_single_models(separate):
    model, (x, y) = make_model(separate_noise_variances=separate), make_data()
    theta = make_theta(model)
    value, _ = model.criterion(theta, model.prepare(x, y))
    expected = 0.0
    for level, (inner, targets) in by_level(x, y).items():
        single, of_single = single_model(model, theta, level)
        expected += single.criterion(of_single, single.prepare(inner, targets))[0]
    # Priors of bandwidths and noise are constant, those of means and scales each level's own.
    assert value == pytest.approx(expected, rel=1e-10)


def test_criterion_is_that_of_the_block_diagonal_covariance():
    model, (x, y) = make_model(), make_data()
    theta = make_theta(model)
    named, resources = values_of(model, theta), decode_resources(x, R_MAX)
    scale = np.array([named[f"covariance_scale_{r}"] for r in resources])
    mean = np.array([named[f"mean_value_{r}"] for r in resources])
    same = resources[:, None] == resources
    covariance = same * scale * model.kernel.forward(theta[:2], x[:, :-1], x[:, :-1])
    covariance += named["noise_variance"] * np.eye(len(x))
    gap = y - mean
    expected = 0.5 * (
        gap @ np.linalg.solve(covariance, gap)
        + np.linalg.slogdet(covariance)[1]
        + len(x) * np.log(2.0 * np.pi)
    )
    for parameter, value in zip(model.parameters, theta, strict=True):
        level = parameter.name.rpartition("_")[2]
        if parameter.prior is not None and level != "27":  # the level without data
            expected += parameter.prior.negative_log_density(float(value))
    assert model.criterion(theta, model.prepare(x, y))[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("make", [make_kernel, RationalQuadratic])
def test_gradient_of_the_criterion(separate, make):
    model = IndependentRegression(make(2), LEVELS, R_MAX, separate_noise_variances=separate)
    data = model.prepare(*make_data())
    theta = make_theta(model)
    theta[-1 - 3 * separate :] = 0.05
    _, gradient = model.criterion(theta, data)
    expected = numerical_gradient(lambda t: model.criterion(t, data)[0], theta)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


def test_parameters_of_a_level_without_data_are_left_alone():
    model, (x, y) = make_model(), make_data()
    names = [entry.name for entry in model.parameters]
    at = [names.index("mean_value_27"), names.index("covariance_scale_27")]
    theta = make_theta(model)
    assert not model.criterion(theta, model.prepare(x, y))[1][at].any()
    fitted = model.fit(x, y, np.random.RandomState(0))
    np.testing.assert_array_equal(fitted[at], model.vector.initial[at])
    again = model.fit(x, y, np.random.RandomState(0), start=theta)
    np.testing.assert_array_equal(again[at], theta[at])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_order_of_rows_does_not_matter(seed):
    model, (x, y) = make_model(), make_data()
    theta, order = make_theta(model), np.random.RandomState(seed).permutation(len(x))
    value, gradient = model.criterion(theta, model.prepare(x, y))
    other, other_gradient = model.criterion(theta, model.prepare(x[order], y[order]))
    assert other == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(other_gradient, gradient, rtol=1e-6, atol=1e-8)
    new = np.concatenate([x[:4] + 0.01, x[order][:2]])
    prediction = model.posterior(theta, x, y).predict(new)
    permuted = model.posterior(theta, x[order], y[order]).predict(new)
    np.testing.assert_allclose(permuted.mean, prediction.mean, atol=1e-8)
    np.testing.assert_allclose(permuted.std, prediction.std, atol=1e-8)


def test_fit_improves_on_its_start_and_repeats_itself():
    model, (x, y) = make_model(optimization=OptimizationConfig(n_starts=2)), make_data((20, 8, 4))
    data = model.prepare(x, y)
    fitted = model.fit(x, y, np.random.RandomState(3))
    assert model.criterion(fitted, data)[0] < model.criterion(model.vector.initial, data)[0] - 1.0
    np.testing.assert_array_equal(fitted, model.fit(x, y, np.random.RandomState(3)))
    # From there alone it has nowhere to go.
    again = model.fit(x, y, np.random.RandomState(4), fitted, is_full=False)
    assert abs(model.criterion(again, data)[0] - model.criterion(fitted, data)[0]) < 1e-3


def test_fit_finds_means_and_scales_of_levels():
    random_state = np.random.RandomState(0)
    base = random_state.uniform(size=(60, 2))
    shape = np.sin(5.0 * base[:, 0]) * np.cos(4.0 * base[:, 1])
    x = np.concatenate([points_at(base, 1), points_at(base, 3)])
    model = make_model(optimization=OptimizationConfig(n_starts=1))
    targets = np.concatenate([1.0 + 0.3 * shape, -1.0 + 0.9 * shape])
    named = values_of(model, model.fit(x, targets, random_state))
    assert named["mean_value_1"] > 0.3 > -0.3 > named["mean_value_3"]
    ratio = named["covariance_scale_3"] / named["covariance_scale_1"]
    assert 3.0 < ratio < 27.0  # 9, were it not for the prior


@pytest.mark.parametrize("separate", [False, True])
def test_posterior_is_that_of_separate_models(separate):
    model, (x, y) = make_model(separate_noise_variances=separate), make_data()
    theta = make_theta(model)
    posterior = model.posterior(theta, x, y)
    new = np.random.RandomState(2).uniform(size=(5, 2))
    mixed = np.concatenate([points_at(new, r) for r in (9, 1, 3)])
    prediction = posterior.predict(mixed)
    for start, level in ((0, 9), (5, 1), (10, 3)):
        single, of_single = single_model(model, theta, level)
        inner, targets = by_level(x, y)[level]
        expected = single.posterior(of_single, inner, targets)
        own = slice(start, start + 5)
        np.testing.assert_allclose(prediction.mean[own], expected.predict(new).mean, atol=1e-9)
        np.testing.assert_allclose(prediction.std[own], expected.predict(new).std, atol=1e-9)
        np.testing.assert_allclose(
            posterior.joint(mixed)[1][own, own], expected.joint(new)[1], atol=1e-9
        )
    assert not posterior.joint(mixed)[1][:5, 5:].any()


def test_a_level_without_data_has_the_prior_of_the_nearest_lower_level_with_data():
    model, (x, y) = make_model(), make_data((6, 0, 4))
    theta = make_theta(model)
    named, posterior = values_of(model, theta), model.posterior(theta, x, y)
    for level, source in ((27, 9), (20, 9), (3, 1), (2, 1)):
        prediction = posterior.predict(points_at(np.full((2, 2), 0.4), level))
        assert prediction.mean == pytest.approx(named[f"mean_value_{source}"])
        assert prediction.std**2 == pytest.approx(named[f"covariance_scale_{source}"])


def test_below_the_lowest_level_with_data_the_next_one_lends_its_parameters():
    model, (x, y) = make_model(), make_data((0, 5))
    theta = make_theta(model)
    prediction = model.posterior(theta, x, y).predict(points_at(np.zeros((1, 2)), 1))
    assert prediction.mean == pytest.approx(values_of(model, theta)["mean_value_3"])


def test_without_data_each_level_has_its_own_prior():
    model = make_model()
    theta = make_theta(model)
    posterior = model.posterior(theta, np.zeros((0, 3)), np.zeros(0))
    prediction = posterior.predict(np.concatenate([points_at(np.zeros((1, 2)), r) for r in LEVELS]))
    expected = [values_of(model, theta)[f"mean_value_{r}"] for r in LEVELS]
    assert posterior.predict(np.zeros((0, 3))).mean.shape == (0, 1)
    np.testing.assert_allclose(prediction.mean[:, 0], expected)
    assert model.criterion(theta, model.prepare(np.zeros((0, 3)), np.zeros(0)))[1].shape == (11,)


@pytest.mark.parametrize("make", [make_kernel, RationalQuadratic])
def test_gradient_of_predictions_by_inputs(make):
    model, (x, y) = IndependentRegression(make(2), LEVELS, R_MAX), make_data()
    random_state = np.random.RandomState(5)
    fantasies = random_state.standard_normal((2, 3))
    posterior = model.posterior(make_theta(model), x, y)
    posterior = posterior.extend(points_at(random_state.uniform(size=(2, 2)), 3), fantasies)
    new = random_state.uniform(size=(4, 2))
    new = np.concatenate([points_at(new[:1], 27), points_at(new[1:3], 3), points_at(new[3:], 1)])
    by_mean, by_std = random_state.standard_normal((4, 3)), random_state.standard_normal((4, 1))

    def value(z):
        prediction = posterior.predict(z)
        return float((prediction.mean * by_mean).sum() + (prediction.std * by_std).sum())

    prediction, pullback = posterior.predict_with_pullback(new)
    assert prediction.mean.shape == (4, 3)
    np.testing.assert_allclose(prediction.mean, posterior.predict(new).mean)
    np.testing.assert_allclose(prediction.mean, posterior.predict_mean(new))
    gradient = pullback(by_mean, by_std)
    expected = numerical_gradient(value, new)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("columns", [1, 4])
def test_an_extended_posterior_is_that_of_all_data(columns):
    model, (x, y) = make_model(), make_data()
    theta, random_state = make_theta(model), np.random.RandomState(6)
    more = np.concatenate([points_at(random_state.uniform(size=(2, 2)), r) for r in (3, 1)])
    targets = random_state.standard_normal((4, columns))
    extended = model.posterior(theta, x, y).extend(more, targets)
    repeated = np.repeat(y[:, None], columns, axis=1)
    whole = model.posterior(theta, np.concatenate([x, more]), np.concatenate([repeated, targets]))
    new = np.concatenate([points_at(random_state.uniform(size=(3, 2)), r) for r in LEVELS])
    assert extended.num_columns == columns
    np.testing.assert_allclose(extended.predict(new).mean, whole.predict(new).mean, atol=1e-8)
    np.testing.assert_allclose(extended.predict(new).std, whole.predict(new).std, atol=1e-8)


def test_targets_at_a_level_without_data_count_with_the_parameters_of_its_prior():
    model, (x, y) = make_model(), make_data()
    theta = make_theta(model)
    pending = points_at(np.array([[0.2, 0.7]]), 27)
    extended = model.posterior(theta, x, y).extend(pending, np.array([0.3]))
    single, of_single = single_model(model, theta, 9)
    expected = single.posterior(of_single, pending[:, :-1], np.array([0.3]))
    new = np.random.RandomState(0).uniform(size=(3, 2))
    prediction = extended.predict(points_at(new, 27))
    np.testing.assert_allclose(prediction.mean, expected.predict(new).mean)
    np.testing.assert_allclose(prediction.std, expected.predict(new).std)


def test_columns_are_repeated_in_place():
    model, (x, y) = make_model(), make_data()
    more = x[:2] + 0.01
    posterior = model.posterior(model.vector.initial, x, y)
    two = posterior.extend(more, np.array([[0.0, 1.0], [0.0, 1.0]]))
    four = two.extend(points_at(np.array([[0.5, 0.5]]), 27), np.ones((1, 4)))
    assert four.num_columns == 4
    np.testing.assert_allclose(
        four.predict(more).mean, np.repeat(two.predict(more).mean, 2, axis=1)
    )
    assert two.extend(points_at(np.zeros((1, 2)), 3), np.zeros(1)).num_columns == 2
    with pytest.raises(SchedulerError, match="3 columns"):
        two.extend(more, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="one column"):
        two.sample_joint(x, 2, np.random.RandomState(0))


def test_joint_samples_have_the_posterior_moments_and_are_the_prior_mean_without_data():
    model, (x, y) = make_model(), make_data()
    theta = make_theta(model)
    posterior = model.posterior(theta, x, y)
    new = np.concatenate(
        [points_at(np.random.RandomState(1).uniform(size=(3, 2)), r) for r in (1, 27)]
    )
    samples = posterior.sample_joint(new, 20_000, np.random.RandomState(0))
    mean, covariance = posterior.joint(new)
    np.testing.assert_allclose(samples[:3].mean(axis=1), mean[:3, 0], atol=0.03)
    np.testing.assert_allclose(np.cov(samples[:3]), covariance[:3, :3], atol=0.03)
    assert (samples[3:] == mean[3:]).all()
    again = posterior.sample_joint(new, 20_000, np.random.RandomState(0))
    np.testing.assert_array_equal(samples, again)


def test_marginal_samples_have_one_number_a_point_a_column_and_a_sample():
    model, (x, y) = make_model(), make_data()
    posterior = model.posterior(make_theta(model), x, y)
    new = points_at(np.array([[0.1, 0.9]]), 27)
    samples = posterior.sample_marginals(new, 5000, np.random.RandomState(0))
    prediction = posterior.predict(new)
    assert samples.std(axis=2) == pytest.approx(prediction.std, rel=0.05)


def test_model_and_posterior_survive_pickling():
    model, (x, y) = make_model(), make_data()
    theta = make_theta(model)
    posterior = model.posterior(theta, x, y)
    copy, copied_model = dill.loads(dill.dumps(posterior)), dill.loads(dill.dumps(model))
    np.testing.assert_array_equal(copy.predict(x).mean, posterior.predict(x).mean)
    value, _ = copied_model.criterion(theta, copied_model.prepare(x, y))
    assert value == model.criterion(theta, model.prepare(x, y))[0]


def test_repeated_points_and_extreme_parameters_do_no_harm():
    model, (x, y) = make_model(), make_data()
    x, y = np.concatenate([x, x]), np.concatenate([y, y])
    lower, upper = np.array([(entry.lower, entry.upper) for entry in model.parameters]).T
    for theta in (lower, upper):
        value, gradient = model.criterion(theta, model.prepare(x, y))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
    assert np.isfinite(model.fit(x, np.zeros(len(x)), np.random.RandomState(0))).all()
