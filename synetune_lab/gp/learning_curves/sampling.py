"""Samples of Gaussian vectors, and of learning curves given h and their first values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.linalg import solve_lower

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["finish_curve", "sample_gaussian", "sample_latent"]


def sample_gaussian(
    mean: FloatArray,
    covariance: FloatArray,
    num_samples: int,
    random_state: np.random.RandomState,
) -> FloatArray:
    """Samples of vectors with mean (m, 1) or (m, num_samples): shape (m, num_samples).

    The covariance may be singular, and miss positive semidefiniteness by rounding.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws: FloatArray = mean + root @ random_state.standard_normal((len(covariance), num_samples))
    return draws


def finish_curve(
    factor: FloatArray,
    mean: FloatArray,
    known: FloatArray,
    h: FloatArray,
    random_state: np.random.RandomState,
) -> FloatArray:
    """Samples of the values that follow the first ones of a curve.

    Given h, the entries of L⁻¹ (y - E[g] - h) are independent and standard normal: those of the
    first values are known, and the others are drawn.

    Args:
        factor: L up to the last level to sample, shape (depth, depth).
        mean: E[g], at least of these levels.
        known: w of the first values, shape (count, 1).
        h: Samples of h, shape (num_samples,).
        random_state: Source of all randomness.

    Returns:
        Shape (depth - count, num_samples).
    """
    depth, count = len(factor), len(known)
    draws = random_state.standard_normal((depth - count, len(h)))
    values: FloatArray = mean[count:depth, None] + h + factor[count:, count:] @ draws
    if count:
        v = solve_lower(factor[:count, :count], np.ones(count))
        values += factor[count:, :count] @ (known - v[:, None] * h)
    return values


def sample_latent(
    factor: FloatArray,
    mean: FloatArray,
    latent: FloatArray,
    centred: FloatArray,
    random_state: np.random.RandomState,
) -> FloatArray:
    """Samples of g at all levels given y - h at all levels, both of shape (R, num_samples).

    Args:
        factor: L, shape (R, R).
        mean: E[g], shape (R,).
        latent: Covariance of g, shape (R, R).
        centred: Samples of y - h.
        random_state: Source of all randomness.
    """
    projected = solve_lower(factor, latent)
    whitened = solve_lower(factor, centred - mean[:, None])
    expected = mean[:, None] + projected.T @ whitened
    left = latent - projected.T @ projected
    return sample_gaussian(expected, left, centred.shape[1], random_state)
