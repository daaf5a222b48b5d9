"""Brackets: how they are drawn, where their trials start, who competes with whom."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.bracket_distribution import first_rung_sizes
from tests.optimizer.schedulers.hyperband_helpers import SPACE, Hand

SPACE_200 = {**SPACE, "epochs": 200}


def test_sizes_of_the_documented_example() -> None:
    assert first_rung_sizes([1, 3, 9, 27, 81], 200, 3) == [243, 98, 41, 18, 9, 6]
    assert sum(first_rung_sizes([1, 3, 9, 27, 81], 200, 3)) == 415


def test_sizes_for_levels_that_are_not_geometric() -> None:
    # Four brackets: 4/4 · 12, 4/3 · 6, 4/2 · 3, 4/1 · 1.
    assert first_rung_sizes([1, 2, 4], 12, None) == [12, 8, 6, 4]


def test_new_trials_are_spread_over_the_brackets_as_documented() -> None:
    hand = Hand(config_space=SPACE_200, brackets=6, type="promotion")
    for _ in range(4150):
        hand.suggest()
    starts = Counter(trial.config["epochs"] for trial in hand.trials.values())
    assert sorted(starts) == [1, 3, 9, 27, 81, 200]
    for level, expected in zip(sorted(starts), [243, 98, 41, 18, 9, 6], strict=True):
        # Five standard deviations.
        assert abs(starts[level] - 10 * expected) < 5 * (10 * expected) ** 0.5


def test_each_bracket_has_its_first_milestone() -> None:
    manager = Hand(brackets=5, rung_system_per_bracket=True).scheduler.terminator
    assert [manager.first_milestone(bracket) for bracket in range(5)] == [1, 3, 9, 27, 81]
    assert [len(manager.milestones(bracket)) for bracket in range(5)] == [5, 4, 3, 2, 1]
    assert manager.milestones(1) == [81, 27, 9, 3]


class Always:
    """All trials into one bracket."""

    def __init__(self, bracket: int, brackets: int) -> None:
        self.probabilities = [float(k == bracket) for k in range(brackets)]

    def configure(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    def __call__(self) -> Sequence[float]:
        return self.probabilities


@pytest.mark.parametrize("per_bracket", [False, True])
def test_trials_compete_with_other_brackets_only_in_a_shared_system(per_bracket: bool) -> None:
    distribution = Always(0, 2)
    hand = Hand(
        type="stopping",
        brackets=2,
        rung_system_per_bracket=per_bracket,
        bracket_distribution=distribution,
    )
    assert distribution.scheduler is hand.scheduler
    hand.start_and_report([1.0])
    assert hand.report(0, 3, 1.0) == "CONTINUE"
    distribution.probabilities = [0.0, 1.0]
    hand.suggest()
    # Bracket 1 is not judged at level 1, however bad it is there.
    assert hand.report(1, 1, 99.0) == "CONTINUE"
    assert hand.scheduler.reason() is None
    assert hand.report(1, 3, 2.0) == ("CONTINUE" if per_bracket else "STOP")
    reason = hand.scheduler.reason()
    assert reason is not None
    assert (reason["bracket"], reason["size"]) == ((1, 1) if per_bracket else (0, 2))
    levels = hand.scheduler.describe()["rung_levels"]
    assert levels == ([[1, 3, 9, 27], [3, 9, 27]] if per_bracket else [[1, 3, 9, 27]])
    assert hand.scheduler.terminator.information_for_rungs()[2][1] == 2


def test_a_paused_trial_is_only_promoted_when_its_own_bracket_is_drawn() -> None:
    distribution = Always(1, 2)
    hand = Hand(brackets=2, rung_system_per_bracket=True, bracket_distribution=distribution)
    hand.start_and_report([1.0, 2.0], resource=3)
    distribution.probabilities = [1.0, 0.0]
    assert hand.resumed() is None
    distribution.probabilities = [0.0, 1.0]
    assert hand.resumed() == 0


def test_the_last_bracket_runs_to_the_maximum_without_a_rung() -> None:
    hand = Hand(brackets=5, bracket_distribution=Always(4, 5))
    suggestion = hand.suggest()
    assert suggestion is not None
    assert suggestion.config is not None
    assert suggestion.config["epochs"] == 81
    assert [hand.report(0, epoch, 1.0) for epoch in (1, 27, 81)] == ["CONTINUE", "CONTINUE", "STOP"]


def test_the_reason_of_a_new_trial_names_its_bracket() -> None:
    hand = Hand(brackets=5, bracket_distribution=Always(2, 5))
    hand.suggest()
    assert hand.scheduler.reason() == {"kind": "points_to_evaluate", "index": 0, "bracket": 2}
    hand.suggest()
    assert hand.scheduler.reason() == {"kind": "random", "bracket": 2}


def test_more_brackets_than_possible_are_cut_down(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert Hand(brackets=9).scheduler.num_brackets == 5
    assert "5 are used" in caplog.text


@pytest.mark.parametrize("probabilities", [[1.0], [0.5, -0.5]])
def test_a_distribution_that_does_not_fit_is_refused(probabilities: list[float]) -> None:
    distribution = Always(0, 2)
    distribution.probabilities = probabilities
    with pytest.raises(SchedulerError, match="must give 2 probabilities"):
        Hand(brackets=2, bracket_distribution=distribution).suggest()
