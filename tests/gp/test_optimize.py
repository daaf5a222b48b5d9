"""Minimising a criterion from several starts."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from synetune_lab.gp.optimize import OptimizationConfig, fit_starts, minimize, random_starts
from synetune_lab.gp.parameters import Parameter, ParameterVector
from synetune_lab.gp.warm_start import FitMemory

VECTOR = ParameterVector(
    [
        Parameter("scale", 1.0, 1e-3, 1e3),
        Parameter("shift", 0.0, -10.0, 10.0, encoding="identity"),
    ]
)
OPTIMUM = np.array([7.0, -2.0])


def bowl(theta: Any) -> tuple[float, Any]:
    gap = np.array([np.log(theta[0] / OPTIMUM[0]), theta[1] - OPTIMUM[1]])
    return float(gap @ gap), 2.0 * gap * [1.0 / theta[0], 1.0]


def two_valleys(theta: Any) -> tuple[float, Any]:
    """Flat at 0; the deep valley is at shift = 5, the shallow one at -5."""
    s = theta[1]
    value = -np.exp(-((s + 5) ** 2)) - 3.0 * np.exp(-((s - 5) ** 2))
    slope = 2 * (s + 5) * np.exp(-((s + 5) ** 2)) + 6.0 * (s - 5) * np.exp(-((s - 5) ** 2))
    return float(value), np.array([0.0, slope])


def test_it_finds_the_minimum() -> None:
    found = minimize(bowl, VECTOR, [VECTOR.initial], OptimizationConfig())
    assert found is not None
    np.testing.assert_allclose(found[0], OPTIMUM, rtol=1e-3)
    assert found[1] == bowl(found[0])[0]


def test_the_best_of_several_starts_counts() -> None:
    starts = [np.array([1.0, -4.5]), np.array([1.0, 4.5]), np.array([1.0, -5.0])]
    found = minimize(two_valleys, VECTOR, starts, OptimizationConfig())
    assert found is not None
    assert found[0][1] == pytest.approx(5.0, abs=1e-2)


def test_what_is_outside_of_the_bounds_is_not_met() -> None:
    def slope(theta: Any) -> tuple[float, Any]:
        assert (theta >= [1e-3, -10.0]).all()
        assert (theta <= [1e3, 10.0]).all()
        return float(theta[1] - theta[0]), np.array([-1.0, 1.0])

    found = minimize(slope, VECTOR, [VECTOR.initial], OptimizationConfig())
    assert found is not None
    np.testing.assert_allclose(found[0], [1e3, -10.0])


@pytest.mark.parametrize(
    "error", [FloatingPointError, np.linalg.LinAlgError, OverflowError, ValueError]
)
def test_a_start_that_fails_is_skipped_and_logged(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    def fragile(theta: Any) -> tuple[float, Any]:
        if theta[0] > 100.0:
            raise error("no")
        return bowl(theta)

    starts = [np.array([500.0, 0.0]), VECTOR.initial]
    with caplog.at_level(logging.INFO):
        found = minimize(fragile, VECTOR, starts, OptimizationConfig())
    assert found is not None
    np.testing.assert_allclose(found[0], OPTIMUM, rtol=1e-3)
    assert "start 1 of 2" in caplog.text


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_end_a_start(bad: float) -> None:
    found = minimize(lambda _: (bad, np.zeros(2)), VECTOR, [VECTOR.initial], OptimizationConfig())
    assert found is None


def test_what_was_best_before_a_failure_is_kept() -> None:
    calls = []

    def tiring(theta: Any) -> tuple[float, Any]:
        calls.append(theta)
        if len(calls) > 3:
            raise FloatingPointError("no")
        return bowl(theta)

    found = minimize(tiring, VECTOR, [VECTOR.initial], OptimizationConfig())
    assert found is not None
    assert found[1] == min(bowl(theta)[0] for theta in calls[:3])


def test_iterations_are_limited() -> None:
    def valley(theta: Any) -> tuple[float, Any]:
        a, b = np.log(theta[0]), theta[1]
        by_a = -2 * (1 - a) - 400 * a * (b - a * a)
        return float((1 - a) ** 2 + 100 * (b - a * a) ** 2), np.array(
            [by_a / theta[0], 200 * (b - a * a)]
        )

    start = np.array([np.exp(-1.2), 1.0])
    few = minimize(valley, VECTOR, [start], OptimizationConfig(lbfgs_maxiter=3))
    many = minimize(valley, VECTOR, [start], OptimizationConfig(lbfgs_tol=1e-12))
    assert few is not None
    assert many is not None
    assert many[1] < 1e-6 < few[1] < valley(start)[0]


def test_starts_of_a_fit() -> None:
    random = np.random.RandomState(0)
    last = np.array([3.0, 1.0])
    first = fit_starts(VECTOR, 4, random)
    assert len(first) == 4
    np.testing.assert_array_equal(first[0], VECTOR.initial)
    later = fit_starts(VECTOR, 4, random, last)
    np.testing.assert_array_equal(later[:2], [last, VECTOR.initial])
    assert len(fit_starts(VECTOR, 1, random, last)) == 1
    assert len(fit_starts(VECTOR, 4, random, last, is_full=False)) == 1


def test_random_starts_are_inside_the_bounds_and_differ() -> None:
    starts = np.array(random_starts(VECTOR, VECTOR.initial, 50, np.random.RandomState(0)))
    assert len(np.unique(starts, axis=0)) == 50
    assert np.log(starts[:, 0]).std() == pytest.approx(1.0, abs=0.3)
    edge = np.array(random_starts(VECTOR, np.array([1e3, 10.0]), 50, np.random.RandomState(0)))
    assert (edge <= [1e3, 10.0]).all()


def test_a_fit_leaves_the_curvature_and_the_next_one_uses_it() -> None:
    memory = FitMemory()
    minimize(bowl, VECTOR, [VECTOR.initial], OptimizationConfig(), memory=memory)
    assert memory.fits(2)
    calls = []

    def counted(theta: Any) -> tuple[float, Any]:
        calls.append(theta)
        return bowl(theta)

    near = OPTIMUM * [1.1, 0.9]
    found = minimize(counted, VECTOR, [near], OptimizationConfig(), True, memory)
    assert found is not None
    np.testing.assert_allclose(found[0], OPTIMUM, rtol=1e-2)
    assert len(calls) <= 8


def test_a_warm_fit_that_fails_at_once_finds_nothing() -> None:
    def broken(theta: Any) -> tuple[float, Any]:
        raise np.linalg.LinAlgError("no")

    memory = FitMemory(np.eye(2))
    config = OptimizationConfig()
    assert minimize(broken, VECTOR, [VECTOR.initial], config, True, memory) is None
