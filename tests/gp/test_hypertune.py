"""Hyper-Tune: ranking losses, the ensemble over levels, and the distribution of brackets."""

from __future__ import annotations

import dill
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.errors import SchedulerError
from synetune_lab.gp import (
    GaussianProcessRegression,
    KernelProcess,
    Matern52,
    Posterior,
    ScalarMean,
)
from synetune_lab.gp.hypertune import (
    EnsemblePosterior,
    bracket_distribution,
    ensemble_distribution,
    fit_ensemble,
    ordering_errors,
    ranking_losses,
    supported_levels,
)
from synetune_lab.gp.independent import IndependentRegression
from synetune_lab.gp.independent_posterior import encode_resource

R_MAX = 27
LEVELS = (1, 3, 9, 27)


def points_at(x, level):
    return np.column_stack([x, np.full(len(x), encode_resource(level, R_MAX))])


def make_posterior(kind, curves, counts, seed=0, d=2):
    """A model of data whose noiseless target at level r is `curves[r]` of the first coordinate."""
    base = np.random.RandomState(seed).uniform(size=(max(counts), d))
    x = np.concatenate([points_at(base[:n], r) for n, r in zip(counts, LEVELS, strict=False)])
    y = np.concatenate([curves[r](base[:n, 0]) for n, r in zip(counts, LEVELS, strict=False)])
    if kind == "independent":
        model = IndependentRegression(
            Matern52(d, ARD=True, has_covariance_scale=False), LEVELS, R_MAX
        )
    else:
        model = GaussianProcessRegression(KernelProcess(Matern52(d + 1, ARD=True), ScalarMean()))
    return model.posterior(model.vector.initial, x, y)


def alike(level):
    return {r: (lambda x, r=r: np.sin(3.0 * x) * (1.0 + 0.01 * r)) for r in LEVELS}[level]


ALIKE = {r: alike(r) for r in LEVELS}
KINDS = ("independent", "joint")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, ()),
        ({1: 5, 3: 9}, ()),
        ({1: 6}, (1,)),
        ({1: 40, 3: 5, 9: 8}, (1,)),
        ({27: 6, 9: 6, 3: 6, 1: 6}, (1, 3, 9, 27)),
    ],
)
def test_levels_are_supported_as_long_as_each_has_six_points(counts, expected):
    assert supported_levels((9, 1, 27, 3), counts) == expected


def slow_ordering_errors(samples, targets):
    errors = np.zeros(samples.shape[1])
    for s in range(samples.shape[1]):
        for i in range(len(targets)):
            for j in range(i):
                order = np.sign(targets[i] - targets[j])
                own = np.sign(samples[i, s] - samples[j, s])
                if order != 0:
                    errors[s] += 0.5 if own == 0 else float(own != order)
    return errors


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(2, 20), st.integers(0, 10_000))
def test_ordering_errors_are_those_of_a_double_loop(n, num_samples, num_values, seed):
    random_state = np.random.RandomState(seed)
    samples = random_state.randint(num_values, size=(n, num_samples)).astype(float)
    targets = random_state.randint(num_values, size=n).astype(float)
    errors = ordering_errors(samples, targets)
    np.testing.assert_array_equal(errors, slow_ordering_errors(samples, targets))
    order = random_state.permutation(n)
    np.testing.assert_array_equal(ordering_errors(samples[order], targets[order]), errors)


def test_ordering_errors_of_many_points_are_counted_in_blocks():
    samples = np.random.RandomState(0).standard_normal((120, 90))
    targets = np.random.RandomState(1).standard_normal(120)
    expected = slow_ordering_errors(samples[:, :2], targets)
    np.testing.assert_array_equal(ordering_errors(samples, targets)[:2], expected)


def test_a_constant_ranks_no_better_than_a_toss():
    targets = np.arange(6.0)
    samples = np.column_stack([targets, -targets, np.zeros(6)])
    assert ordering_errors(samples, targets).tolist() == [0.0, 15.0, 7.5]


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_small_where_a_level_ranks_like_the_top_and_large_where_not(kind):
    curves = {**ALIKE, 1: lambda x: -np.sin(3.0 * x)}
    posterior = make_posterior(kind, curves, (20, 14, 10))
    losses = ranking_losses(posterior, (1, 3, 9), R_MAX, 40, np.random.RandomState(0))
    assert losses.shape == (3, 40)
    pairs = 45
    assert losses[0].mean() > 0.6 * pairs
    assert losses[1].mean() < 0.2 * pairs
    assert losses[2].mean() < 0.5 * pairs


