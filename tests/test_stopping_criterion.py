"""Rules that end a run."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab import StoppingCriterion
from synetune_lab.trial import Status, Trial
from synetune_lab.tuning_status import TuningStatus

CREATED = datetime(2026, 1, 1, tzinfo=timezone.utc)


def status(
    statuses: dict[str, int] | None = None,
    reports: list[dict[str, Any]] | None = None,
    seconds: float = 0.0,
) -> TuningStatus:
    """A status with so many trials of each kind, whose first trial has reported."""
    made = TuningStatus(["loss"])
    made.tuner_time = seconds
    number = 0
    for name, count in (statuses or {Status.in_progress: 1}).items():
        for _ in range(count):
            made.note_status(Trial(number, {}, CREATED), name)
            number += 1
    for report in reports or []:
        made.note_result(0, report)
    return made


@pytest.mark.parametrize(
    ("rule", "below", "above"),
    [
        ({"max_wallclock_time": 10}, status(seconds=9.9), status(seconds=10.0)),
        ({"max_num_evaluations": 2}, status(reports=[{}] * 2), status(reports=[{}] * 3)),
        (
            {"max_num_trials_started": 3},
            status({Status.in_progress: 3}),
            status({Status.in_progress: 2, Status.failed: 2}),
        ),
        (
            {"max_num_trials_completed": 1},
            status({Status.completed: 1, Status.stopped: 4}),
            status({Status.completed: 2}),
        ),
        (
            {"max_num_trials_finished": 3},
            status({Status.completed: 1, Status.failed: 1, Status.stopped: 1, Status.paused: 9}),
            status({Status.completed: 1, Status.failed: 1, Status.stopped: 2}),
        ),
        (
            {"max_cost": 1.5},
            status(reports=[{"st_worker_cost": 1.5}]),
            status(reports=[{"st_worker_cost": 1.0}, {"st_worker_cost": 1.6}]),
        ),
        (
            {"min_metric_value": {"loss": 0.1}},
            status(reports=[{"loss": 0.1}, {"other": 0.0}]),
            status(reports=[{"loss": 0.05}, {"loss": 3.0}]),
        ),
        (
            {"max_metric_value": {"acc": 0.9}},
            status(reports=[{"acc": 0.9}, {"acc": math.nan}]),
            status(reports=[{"acc": 0.95}, {"acc": 0.1}]),
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_rule_holds_from_its_limit_on(
    rule: dict[str, Any], below: TuningStatus, above: TuningStatus
) -> None:
    criterion = StoppingCriterion(**rule)
    assert not criterion(below)
    assert criterion.why(below) is None
    assert criterion(above)
    assert str(next(iter(rule))) in str(criterion.why(above))


def test_one_rule_of_several_is_enough() -> None:
    criterion = StoppingCriterion(max_num_evaluations=100, max_wallclock_time=5)
    assert criterion(status(seconds=6.0))
    assert not StoppingCriterion()(status({Status.completed: 1000}, seconds=1e9))


def test_rules_combine_through_any_callable() -> None:
    time, trials = StoppingCriterion(max_wallclock_time=5), StoppingCriterion(max_cost=1)

    def both(progress: TuningStatus) -> bool:
        return time(progress) and trials(progress)

    assert not both(status(seconds=6.0))
    assert both(status(reports=[{"st_worker_cost": 2.0}], seconds=6.0))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"max_wallclock_time": -1}, "max_wallclock_time must be a number of at least 0, got -1"),
        ({"max_num_evaluations": "3"}, "max_num_evaluations must be a number"),
        ({"max_num_trials_started": True}, "max_num_trials_started must be a number"),
        ({"max_cost": math.nan}, "max_cost must be a number"),
        ({"min_metric_value": 0.5}, "min_metric_value must map names of metrics to numbers"),
        ({"max_metric_value": {"a": "b"}}, "max_metric_value must map names"),
    ],
)
def test_what_is_not_possible_is_refused_at_once(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        StoppingCriterion(**rule)


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-5, 5)


@given(st.lists(st.tuples(st.integers(0, 3), numbers), max_size=40))
def test_extremes_are_those_of_all_reports(reports: list[tuple[int, float]]) -> None:
    made = TuningStatus(["loss"])
    for trial_id, value in reports:
        made.note_result(trial_id, {"loss": value, "word": "a"})
    finite = [value for _, value in reports if value == value]
    told = made.overall_metric_statistics
    assert told.count == len(reports)
    assert told.min_metrics.get("loss") == (min(finite) if finite else None)
    assert told.max_metrics.get("loss") == (max(finite) if finite else None)
    best = made.best_trial_id("loss", "min")
    if best is not None:
        assert min(finite) in [value for trial_id, value in reports if trial_id == best]
    assert (best is None) == (not finite)


def test_times_and_costs_are_those_of_the_last_reports() -> None:
    made = status()
    made.note_result(0, {"st_worker_time": 2.0, "st_worker_cost": 0.5})
    made.note_result(0, {"st_worker_time": 5.0, "st_worker_cost": 0.75})
    made.note_result(1, {"st_worker_time": 1.0})
    assert (made.user_time, made.cost) == (6.0, 0.75)


def test_the_status_table_has_a_line_for_each_trial() -> None:
    made = status({Status.in_progress: 1, Status.completed: 2, Status.failed: 1}, seconds=12.5)
    made.note_result(0, {"loss": 0.25, "st_worker_time": 3.0})
    lines = str(made).splitlines()
    assert len(lines) == 1 + 4 + 1
    assert lines[-1] == ("1 trials running, 3 finished (2 until the end), 12.50s wallclock-time")
    frame = made.get_dataframe()
    assert list(frame["status"]) == ["InProgress", "Completed", "Completed", "Failed"]
    assert frame["loss"][0] == 0.25
    assert str(TuningStatus(["loss"])).startswith("(no trial yet)")
