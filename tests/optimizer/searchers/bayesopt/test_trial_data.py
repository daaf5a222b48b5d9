"""What searchers with models know of trials."""

from __future__ import annotations

import dill
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.config_space import choice, uniform
from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_space import ModelSpace
from synetune_lab.optimizer.schedulers.searchers.bayesopt.trial_data import Observed, TrialData

SPACE = {"a_number": uniform(0.0, 10.0), "kind": choice(["a", "b", "c"]), "epochs": 9}


def config(x: float, kind: str = "a") -> dict[str, object]:
    return {"a_number": x, "kind": kind, "epochs": 9}


def data_of(*xs: float) -> TrialData:
    data = TrialData(ModelSpace(SPACE))
    for trial_id, x in enumerate(xs):
        row = data.row_of(str(trial_id), config(x))
        assert row == trial_id
        data.of("loss").put(row, 0, x)
    return data


@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3), st.floats(-1, 1)),
        max_size=40,
    )
)
@settings(max_examples=50, deadline=None)
def test_observed_is_an_ordered_table(steps: list[tuple[bool, int, int, float]]) -> None:
    observed, reference = Observed(), dict[tuple[int, int], float]()
    for is_put, row, level, value in steps:
        if is_put:
            observed.put(row, level, value)
            reference[row, level] = value
        else:
            observed.remove(row, level)
            reference.pop((row, level), None)
    keys = list(zip(observed.rows, observed.levels, strict=True))
    assert dict(zip(keys, observed.values, strict=True)) == reference
    assert len(observed) == len(reference)
    for level in range(4):
        count = sum(key[1] == level for key in reference)
        assert observed.num_at(level) == observed.counts()[level] == count
    assert all(observed.contains(*key) for key in reference)


def test_values_come_in_the_order_of_arrival_and_the_newest_counts() -> None:
    observed = Observed()
    for row, value in ((5, 0.5), (2, 0.2), (5, 0.7), (9, 0.9)):
        observed.put(row, 1, value)
    assert (observed.rows, observed.values) == ([5, 2, 9], [0.7, 0.2, 0.9])


def test_rows_are_trials_in_the_order_in_which_they_became_known() -> None:
    data = data_of(1.0, 2.0)
    assert data.row_of("1") == 1
    assert data.row_of("unknown") is None
    assert data.trial_id(1) == "1"
    # What is known already does not change.
    assert data.row_of("1", config(9.0)) == 1
    np.testing.assert_allclose(data.vectors([1])[0, 0], 0.2)


def test_vectors_are_encodings_also_of_trials_that_come_later() -> None:
    data = data_of(*np.linspace(0, 10, 7))
    np.testing.assert_allclose(data.vectors([6, 0])[:, 0], [1.0, 0.0])
    for k in range(7, 40):
        data.row_of(str(k), config(k / 4, "b"))
    vectors = data.vectors(range(40))
    assert vectors.shape == (40, 4)
    np.testing.assert_allclose(vectors[7:, 0], np.arange(7, 40) / 40)
    np.testing.assert_allclose(vectors[[0, 39], 1:], [[1, 0, 0], [0, 1, 0]])
    assert data.vectors([]).shape == (0, 4)


def test_pending_results_are_expected_until_they_arrive() -> None:
    data = data_of(1.0)
    row = data.row_of("p", config(2.0))
    assert row is not None
    for level in (1, 3, 9):
        data.expect(row, level)
    data.expect(row, 3)
    assert data.pending_cases("loss") == [(row, 1), (row, 3), (row, 9)]
    data.arrived(row, 3)
    assert data.pending_cases("loss") == [(row, 9)]
    data.of("loss").put(row, 9, 0.0)
    assert data.pending_cases("loss") == []
    data.forget_pending("p")
    data.forget_pending("never seen")
    assert data.pending == {}


def test_in_another_space_everything_is_encoded_anew() -> None:
    data = data_of(1.0, 5.0, 9.0)
    space = {"a_number": uniform(4.0, 6.0), "kind": choice(["a", "d"]), "w": uniform(0, 1)}
    data.change_space(data.space.edit(space, {"w": 0.25}))
    assert data.count_outside("loss") == (1, 2, 0)
    np.testing.assert_array_equal(data.is_searched(np.arange(3)), [False, True, False])
    np.testing.assert_allclose(data.vectors(range(3))[:, 0], [0.1, 0.5, 0.9])
    np.testing.assert_allclose(data.vectors(range(3))[:, -1], 0.25)


def test_what_can_not_be_encoded_is_kept_but_not_used() -> None:
    data = data_of(1.0, 2.0)
    data.row_of("odd", {"a_number": 3.0, "kind": "unheard of"})
    data.of("loss").put(2, 0, 0.0)
    data.expect(2, 1)
    np.testing.assert_array_equal(data.usable(np.arange(3)), [True, True, False])
    assert data.count_outside("loss") == (2, 0, 1)
    assert data.pending_cases("loss") == []


def test_a_copy_has_the_same_vectors_and_does_not_carry_them() -> None:
    data = data_of(*np.linspace(0, 10, 300))
    before = data.vectors(range(300))
    saved = dill.dumps(data)
    np.testing.assert_array_equal(dill.loads(saved).vectors(range(300)), before)
    np.testing.assert_array_equal(data.vectors(range(300)), before)
