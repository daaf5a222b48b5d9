"""Processes over configurations and resources: against their definitions, and derivatives."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.kernels.base import Kernel
from synetune_lab.gp.kernels.cross_validation import CrossValidationProcess, decode_resource_values
from synetune_lab.gp.kernels.exponential_decay import ExponentialDecayProcess
from synetune_lab.gp.kernels.freeze_thaw import FreezeThawProcess
from synetune_lab.gp.kernels.matern import Matern52
from synetune_lab.gp.kernels.resource import RESOURCE_PROCESSES, resource_process
from synetune_lab.gp.kernels.warped import WarpedKernel
from synetune_lab.gp.means import Mean, ScalarMean
from synetune_lab.gp.parameters import Parameter
from synetune_lab.gp.process import KernelProcess, Process
from synetune_lab.gp.regression import GaussianProcessRegression

R_MAX = 9


class SlopedMean(Mean):
    """A mean that is not constant, so that nothing hides behind a constant one."""

    def __init__(self) -> None:
        super().__init__((Parameter("slope", 0.3, -2.0, 2.0, encoding="identity"),))

    def forward(self, theta: Any, x: Any) -> Any:
        return theta[0] * x[:, 0] + 0.2 * x[:, 0] * x[:, -1]


def make(name: str, mean: Mean | None = None) -> Process:
    return resource_process(name, Matern52(2, ARD=True), mean or SlopedMean(), R_MAX)


def theta_of(process: Process, seed: int = 0) -> np.ndarray:
    """Values near the initial ones, inside the bounds."""
    rng = np.random.default_rng(seed)
    values = [
        np.clip(p.initial * np.exp(rng.normal(0, 0.4)), p.lower, p.upper)
        for p in process.parameters
    ]
    return np.array(values)


def points(n: int = 12, seed: int = 0, levels: tuple[int, ...] = (1, 3, 9)) -> np.ndarray:
    """Few configurations at few levels, so that both occur repeatedly, and some rows twice."""
    rng = np.random.default_rng(seed)
    configs = rng.random((max(1, n // 2), 2))
    r = (rng.choice(levels, size=n) - 0.5) / R_MAX
    return np.column_stack([configs[rng.integers(len(configs), size=n)], r])


def directly(process: Any, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance by the documented formulas, entry by entry."""
    k = len(process.kernel_x.parameters)
    m = k + len(process.mean_x.parameters)
    alpha, mean_lam, gamma, *rest = theta[m:]
    freeze = isinstance(process, FreezeThawProcess)
    delta = 0.0 if freeze else rest[0] if rest else process.delta_fixed_value
    beta = alpha / mean_lam

    def kappa(r: float) -> float:
        return float((beta / (beta + r)) ** alpha)

    mu = process.mean_x.forward(theta[k:m], x[:, :-1])
    kernel = process.kernel_x.forward(theta[:k], x[:, :-1], x[:, :-1])
    mean = np.array([mu[i] + kappa(x[i, -1]) * (gamma - delta * mu[i]) for i in range(len(x))])
    covariance = np.empty((len(x), len(x)))
    for i, (*xi, r) in enumerate(x):
        for j, (*xj, s) in enumerate(x):
            weight = 1 - delta * (kappa(r) + kappa(s) - delta * kappa(r + s))
            falls = (gamma - delta * mu[i]) * (gamma - delta * mu[j])
            common = 1.0 if not freeze or xi == xj else 0.0
            spread = kappa(r + s) - kappa(r) * kappa(s)
            covariance[i, j] = kernel[i, j] * weight + common * falls * spread
    return mean, covariance


DECAYING = ["exp-decay-sum", "exp-decay-combined", "exp-decay-delta1", "freeze-thaw"]


@pytest.mark.parametrize("name", DECAYING)
def test_moments_follow_the_documented_formula(name: str) -> None:
    process, x = make(name), points()
    theta = theta_of(process)
    mean, covariance, _ = process.moments(theta, process.prepare(x))
    expected_mean, expected = directly(process, theta, x)
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-12)
    # The kernel itself has this accuracy: distances are differences of squares.
    np.testing.assert_allclose(covariance, expected, atol=1e-7)


