"""Promotion by cost."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.rungs.cost_promotion import CostRung
from synetune_lab.optimizer.schedulers.rungs.weighted import WeightedOrder
from tests.optimizer.schedulers.hyperband_helpers import Hand


@given(
    keys=st.lists(st.integers(0, 60), unique=True, max_size=60),
    removed=st.sets(st.integers(0, 60)),
    limit=st.integers(0, 400),
)
def test_sums_of_weights_are_those_of_a_sorted_list(
    keys: list[int], removed: set[int], limit: int
) -> None:
    order = WeightedOrder()
    for key in keys:
        order.add((float(key), 0), float(key % 7))
    for key in removed & set(keys):
        order.remove((float(key), 0))
    left = sorted(set(keys) - removed)
    assert len(order) == len(left)
    assert order.total == sum(key % 7 for key in left)
    within = None
    for i, key in enumerate(left):
        up_to = sum(k % 7 for k in left[: i + 1])
        assert order.sum_up_to((float(key), 0)) == up_to
        if up_to <= limit:
            within = (float(key), 0)
    assert order.last_within(limit) == within
    with pytest.raises(KeyError):
        order.remove((99.0, 0))


def test_many_entries_are_split_into_blocks() -> None:
    order = WeightedOrder()
    for key in range(5000):
        order.add((float(key * 7919 % 5000), 0), 1.0)
    assert order.sum_up_to((2499.0, 0)) == 2500.0
    assert order.last_within(100.0) == (99.0, 0)
    for key in range(5000):
        order.remove((float(key), 0))
    assert order.total == 0.0
    assert order.last_within(1.0) is None


entries = st.lists(
    st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), st.integers(0, 5)), max_size=25
)


@given(
    entries=entries, quantile=st.sampled_from([1 / 3, 0.5]), mode=st.sampled_from(["min", "max"])
)
def test_those_go_on_that_took_a_share_of_the_cost(
    entries: list[tuple[float, int]], quantile: float, mode: str
) -> None:
    rung = CostRung(1, quantile, mode)
    for trial_id, (value, cost) in enumerate(entries):
        rung.enter(trial_id, value, float(cost))
    sign = 1 if mode == "min" else -1
    best_first = sorted(range(len(entries)), key=lambda i: (sign * entries[i][0], i))
    total = sum(cost for _, cost in entries)
    among_the_best = []
    spent = 0
    for trial_id in best_first:
        spent += entries[trial_id][1]
        if spent <= quantile * total * (1 + 1e-9):
            among_the_best.append(trial_id)
    if len(entries) < 2:
        among_the_best = []
    rung = pickle.loads(pickle.dumps(rung))
    promoted = []
    while (standing := rung.promotable()) is not None:
        rung.release(standing.trial_id)
        promoted.append(standing.trial_id)
    assert promoted == among_the_best


def hand(**kwargs: Any) -> Hand:
    return Hand(type="cost_promotion", cost_attr="seconds", **kwargs)


def test_a_cheap_trial_goes_on_where_a_dear_one_would_take_too_much() -> None:
    cheap, dear = hand(), hand()
    for one, cost in ((cheap, 1.0), (dear, 10.0)):
        for _ in range(4):
            one.suggest()
        for trial_id in range(4):
            one.report(trial_id, 1, 0.1 * trial_id, seconds=cost if trial_id == 0 else 4.0)
    assert cheap.resumed() == 0  # 1 of 13 is within a third
    assert dear.resumed() is None  # 10 of 22 is not


def test_costs_add_up_over_pauses() -> None:
    one = hand()
    for _ in range(4):
        one.suggest()
    for trial_id in range(4):
        one.report(trial_id, 1, 0.1 * trial_id, seconds=1.0)
    assert one.resumed() == 0
    one.report(0, 2, 0.0, seconds=1.0)
    assert one.report(0, 3, 0.0, seconds=2.0) == "PAUSE"
    rung = one.scheduler.rung_systems[0].rungs[1]
    assert isinstance(rung, CostRung)
    assert rung._costs.total == 3.0


def test_a_failed_trial_takes_its_cost_with_it() -> None:
    rung = CostRung(1, 1 / 3, "min")
    for trial_id in range(4):
        rung.enter(trial_id, float(trial_id), 1.0)
    rung.remove(3)
    rung.remove(3)
    assert rung._costs.total == 3.0
    assert len(rung) == 3


def test_it_needs_to_know_the_cost() -> None:
    with pytest.raises(SchedulerError, match="needs cost_attr"):
        Hand(type="cost_promotion")
