"""Many jobs that end together, what AWS will never allow, and warm pools of jobs that still run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.sagemaker_backend import sagemaker_backend
from synetune_lab.errors import BackendError
from synetune_lab.testing.backend_contract import config
from tests.backend.sagemaker.helpers import look_until, until

FOR_GOOD = 10**6


def start_instant_jobs(driver: Any, cloud: Any, count: int) -> None:
    """Jobs that report once, and have ended before anybody looks."""
    cloud.instant = True
    for number in range(count):
        driver.start(number, config("report"))
    until(lambda: not cloud.running())
    cloud.calls.clear()


def test_jobs_that_end_together_are_read_with_one_search(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    start_instant_jobs(driver, cloud, 40)
    driver.until_ended(*range(40))
    assert all(len(driver.reports(number)) == 1 for number in range(40))
    assert cloud.calls["FilterLogEvents"] <= 4


def test_a_search_that_is_throttled_is_no_outage(
    make_driver: Callable[..., Any], cloud: Any, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make_driver()
    start_instant_jobs(driver, cloud, 2)
    # The first search of each look is for what is new, the others for what has ended.
    cloud.fail("FilterLogEvents", "ThrottlingException", after=2)
    driver.until_ended(0, 1)
    assert cloud.calls["FilterLogEvents"] >= 5, "it was asked once more"
    assert "can't be watched" not in caplog.text


def test_descriptions_that_are_throttled_are_asked_for_by_the_next_look(
    make_driver: Callable[..., Any], cloud: Any, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make_driver()
    start_instant_jobs(driver, cloud, 5)
    cloud.fail("DescribeTrainingJob", "ThrottlingException", after=3)
    driver.until_ended(*range(5))
    assert cloud.calls["DescribeTrainingJob"] == 6
    assert "can't be watched" not in caplog.text


def test_a_permission_for_logs_that_is_missing_is_told_before_the_first_trial(
    make_backend: Callable[..., Any], cloud: Any, tmp_path: Path
) -> None:
    cloud.fail("FilterLogEvents", "AccessDeniedException", FOR_GOOD)
    with pytest.raises(BackendError, match=r"logs:filter_log_events.*ask whoever administers"):
        make_backend().open(tmp_path / "experiment", "experiment")


@pytest.mark.parametrize("operation", ["FilterLogEvents", "ListTrainingJobs"])
def test_trials_that_may_not_be_watched_fail_in_the_end_and_their_jobs_are_stopped(
    make_driver: Callable[..., Any],
    cloud: Any,
    caplog: pytest.LogCaptureFixture,
    operation: str,
) -> None:
    driver = make_driver()
    for number in range(2):
        driver.start(number, config("hang"))
        driver.until_reported(number)
    cloud.fail(operation, "AccessDeniedException", FOR_GOOD)
    look_until(driver, lambda: "can't be watched now" in caplog.text)
    driver.backend._watch.refusal_patience_s = 0.0
    for end in driver.until_ended(0, 1):
        assert end.cause == "failed"
        assert "can't be watched" in str(end.error)
        assert "ask whoever administers the account" in str(end.error)
    until(lambda: not cloud.running())


def test_a_refusal_that_passes_costs_no_trial(
    make_driver: Callable[..., Any], cloud: Any, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make_driver()
    driver.start(0, config("report", 3))
    cloud.fail("ListTrainingJobs", "AccessDeniedException", 3)
    assert driver.until_ended_one(0).cause == "exited"
    assert caplog.text.count("can't be watched now") == 1
    assert "are watched again" in caplog.text


def test_warm_pools_of_jobs_that_still_run_are_given_back_when_they_have_ended(
    make_driver: Callable[..., Any], cloud: Any, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make_driver(keep_alive_period_in_seconds=600)
    driver.start(0, config("hang"))
    driver.until_reported(0)
    (job,) = cloud.jobs.values()
    assert job.warm_pool == "InUse"
    driver.backend.close()
    assert job.is_over
    assert job.warm_pool is None
    assert "for the keep-alive period" not in caplog.text


def test_warm_pools_that_can_not_be_waited_for_are_named(
    make_driver: Callable[..., Any],
    cloud: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sagemaker_backend, "_WARM_POOL_PATIENCE_S", 0.2)
    driver = make_driver(keep_alive_period_in_seconds=600)
    start_instant_jobs(driver, cloud, 2)
    stuck, ended = cloud.jobs.values()
    stuck.status = "InProgress"  # and never anything else, though it is told to stop
    driver.backend.close()
    assert ended.warm_pool is None
    assert f"for the keep-alive period once they have ended: {stuck.name}. " in caplog.text
    assert "--resource-config KeepAlivePeriodInSeconds=0" in caplog.text
    stuck.status = "Stopped"


def test_a_warm_pool_that_can_not_be_given_back_keeps_no_other_one(
    make_driver: Callable[..., Any], cloud: Any, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make_driver(keep_alive_period_in_seconds=600)
    start_instant_jobs(driver, cloud, 2)
    driver.until_ended(0, 1)
    cloud.fail("UpdateTrainingJob", "ValidationException")
    driver.backend.close()
    (kept,) = [job for job in cloud.jobs.values() if job.warm_pool == "Available"]
    assert f"for the keep-alive period once they have ended: {kept.name}. " in caplog.text
