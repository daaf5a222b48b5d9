"""Stoppers by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from synetune_lab import tune
from synetune_lab.errors import TuneError
from synetune_lab.tune.stopper import (
    ExperimentPlateauStopper,
    NoopStopper,
    TimeoutStopper,
    TrialPlateauStopper,
)
from tests.tune import trainables


def test_a_stopper_that_does_nothing() -> None:
    stopper = NoopStopper()
    assert not stopper("a", {})
    assert not stopper.stop_all()


def test_the_time_of_a_run_begins_with_the_first_question() -> None:
    times = iter([100.0, 159.0, 160.0])
    stopper = TimeoutStopper(timedelta(minutes=1), clock=lambda: next(times))
    assert not stopper("a", {})
    assert [stopper.stop_all() for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(("patience", "ends_at"), [(0, 4), (1, 4), (2, 5)])
def test_a_run_ends_when_its_best_values_stand_still(patience: int, ends_at: int) -> None:
    stopper = ExperimentPlateauStopper("score", std=0.1, top=3, mode="max", patience=patience)
    ends = [stopper("a", {"score": score}) for score in (1.0, 5.0, 5.0, 5.0, 2.0)]
    assert ends.index(True) + 1 == ends_at
    assert stopper.stop_all()


def test_a_plateau_may_count_only_above_a_value() -> None:
    stopper = TrialPlateauStopper(
        "score", std=0.1, num_results=2, grace_period=2, metric_threshold=3, mode="max"
    )
    values = (1.0, 1.0, 5.0, 5.0)
    assert [stopper("a", {"score": value}) for value in values] == [False, False, False, True]


def test_a_metric_that_is_missing_is_named() -> None:
    with pytest.raises(TuneError, match="'score', which was not reported"):
        TrialPlateauStopper("score")("a", {"loss": 1.0})


def test_several_stoppers_may_be_given_as_a_list() -> None:
    from synetune_lab.tune.stopper import MaximumIterationStopper

    analysis = tune.run(
        trainables.endless,
        config={"a": 1.0},
        stop=[NoopStopper(), MaximumIterationStopper(2)],
        verbose=0,
    )
    assert analysis.trials[0].status == "TERMINATED"
    assert len(analysis.trials[0].history) >= 2
