"""Kernels: values, derivatives, compositions, and one of a user's own."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from synetune_lab.errors import SchedulerError
from synetune_lab.gp import (
    GaussianProcessRegression,
    Kernel,
    KernelProcess,
    Matern52,
    Parameter,
    ProductKernel,
    RangeKernel,
    ScalarMean,
    WarpedKernel,
)
from synetune_lab.gp.parameters import ParameterVector


# The kernel of the documentation, as it is written there.
class RationalQuadratic(Kernel):
    def __init__(self, dimension):  # type: ignore[no-untyped-def]
        super().__init__(dimension, (Parameter("length", 1.0, 1e-3, 1e3),))

    def forward(self, theta, x1, x2):  # type: ignore[no-untyped-def]
        gap = anp.sum((x1[:, None, :] - x2[None, :, :]) ** 2, axis=2)
        return 1.0 / (1.0 + 0.5 * gap / theta[0] ** 2)


class Linear(Kernel):
    """Without a parameter, and with a variance that depends on the point."""

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension, ())

    def forward(self, theta: Any, x1: Any, x2: Any) -> Any:
        return anp.dot(x1, x2.T) + 0.5


KERNELS: dict[str, Kernel] = {
    "matern": Matern52(3),
    "matern-ard": Matern52(3, ARD=True),
    "matern-unscaled": Matern52(3, ARD=True, has_covariance_scale=False),
    "matern-1d": Matern52(1, ARD=True),
    "warped": WarpedKernel(Matern52(3, ARD=True)),
    "warped-part": WarpedKernel(Matern52(3, ARD=True), [0, 2]),
    "range": RangeKernel(4, Matern52(2, ARD=True), 1),
    "product": ProductKernel(Matern52(1), Matern52(2, ARD=True, has_covariance_scale=False)),
    "product-of-warped": ProductKernel(WarpedKernel(Matern52(1)), Matern52(2)),
    "user": RationalQuadratic(3),
    "user-linear": Linear(2),
    "warped-user": WarpedKernel(RationalQuadratic(2), [1]),
    "product-with-user": ProductKernel(RationalQuadratic(2), Matern52(1)),
}
each_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)


def values_of(kernel: Kernel, seed: int) -> np.ndarray:
    """Parameters in the middle of their ranges."""
    vector = ParameterVector(kernel.parameters)
    step = 0.4 * np.random.RandomState(seed).standard_normal(len(vector))
    return vector.decode(vector.encode(vector.initial) + step)


def points_of(kernel: Kernel, n: int, seed: int) -> np.ndarray:
    return np.asarray(np.random.RandomState(seed).random_sample((n, kernel.dimension)))


def differences(function: Any, at: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Central differences of a number by an array."""
    gradient = np.empty(at.shape)
    for place in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[place] += step
        down[place] -= step
        gradient[place] = (function(up) - function(down)) / (2 * step)
    return gradient


@pytest.mark.parametrize("ard", [False, True])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_matern_is_that_of_scikit_learn(ard: bool, seed: int) -> None:
    random = np.random.RandomState(seed)
    kernel = Matern52(3, ARD=ard)
    bandwidths = np.exp(random.uniform(-2, 2, 3 if ard else 1))
    reference = ConstantKernel(1.7) * Matern(1.0 / bandwidths, nu=2.5)
    x1, x2 = random.standard_normal((2, 6, 3))
    own = kernel.forward(np.append(bandwidths, 1.7), x1, x2)
    np.testing.assert_allclose(own, reference(x1, x2), rtol=1e-6, atol=1e-12)


@each_kernel
def test_all_ways_to_the_covariance_agree(kernel: Kernel) -> None:
    theta, x, y = values_of(kernel, 0), points_of(kernel, 6, 1), points_of(kernel, 4, 2)
    expected = kernel.forward(theta, x, x)
    np.testing.assert_allclose(kernel.gram(theta, kernel.prepare(x))[0], expected, atol=1e-8)
    np.testing.assert_allclose(kernel.diagonal(theta, x), np.diag(expected), atol=1e-8)
    variances, _ = kernel.diagonal_with_pullback(theta, x)
    np.testing.assert_allclose(variances, np.diag(expected), atol=1e-8)
    np.testing.assert_allclose(kernel.cross(theta, y, x)[0], kernel.forward(theta, y, x), atol=1e-8)


@each_kernel
@pytest.mark.parametrize("seed", [3, 4])
def test_derivatives_agree_with_finite_differences(kernel: Kernel, seed: int) -> None:
    theta, x, y = (
        values_of(kernel, seed),
        points_of(kernel, 5, seed),
        points_of(kernel, 3, seed + 9),
    )
    random = np.random.RandomState(seed)
    square = random.standard_normal((5, 5))
    square = square + square.T
    wide, long = random.standard_normal((3, 5)), random.standard_normal(3)

    _, by_theta = kernel.gram(theta, kernel.prepare(x))
    expected = differences(lambda t: np.sum(square * kernel.forward(t, x, x)), theta)
    np.testing.assert_allclose(by_theta(square), expected, rtol=1e-4, atol=1e-5)

    _, by_new = kernel.cross(theta, y, x)
    expected = differences(lambda z: np.sum(wide * kernel.forward(theta, z, x)), y)
    np.testing.assert_allclose(by_new(wide), expected, rtol=1e-4, atol=1e-6)

    _, by_point = kernel.diagonal_with_pullback(theta, y)
    expected = differences(lambda z: np.sum(long * kernel.diagonal(theta, z)), y)
    np.testing.assert_allclose(by_point(long), expected, rtol=1e-4, atol=1e-6)


