"""Prior means, and one of a user's own."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest

from synetune_lab.gp import (
    GaussianProcessRegression,
    KernelProcess,
    Matern52,
    Mean,
    Parameter,
    ScalarMean,
    ZeroMean,
)


# The mean of the documentation, as it is written there.
class LinearMean(Mean):
    def __init__(self, dimension):  # type: ignore[no-untyped-def]
        slopes = [
            Parameter(f"slope{k}", 0.0, -10, 10, encoding="identity") for k in range(dimension)
        ]
        super().__init__(slopes)

    def forward(self, theta, x):  # type: ignore[no-untyped-def]
        return anp.dot(x, theta)


X = np.random.RandomState(0).random_sample((6, 2))
G = np.random.RandomState(1).standard_normal(6)


@pytest.mark.parametrize(
    ("mean", "theta", "values", "by_theta", "by_inputs"),
    [
        (ScalarMean(), [1.5], np.full(6, 1.5), [G.sum()], np.zeros((6, 2))),
        (ZeroMean(), [], np.zeros(6), [], np.zeros((6, 2))),
        (LinearMean(2), [2.0, -1.0], X @ [2.0, -1.0], X.T @ G, np.outer(G, [2.0, -1.0])),
    ],
)
def test_values_and_derivatives(
    mean: Mean, theta: Any, values: Any, by_theta: Any, by_inputs: Any
) -> None:
    theta = np.array(theta, dtype=float)
    np.testing.assert_allclose(mean.forward(theta, X), values)
    of_theta, to_theta = mean.with_pullback_to_theta(theta, X)
    np.testing.assert_allclose(of_theta, values)
    np.testing.assert_allclose(to_theta(G), by_theta)
    of_inputs, to_inputs = mean.with_pullback_to_inputs(theta, X)
    np.testing.assert_allclose(of_inputs, values)
    np.testing.assert_allclose(to_inputs(G), by_inputs)


def test_a_mean_of_ones_own_is_fitted() -> None:
    x = np.random.RandomState(0).random_sample((30, 2))
    y = x @ [3.0, -2.0]
    regression = GaussianProcessRegression(KernelProcess(Matern52(2), LinearMean(2)))
    theta = regression.fit(x, y, np.random.RandomState(0))
    named = regression.vector.to_dict(theta)
    assert (named["slope0"], named["slope1"]) == pytest.approx((3.0, -2.0), abs=0.1)
    # Far away from the data only the mean is left.
    far = np.array([[50.0, 0.0]])
    assert regression.posterior(theta, x, y).predict(far).mean[0, 0] == pytest.approx(
        150.0, rel=0.1
    )


def test_a_mean_without_its_formula_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Mean must implement forward"):
        Mean().forward(np.zeros(0), X)
