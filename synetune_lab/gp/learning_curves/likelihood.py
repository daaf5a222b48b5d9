"""The likelihood of learning curves, reduced to a few numbers for each configuration.

All curves begin at the same level and have the same covariance S of y - h, so that the Cholesky
factor L of S at the deepest curve serves all: a curve of n_i values needs its upper left block L_i.
With v = L⁻¹ 1 and w_i = L_i⁻¹ (y_i - E[g]), the density of curve i given its h is

    exp(-½ |w_i - v_i h|²) / Π_j (√(2π) L_jj),        j <= n_i,

of which |v_i|², v_i·w_i, |w_i|² and the diagonal of L are all that is needed. As a function of h it
is that of one observation v_i·w_i / |v_i|² with noise variance 1 / |v_i|². What remains is a
Gaussian process over configurations, with one observation each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.linalg import cholesky, inverse_from_cholesky, solve_lower, solve_lower_t

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.process import MomentsPullback

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["ReducedCurves", "reduce_curves", "reduced_likelihood"]

_HALF_LOG_2_PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class ReducedCurves:
    """What is left of the curves of n configurations with k columns of values.

    Attributes:
        factor: L, shape (depth, depth).
        v: L⁻¹ 1, shape (depth,).
        w: L⁻¹ (y - E[g]), shape (depth, n, k); zero where a configuration has no value.
        mask: Whether there is a value, shape (depth, n).
        precisions: |v_i|², shape (n,).
        products: v_i·w_i, shape (n, k).
    """

    factor: FloatArray
    v: FloatArray
    w: FloatArray
    mask: npt.NDArray[np.bool_]
    precisions: FloatArray
    products: FloatArray


def reduce_curves(
    values: FloatArray, counts: IntArray, mean: FloatArray, factor: FloatArray
) -> ReducedCurves:
    """Reduce curves.

    Args:
        values: Shape (depth, n, k); what is there beyond the values of a curve does not matter.
        counts: Number of values of each configuration, shape (n,).
        mean: E[g] of the levels, shape (depth,).
        factor: Cholesky factor of the covariance of y - h, shape (depth, depth).
    """
    depth, n, k = values.shape
    v = solve_lower(factor, np.ones(depth))
    centred = (values - mean[:, None, None]).reshape(depth, n * k)
    mask = np.arange(depth)[:, None] < counts
    # Rows of L⁻¹ use the levels up to their own only: those without a value spoil no others.
    w = solve_lower(factor, centred).reshape(depth, n, k) * mask[:, :, None]
    precisions = (v**2) @ mask
    return ReducedCurves(factor, v, w, mask, precisions, np.einsum("j,jik->ik", v, w))


def reduced_likelihood(
    curves: ReducedCurves, mean: FloatArray, covariance: FloatArray, pullback: MomentsPullback
) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """Negative log likelihood of curves of one column, and its derivatives.

    Args:
        curves: The reduced curves, each with at least one value.
        mean: Prior mean of h, shape (n,).
        covariance: Prior covariance of h, shape (n, n).
        pullback: From derivatives by these two to those by parameters of h.

    Returns:
        The value, its derivatives by the parameters of h, by E[g], shape (depth,), and by the
        covariance of y - h, shape (depth, depth), symmetric.
    """
    precisions = curves.precisions
    w, products = curves.w[:, :, 0], curves.products[:, 0]
    targets = products / precisions
    residuals = (w - curves.v[:, None] * targets) * curves.mask
    factor, _ = cholesky(covariance + np.diag(1.0 / precisions))
    whitened = solve_lower(factor, targets - mean)
    counts = curves.mask.sum(axis=1)  # of the configurations that have a value at a level
    logs = np.log(curves.factor.diagonal())
    value = (
        0.5 * float(whitened @ whitened + np.vdot(residuals, residuals))
        + float(np.log(factor.diagonal()).sum() + counts @ logs + 0.5 * np.log(precisions).sum())
        + float(counts.sum()) * _HALF_LOG_2_PI
    )
    weights = solve_lower_t(factor, whitened)
    by_covariance = inverse_from_cholesky(factor)
    by_covariance -= weights[:, None] * weights
    by_covariance *= 0.5
    by_theta = pullback(-weights, by_covariance)
    by_products = weights / precisions - targets
    by_precisions = (
        0.5 * targets**2
        + (0.5 - weights * targets) / precisions
        - by_covariance.diagonal() / precisions**2
    )
    by_values, by_levels = _back_to_levels(curves, by_products, by_precisions)
    return value, by_theta, -by_values.sum(axis=1), by_levels


def _back_to_levels(
    curves: ReducedCurves,
    by_products: FloatArray,
    by_precisions: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Derivatives by y - E[g], shape (depth, n), and by the covariance of y - h."""
    w, v, factor = curves.w[:, :, 0], curves.v, curves.factor
    by_w = w + v[:, None] * (curves.mask * by_products)
    by_v = w @ by_products + 2.0 * v * (curves.mask @ by_precisions)
    by_values = solve_lower_t(factor, by_w)
    by_ones = solve_lower_t(factor, by_v)
    # Derivatives by L: of both solves, and of the determinants.
    by_factor = -np.tril(by_values @ w.T + by_ones[:, None] * v)
    counts = curves.mask.sum(axis=1)
    by_factor[np.diag_indices_from(by_factor)] += counts / factor.diagonal()
    return by_values, _cholesky_pullback(factor, by_factor)


def _cholesky_pullback(factor: FloatArray, by_factor: FloatArray) -> FloatArray:
    """Symmetric derivatives by A = L Lᵀ from those by L (lower triangle).

    Murray: Differentiation of the Cholesky decomposition, https://arxiv.org/abs/1602.07527, eq. 10.
    """
    inner = np.tril(factor.T @ by_factor)
    inner[np.diag_indices_from(inner)] *= 0.5
    # L⁻ᵀ (inner + innerᵀ) L⁻¹ / 2
    left = solve_lower_t(factor, inner + inner.T)
    by_matrix: FloatArray = 0.5 * solve_lower_t(factor, left.T)
    return by_matrix
