"""Following an optimum that moves a little."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.gp.warm_start import FitMemory, follow


class Quadratic:
    """A criterion that remembers where it was asked."""

    def __init__(self, hessian: Any, optimum: Any) -> None:
        self.hessian, self.optimum = np.asarray(hessian), np.asarray(optimum, dtype=float)
        self.met: list[Any] = []

    def __call__(self, x: Any) -> tuple[float, Any]:
        self.met.append(np.array(x))
        gap = x - self.optimum
        return float(0.5 * gap @ self.hessian @ gap), self.hessian @ gap

    def best(self) -> Any:
        return min(
            self.met, key=lambda x: float((x - self.optimum) @ self.hessian @ (x - self.optimum))
        )


WIDE = [(-10.0, 10.0)] * 3


def random_hessian(seed: int) -> Any:
    root = np.random.RandomState(seed).standard_normal((3, 3))
    return root @ root.T + 0.5 * np.eye(3)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_with_the_right_curvature_one_step_is_enough(seed: int) -> None:
    hessian = random_hessian(seed)
    criterion = Quadratic(hessian, [0.1, -0.2, 0.3])
    memory = FitMemory(np.linalg.inv(hessian))
    follow(criterion, np.zeros(3), WIDE, memory, 1e-6)
    assert len(criterion.met) <= 3
    np.testing.assert_allclose(criterion.best(), criterion.optimum, atol=1e-6)


@given(seed=st.integers(0, 1000), scale=st.sampled_from([1e-3, 1.0, 1e3]))
@settings(max_examples=20, deadline=None)
def test_with_a_wrong_curvature_it_gets_no_worse_and_ends(seed: int, scale: float) -> None:
    criterion = Quadratic(random_hessian(seed), [0.5, -0.5, 0.5])
    memory = FitMemory(scale * np.eye(3))
    follow(criterion, np.zeros(3), WIDE, memory, 1e-6)
    values = [
        0.5 * (x - criterion.optimum) @ criterion.hessian @ (x - criterion.optimum)
        for x in criterion.met
    ]
    assert min(values) <= values[0]
    assert len(criterion.met) <= 8
    assert memory.inverse_hessian is not None
    # It stays symmetric and positive definite.
    np.testing.assert_allclose(memory.inverse_hessian, memory.inverse_hessian.T, atol=1e-8)
    assert np.linalg.eigvalsh(memory.inverse_hessian).min() > 0


def test_it_learns_the_curvature_on_its_way() -> None:
    hessian = np.diag([1.0, 4.0, 9.0])
    memory = FitMemory(np.eye(3))
    for _ in range(4):
        follow(Quadratic(hessian, [0.4, 0.3, -0.2]), np.zeros(3), WIDE, memory, 1e-8)
    assert memory.inverse_hessian is not None
    np.testing.assert_allclose(memory.inverse_hessian @ hessian, np.eye(3), atol=0.3)


def test_it_stays_inside_the_bounds() -> None:
    criterion = Quadratic(np.eye(3), [5.0, 0.2, -5.0])
    bounds = [(0.0, 1.0), (0.0, 1.0), (0.0, 1.0)]
    follow(criterion, np.full(3, 0.5), bounds, FitMemory(np.eye(3)), 1e-6)
    met = np.array(criterion.met)
    assert met.min() >= 0.0
    assert met.max() <= 1.0
    np.testing.assert_allclose(criterion.best(), [1.0, 0.2, 0.0], atol=1e-6)


def test_at_the_optimum_it_asks_once() -> None:
    criterion = Quadratic(np.eye(3), [0.0, 0.0, 0.0])
    follow(criterion, np.zeros(3), WIDE, FitMemory(np.eye(3)), 1e-6)
    assert len(criterion.met) == 1


def test_a_start_outside_of_the_bounds_is_moved_inside() -> None:
    criterion = Quadratic(np.eye(3), [0.0, 0.0, 0.0])
    follow(criterion, np.full(3, 99.0), WIDE, FitMemory(np.eye(3)), 1e-6)
    np.testing.assert_array_equal(criterion.met[0], np.full(3, 10.0))


@pytest.mark.parametrize(
    ("memory", "fits"),
    [(FitMemory(), False), (FitMemory(np.eye(2)), False), (FitMemory(np.eye(3)), True)],
)
def test_memory_is_for_as_many_parameters_as_it_was_made_of(memory: FitMemory, fits: bool) -> None:
    assert memory.fits(3) is fits
