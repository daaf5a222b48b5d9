"""Cholesky factors through LAPACK, that never fail."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import lapack

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "append_rows",
    "cholesky",
    "diagonal_of",
    "inverse_from_cholesky",
    "solve_lower",
    "solve_lower_t",
]

logger = logging.getLogger(__name__)

_FIRST_JITTER = 1e-10
_JITTER_GROWTH = 10.0
_MAX_JITTER = 1e4


def cholesky(
    a: FloatArray, shift: float = 0.0, out: FloatArray | None = None
) -> tuple[FloatArray, float]:
    """Lower Cholesky factor of a symmetric matrix, with a number added to its diagonal.

    If that is not numerically positive definite, the least power-of-ten multiple of its average
    diagonal that makes it so is added as well, and logged.

    Args:
        a: Symmetric matrix, shape (n, n). It is not changed.
        shift: Added to the diagonal.
        out: Where to write the factor, shape (n, n) in Fortran order; None for new memory.

    Returns:
        The factor, zeros above its diagonal, and what was added beyond `shift`.

    Raises:
        FloatingPointError: If entries are not finite.
    """
    factor, info = _factorise(a, shift, out)
    # LAPACK does not always tell of what is not a number; it ends up in the diagonal.
    if info == 0 and np.isfinite(factor.diagonal()).all():
        return factor, 0.0
    if not np.isfinite(a).all() or not np.isfinite(shift):
        raise FloatingPointError("a covariance matrix has entries that are not finite")
    size = max(float(np.mean(np.abs(a.diagonal()))) + shift, 1e-300)
    relative = _FIRST_JITTER
    while relative <= _MAX_JITTER:
        factor, info = _factorise(a, shift + relative * size, out)
        if info == 0:
            logger.debug("a jitter of %.1e was added to a covariance matrix", relative * size)
            return factor, relative * size
        relative *= _JITTER_GROWTH
    raise FloatingPointError("a matrix is too far from positive definite to be a covariance")


def _factorise(a: FloatArray, shift: float, out: FloatArray | None) -> tuple[FloatArray, int]:
    work = np.empty(a.shape, order="F") if out is None else out
    # The transpose of a symmetric matrix in C order is the matrix in the order that LAPACK wants.
    np.copyto(work, a.T)
    if shift:
        diagonal_of(work)[:] += shift
    factor, info = lapack.dpotrf(work, lower=1, clean=1, overwrite_a=1)
    return factor, info


def solve_lower(factor: FloatArray, right: FloatArray) -> FloatArray:
    """Solution z of L z = b, for b of shape (n,) or (n, k)."""
    solution: FloatArray = lapack.dtrtrs(factor, right, lower=1)[0]
    return solution.reshape(right.shape)


def solve_lower_t(factor: FloatArray, right: FloatArray) -> FloatArray:
    """Solution z of Lᵀ z = b, for b of shape (n,) or (n, k)."""
    solution: FloatArray = lapack.dtrtrs(factor, right, lower=1, trans=1)[0]
    return solution.reshape(right.shape)


def inverse_from_cholesky(factor: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """The full symmetric inverse of L Lᵀ.

    Args:
        factor: The factor L; it is lost if `out` is given.
        out: Where to write the inverse, shape (n, n); None for new memory.
    """
    lower: FloatArray = lapack.dpotri(factor, lower=1, overwrite_c=out is not None)[0]
    inverse: FloatArray = np.add(lower, lower.T, out=out)  # above the diagonal are zeros
    diagonal_of(inverse)[:] *= 0.5
    return inverse


def diagonal_of(a: FloatArray) -> FloatArray:
    """The diagonal of a contiguous square matrix, as a view that can be written to."""
    flat: FloatArray = a.ravel(order="K")
    return flat[:: len(a) + 1]


def append_rows(factor: FloatArray, cross: FloatArray, block: FloatArray) -> FloatArray:
    """Extend a Cholesky factor by new rows, in O(n² q) instead of O((n + q)³).

    Args:
        factor: Factor of the old matrix, shape (n, n).
        cross: Covariances of old and new, shape (n, q).
        block: Covariance of the new, shape (q, q).

    Returns:
        The factor of the whole matrix, shape (n + q, n + q).
    """
    n, q = cross.shape
    below = solve_lower(factor, cross).T
    corner, _ = cholesky(block - below @ below.T)
    grown = np.zeros((n + q, n + q), order="F")
    grown[:n, :n] = factor
    grown[n:, :n] = below
    grown[n:, n:] = corner
    return grown
