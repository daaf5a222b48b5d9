"""AWS takes a moment to know what it was asked for: no job runs that nobody is going to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synetune_lab.backend.sagemaker_backend import jobs
from synetune_lab.backend.sagemaker_backend.job import Job
from synetune_lab.engine.actions import DeleteCheckpoint
from synetune_lab.testing.backend_contract import config
from tests.backend.sagemaker.helpers import look_until, steps_of, until


def board_of(driver: Any) -> jobs.JobBoard:
    board: jobs.JobBoard = driver.backend._watch._board
    return board


def test_a_job_that_is_stopped_before_it_can_be_seen_is_stopped(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    cloud.invisible_s = 3600.0
    driver.start(0, config("hang"))
    driver.stop(0)
    asked = cloud.calls["StopTrainingJob"]
    look_until(driver, lambda: cloud.calls["StopTrainingJob"] >= asked + 2)
    assert [job.name for job in board_of(driver).not_told_to_stop()] == list(cloud.jobs)
    cloud.invisible_s = 0.0
    assert driver.until_ended_one(0).cause == "stopped"
    assert cloud.running() == []


def test_a_job_that_can_not_be_seen_yet_is_stopped_by_closing(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    cloud.invisible_s = 1.0
    driver.start(0, config("hang"))
    driver.stop(0)
    driver.backend.close()
    until(lambda: not cloud.running())


def test_a_job_whose_start_was_not_answered_is_stopped_though_it_can_not_be_seen(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    cloud.invisible_s = 3600.0
    cloud.fail("CreateTrainingJob", "Cut", times=100, after_doing_it=True)
    driver.start(0, config("hang"))
    driver.stop(0)
    asked = cloud.calls["StopTrainingJob"]
    look_until(driver, lambda: cloud.calls["StopTrainingJob"] >= asked + 2)
    cloud.invisible_s = 0.0
    assert driver.until_ended_one(0).cause == "stopped"
    assert cloud.running() == []


def test_a_job_whose_start_never_arrived_is_over_after_a_while(
    make_driver: Callable[..., Any], cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = make_driver()
    cloud.fail("CreateTrainingJob", "Cut", times=100)
    driver.start(0, config("hang"))
    driver.stop(0)
    asked = cloud.calls["StopTrainingJob"]
    look_until(driver, lambda: cloud.calls["StopTrainingJob"] >= asked + 2)
    monkeypatch.setattr(jobs, "_VISIBLE_AFTER_S", -1.0)
    assert driver.until_ended_one(0).cause == "stopped"
    assert cloud.jobs == {}


def test_a_stop_that_was_refused_is_sent_again_if_the_job_runs(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    driver.start(0, config("hang"))
    driver.until_reported(0)
    cloud.fail("StopTrainingJob", "ValidationException", times=2)
    driver.stop(0)
    assert driver.until_ended_one(0).cause == "stopped"
    assert cloud.calls["StopTrainingJob"] == 3
    assert cloud.running() == []


def test_a_job_that_waited_long_for_instances_may_be_invisible_like_any_other(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    driver.start(0, config("hang"))
    board = board_of(driver)
    job = board.get(0)
    assert isinstance(job, Job)
    assert job.last_tried is not None
    now = job.last_tried
    cloud.invisible_s = 3600.0
    job.first_tried = now - 6 * 3600.0
    board.look(now + 1.0)
    assert not job.is_over
    board.look(now + 1000.0)
    assert job.is_over
    cloud.invisible_s = 0.0
    board.stop_stray(job.name, now)


@pytest.fixture
def source(make_driver: Callable[..., Any], stepping: Callable[[float], str]) -> Any:
    """Trial 0 has done three steps, which its checkpoint holds."""
    driver = make_driver(entry_point=stepping(0.02))
    driver.start(0, {"steps": 3})
    driver.until_ended_one(0)
    return driver


def lose_network(driver: Any, cloud: Any) -> None:
    """Until the backend has seen it, since there is a job to look for."""
    driver.start(2, {"steps": 10_000})
    driver.until_reported(2)
    cloud.network_is_gone = True
    look_until(driver, lambda: driver.backend._watch._backoff.since is not None)


def test_a_checkpoint_is_copied_once_however_long_the_trial_waits(source: Any, cloud: Any) -> None:
    cloud.free_instances = 0
    before = cloud.calls["CreateTrainingJob"]
    source.start(1, {"steps": 5}, checkpoint_trial_id=0)
    look_until(source, lambda: cloud.calls["CreateTrainingJob"] >= before + 5)
    assert source.backend.api_calls["copy_object"] == 1
    source.backend.execute(DeleteCheckpoint(0))
    cloud.free_instances = None
    assert source.until_ended_one(1).cause == "exited"
    assert steps_of(source, 1) == [4, 5]
    assert source.backend.api_calls["copy_object"] == 1


def test_a_checkpoint_that_is_still_to_be_copied_is_not_deleted(source: Any, cloud: Any) -> None:
    lose_network(source, cloud)
    source.start(1, {"steps": 5}, checkpoint_trial_id=0)
    source.backend.execute(DeleteCheckpoint(0))
    cloud.network_is_gone = False
    assert source.until_ended_one(1).cause == "exited"
    assert steps_of(source, 1) == [4, 5]
    look_until(source, lambda: not source.backend._to_delete)
    bucket, _, key = source.backend.checkpoint_s3_uri(0).removeprefix("s3://").partition("/")
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket=bucket, Prefix=f"{key}/")


def test_a_copy_that_failed_is_made_again(source: Any, cloud: Any) -> None:
    cloud.fail("PUT s3", "SlowDown", times=4)  # more than boto3 tries by itself
    source.start(1, {"steps": 5}, checkpoint_trial_id=0)
    assert source.until_ended_one(1).cause == "exited"
    assert steps_of(source, 1) == [4, 5]
    assert source.backend.api_calls["copy_object"] == 2


def test_a_trial_that_is_paused_before_its_copy_was_made_has_it_when_it_goes_on(
    source: Any, cloud: Any
) -> None:
    lose_network(source, cloud)
    source.start(1, {"steps": 5}, checkpoint_trial_id=0)
    source.pause(1)
    assert source.until_ended_one(1).cause == "paused"
    cloud.network_is_gone = False
    source.resume(1, 1, {"steps": 5})
    assert source.until_ended_one(1, run=1).cause == "exited"
    assert steps_of(source, 1) == [4, 5]


def test_a_job_that_runs_keeps_its_checkpoint_though_its_start_was_not_answered(
    source: Any, cloud: Any
) -> None:
    before = cloud.calls["CreateTrainingJob"]
    cloud.fail("CreateTrainingJob", "Cut", times=1, after_doing_it=True)
    source.start(1, {"steps": 5}, checkpoint_trial_id=0)
    assert source.until_ended_one(1).cause == "exited"
    assert steps_of(source, 1) == [4, 5]
    assert source.backend.api_calls["copy_object"] == 1
    assert cloud.calls["CreateTrainingJob"] == before + 1, "it was looked for first"
