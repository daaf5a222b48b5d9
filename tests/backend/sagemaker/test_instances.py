"""Where the account's quota or AWS's instances are used up, trials wait, and none has failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.testing.backend_contract import config
from synetune_lab.testing.backend_driver import BackendDriver
from synetune_lab.tuner import Tuner
from tests.backend.sagemaker.helpers import steps_of, until


def test_a_trial_waits_for_free_instances(make_driver: Callable[..., Any], cloud: Any) -> None:
    driver = make_driver()
    cloud.free_instances = 1
    driver.start(0, config("hang"))
    driver.start(1, config("report", 3))
    driver.until_reported(0)
    assert steps_of(driver, 1) == []
    driver.pause(0)
    assert [end.cause for end in driver.until_ended(0, 1)] == ["paused", "exited"]
    assert steps_of(driver, 1) == [1, 2, 3]


def test_a_trial_that_waits_for_instances_can_be_stopped_or_fails_in_the_end(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver(limit_patience_s=0.3)
    cloud.free_instances = 0
    driver.start(0, config("report"))
    driver.pause(0)
    assert driver.until_ended_one(0).cause == "paused"
    driver.start(1, config("report"))
    end = driver.until_ended_one(1)
    assert end.cause == "failed"
    assert "ask for a higher quota" in str(end.error)
    assert cloud.jobs == {}


def test_a_job_that_found_no_instances_is_tried_again_under_a_next_name(
    make_driver: Callable[..., Any], cloud: Any, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make_driver()
    cloud.jobs_without_capacity = 2
    driver.start(0, config("report", 3))
    assert driver.until_ended_one(0).cause == "exited"
    assert steps_of(driver, 0) == [1, 2, 3]
    first = driver.backend._names().job_name(0, 0)
    assert list(cloud.jobs) == [first, f"{first}-1", f"{first}-2"]
    assert [job.status for job in cloud.jobs.values()] == ["Failed", "Failed", "Completed"]
    assert "waits to be started: CapacityError" in caplog.text
    # Its log is that of the job that ran.
    reports = [x for x in driver.backend.stdout(0) if x.startswith("[tune-metric]")]
    assert len(reports) == 3
    assert driver.backend.log_tail(0)["stdout"] != []


def until_it_lacks_instances(driver: BackendDriver) -> None:
    board = driver.backend._watch._board  # type: ignore[attr-defined]
    until(lambda: not driver.backend.wait_events(0.0) and board.get(0).attempt)


def test_a_trial_that_found_no_instances_can_be_paused_and_fails_in_the_end(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    cloud.jobs_without_capacity = 1000
    driver = make_driver(limit_retry_s=(3600.0, 3600.0))
    driver.start(0, config("report"))
    until_it_lacks_instances(driver)
    driver.pause(0)
    assert driver.until_ended_one(0).cause == "paused"
    assert len(cloud.jobs) == 1
    impatient = make_driver(limit_patience_s=0.3)
    impatient.start(1, config("report"))
    end = impatient.until_ended_one(1)
    assert end.cause == "failed"
    assert "CapacityError: Unable to provision" in str(end.error)


def test_trials_without_instances_do_not_count_as_failed(
    make_backend: Callable[..., Any], cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "runs"))
    cloud.instant, cloud.jobs_without_capacity = True, 5
    tuner = Tuner(
        trial_backend=make_backend(),
        scheduler=RandomSearch({"lr": uniform(0, 1)}, metric="loss", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_trials_finished=4),
        n_workers=2,
        sleep_time=0.05,
        max_failures=1,
    )
    tuner.run()
    assert tuner.tuning_status.num_trials_failed == 0
    assert tuner.tuning_status.num_trials_completed >= 4
    assert cloud.running() == []


@pytest.mark.parametrize("later_attempts", [0, 1])
def test_a_trial_that_waits_for_instances_is_found_by_who_resumes_the_run(
    make_driver: Callable[..., Any], cloud: Any, later_attempts: int
) -> None:
    driver = make_driver(limit_retry_s=(3600.0, 3600.0))
    cloud.jobs_without_capacity = 1
    driver.start(0, config("hang"))
    handle = driver.handle(0)
    until_it_lacks_instances(driver)
    if later_attempts:
        driver.backend._watch._board.get(0).backoff.due = 0.0
        driver.until_reported(0)
    driver.backend.close(leave_running=True)
    other = make_driver()
    alive = other.backend.adopt({0: (0, handle)})
    if later_attempts:
        assert alive == {0: 0}
        other.stop(0)
        assert other.until_ended_one(0).cause == "stopped"
    else:  # the engine starts a trial that is lost again
        assert alive == {}
        assert other.until_ended_one(0).cause == "lost"
    assert cloud.running() == []
