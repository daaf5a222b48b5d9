"""Cholesky factors of covariances, also of those that are hardly any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.gp.linalg import (
    append_rows,
    cholesky,
    inverse_from_cholesky,
    solve_lower,
    solve_lower_t,
)


def covariance(n: int, seed: int = 0) -> np.ndarray:
    root = np.random.RandomState(seed).standard_normal((n, n))
    return np.asarray(root @ root.T + 0.1 * np.eye(n))


@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_factor_solves_and_inverse(n: int) -> None:
    matrix = covariance(n)
    factor, jitter = cholesky(matrix, 0.5)
    shifted = matrix + 0.5 * np.eye(n)
    assert jitter == 0.0
    np.testing.assert_array_equal(factor, np.tril(factor))
    np.testing.assert_allclose(factor @ factor.T, shifted)
    right = np.random.RandomState(1).standard_normal((n, 3))
    if n:
        np.testing.assert_allclose(factor @ solve_lower(factor, right), right, atol=1e-10)
        np.testing.assert_allclose(factor.T @ solve_lower_t(factor, right), right, atol=1e-10)
        assert solve_lower(factor, right[:, 0]).shape == (n,)
        out = np.empty((n, n))
        for inverse in (inverse_from_cholesky(factor), inverse_from_cholesky(factor, out)):
            np.testing.assert_allclose(inverse @ shifted, np.eye(n), atol=1e-9)
            np.testing.assert_array_equal(inverse, inverse.T)


def test_the_matrix_is_left_alone_and_memory_can_be_given() -> None:
    matrix = covariance(6)
    before, out = matrix.copy(), np.empty((6, 6), order="F")
    factor, _ = cholesky(matrix, 1.0, out)
    np.testing.assert_array_equal(matrix, before)
    assert np.shares_memory(factor, out)


@given(seed=st.integers(0, 1000), rank=st.integers(1, 5), scale=st.sampled_from([1e-9, 1.0, 1e9]))
@settings(max_examples=25, deadline=None)
def test_what_is_hardly_positive_definite_gets_little_jitter(
    seed: int, rank: int, scale: float
) -> None:
    half = np.random.RandomState(seed).standard_normal((12, rank)) * np.sqrt(scale)
    matrix = half @ half.T
    matrix = 0.5 * (matrix + matrix.T)
    factor, jitter = cholesky(matrix)
    assert 0.0 <= jitter <= 1e-8 * np.trace(matrix)
    np.testing.assert_allclose(
        factor @ factor.T, matrix + jitter * np.eye(12), atol=1e-12 * np.trace(matrix)
    )


def test_even_what_is_far_from_positive_definite_is_factorised() -> None:
    factor, jitter = cholesky(np.diag([1.0, -1.0]))
    assert jitter > 1.0
    assert np.isfinite(factor).all()


def test_a_matrix_of_zeros_is_factorised() -> None:
    assert np.isfinite(cholesky(np.zeros((3, 3)))[0]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_entries_that_are_not_finite_are_told(bad: float) -> None:
    matrix = covariance(3)
    matrix[2, 2] = bad
    with pytest.raises(FloatingPointError, match="not finite"):
        cholesky(matrix)


@given(seed=st.integers(0, 1000), n=st.integers(1, 8), q=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_an_extended_factor_is_that_of_the_whole(seed: int, n: int, q: int) -> None:
    matrix = covariance(n + q, seed)
    factor, _ = cholesky(matrix[:n, :n])
    grown = append_rows(factor, matrix[:n, n:], matrix[n:, n:])
    np.testing.assert_allclose(grown, cholesky(matrix)[0], rtol=1e-8, atol=1e-8)
