"""What the searcher of asynchronous Hyperband hears, and when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.optimizer.schedulers.hyperband_helpers import SPACE, Hand, RecordingSearcher


def make(**kwargs: Any) -> tuple[Hand, RecordingSearcher]:
    searcher = RecordingSearcher(SPACE)
    return Hand(searcher=searcher, **kwargs), searcher


def test_rungs_only_the_levels_count() -> None:
    hand, searcher = make(type="stopping")
    hand.suggest()
    assert searcher.take() == [("pending", "0", 1)]
    for epoch in (1, 2, 3):
        hand.report(0, epoch, 1.0)
    assert searcher.take() == [
        ("result", "0", 1, True),
        ("pending", "0", 3),
        ("result", "0", 2, False),
        ("result", "0", 3, True),
        ("pending", "0", 9),
    ]


def test_all_reports_count_and_are_announced_up_to_the_milestone() -> None:
    hand, searcher = make(type="stopping", searcher_data="all", grace_period=2)
    hand.suggest()
    assert searcher.take() == [("pending", "0", 1), ("pending", "0", 2)]
    hand.report(0, 1, 1.0)
    assert searcher.take() == [("result", "0", 1, True)]
    hand.report(0, 2, 1.0)
    expected = [("result", "0", 2, True), *[("pending", "0", level) for level in range(3, 7)]]
    assert searcher.take() == expected


def test_myopic_announces_one_report_at_a_time() -> None:
    hand, searcher = make(
        type="stopping", searcher_data="all", register_pending_myopic=True, grace_period=2
    )
    hand.suggest()
    hand.report(0, 1, 1.0)
    hand.report(0, 2, 1.0)
    assert searcher.take() == [
        ("pending", "0", 1),
        ("result", "0", 1, True),
        ("pending", "0", 2),
        ("result", "0", 2, True),
        ("pending", "0", 3),
    ]


def test_rungs_and_last_drops_the_previous_report_between_rungs() -> None:
    hand, searcher = make(type="stopping", searcher_data="rungs_and_last", rung_levels=[1, 4])
    hand.suggest()
    for epoch in (1, 2, 3, 4, 5):
        hand.report(0, epoch, 1.0)
    told = [entry for entry in searcher.take() if entry[0] != "pending"]
    assert told == [
        ("result", "0", 1, True),
        ("result", "0", 2, True),
        ("remove", "0", {"epoch": 2}),
        ("result", "0", 3, True),
        ("remove", "0", {"epoch": 3}),
        ("result", "0", 4, True),
        ("result", "0", 5, True),
    ]


def test_a_pause_ends_what_is_pending_and_a_promotion_announces_anew() -> None:
    hand, searcher = make()
    hand.start_and_report([1.0, 2.0])
    searcher.take()
    assert hand.resumed() == 0
    assert searcher.take() == [("pending", "0", 3)]
    hand.report(0, 2, 1.0)
    hand.report(0, 3, 1.0)
    assert searcher.take() == [
        ("result", "0", 2, False),
        ("result", "0", 3, True),
        ("cleanup", "0"),
    ]


def test_repeated_reports_are_kept_from_the_searcher() -> None:
    hand, searcher = make(searcher_data="all")
    hand.start_and_report([1.0, 2.0])
    assert hand.resumed() == 0
    searcher.take()
    hand.report(0, 1, 1.0)
    hand.report(0, 2, 1.0)
    assert searcher.take() == [("result", "0", 2, True)]


def test_a_failure_is_told() -> None:
    hand, searcher = make()
    hand.suggest()
    searcher.take()
    hand.scheduler.on_trial_error(hand.trials[0])
    assert ("failed", "0") in searcher.take()


def test_a_user_pause_and_resume_is_told() -> None:
    hand, searcher = make(grace_period=9, searcher_data="all")
    hand.suggest()
    hand.report(0, 7, 1.0)
    searcher.take()
    hand.scheduler.on_trial_remove(hand.trials[0])
    assert searcher.take() == [("cleanup", "0")]
    hand.scheduler.on_trial_resumed_by_user(hand.trials[0])
    assert searcher.take() == [("pending", "0", 8), ("pending", "0", 9)]


def test_get_config_is_given_trial_and_bracket() -> None:
    hand, searcher = make()
    suggestion = hand.suggest()
    assert searcher.asked == [{"trial_id": "0", "bracket": 0}]
    assert suggestion is not None
    # The scheduler adds the constants of the space, and here the milestone.
    assert suggestion.config == {"x": 0.5, "epochs": 1}


def test_snapshots_hold_running_tasks_and_rungs() -> None:
    hand, searcher = make(type="stopping", do_snapshots=True)
    hand.start_and_report([1.0, 3.0, 0.5])
    hand.suggest()
    assert searcher.asked[-1]["snapshot"] == {
        "tasks": {
            "0": {"bracket": 0, "resource": 1, "milestone": 3},
            "2": {"bracket": 0, "resource": 1, "milestone": 3},
        },
        "rungs": [(27, []), (9, []), (3, []), (1, [(2, 0.5), (0, 1.0), (1, 3.0)])],
    }


@pytest.mark.parametrize("type_", ["stopping", "promotion"])
def test_the_searcher_may_bring_its_own_bracket_distribution(type_: str) -> None:
    class Distribution:
        def configure(self, scheduler: Any) -> None:
            self.n = scheduler.num_brackets

        def __call__(self) -> list[float]:
            return [0.0] * (self.n - 1) + [1.0]

    searcher = RecordingSearcher(SPACE)
    searcher.bracket_distribution = Distribution()  # type: ignore[attr-defined]
    hand = Hand(searcher=searcher, brackets=2, type=type_)
    hand.suggest()
    assert searcher.asked[0]["bracket"] == 1
    assert searcher.take() == [("pending", "0", 3)]
