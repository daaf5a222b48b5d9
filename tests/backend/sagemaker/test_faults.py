"""AWS at its worst: nothing that a trial reported is lost, and no job is left running unseen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.engine.events import TrialEnded
from synetune_lab.errors import BackendError
from synetune_lab.testing.backend_contract import config
from tests.backend.sagemaker.helpers import steps_of, until


@pytest.mark.parametrize("code", ["ThrottlingException", "Cut"])
@pytest.mark.parametrize(
    "operation",
    [
        "CreateTrainingJob",
        "ListTrainingJobs",
        "FilterLogEvents",
        "DescribeTrainingJob",
        "StopTrainingJob",
    ],
)
def test_throttled_and_cut_calls_are_made_again(
    make_driver: Callable[..., Any], cloud: Any, operation: str, code: str
) -> None:
    driver = make_driver()
    cloud.fail(operation, code, times=6)  # more than boto3 tries by itself
    driver.start(0, config("report", 5))
    driver.start(1, config("hang"))
    driver.until_reported(1)
    driver.stop(1)
    first, second = driver.until_ended(0, 1)
    assert (first.cause, second.cause) == ("exited", "stopped")
    assert steps_of(driver, 0) == [1, 2, 3, 4, 5]
    assert len(cloud.jobs) == 2
    assert cloud.running() == []


def test_an_answer_that_got_lost_starts_no_second_job(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    cloud.fail("CreateTrainingJob", "Cut", times=6, after_doing_it=True)
    driver.start(0, config("report", 2))
    assert driver.until_ended_one(0).cause == "exited"
    assert steps_of(driver, 0) == [1, 2]
    assert len(cloud.jobs) == 1


def test_a_job_of_somebody_else_with_the_same_name_is_not_taken_for_ours(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    name = driver.backend._names().job_name(0, 0)
    cloud.instant = True
    cloud.answer(
        "CreateTrainingJob",
        {
            "TrainingJobName": name,
            "Environment": {"ST_LAUNCH_ID": "another"},
            "ResourceConfig": {},
        },
    )
    driver.start(0, config("report"))
    end = driver.until_ended_one(0)
    assert end.cause == "failed"
    assert "give the tuner another name" in str(end.error)


def test_a_job_whose_start_was_not_answered_is_stopped_all_the_same(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver(retry_s=(30.0, 60.0))
    cloud.fail("CreateTrainingJob", "Cut", times=100, after_doing_it=True)
    driver.start(0, config("hang"))
    until(lambda: cloud.jobs)
    driver.stop(0)
    assert driver.until_ended_one(0).cause == "stopped"
    until(lambda: not cloud.running())


def test_a_job_that_can_not_be_started_fails_with_the_reason(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    cloud.fail("CreateTrainingJob", "AccessDeniedException")
    driver.start(0, config("report"))
    end = driver.until_ended_one(0)
    assert end.cause == "failed"
    assert "ask whoever administers the account" in str(end.error)


def test_jobs_that_aws_does_not_show_yet_are_waited_for(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    cloud.invisible_s = 1.0
    driver.start(0, config("report", 2))
    assert driver.until_ended_one(0).cause == "exited"
    assert steps_of(driver, 0) == [1, 2]


def test_log_events_that_come_late_twice_and_out_of_order_are_put_right(
    make_driver: Callable[..., Any], cloud: Any, stepping: Callable[[float], str]
) -> None:
    lines = iter(range(100))

    def deliver(line: str) -> list[tuple[float, str]]:
        return [((0.0, 0.45, 0.2)[next(lines) % 3], line), (0.3, line)]

    cloud.deliver_log = deliver
    driver = make_driver(entry_point=stepping(0.05))
    driver.start(0, {"steps": 12})
    assert driver.until_ended_one(0).cause == "exited"
    assert steps_of(driver, 0) == list(range(1, 13))


def test_reports_that_come_after_the_end_of_the_job_are_told(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    held: list[str] = []

    def hold(line: str) -> list[tuple[float, str]]:
        held.append(line)
        return []

    cloud.deliver_log = hold
    driver = make_driver(log_settle_s=3600.0)
    driver.start(0, config("report", 3))
    (job,) = cloud.jobs.values()
    until(lambda: job.is_over and not driver.backend.wait_events(0.0))
    for line in held:
        job.deliver(line)
    driver.backend._watch._settle_s = 0.0
    driver.until_ended(0)
    assert steps_of(driver, 0) == [1, 2, 3]


def test_a_spot_instance_that_is_taken_away_loses_and_repeats_no_report(
    make_driver: Callable[..., Any], cloud: Any, stepping: Callable[[float], str]
) -> None:
    driver = make_driver(entry_point=stepping(0.1), use_spot_instances=True, max_run=600)
    driver.start(0, {"steps": 12})
    driver.until_reported(0, 4)
    (job,) = cloud.jobs.values()
    assert job.request["EnableManagedSpotTraining"] is True
    assert job.request["StoppingCondition"]["MaxWaitTimeInSeconds"] == 600
    job.interrupt()
    assert driver.until_ended_one(0).cause == "exited"
    assert steps_of(driver, 0) == list(range(1, 13))
    assert job.interruptions == 1


@pytest.mark.parametrize("attribute", ["network_is_gone", "credentials_are_expired"])
def test_nothing_is_lost_while_aws_can_not_be_asked(
    make_driver: Callable[..., Any],
    cloud: Any,
    stepping: Callable[[float], str],
    caplog: pytest.LogCaptureFixture,
    attribute: str,
) -> None:
    driver = make_driver(entry_point=stepping(0.05))
    for trial_id in range(2):
        driver.start(trial_id, {"steps": 15})
        driver.until_reported(trial_id, 2)
    setattr(cloud, attribute, True)
    driver.start(2, {"steps": 3})
    driver.stop(1)

    def come_back() -> None:
        job, trouble = next(iter(cloud.jobs.values())), "can't be watched now"
        until(lambda: job.is_over and trouble in caplog.text)
        setattr(cloud, attribute, False)

    thread = threading.Thread(target=come_back)
    thread.start()
    ends = driver.until_ended(0, 1, 2)
    thread.join()
    assert ends[0].cause == "exited"
    assert ends[1].cause == "stopped"
    assert ends[2].cause == "exited"
    assert steps_of(driver, 0) == list(range(1, 16))
    assert steps_of(driver, 2) == [1, 2, 3]
    assert cloud.running() == []
    assert "The jobs go on, but can't be watched now" in caplog.text
    if attribute == "credentials_are_expired":
        assert "aws sso login" in caplog.text


def test_credentials_that_are_missing_are_told_before_the_first_trial(
    make_backend: Callable[..., Any],
    cloud: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(BackendError, match="aws configure"):
        make_backend().open(tmp_path / "experiment", "experiment")


def test_expired_credentials_and_a_missing_region_are_told_before_the_first_trial(
    make_backend: Callable[..., Any],
    cloud: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud.credentials_are_expired = True
    with pytest.raises(BackendError, match="have expired: run `aws sso login`"):
        make_backend().open(tmp_path / "experiment", "experiment")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(BackendError, match="aws configure set region"):
        make_backend().open(tmp_path / "experiment", "experiment")


def test_a_role_or_bucket_that_does_not_exist_is_told_before_the_first_trial(
    make_backend: Callable[..., Any], tmp_path: Path
) -> None:
    for role in ("NoSuchRole", "arn:aws:iam::123456789012:role/NoSuchRole"):
        with pytest.raises(BackendError, match="does not exist in this account"):
            make_backend(role=role).open(tmp_path / "experiment", "experiment")
    with pytest.raises(BackendError, match="no ARN of a role"):
        make_backend(role="arn:aws:sts::1:x").open(tmp_path / "experiment", "experiment")
    with pytest.raises(BackendError, match="aws s3 mb s3://no-such-bucket-here"):
        make_backend(s3_path="s3://no-such-bucket-here").open(tmp_path / "e", "experiment")


def test_closing_stops_jobs_though_calls_are_throttled(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    for trial_id in range(2):
        driver.start(trial_id, config("hang"))
    cloud.fail("StopTrainingJob", "ThrottlingException", times=10)
    driver.backend.close()
    until(lambda: not cloud.running())


def test_jobs_of_the_experiment_that_nobody_knows_are_stopped_when_it_is_resumed(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    for trial_id in range(2):
        driver.start(trial_id, config("hang"))
        driver.until_reported(trial_id)
    driver.backend.close(leave_running=True)
    other = make_driver()
    # Of trial 1 not even the handle was noted: the name of its job is known all the same.
    assert other.backend.adopt({1: (0, {})}) == {1: 0}
    until(lambda: len(cloud.running()) == 1)
    other.stop(1)
    assert other.until_ended_one(1).cause == "stopped"
    assert cloud.running() == []


def test_a_job_that_somebody_stops_in_the_console_is_a_stopped_trial(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    driver.start(0, config("hang"))
    driver.until_reported(0)
    next(iter(cloud.jobs.values())).stop()
    assert driver.until_ended_one(0) == TrialEnded(0, 0, "stopped")


def test_a_job_that_runs_out_of_time_has_failed(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    driver.start(0, config("hang"))
    driver.until_reported(0)
    (job,) = cloud.jobs.values()
    job.kill()
    until(lambda: job.is_over)
    with cloud.lock:
        job.status, job.secondary, job.reason = "Stopped", "MaxRuntimeExceeded", None
    end = driver.until_ended_one(0)
    assert end.cause == "failed"
    assert "max_run" in str(end.error)


def test_warm_pools_are_given_back_at_the_end(make_driver: Callable[..., Any], cloud: Any) -> None:
    driver = make_driver(keep_alive_period_in_seconds=600)
    driver.start(0, config("report"))
    driver.until_ended_one(0)
    (job,) = cloud.jobs.values()
    assert job.warm_pool == "Available"
    driver.backend.close()
    assert job.warm_pool is None
