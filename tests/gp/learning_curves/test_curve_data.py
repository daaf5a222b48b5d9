from __future__ import annotations

import numpy as np
import pytest

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.learning_curves import CurveData


def test_values_by_level_in_any_order():
    data = CurveData.from_levels(np.zeros((3, 1)), [{4: 2.0, 3: 1.0}, {}, {3: 5.0}], r_min=3)
    assert [curve.tolist() for curve in data.curves] == [[1.0, 2.0], [], [5.0]]
    assert data.counts.tolist() == [2, 0, 1]
    assert data.depth == 2
    assert data.padded().tolist() == [[1.0, 0.0, 5.0], [2.0, 0.0, 0.0]]
    assert len(data) == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [({1: 0.0, 3: 0.0}, r"lacks \[2\]"), ({2: 0.0}, r"lacks \[1\]"), ({0: 0.0}, "begins below")],
)
def test_gaps_are_refused(values, message):
    with pytest.raises(SchedulerError, match=f"configuration 1 .*{message}"):
        CurveData.from_levels(np.zeros((2, 1)), [{1: 0.0}, values], r_min=1)


def test_numbers_of_rows_and_curves_must_agree():
    with pytest.raises(SchedulerError, match="one row for each"):
        CurveData(np.zeros((2, 1)), [[1.0]])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_must_be_finite(value):
    with pytest.raises(SchedulerError, match="curve 0"):
        CurveData(np.zeros((1, 1)), [[1.0, value]])


def test_data_does_not_change_with_the_arrays_it_was_made_from():
    curve = np.ones(2)
    data = CurveData(np.zeros((1, 1)), [curve])
    curve[0] = 5
    assert data.curves[0].tolist() == [1.0, 1.0]
