"""Moments of exp(-λ r): against integrals, at extremes, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.kernels.decay import GammaDecay, decay_parameters

POSITIVE = st.floats(-2.0, 2.0).map(lambda e: 10.0**e)
LEVELS = np.array([0.0, 0.05, 0.3, 1.0])


def test_moments_are_those_of_a_gamma_distributed_rate() -> None:
    decay = GammaDecay(alpha=1.7, mean_lam=2.5)
    rates = stats.gamma(a=1.7, scale=2.5 / 1.7).ppf((np.arange(200_000) + 0.5) / 200_000)
    curves = np.exp(-np.outer(LEVELS, rates))
    mean, covariance, _ = decay.moments(LEVELS)
    np.testing.assert_allclose(mean, curves.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(covariance, np.cov(curves), atol=1e-5)


@given(alpha=POSITIVE, mean_lam=POSITIVE)
def test_moments_agree_with_the_parts(alpha: float, mean_lam: float) -> None:
    decay = GammaDecay(alpha, mean_lam)
    mean, covariance, _ = decay.moments(LEVELS)
    np.testing.assert_allclose(mean, decay.mean(LEVELS), rtol=1e-13)
    np.testing.assert_allclose(1 - mean, decay.one_minus_mean(LEVELS), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        covariance, decay.covariance(LEVELS[:, None], LEVELS), rtol=1e-12, atol=1e-300
    )
    np.testing.assert_array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() >= -1e-14


@given(alpha=POSITIVE, mean_lam=POSITIVE)
def test_gradient_of_the_moments(alpha: float, mean_lam: float) -> None:
    weights = np.array([0.3, -1.0, 2.0, 0.7])
    pair_weights = np.outer(weights, weights) + np.diag([1.0, 2.0, 3.0, 4.0])

    def value(a: float, m: float) -> float:
        mean, covariance, _ = GammaDecay(a, m).moments(LEVELS)
        return float(weights @ mean + np.vdot(pair_weights, covariance))

    *_, pullback = GammaDecay(alpha, mean_lam).moments(LEVELS)
    by_alpha, by_mean_lam = pullback(weights, pair_weights)
    step = 1e-5
    up, down = value(alpha * (1 + step), mean_lam), value(alpha * (1 - step), mean_lam)
    assert by_alpha * alpha == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-8)
    up, down = value(alpha, mean_lam * (1 + step)), value(alpha, mean_lam * (1 - step))
    assert by_mean_lam * mean_lam == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-8)


def test_small_resources_keep_their_digits() -> None:
    """Var[exp(-λ r)] tends to r² Var[λ], which κ(2r) - κ(r)² would lose."""
    decay = GammaDecay(alpha=2.0, mean_lam=0.5)
    r = np.array([1e-9])
    assert decay.covariance(r, r)[0] == pytest.approx(1e-18 * 0.25 / 2.0, rel=1e-6)
    assert decay.one_minus_mean(r)[0] == pytest.approx(0.5e-9, rel=1e-6)


@given(ends=st.tuples(st.booleans(), st.booleans()))
def test_bounds_of_the_parameters_give_finite_moments(ends: tuple[bool, bool]) -> None:
    alpha, mean_lam, gamma = decay_parameters()
    decay = GammaDecay(
        alpha.upper if ends[0] else alpha.lower, mean_lam.upper if ends[1] else mean_lam.lower
    )
    mean, covariance, pullback = decay.moments(LEVELS)
    assert np.isfinite(mean).all()
    assert np.isfinite(covariance).all()
    assert np.isfinite(pullback(mean, covariance)).all()
    assert gamma.initial == 0.5


def test_initial_values_are_modes_of_their_priors() -> None:
    for parameter in decay_parameters(2.0, 3.0, 0.25):
        assert parameter.prior is not None
        assert parameter.prior.derivative(parameter.initial) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("initial", [0.0, -1.0, 1e9])
def test_initial_values_out_of_bounds_are_refused(initial: float) -> None:
    with pytest.raises(SchedulerError, match="alpha"):
        decay_parameters(alpha_init=initial)
