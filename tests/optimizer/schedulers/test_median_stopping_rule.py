"""The median stopping rule: who is stopped, and what the wrapped scheduler hears."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.config_space import uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.baselines import ASHA, RandomSearch
from synetune_lab.optimizer.schedulers import MedianStoppingRule
from synetune_lab.trial import Trial

SPACE = {"x": uniform(0.0, 1.0), "epochs": 9}


def rule(mode: str = "min", **kwargs: Any) -> MedianStoppingRule:
    wrapped = RandomSearch(SPACE, "loss", mode=mode, random_seed=1)
    return MedianStoppingRule(wrapped, "epoch", **kwargs)


def trial(trial_id: int) -> Trial:
    return Trial(trial_id, {"x": 0.5, "epochs": 9}, datetime(2026, 1, 1))


def report(one: MedianStoppingRule, trial_id: int, epoch: int, loss: float) -> str:
    return one.on_trial_result(trial(trial_id), {"epoch": epoch, "loss": loss})


def test_who_is_worse_than_most_is_stopped() -> None:
    one = rule(grace_time=0, grace_population=3)
    values = [0.5, 0.4, 0.6, 0.45, 0.3]
    # From the third on: 0.6 is as good as 1 of 3; 0.45 as 3 of 4... 0.45 <= 0.45, 0.5, 0.6.
    decisions = [report(one, i, 2, value) for i, value in enumerate(values)]
    assert decisions == ["CONTINUE", "CONTINUE", "STOP", "CONTINUE", "CONTINUE"]
    report(one, 5, 2, 0.9)
    reason = one.reason()
    assert reason is not None
    assert (reason["kind"], reason["level"], reason["rank"], reason["size"]) == ("median", 2, 6, 6)
    assert (reason["value"], reason["goes_on"]) == (0.9, False)


def test_no_trial_is_stopped_early_or_among_few() -> None:
    one = rule(grace_time=3, grace_population=4)
    for epoch in (1, 2, 3):
        assert {report(one, i, epoch, float(i)) for i in range(10)} == {"CONTINUE"}
    assert [report(one, i, 4, float(i)) for i in range(4)] == ["CONTINUE"] * 3 + ["STOP"]
    assert one.grace_condition(3)
    assert one.grace_condition(5)
    assert not one.grace_condition(4)


def test_the_mean_of_all_values_counts_or_the_last_one() -> None:
    for average, decision in ((True, "STOP"), (False, "CONTINUE")):
        one = rule(running_average=average, grace_time=1, grace_population=2)
        for i in range(4):
            report(one, i, 1, 0.5)
            report(one, i, 2, 0.5)
        report(one, 4, 1, 0.9)
        assert report(one, 4, 2, 0.45) == decision  # its mean is 0.675


@given(
    values=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    cutoff=st.sampled_from([0.25, 0.5, 0.75]),
    mode=st.sampled_from(["min", "max"]),
)
def test_the_share_of_those_that_a_trial_is_as_good_as_decides(
    values: list[float], cutoff: float, mode: str
) -> None:
    one = rule(mode, grace_time=0, grace_population=1, rank_cutoff=cutoff, running_average=False)
    for i, value in enumerate(values):
        seen = values[: i + 1]
        as_good_as = [v for v in seen if (value <= v if mode == "min" else value >= v)]
        expected = "STOP" if len(as_good_as) / len(seen) < cutoff else "CONTINUE"
        assert report(one, i, 1, value) == expected


def test_a_report_that_repeats_a_resource_is_not_counted_twice() -> None:
    one = rule(grace_time=0, grace_population=1)
    for _ in range(5):
        report(one, 0, 1, 0.1)
    assert len(one._values[1]) == 1


def test_a_trial_stopped_here_is_not_promoted_by_the_wrapped_scheduler() -> None:
    wrapped = ASHA(SPACE, "loss", "epoch", max_resource_attr="epochs", type="promotion")
    one = MedianStoppingRule(wrapped, "epoch", grace_time=0, grace_population=3)
    for i in range(6):
        suggestion = one.suggest(i)
        assert suggestion is not None
        one.on_trial_add(Trial(i, suggestion.config or {}, datetime(2026, 1, 1)))
    decisions = []
    for i, loss in enumerate([0.1, 0.2, 0.9, 0.8, 0.7, 0.95]):
        decisions.append(report(one, i, 1, loss))
        one.on_trial_remove(trial(i))  # as the engine does
    assert decisions == ["PAUSE", "PAUSE", "STOP", "PAUSE", "PAUSE", "STOP"]
    resumed = []
    for new_id in range(6, 12):
        suggestion = one.suggest(new_id)
        assert suggestion is not None
        if not suggestion.spawn_new_trial_id:
            resumed.append(suggestion.checkpoint_trial_id)
    assert resumed
    assert set(resumed) <= {0, 1, 3, 4}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rank_cutoff": 1}, "rank_cutoff must be between 0 and 1, got 1"),
        ({"rank_cutoff": "half"}, "rank_cutoff must be a number"),
        ({"grace_time": -1}, "grace_time must be a number of at least 0, got -1"),
        ({"grace_population": None}, "grace_population must be a number"),
        ({"metric": "accuracy"}, "metric='accuracy' is none of the scheduler's metrics: 'loss'"),
        ({"running_average": 1}, "running_average must be True or False"),
    ],
)
def test_wrong_arguments_are_refused_by_name(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        rule(**kwargs)
    with pytest.raises(SchedulerError, match="scheduler must be a scheduler"):
        MedianStoppingRule("asha", "epoch")  # type: ignore[arg-type]
