"""Rows that occur several times: compute once for each, spread to all, sum back.

A configuration is observed at several resource levels, and there are few levels. So what depends on
configurations alone is a matrix over c distinct ones, what depends on resources alone is a matrix
over l levels, and the covariance of all n rows takes its entries from both by index.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IndexArray = npt.NDArray[np.intp]

__all__ = [
    "GroupedRows",
    "dot_rows",
    "equal_rows",
    "group_rows",
    "group_values",
    "in_row_order",
    "one_if_shared",
    "sums_by_index",
    "ungrouped",
]


@dataclass(frozen=True)
class GroupedRows:
    """n rows, of which g differ.

    Attributes:
        values: The different rows, shape (g, d), or numbers, shape (g,).
        index: For each row, which of `values` it is, shape (n,).
        differ: Whether all rows differ and `values` has them in their order.
    """

    values: FloatArray
    index: IndexArray
    differ: bool

    @cached_property
    def _one_hot(self) -> sparse.csr_array:
        """1 where a column's row is of the group, shape (g, n)."""
        n, g = len(self.index), len(self.values)
        starts = np.zeros(g + 1, dtype=np.intp)
        np.cumsum(np.bincount(self.index, minlength=g), out=starts[1:])
        rows = np.argsort(self.index, kind="stable")
        return sparse.csr_array((np.ones(n), rows, starts), shape=(g, n))

    def spread(self, matrix: FloatArray) -> FloatArray:
        """Entries for all pairs of rows: shape (g, g) to (n, n). May be `matrix` itself."""
        if self.differ:
            return matrix
        # Columns first: the second step then copies whole rows.
        return matrix.take(self.index, axis=1).take(self.index, axis=0)

    def spread_columns(self, matrix: FloatArray) -> FloatArray:
        """Columns for all rows: shape (m, g) to (m, n). May be `matrix` itself."""
        return matrix if self.differ else matrix.take(self.index, axis=1)

    def collect(self, symmetric: FloatArray) -> FloatArray:
        """Sums over groups of both axes, the transpose of `spread`: (n, n) to (g, g)."""
        if self.differ:
            return symmetric
        summed: FloatArray = self._one_hot @ (self._one_hot @ symmetric).T
        return summed

    def collect_rows(self, matrix: FloatArray) -> FloatArray:
        """Sums over groups of rows: shape (n, m) to (g, m)."""
        summed: FloatArray = matrix if self.differ else self._one_hot @ matrix
        return summed

    def collect_columns(self, matrix: FloatArray) -> FloatArray:
        """Sums over groups of columns: shape (m, n) to (m, g)."""
        summed: FloatArray = matrix if self.differ else (self._one_hot @ matrix.T).T
        return summed

    def collect_vector(self, vector: FloatArray) -> FloatArray:
        """Sums over groups: shape (n,) to (g,)."""
        return sums_by_index(self.index, vector, len(self.values))


def group_rows(x: FloatArray) -> GroupedRows:
    """Groups equal rows of a matrix, shape (n, d), in the order of their first occurrence."""
    if x.shape[1] == 0:
        return GroupedRows(x[:1], np.zeros(len(x), dtype=np.intp), differ=False)
    # Rows are compared by their bytes, so -0.0 must not differ from 0.0.
    rows = np.ascontiguousarray(x + 0.0)
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    seen: dict[bytes, int] = {}
    index = np.array([seen.setdefault(key, len(seen)) for key in keys.tolist()], dtype=np.intp)
    if len(seen) == len(rows):
        return GroupedRows(rows, index, differ=True)
    # The last row written for an index stays; all with one index are equal.
    values = np.empty((len(seen), rows.shape[1]))
    values[index] = rows
    return GroupedRows(values, index, differ=False)


def group_values(r: FloatArray) -> GroupedRows:
    """Groups equal numbers of a vector, shape (n,), in ascending order."""
    values, index = np.unique(r, return_inverse=True)
    return GroupedRows(values, index.astype(np.intp, copy=False), differ=False)


def ungrouped(values: FloatArray) -> GroupedRows:
    """Each row is a group of its own, for calls too small to gain from grouping."""
    return GroupedRows(values, np.arange(len(values)), differ=True)


def sums_by_index(index: IndexArray, values: FloatArray, size: int) -> FloatArray:
    """Sums of the values with each index below `size`, shape (size,)."""
    return np.bincount(index, weights=values, minlength=size).astype(np.float64, copy=False)


def in_row_order(symmetric: FloatArray) -> FloatArray:
    """The same symmetric matrix in C order, as LAPACK's results are in the other."""
    return symmetric.T if symmetric.flags.f_contiguous else symmetric


def equal_rows(x1: FloatArray, x2: FloatArray) -> npt.NDArray[np.bool_]:
    """Which rows of two matrices are equal, shape (n1, n2)."""
    if len(x1) == 1:
        return np.asarray((x1 == x2).all(axis=1)[None, :])
    index = group_rows(np.concatenate([x1, x2])).index
    return np.equal.outer(index[: len(x1)], index[len(x1) :])


def one_if_shared(r: FloatArray) -> FloatArray:
    """The first of equal numbers, shape (1,), to be broadcast; else all of them, shape (m,)."""
    return r[:1] if len(r) and bool((r == r[0]).all()) else r


def dot_rows(matrix: FloatArray, rows: FloatArray) -> FloatArray:
    """Inner products of the rows of a matrix (m, n) with rows (m, n), or with one row (1, n)."""
    products: FloatArray = (
        matrix @ rows[0] if len(rows) == 1 else np.einsum("mn,mn->m", matrix, rows)
    )
    return products