@pytest.mark.parametrize("delta", [0.0, 0.6, 1.0])
def test_moments_are_those_of_the_random_function(delta: float) -> None:
    """f(x, r) = γ e^(-λr) + g(x) (1 - δ e^(-λr)) is sampled as it is written."""
    process = ExponentialDecayProcess(
        Matern52(2), SlopedMean(), 1.5, 2.0, 0.8, delta_fixed_value=delta
    )
    x = points(5, seed=3)
    theta = np.array([p.initial for p in process.parameters])
    mean, covariance, _ = process.moments(theta, process.prepare(x))

    rng, count = np.random.default_rng(1), 200_000
    lam = rng.gamma(shape=1.5, scale=2.0 / 1.5, size=count)
    prior = process.kernel_x.forward(theta[:2], x[:, :-1], x[:, :-1]) + 1e-9 * np.eye(5)
    g = process.mean_x.forward(theta[2:3], x[:, :-1])[:, None]
    g = g + np.linalg.cholesky(prior) @ rng.normal(size=(5, count))
    decay = np.exp(-np.outer(x[:, -1], lam))
    f = 0.8 * decay + g * (1 - delta * decay)
    np.testing.assert_allclose(mean, f.mean(axis=1), atol=5 * f.std() / np.sqrt(count))
    np.testing.assert_allclose(covariance, np.cov(f), atol=8 * f.var() / np.sqrt(count))


def test_cross_validation_is_the_mean_of_scores_of_folds() -> None:
    process, x = make("cross-validation"), points(8)
    theta = theta_of(process)
    mean, covariance, _ = process.moments(theta, process.prepare(x))
    assert isinstance(process, CrossValidationProcess)
    kernel, configs = process.kernel_main, x[:, :-1]
    folds = decode_resource_values(x[:, -1], R_MAX)
    assert set(folds.round(12)) <= {1.0, 3.0, 9.0}
    assert decode_resource_values(np.array([0.0, 1.0]), R_MAX).tolist() == [0.5, R_MAX + 0.5]
    main = kernel.forward(theta[:3], configs, configs)
    residual = kernel.forward(theta[3:6], configs, configs)
    np.testing.assert_allclose(mean, process.mean_main.forward(theta[6:], configs))
    np.testing.assert_allclose(
        covariance, main + residual / np.maximum.outer(folds, folds), atol=1e-7
    )


@pytest.mark.parametrize("name", RESOURCE_PROCESSES)
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 14))
def test_cross_agrees_with_moments(name: str, seed: int, n: int) -> None:
    process, x = make(name), points(n, seed)
    theta = theta_of(process, seed)
    mean, covariance, _ = process.moments(theta, process.prepare(x))
    m, diagonal, cross, _ = process.cross(theta, x, x)
    np.testing.assert_allclose(m, mean, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(cross, covariance, atol=1e-7)
    np.testing.assert_allclose(diagonal, np.diag(covariance), atol=1e-7)
    # One new point, and new points that share their resource, take shorter ways.
    shared = x[x[:, -1] == x[0, -1]]
    for new in (x[:1], shared):
        parts = process.cross(theta, new, x)[:3]
        rows = [int(np.flatnonzero((x == row).all(axis=1))[0]) for row in new]
        np.testing.assert_allclose(parts[0], mean[rows], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(parts[1], diagonal[rows], atol=1e-7)
        np.testing.assert_allclose(parts[2], covariance[rows], atol=1e-7)


@pytest.mark.parametrize("name", RESOURCE_PROCESSES)
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 14))
def test_covariances_are_symmetric_and_positive(name: str, seed: int, n: int) -> None:
    process, x = make(name), points(n, seed, levels=(1, 2, 3, 5, 9))
    _, covariance, _ = process.moments(theta_of(process, seed), process.prepare(x))
    np.testing.assert_allclose(covariance, covariance.T, rtol=1e-13)  # as the kernel's is
    assert np.linalg.eigvalsh(covariance).min() > -1e-7 * max(1.0, np.abs(covariance).max())


@pytest.mark.parametrize("name", RESOURCE_PROCESSES)
def test_covariances_stay_finite_at_the_bounds_of_parameters(name: str) -> None:
    process, x = make(name), points()
    rng = np.random.default_rng(0)
    for _ in range(20):
        theta = np.array([(p.lower, p.upper)[rng.integers(2)] for p in process.parameters])
        mean, covariance, pullback = process.moments(theta, process.prepare(x))
        assert np.isfinite(mean).all()
        assert np.isfinite(covariance).all()
        assert np.isfinite(pullback(mean, np.eye(len(x)))).all()
        assert np.linalg.eigvalsh(covariance).min() > -1e-9 * np.abs(covariance).max()