@each_kernel
@given(seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_covariances_are_positive_definite(kernel: Kernel, seed: int) -> None:
    x = points_of(kernel, 8, seed)
    matrix = kernel.forward(values_of(kernel, seed), x, x)
    assert np.linalg.eigvalsh(0.5 * (matrix + matrix.T)).min() > -1e-7 * np.trace(matrix)


@each_kernel
def test_no_points_and_no_new_points(kernel: Kernel) -> None:
    theta, x = values_of(kernel, 0), points_of(kernel, 4, 0)
    assert kernel.cross(theta, x, x[:0])[0].shape == (4, 0)
    matrix, pullback = kernel.cross(theta, x[:0], x)
    assert matrix.shape == (0, 4)
    assert pullback(matrix).shape == (0, kernel.dimension)


@each_kernel
def test_points_on_top_of_each_other_have_finite_derivatives(kernel: Kernel) -> None:
    theta = values_of(kernel, 0)
    x = np.repeat(points_of(kernel, 2, 0), 2, axis=0)
    x[1] += 1e-12
    matrix, by_theta = kernel.gram(theta, kernel.prepare(x))
    assert np.isfinite(by_theta(np.ones((4, 4)))).all()
    assert np.isfinite(kernel.cross(theta, x, x)[1](np.ones((4, 4)))).all()
    matrix = kernel.gram(theta, kernel.prepare(x))[0]
    np.testing.assert_allclose(matrix[0, 1], matrix[0, 0], rtol=1e-6)


@pytest.mark.parametrize("corner", [0.0, 1.0])
def test_warping_has_finite_derivatives_at_the_ends(corner: float) -> None:
    kernel = WarpedKernel(Matern52(2))
    x = np.vstack([np.full(2, corner), points_of(kernel, 3, 0)])
    for power in (0.25, 1.0, 4.0):
        theta = np.concatenate([[1.0, 1.0], np.full(4, power)])
        assert np.isfinite(kernel.gram(theta, kernel.prepare(x))[1](np.ones((4, 4)))).all()
        assert np.isfinite(kernel.cross(theta, x, x)[1](np.ones((4, 4)))).all()


def test_warping_with_powers_of_one_changes_nothing() -> None:
    plain, warped = Matern52(2), WarpedKernel(Matern52(2))
    x = points_of(plain, 5, 0)
    np.testing.assert_allclose(
        warped.forward(np.array([2.0, 3.0, 1.0, 1.0, 1.0, 1.0]), x, x),
        plain.forward(np.array([2.0, 3.0]), x, x),
        atol=1e-6,
    )


def test_warping_bends_only_the_given_coordinates() -> None:
    kernel = WarpedKernel(Matern52(2), [1])
    assert [p.name for p in kernel.parameters] == [
        "inv_bw",
        "covariance_scale",
        "power_a1",
        "power_b1",
    ]
    x = np.array([[0.2, 0.3], [0.7, 0.6]])
    bent = np.column_stack([x[:, 0], 1.0 - (1.0 - x[:, 1] ** 2.0) ** 3.0])
    np.testing.assert_allclose(
        kernel.forward(np.array([1.5, 2.0, 2.0, 3.0]), x, x),
        Matern52(2).forward(np.array([1.5, 2.0]), bent, bent),
        atol=1e-6,
    )


def test_a_product_multiplies_kernels_of_its_parts() -> None:
    product = KERNELS["product"]
    theta, x = values_of(product, 1), points_of(product, 5, 1)
    first = Matern52(1).forward(theta[:2], x[:, :1], x[:, :1])
    second = Matern52(2, True, False).forward(theta[2:], x[:, 1:], x[:, 1:])
    np.testing.assert_allclose(product.forward(theta, x, x), first * second)
    assert [p.name for p in product.parameters] == [
        "kernel1_inv_bw",
        "kernel1_covariance_scale",
        "kernel2_inv_bw0",
        "kernel2_inv_bw1",
    ]


def test_a_range_does_not_see_the_other_coordinates() -> None:
    kernel = KERNELS["range"]
    theta, x = values_of(kernel, 1), points_of(kernel, 5, 1)
    moved = x.copy()
    moved[:, [0, 3]] = 0.5
    np.testing.assert_array_equal(kernel.forward(theta, x, x), kernel.forward(theta, moved, moved))


def test_parts_that_are_not_there_are_refused() -> None:
    with pytest.raises(SchedulerError, match="start=2"):
        RangeKernel(3, Matern52(2), 2)
    with pytest.raises(SchedulerError, match="coordinates="):
        WarpedKernel(Matern52(2), [2])


@pytest.mark.parametrize("kernel", [RationalQuadratic(2), Linear(2)], ids=["rational", "linear"])
def test_a_kernel_of_ones_own_is_fitted_and_predicts(kernel: Kernel) -> None:
    regression = GaussianProcessRegression(KernelProcess(kernel, ScalarMean()))
    x = points_of(kernel, 25, 0)
    y = 2.0 * x[:, 0] - x[:, 1]
    theta = regression.fit(x[:20], y[:20], np.random.RandomState(0))
    posterior = regression.posterior(theta, x[:20], y[:20])
    np.testing.assert_allclose(posterior.predict(x[20:]).mean[:, 0], y[20:], atol=0.05)
    prediction, pullback = posterior.predict_with_pullback(x[20:])
    by_mean = pullback(np.ones_like(prediction.mean), np.zeros_like(prediction.std))
    np.testing.assert_allclose(by_mean, np.tile([2.0, -1.0], (5, 1)), atol=0.3)


def test_a_kernel_without_its_formula_says_so() -> None:
    class Nothing(Kernel):
        pass

    with pytest.raises(NotImplementedError, match="Nothing must implement forward"):
        Nothing(1, ()).forward(np.zeros(0), np.zeros((1, 1)), np.zeros((1, 1)))
