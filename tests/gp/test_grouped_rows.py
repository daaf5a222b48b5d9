"""Grouping of equal rows: spreading and collecting are transposes of each other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.gp.kernels.grouped_rows import (
    equal_rows,
    group_rows,
    group_values,
    in_row_order,
    ungrouped,
)

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12).map(
    lambda rows: np.array(rows, dtype=float).reshape(-1, 2)
)


@given(rows=ROWS)
def test_rows_are_those_of_their_groups(rows: np.ndarray) -> None:
    groups = group_rows(rows)
    np.testing.assert_array_equal(groups.values[groups.index], rows)
    assert len(groups.values) == len({tuple(row) for row in rows})
    levels = group_values(rows[:, 0])
    np.testing.assert_array_equal(levels.values[levels.index], rows[:, 0])


@given(rows=ROWS.filter(len), seed=st.integers(0, 99))
def test_collecting_is_the_transpose_of_spreading(rows: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for groups in (group_rows(rows), group_values(rows[:, 0]), ungrouped(rows)):
        n, g = len(rows), len(groups.values)
        small, large = rng.normal(size=(g, g)), rng.normal(size=(n, n))
        small, large = small + small.T, large + large.T
        np.testing.assert_allclose(
            np.vdot(groups.spread(small), large), np.vdot(small, groups.collect(large))
        )
        np.testing.assert_allclose(
            np.vdot(groups.spread_columns(small), large[:g]),
            np.vdot(small, groups.collect_columns(large[:g])),
        )
        np.testing.assert_allclose(
            groups.collect_columns(groups.collect_rows(large)), groups.collect(large)
        )
        np.testing.assert_allclose(
            groups.collect_vector(large[0]), groups.collect_rows(large[:1].T)[:, 0]
        )


@given(rows=ROWS, others=ROWS)
def test_equal_rows_of_two_matrices(rows: np.ndarray, others: np.ndarray) -> None:
    expected = (rows[:, None, :] == others).all(axis=2)
    np.testing.assert_array_equal(equal_rows(rows, others), expected)


def test_zeros_of_either_sign_are_equal() -> None:
    assert len(group_rows(np.array([[0.0], [-0.0]])).values) == 1


def test_rows_without_coordinates_are_equal() -> None:
    assert group_rows(np.zeros((3, 0))).index.tolist() == [0, 0, 0]


def test_row_order_of_a_symmetric_matrix() -> None:
    matrix = np.asfortranarray([[1.0, 2.0], [2.0, 3.0]])
    turned = in_row_order(matrix)
    assert turned.flags.c_contiguous
    np.testing.assert_array_equal(turned, matrix)
