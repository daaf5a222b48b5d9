"""What happens to trials beside plain reports: gaps, repeats, failures, the user's hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from synetune_lab.errors import SchedulerError
from synetune_lab.trial import Trial
from tests.optimizer.schedulers.hyperband_helpers import SPACE, Hand, RecordingSearcher


def test_a_report_beyond_a_level_is_judged_at_the_highest_level_reached() -> None:
    hand = Hand(type="stopping")
    hand.suggest()
    levels = []
    for epoch in range(2, 82, 2):
        hand.report(0, epoch, 1.0)
        reason = hand.scheduler.reason()
        if reason is not None:
            levels.append((epoch, reason["level"]))
    assert levels == [(2, 1), (4, 3), (10, 9), (28, 27)]


def test_a_first_report_beyond_several_levels_enters_only_the_highest() -> None:
    hand = Hand()
    hand.suggest()
    assert hand.report(0, 5, 1.0) == "PAUSE"
    assert hand.scheduler.terminator.information_for_rungs() == [
        (27, 0, pytest.approx(1 / 3)),
        (9, 0, pytest.approx(1 / 3)),
        (3, 1, pytest.approx(1 / 3)),
        (1, 0, pytest.approx(1 / 3)),
    ]


def test_a_report_beyond_the_maximum_ends_the_trial() -> None:
    hand = Hand(type="stopping", max_t=10)
    hand.suggest()
    assert hand.report(0, 12, 1.0) == "STOP"
    assert hand.scheduler.reason()["kind"] == "max_resource"  # type: ignore[index]


def test_a_resumed_trial_without_checkpoint_repeats_itself_unheard() -> None:
    hand = Hand()
    hand.start_and_report([1.0, 2.0, 3.0, 4.0])
    assert hand.resumed() == 0
    assert [hand.report(0, epoch, 9.0) for epoch in (1, 2, 3)] == ["CONTINUE", "CONTINUE", "PAUSE"]
    assert hand.resumed() == 1
    assert [hand.report(1, epoch, 8.0) for epoch in (1, 2, 3)] == ["CONTINUE", "CONTINUE", "PAUSE"]
    assert hand.resumed() == 1
    # Its first three reports are dropped: they repeat those up to the level where it paused.
    for epoch in (1, 2, 3):
        assert hand.report(1, epoch, 0.0) == "CONTINUE"
        assert hand.scheduler.reason() is None
    assert hand.scheduler.terminator.paused_trials(3) == [("0", 1, 9.0, 3)]


@pytest.mark.parametrize("type_", ["stopping", "promotion"])
def test_a_lost_trial_that_starts_again_is_not_judged_twice_at_a_level(type_: str) -> None:
    hand = Hand(type=type_, rung_levels=[4, 8], max_t=16)
    hand.suggest()
    for epoch in (1, 2, 3, 1, 2, 3):
        assert hand.report(0, epoch, 1.0) == "CONTINUE"
    first = hand.report(0, 4, 1.0)
    assert first == ("CONTINUE" if type_ == "stopping" else "PAUSE")
    if type_ == "stopping":
        for epoch in (3, 4, 5):
            assert hand.report(0, epoch, 99.0) == "CONTINUE"
    counts = [entries for _, entries, _ in hand.scheduler.terminator.information_for_rungs()]
    assert counts == [0, 1]


def test_late_reports_repeat_the_decision_without_effect() -> None:
    hand = Hand(type="promotion")
    hand.start_and_report([1.0])
    assert hand.report(0, 3, 0.0) == "PAUSE"
    hand = Hand(type="stopping")
    hand.start_and_report([1.0, 2.0])
    assert hand.report(1, 3, 0.0) == "STOP"
    counts = [entries for _, entries, _ in hand.scheduler.terminator.information_for_rungs()]
    assert counts == [0, 0, 0, 2]


@pytest.mark.parametrize("type_", ["stopping", "promotion"])
def test_a_failed_trial_leaves_the_rungs(type_: str) -> None:
    hand = Hand(type=type_)
    hand.start_and_report([1.0, 2.0, 3.0])
    hand.scheduler.on_trial_error(hand.trials[0])
    assert hand.scheduler.terminator.information_for_rungs()[-1][:2] == (1, 2)
    if type_ == "promotion":
        assert hand.resumed() == 1
    assert hand.report(0, 3, 0.0) == "STOP"


def test_a_trial_that_completes_early_is_done_with() -> None:
    hand = Hand()
    hand.suggest()
    hand.scheduler.on_trial_complete(hand.trials[0], {"epoch": 1, "loss": 0.0})
    assert hand.report(0, 1, 0.0) == "STOP"
    assert hand.scheduler.terminator.paused_trials() == []


def test_a_script_that_ends_at_its_milestone_stays_paused() -> None:
    hand = Hand()
    hand.start_and_report([1.0, 2.0])
    hand.scheduler.on_trial_complete(hand.trials[0], {"epoch": 1, "loss": 1.0})
    assert hand.resumed() == 0


def test_a_paused_trial_that_the_user_stops_is_never_promoted_but_counts() -> None:
    hand = Hand()
    hand.start_and_report([1.0, 2.0, 3.0, 4.0])
    hand.scheduler.on_trial_remove(hand.trials[0])
    assert hand.resumed() == 1  # the cutoff lies at the second of four
    assert hand.scheduler.terminator.paused_trials() == [("2", 2, 3.0, 1), ("3", 3, 4.0, 1)]


def test_the_user_may_resume_a_paused_trial_which_counts_as_its_promotion() -> None:
    hand = Hand()
    hand.start_and_report([1.0, 2.0, 3.0, 4.0])
    worst = hand.trials[3]
    assert hand.scheduler.on_trial_resumed_by_user(worst) == {**worst.config, "epochs": 3}
    # Asked again, as when the scheduler's own wish was held back, the answer is the same.
    assert hand.scheduler.on_trial_resumed_by_user(worst) == {**worst.config, "epochs": 3}
    assert [trial for trial, *_ in hand.scheduler.terminator.paused_trials()] == ["0", "1", "2"]
    assert hand.report(3, 2, 4.0) == "CONTINUE"
    assert hand.report(3, 3, 4.0) == "PAUSE"


def test_a_paused_trial_put_aside_by_the_user_may_be_resumed_by_her() -> None:
    hand = Hand()
    hand.start_and_report([1.0, 2.0])
    hand.scheduler.on_trial_remove(hand.trials[0])
    assert hand.resumed() is None
    config = hand.scheduler.on_trial_resumed_by_user(hand.trials[0])
    assert config is not None
    assert config["epochs"] == 3


@pytest.mark.parametrize("type_", ["stopping", "promotion"])
def test_a_running_trial_that_the_user_pauses_keeps_its_milestone(type_: str) -> None:
    hand = Hand(type=type_, grace_period=3)
    hand.suggest()
    hand.report(0, 1, 1.0)
    trial = hand.trials[0]
    hand.scheduler.on_trial_remove(trial)
    config = hand.scheduler.on_trial_resumed_by_user(trial)
    assert config == (None if type_ == "stopping" else {**trial.config, "epochs": 3})
    assert hand.report(0, 2, 1.0) == "CONTINUE"
    assert hand.report(0, 3, 1.0) == ("CONTINUE" if type_ == "stopping" else "PAUSE")


def test_an_ended_or_unknown_trial_cannot_be_resumed_by_the_user() -> None:
    hand = Hand(type="stopping")
    hand.start_and_report([1.0, 2.0])
    assert hand.scheduler.on_trial_resumed_by_user(hand.trials[1]) is None
    stranger = Trial(7, {"x": 0.5, "epochs": 81}, datetime(2026, 1, 1))
    assert hand.scheduler.on_trial_resumed_by_user(stranger) is None
    assert hand.report(1, 3, 0.0) == "STOP"


def test_a_trial_that_was_not_suggested_competes_too() -> None:
    hand = Hand(brackets=3)
    hand.trials[0] = Trial(0, {"x": 0.25, "epochs": 81}, datetime(2026, 1, 1))
    hand.scheduler.on_trial_add(hand.trials[0])
    assert hand.report(0, 1, 0.0) == "PAUSE"
    hand = Hand()
    hand.trials[0] = Trial(0, {"x": 0.25, "epochs": 81}, datetime(2026, 1, 1))
    hand.scheduler.on_trial_add(hand.trials[0])
    assert hand.report(0, 1, 0.0) == "PAUSE"
    hand.start_and_report([1.0])
    suggestion = hand.suggest()
    assert suggestion is not None
    assert suggestion.config == {"x": 0.25, "epochs": 3}


def test_a_suggestion_that_was_never_started_may_be_made_again() -> None:
    hand = Hand()
    first = hand.scheduler.suggest(0)
    second = hand.scheduler.suggest(0)
    assert first is not None
    assert second is not None
    assert first.config != second.config
    hand.trials[0] = Trial(0, second.config or {}, datetime(2026, 1, 1))
    assert hand.report(0, 1, 1.0) == "PAUSE"


@pytest.mark.parametrize("trial_id", [-1, 10_000_000])
def test_trial_numbers_count_up_from_zero(trial_id: int) -> None:
    with pytest.raises(SchedulerError, match="trial_id must count up from 0"):
        Hand().scheduler.suggest(trial_id)


class TotalsSearcher(RecordingSearcher):
    """Keeps the total costs that it is told."""

    def __init__(self, config_space: dict[str, Any]) -> None:
        super().__init__(config_space)
        self.totals: list[float] = []

    def on_trial_result(
        self, trial_id: str, config: dict[str, Any], result: dict[str, Any], update: bool
    ) -> None:
        self.totals.append(result["total_cost"])


def test_total_costs_add_up_over_pauses_and_begin_anew_from_scratch() -> None:
    searcher = TotalsSearcher(SPACE)
    hand = Hand(cost_attr="cost", searcher=searcher)
    hand.suggest()
    hand.suggest()
    hand.report(0, 1, 1.0, cost=5.0)
    hand.report(1, 1, 2.0, cost=7.0)
    assert hand.resumed() == 0
    hand.report(0, 2, 1.0, cost=3.0)  # from its checkpoint
    assert searcher.totals == [5.0, 7.0, 8.0]
    hand.report(0, 1, 1.0, cost=4.0)  # from scratch after all
    hand.report(0, 3, 1.0, cost=12.0)
    assert searcher.totals == [5.0, 7.0, 8.0, 12.0]


def test_a_pause_by_the_user_does_not_lose_costs() -> None:
    hand = Hand(cost_attr="cost", type="stopping", searcher=TotalsSearcher(SPACE))
    hand.suggest()
    hand.report(0, 1, 1.0, cost=5.0)
    hand.scheduler.on_trial_remove(hand.trials[0])
    hand.scheduler.on_trial_resumed_by_user(hand.trials[0])
    hand.report(0, 2, 1.0, cost=3.0)
    assert hand.scheduler.searcher.totals == [5.0, 8.0]  # type: ignore[attr-defined]


def test_editing_the_space_keeps_the_rungs() -> None:
    hand = Hand()
    hand.start_and_report([1.0, 2.0, 3.0])
    narrow = {"x": type(SPACE["x"])(0.0, 0.01), "epochs": 81}  # type: ignore[operator]
    report = hand.scheduler.edit_space(narrow)
    assert report["dropped"] == 0
    assert hand.scheduler.config_space == narrow
    assert hand.resumed() == 0
    suggestion = hand.suggest()
    assert suggestion is not None
    assert suggestion.config is not None
    assert suggestion.config["x"] <= 0.01


def test_the_maximum_resource_cannot_be_edited() -> None:
    hand = Hand()
    with pytest.raises(SchedulerError, match=r"'epochs' holds the maximum resource \(81\)"):
        hand.scheduler.edit_space({**SPACE, "epochs": 27})
    assert hand.scheduler.config_space == SPACE
