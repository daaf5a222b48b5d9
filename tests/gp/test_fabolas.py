"""The kernel of Fabolas: its formula, rank and derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.kernels.combined import ProductKernel
from synetune_lab.gp.kernels.fabolas import FabolasKernel
from synetune_lab.gp.kernels.matern import Matern52

THETA = np.array([1.3, 0.4, -0.7])
X = np.array([[0.0], [0.2], [0.2], [0.7], [1.0]])


def test_covariances_follow_the_formula() -> None:
    kernel = FabolasKernel()
    assert [entry.name for entry in kernel.parameters] == ["u1", "u2", "u3"]
    assert [entry.initial for entry in kernel.parameters] == [1.0, 1.0, 0.0]
    upper = np.array([[1.3, -0.7], [0.0, 0.4]])
    phi = np.stack([np.ones(5), (1 - X[:, 0]) ** 2])
    expected = (upper @ phi).T @ (upper @ phi)
    for matrix in (
        kernel.forward(THETA, X, X),
        kernel.gram(THETA, kernel.prepare(X))[0],
        kernel.cross(THETA, X, X)[0],
    ):
        np.testing.assert_allclose(matrix, expected)
        assert np.linalg.matrix_rank(matrix) == 2
    np.testing.assert_allclose(kernel.diagonal(THETA, X), np.diag(expected))


def test_derivatives() -> None:
    kernel, rng = FabolasKernel(), np.random.default_rng(0)
    weights = rng.normal(size=(5, 5))
    symmetric = weights + weights.T
    new = rng.random((5, 1))

    def of_theta(theta: np.ndarray) -> float:
        return float(np.vdot(symmetric, kernel.gram(theta, X)[0]))

    def of_new(flat: np.ndarray) -> float:
        z = flat[:, None]
        return float(
            np.vdot(weights, kernel.cross(THETA, z, X)[0]) + weights[0] @ kernel.diagonal(THETA, z)
        )

    by_theta = kernel.gram(THETA, X)[1](symmetric)
    np.testing.assert_allclose(by_theta, approx_fprime(THETA, of_theta), rtol=1e-5)
    by_new = kernel.cross(THETA, new, X)[1](weights)
    by_new = by_new + kernel.diagonal_with_pullback(THETA, new)[1](weights[0])
    np.testing.assert_allclose(by_new[:, 0], approx_fprime(new[:, 0], of_new), rtol=1e-5, atol=1e-6)


def test_it_multiplies_a_kernel_of_configurations() -> None:
    kernel = ProductKernel(Matern52(2, ARD=True), FabolasKernel())
    x = np.random.default_rng(0).random((6, 3))
    theta = np.array([entry.initial for entry in kernel.parameters])
    matrix, pullback = kernel.gram(theta, kernel.prepare(x))
    assert np.linalg.eigvalsh(matrix).min() > -1e-10
    assert pullback(np.eye(6)).shape == theta.shape


def test_only_one_coordinate_is_taken() -> None:
    with pytest.raises(SchedulerError, match="dimension=2"):
        FabolasKernel(dimension=2)
