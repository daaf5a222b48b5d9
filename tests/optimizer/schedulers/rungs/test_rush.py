"""RUSH: the hurdle that threshold candidates set."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.rungs.rush import RUSHDecider
from tests.optimizer.schedulers.hyperband_helpers import Hand

POINTS = [{"x": 0.1}, {"x": 0.2}, {"x": 0.3}]


def hand(type_: str, candidates: int = 2, **kwargs: Any) -> Hand:
    return Hand(
        type=type_,
        points_to_evaluate=POINTS,
        rung_system_kwargs={"num_threshold_candidates": candidates},
        **kwargs,
    )


def test_who_does_not_clear_the_hurdle_is_stopped() -> None:
    one = hand("rush_stopping")
    decisions = one.start_and_report([0.5, 0.4, 0.3, 0.45, 0.2])
    # The second candidate is worse than none; the hurdle is 0.4: 0.45 is above it.
    assert decisions == ["CONTINUE", "CONTINUE", "CONTINUE", "STOP", "CONTINUE"]


def test_what_the_rung_stops_the_hurdle_does_not_save() -> None:
    one = hand("rush_stopping", candidates=1)
    assert one.start_and_report([0.9, 0.1, 0.8]) == ["CONTINUE", "CONTINUE", "STOP"]


def test_candidates_need_no_hurdle() -> None:
    one = hand("rush_promotion", candidates=2, reduction_factor=2)
    one.start_and_report([0.4, 0.3, 0.35, 0.9, 0.8, 0.7])
    # Three of six may go on; trial 2 is among them, and below the hurdle of 0.3.
    promoted = [one.resumed(), one.resumed(), one.resumed()]
    assert promoted == [1, 0, None]


def test_without_candidates_it_is_the_rule_without_hurdle() -> None:
    losses = [0.4, 0.3, 0.35, 0.9, 0.8, 0.7]
    rush = hand("rush_promotion", candidates=0)
    plain = Hand(type="promotion", points_to_evaluate=POINTS)
    for one in (rush, plain):
        one.start_and_report(losses)
    assert [rush.resumed() for _ in range(3)] == [plain.resumed() for _ in range(3)]


values = st.floats(0, 1)


@given(
    candidates=st.lists(values, min_size=1, max_size=5),
    others=st.lists(values, min_size=1, max_size=5),
    mode=st.sampled_from(["min", "max"]),
)
def test_the_hurdle_is_the_best_candidate(
    candidates: list[float], others: list[float], mode: str
) -> None:
    decider = RUSHDecider(len(candidates), mode)
    for trial_id, value in enumerate(candidates):
        decider.note(trial_id, value, 3)
        assert decider.task_continues(True, trial_id, value, 3)
    best = min(candidates) if mode == "min" else max(candidates)
    for k, value in enumerate(others):
        clears = value <= best if mode == "min" else value >= best
        trial_id = len(candidates) + k
        decider.note(trial_id, value, 3)
        assert decider.task_continues(True, trial_id, value, 3) == clears
        assert decider.task_continues(True, trial_id, value, 9)
        assert not decider.task_continues(False, trial_id, value, 3)


@pytest.mark.parametrize(
    ("number", "message"),
    [(-1, "at least 0, got -1"), (True, "got True"), (4, "=4 is more than the 3 configurations")],
)
def test_candidates_are_some_of_the_points_to_evaluate(number: Any, message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        hand("rush_stopping", candidates=number)