@pytest.mark.parametrize("kind", KINDS)
def test_losses_repeat_themselves(kind):
    posterior = make_posterior(kind, ALIKE, (10, 8, 7))
    first, second = (
        ranking_losses(posterior, (1, 3, 9), R_MAX, 10, np.random.RandomState(7)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_losses_of_lower_levels_are_those_of_joint_samples():
    posterior = make_posterior("independent", ALIKE, (10, 8))
    losses = ranking_losses(posterior, (1, 3), R_MAX, 6, np.random.RandomState(3))
    top = posterior.parts[3]
    samples = posterior.sample_joint(points_at(top.x, 1), 6, np.random.RandomState(3))
    np.testing.assert_array_equal(losses[0], slow_ordering_errors(samples, top.targets[:, 0]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_top", [6, 13])
def test_losses_of_the_top_level_are_those_of_models_without_each_fold(kind, num_top):
    noise = np.random.RandomState(4).standard_normal(50)
    curves = {1: ALIKE[1], 3: lambda x: ALIKE[3](x) + 0.3 * noise[: len(x)]}
    posterior = make_posterior(kind, curves, (16, num_top))
    data = posterior.parts[3] if kind == "independent" else posterior
    rows = np.arange(len(data.x) - num_top, len(data.x))
    samples = np.empty((num_top, 8))
    random_state = np.random.RandomState(9)
    random_state.standard_normal((num_top, 8))  # samples of the lower level
    for fold in np.array_split(random_state.permutation(num_top), min(5, num_top // 2)):
        keep = np.setdiff1d(np.arange(len(data.x)), rows[fold])
        rest = Posterior(
            data.process, data.theta, data.noise_variance, data.x[keep], data.targets[keep]
        )
        samples[fold] = rest.sample_joint(data.x[rows[fold]], 8, random_state)
    losses = ranking_losses(posterior, (1, 3), R_MAX, 8, np.random.RandomState(9))
    expected = slow_ordering_errors(samples, data.targets[rows, 0])
    np.testing.assert_array_equal(losses[1], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_top_level_is_not_judged_on_what_it_was_told(kind):
    # Pure noise at the top level: a model that knew the targets would reproduce their order.
    noise = np.random.RandomState(5).standard_normal(200)
    curves = {1: lambda x: noise[: len(x)], 3: lambda x: noise[100 : 100 + len(x)]}
    posterior = make_posterior(kind, curves, (24, 24))
    losses = ranking_losses(posterior, (1, 3), R_MAX, 60, np.random.RandomState(0))
    pairs = 24 * 23 / 2
    assert losses[1].mean() > 0.3 * pairs


def test_losses_are_finite_with_repeated_points_and_extreme_parameters():
    random_state = np.random.RandomState(0)
    base = np.repeat(random_state.uniform(size=(4, 2)), 2, axis=0)
    x = np.concatenate([points_at(base, 1), points_at(base, 3)])
    y = random_state.standard_normal(16)
    model = IndependentRegression(Matern52(2, has_covariance_scale=False), LEVELS, R_MAX)
    for bandwidth in (1e-4, 1.0, 100.0):
        for scale in (1e-3, 1e3):
            for noise in (1e-9, 1e6):
                named = model.vector.to_dict(model.vector.initial)
                named.update(inv_bw=bandwidth, noise_variance=noise)
                named.update({f"covariance_scale_{r}": scale for r in LEVELS})
                posterior = model.posterior(model.vector.from_dict(named), x, y)
                losses = ranking_losses(posterior, (1, 3), R_MAX, 5, random_state)
                assert np.isfinite(losses).all()


def test_losses_need_two_levels_and_data_at_the_top():
    posterior = make_posterior("independent", ALIKE, (10, 8))
    with pytest.raises(SchedulerError, match="two"):
        ranking_losses(posterior, (1,), R_MAX, 5, np.random.RandomState(0))
    with pytest.raises(SchedulerError, match="level 27"):
        ranking_losses(posterior, (1, 27), R_MAX, 5, np.random.RandomState(0))
    fantasies = posterior.extend(points_at(np.zeros((1, 2)), 1), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="one column"):
        ranking_losses(fantasies, (1, 3), R_MAX, 5, np.random.RandomState(0))


def test_shares_count_the_samples_in_which_a_level_is_best_and_ties_for_each():
    losses = np.array([[1.0, 2.0, 3.0, 0.0], [1.0, 1.0, 4.0, 5.0], [9.0, 9.0, 9.0, 9.0]])
    theta = ensemble_distribution((1, 3, 9), losses)
    assert theta == pytest.approx({1: 3 / 5, 3: 2 / 5, 9: 0.0})


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 20), st.integers(0, 10_000))
def test_shares_add_up_to_one(num_levels, num_samples, seed):
    losses = np.random.RandomState(seed).randint(4, size=(num_levels, num_samples)).astype(float)
    theta = ensemble_distribution(range(1, num_levels + 1), losses)
    assert sum(theta.values()) == pytest.approx(1.0)
    assert min(theta.values()) >= 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_until_two_levels_are_supported_the_lowest_has_all_the_weight(kind):
    posterior = make_posterior(kind, ALIKE, (10, 5))
    assert fit_ensemble(posterior, LEVELS, R_MAX, 10, np.random.RandomState(0)) == {1: 1.0}


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_of_the_supported_levels_and_favour_those_that_rank_well(kind):
    curves = {**ALIKE, 1: lambda x: -np.sin(3.0 * x)}
    posterior = make_posterior(kind, curves, (20, 14, 10, 2))
    theta = fit_ensemble(posterior, LEVELS, R_MAX, 50, np.random.RandomState(0))
    assert set(theta) == {1, 3, 9}
    assert theta[1] < 0.05
    assert sum(theta.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_ensemble_moments_are_weighted_sums(kind):
    posterior = make_posterior(kind, ALIKE, (10, 8, 7))
    theta = {1: 0.5, 3: 0.0, 9: 0.3, 27: 0.2}
    ensemble = EnsemblePosterior(posterior, theta, R_MAX)
    x = np.random.RandomState(1).uniform(size=(5, 2))
    parts = {r: posterior.predict(points_at(x, r)) for r in LEVELS}
    prediction = ensemble.predict(points_at(x, 3))
    mean = sum(theta[r] * parts[r].mean for r in LEVELS)
    variance = sum(theta[r] ** 2 * parts[r].std ** 2 for r in LEVELS)
    np.testing.assert_allclose(prediction.mean, mean)
    np.testing.assert_allclose(prediction.std, np.sqrt(variance))
    other = ensemble.predict(points_at(x, 27))
    np.testing.assert_array_equal(other.mean, prediction.mean)
    np.testing.assert_allclose(ensemble.predict_mean(points_at(x, 3)), mean)
    assert ensemble.predict(points_at(x[:0], 1)).mean.shape == (0, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_of_the_ensemble_by_inputs(kind):
    random_state = np.random.RandomState(2)
    posterior = make_posterior(kind, ALIKE, (10, 8, 7))
    ensemble = EnsemblePosterior(posterior, {1: 0.6, 9: 0.4}, R_MAX)
    ensemble = ensemble.extend(
        points_at(random_state.uniform(size=(2, 2)), 9), random_state.standard_normal((2, 3))
    )
    x = points_at(random_state.uniform(size=(3, 2)), 9)
    by_mean, by_std = random_state.standard_normal((3, 3)), random_state.standard_normal((3, 1))
    prediction, pullback = ensemble.predict_with_pullback(x)
    np.testing.assert_allclose(prediction.mean, ensemble.predict(x).mean)
    np.testing.assert_allclose(prediction.std, ensemble.predict(x).std)

    def value(z):
        at = ensemble.predict(z)
        return float((at.mean * by_mean).sum() + (at.std * by_std).sum())

    gradient, step = pullback(by_mean, by_std), 1e-6
    for index in np.ndindex(x.shape):
        move = np.zeros(x.shape)
        move[index] = step if index[1] < 2 else 0.0
        slope = (value(x + move) - value(x - move)) / (2.0 * step)
        assert gradient[index] == pytest.approx(slope, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_fantasies_are_drawn_and_added_at_the_level_of_their_point(kind):
    posterior = make_posterior(kind, ALIKE, (10, 8))
    ensemble = EnsemblePosterior(posterior, {1: 0.5, 3: 0.5}, R_MAX)
    pending = points_at(np.array([[0.3, 0.3], [0.8, 0.1]]), 3)
    samples = ensemble.sample_joint(pending, 4, np.random.RandomState(0))
    np.testing.assert_array_equal(
        samples, posterior.sample_joint(pending, 4, np.random.RandomState(0))
    )
    extended = ensemble.extend(pending, samples)
    assert extended.num_columns == 4
    inner = posterior.extend(pending, samples)
    expected = EnsemblePosterior(inner, ensemble.theta, R_MAX)
    x = points_at(np.array([[0.5, 0.5]]), 1)
    np.testing.assert_array_equal(extended.predict(x).mean, expected.predict(x).mean)
    assert extended.predict(x).std <= ensemble.predict(x).std


def test_marginal_samples_of_the_ensemble():
    ensemble = EnsemblePosterior(make_posterior("independent", ALIKE, (10,)), {1: 1.0}, R_MAX)
    x = points_at(np.array([[0.5, 0.5]]), 27)
    samples = ensemble.sample_marginals(x, 4000, np.random.RandomState(0))
    assert samples.shape == (1, 1, 4000)
    assert samples.std() == pytest.approx(float(ensemble.predict(x).std[0, 0]), rel=0.05)


def test_an_ensemble_needs_a_weight():
    with pytest.raises(SchedulerError, match="above 0"):
        EnsemblePosterior(make_posterior("independent", ALIKE, (6,)), {1: 0.0}, R_MAX)


def test_an_ensemble_survives_pickling():
    ensemble = EnsemblePosterior(make_posterior("joint", ALIKE, (8, 8)), {1: 0.5, 3: 0.5}, R_MAX)
    x = points_at(np.random.RandomState(0).uniform(size=(3, 2)), 1)
    copy = dill.loads(dill.dumps(ensemble))
    np.testing.assert_array_equal(copy.predict(x).mean, ensemble.predict(x).mean)


DEFAULT = [0.5, 0.3, 0.2]


@pytest.mark.parametrize(
    ("theta", "expected"),
    [
        ({}, DEFAULT),  # nothing is supported
        ({1: 1.0}, DEFAULT),  # one bracket has its own mass
        # 0.25 / 1 and 0.75 / 3 are equal: halves of the mass 0.8
        ({1: 0.25, 3: 0.75}, [0.4, 0.4, 0.2]),
        ({1: 0.0, 3: 1.0}, [0.0, 0.8, 0.2]),
        # 0.1, 0.3 / 3, 0.3 / 9: 3 / 7, 3 / 7, 1 / 7; what is above the brackets has no part
        ({1: 0.1, 3: 0.3, 9: 0.3, 27: 0.3}, [3 / 7, 3 / 7, 1 / 7]),
        ({1: 0.0, 3: 0.0, 9: 0.0, 27: 1.0}, DEFAULT),  # no bracket begins there
    ],
)
def test_brackets_share_the_mass_of_supported_levels_by_weight_and_cost(theta, expected):
    assert bracket_distribution(theta, (1, 3, 9), DEFAULT) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5),
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5),
)
def test_bracket_probabilities_add_up_to_one(shares, sizes):
    levels = [3**k for k in range(5)]
    theta = dict(zip(levels, shares, strict=False))
    default = [size / sum(sizes) for size in sizes]
    probabilities = bracket_distribution(theta, levels[: len(sizes)], default)
    assert sum(probabilities) == pytest.approx(1.0)
    assert min(probabilities) >= 0.0


def test_brackets_and_default_probabilities_must_match():
    with pytest.raises(SchedulerError, match="2 brackets"):
        bracket_distribution({1: 1.0}, (1, 3), [1.0])