@pytest.mark.parametrize("name", RESOURCE_PROCESSES)
@pytest.mark.parametrize("n", [2, 11])
def test_gradient_by_parameters(name: str, n: int) -> None:
    process, x = make(name), points(n, seed=5)
    theta, rng = theta_of(process, 5), np.random.default_rng(5)
    by_mean, by_covariance = rng.normal(size=n), rng.normal(size=(n, n))
    by_covariance = by_covariance + by_covariance.T
    prepared = process.prepare(x)

    def value(values: np.ndarray) -> float:
        mean, covariance, _ = process.moments(values, prepared)
        return float(by_mean @ mean + np.vdot(by_covariance, covariance))

    pullback = process.moments(theta, prepared)[2]
    gradient = pullback(by_mean, by_covariance)
    np.testing.assert_allclose(gradient, central(value, theta), rtol=1e-5, atol=1e-6)
    # LAPACK gives matrices in the other order of entries.
    other = pullback(by_mean, np.asfortranarray(by_covariance))
    np.testing.assert_allclose(other, gradient, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("delta", [0.0, 1.0])
def test_gradient_at_the_ends_of_a_learnt_delta(delta: float) -> None:
    process, x = make("exp-decay-combined"), points()
    theta = theta_of(process)
    theta[-1] = delta
    weights = np.diag(np.arange(12.0))

    def value(d: np.ndarray) -> float:
        mean, covariance, _ = process.moments(np.append(theta[:-1], d), process.prepare(x))
        return float(mean.sum() + np.vdot(weights, covariance))

    gradient = process.moments(theta, process.prepare(x))[2](np.ones(12), weights)
    assert gradient[-1] == pytest.approx(central(value, theta[-1:])[0], rel=1e-6)


@pytest.mark.parametrize("name", RESOURCE_PROCESSES)
@pytest.mark.parametrize("which", ["one", "shared", "mixed"])
def test_gradient_by_new_points(name: str, which: str) -> None:
    process, x = make(name), points(10, seed=7)
    rng = np.random.default_rng(7)
    # Away from the training points and levels, where covariances have kinks.
    new = rng.random((1 if which == "one" else 4, 3)) * 0.9 + 0.05
    if which == "shared":
        new[:, -1] = 0.55
    m = len(new)
    theta = theta_of(process, 7)
    weights = rng.normal(size=m), rng.normal(size=m), rng.normal(size=(m, 10))

    def value(flat: np.ndarray) -> float:
        parts = process.cross(theta, flat.reshape(m, 3), x)[:3]
        return float(sum(np.vdot(w, part) for w, part in zip(weights, parts, strict=True)))

    gradient = process.cross(theta, new, x)[3](*weights)
    assert gradient.shape == (m, 3)
    np.testing.assert_allclose(gradient.ravel(), central(value, new.ravel()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", RESOURCE_PROCESSES)
def test_order_of_rows_does_not_matter(name: str) -> None:
    process, x = make(name), points()
    theta = theta_of(process)
    order = np.random.default_rng(2).permutation(len(x))
    mean, covariance, pullback = process.moments(theta, process.prepare(x))
    m, k, turned = process.moments(theta, process.prepare(x[order]))
    np.testing.assert_allclose(m, mean[order])
    np.testing.assert_allclose(k, covariance[np.ix_(order, order)], atol=1e-7)
    weights = np.diag(np.arange(12.0))
    np.testing.assert_allclose(
        turned(mean[order], weights[np.ix_(order, order)]), pullback(mean, weights), atol=1e-5
    )


@pytest.mark.parametrize("name", RESOURCE_PROCESSES)
def test_no_points_and_new_ones(name: str) -> None:
    """The mean of points is asked for with nothing else known."""
    process, x = make(name), points()
    mean, diagonal, cross, _ = process.cross(theta_of(process), x, x[:0])
    assert (mean.shape, diagonal.shape, cross.shape) == ((12,), (12,), (12, 0))


def test_a_fixed_delta_is_the_learnt_one_at_that_value() -> None:
    x = points()
    learnt = make("exp-decay-combined")
    theta = theta_of(learnt)
    for delta, name in ((0.0, "exp-decay-sum"), (1.0, "exp-decay-delta1")):
        fixed = make(name)
        assert len(fixed.parameters) == len(learnt.parameters) - 1
        expected = learnt.moments(np.append(theta[:-1], delta), learnt.prepare(x))
        found = fixed.moments(theta[:-1], fixed.prepare(x))
        np.testing.assert_allclose(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1])
        weights = np.outer(x[:, 0], x[:, 0])
        np.testing.assert_allclose(
            found[2](x[:, 0], weights), expected[2](x[:, 0], weights)[:-1], rtol=1e-9
        )


def test_freeze_thaw_curves_share_no_decay() -> None:
    together, apart = make("exp-decay-sum"), make("freeze-thaw")
    x = np.array([[0.1, 0.2, 0.1], [0.1, 0.2, 0.5], [0.9, 0.2, 0.5]])
    theta = theta_of(together)
    k1, k2 = (p.moments(theta, p.prepare(x))[1] for p in (together, apart))
    assert k1[0, 1] == pytest.approx(k2[0, 1])
    assert k1[0, 2] > k2[0, 2]
    assert k2[0, 2] == pytest.approx(k2[1, 2])  # the kernel alone, at any resource


def test_each_different_configuration_reaches_the_kernel_once() -> None:
    seen = []

    class Counting(Matern52):
        def prepare(self, x: Any) -> Any:
            seen.append(len(x))
            return super().prepare(x)

    x = points(30, seed=1)
    for process in (
        ExponentialDecayProcess(Counting(2), ScalarMean()),
        FreezeThawProcess(Counting(2), ScalarMean()),
    ):
        process.prepare(x)
    assert seen == [len(np.unique(x[:, :-1], axis=0))] * 2


def test_parameters_have_the_documented_names_and_initial_values() -> None:
    process = ExponentialDecayProcess(Matern52(2, ARD=True), ScalarMean())
    initial = {p.name: p.initial for p in process.parameters}
    assert initial == {
        "kernelx_inv_bw0": 1.0,
        "kernelx_inv_bw1": 1.0,
        "kernelx_covariance_scale": 1.0,
        "meanx_mean_value": 0.0,
        "alpha": 1.0,
        "mean_lam": 0.5,
        "gamma": 0.5,
        "delta": 0.5,
    }
    assert process.parameters[-1].encoding == "identity"


@pytest.mark.parametrize("name", ["matern52", "matern52-res-warp"])
def test_one_matern_of_both_inherits_the_warping(name: str) -> None:
    plain = resource_process(name, Matern52(3, has_covariance_scale=False), ScalarMean(), R_MAX)
    bent = resource_process(name, WarpedKernel(Matern52(3), [1]), ScalarMean(), R_MAX)
    assert isinstance(plain, KernelProcess)
    assert isinstance(bent, KernelProcess)
    resource = [3] if name == "matern52-res-warp" else []
    assert coordinates(plain.kernel) == resource
    assert coordinates(bent.kernel) == [1, *resource]
    names = [p.name for p in plain.parameters]
    assert {"inv_bw0", "inv_bw3"} <= set(names)
    assert "covariance_scale" not in names
    assert "covariance_scale" in [p.name for p in bent.parameters]


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(SchedulerError, match="did you mean 'exp-decay-sum'"):
        make("exp_decay_sum")
    with pytest.raises(SchedulerError, match="freeze-thaw"):
        make("quadratic")
    with pytest.raises(SchedulerError, match="delta_fixed_value=2"):
        ExponentialDecayProcess(Matern52(2), ScalarMean(), delta_fixed_value=2.0)
    with pytest.raises(SchedulerError, match="kernel_residual"):
        CrossValidationProcess(Matern52(2), Matern52(3), ScalarMean(), 5)
    with pytest.raises(SchedulerError, match="num_folds=0"):
        CrossValidationProcess(Matern52(2), Matern52(2), ScalarMean(), 0)
    with pytest.raises(SchedulerError, match="Matern52"):
        resource_process("matern52", Kernel(2, ()), ScalarMean(), R_MAX)


@pytest.mark.parametrize("name", RESOURCE_PROCESSES)
def test_a_fit_finds_how_curves_fall(name: str) -> None:
    """Values at the last level are predicted from curves that were stopped before it."""
    rng = np.random.RandomState(0)
    configs = rng.uniform(size=(20, 2))
    rows, targets = [], []
    for i, config in enumerate(configs):
        for r in (1, 3, 9)[: 1 if i % 4 else 3]:
            rows.append([*config, (r - 0.5) / R_MAX])
            targets.append(np.sum((config - 0.4) ** 2) * 3 + np.exp(-5 * (r - 0.5) / R_MAX))
    x, y = np.array(rows), np.array(targets)
    process = pickle.loads(pickle.dumps(make(name, ScalarMean())))
    model = GaussianProcessRegression(process)
    posterior = model.posterior(model.fit(x, y - y.mean(), rng), x, y - y.mean())
    new = np.column_stack([configs, np.full(20, 8.5 / R_MAX)])
    truth = ((configs - 0.4) ** 2).sum(axis=1) * 3 + np.exp(-8.5 / 9 * 5)
    error = np.abs(posterior.predict(new).mean[:, 0] + y.mean() - truth)
    assert np.median(error) < 0.15


def coordinates(kernel: Kernel) -> list[int]:
    return kernel.coordinates.tolist() if isinstance(kernel, WarpedKernel) else []


def central(function: Any, at: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Central differences, of which one-sided ones at two steps are the halves."""
    forward = approx_fprime(at, function, step)
    backward = approx_fprime(at, function, -step)
    return (forward + backward) / 2
