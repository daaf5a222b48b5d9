"""What goes wrong beside a trial costs none of its results, and no other trial gets them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.ray_backend import RayBackend
from synetune_lab.testing.backend_driver import BackendDriver
from tests.backend.ray import ray_trials as trials
from tests.backend.ray.ray_setup import (
    COUNTING_SPACE,
    counting_config,
    is_alive,
    on_a_cluster,
    wait_for,
)

pytestmark = on_a_cluster
pytest.importorskip("fsspec")


class Bucket:
    """A folder behind a link, which at once can lead to something that is none."""

    def __init__(self, tmp_path: Path) -> None:
        self._link = tmp_path / "bucket"
        self._folder = tmp_path / "there"
        self._folder.mkdir()
        self._nothing = tmp_path / "nothing"
        self._nothing.touch()
        self.url = f"file://{self._link}"
        self.mend()

    def _lead_to(self, goal: Path) -> None:
        draft = self._link.with_name("draft")
        draft.symlink_to(goal)
        draft.replace(self._link)

    def mend(self) -> None:
        """What is written there is kept."""
        self._lead_to(self._folder)

    def break_down(self) -> None:
        """Nothing can be written there, nor read."""
        self._lead_to(self._nothing)


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path)


@pytest.fixture
def gates(tmp_path: Path) -> Path:
    folder = tmp_path / "gates"
    folder.mkdir()
    return folder


def test_a_checkpoint_that_could_not_be_kept_is_kept_after_the_next_report(
    tmp_path: Path, bucket: Bucket, gates: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"steps": 3, "gates": str(gates)}
    backend = RayBackend(trials.gated, config, storage_path=bucket.url)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, config)
        driver.until_reported(0, 1)

        def has_come() -> bool:
            return backend.checkpoint_trial_path(0).exists()

        wait_for(has_come)
        bucket.break_down()
        (gates / "2").touch()
        driver.until_reported(0, 2)

        def is_warned() -> bool:
            driver.batches.append(backend.wait_events(0.02))
            return "could not be kept after a report" in caplog.text

        wait_for(is_warned)
        bucket.mend()
        (gates / "3").touch()
        end = driver.until_ended_one(0)
        assert (end.cause, end.exit_code) == ("exited", 0)
        assert [report["epoch"] for report in driver.reports(0)] == [1, 2, 3]
        assert (backend.checkpoint_trial_path(0) / "step").read_text() == "3"
        assert any('"epoch": 2' in line for line in backend.stdout(0))
    assert "trial 0: checkpoint and logs could not be kept" in caplog.text
    assert "of its end" not in caplog.text


def test_a_trial_keeps_its_reports_when_its_checkpoint_is_lost_and_the_next_one_gets_none_of_them(
    tmp_path: Path, bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    config = counting_config(tmp_path)
    backend = RayBackend(trials.counting, COUNTING_SPACE, storage_path=bucket.url)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, config)
        driver.until_reported(0, 3)
        bucket.break_down()
        (tmp_path / "gate").touch()
        assert driver.until_ended_one(0).cause == "exited"
        assert [report["epoch"] for report in driver.reports(0)] == [1, 2, 3, 4, 5, 6]
        assert "trial 0: checkpoint and logs of its end could not be kept" in caplog.text
        pid, _ = map(int, (tmp_path / "pid").read_text().split())
        assert not is_alive(pid)
        bucket.mend()
        driver.start(1, config)
        assert driver.until_ended_one(1).cause == "exited"
        assert [report["epoch"] for report in driver.reports(1)] == [1, 2, 3, 4, 5, 6]


def test_a_trial_whose_checkpoint_can_not_be_fetched_does_not_begin_anew(
    tmp_path: Path, bucket: Bucket
) -> None:
    config = {**counting_config(tmp_path), "steps": 2}
    backend = RayBackend(trials.counting, COUNTING_SPACE, storage_path=bucket.url)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, config)
        assert driver.until_ended_one(0).cause == "exited"
        bucket.break_down()
        driver.resume(0, 1, {**config, "steps": 4})
        end = driver.until_ended_one(0, run=1)
        assert end.cause == "failed"
        assert "NotADirectoryError" in str(end.error)
        assert len(driver.reports(0)) == 2
        bucket.mend()
        (tmp_path / "gate").touch()
        driver.resume(0, 2, {**config, "steps": 4})
        assert driver.until_ended_one(0, run=2).cause == "exited"
        assert [report["epoch"] for report in driver.reports(0)] == [1, 2, 3, 4]


def test_folders_of_a_checkpoint_may_be_renamed_while_it_is_sent(tmp_path: Path) -> None:
    config = {"steps": 60}
    backend = RayBackend(trials.drafting, config, storage_path=f"file://{tmp_path}/bucket")
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, config)
        assert driver.until_ended_one(0).cause == "exited"
        assert [report["epoch"] for report in driver.reports(0)] == list(range(1, 61))
        newest = backend.checkpoint_trial_path(0) / "step_60"
        assert {path.name: path.read_text() for path in newest.iterdir()} == {
            "0": "60",
            "1": "60",
            "2": "60",
        }


@pytest.mark.parametrize("storage", ["experiment", "url"])
def test_a_trial_whose_watch_fails_is_killed_and_the_next_one_gets_another_host(
    tmp_path: Path, storage: str
) -> None:
    url = f"file://{tmp_path}/bucket" if storage == "url" else None
    backend = RayBackend(trials.counting, COUNTING_SPACE, storage_path=url)
    backend.body = trials.Stumbling(trials.counting, COUNTING_SPACE)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, counting_config(tmp_path))  # it never ends by itself
        end = driver.until_ended_one(0)
        assert end.cause == "failed"
        assert "the watch has failed" in str(end.error)
        # What it reported stands in its log.
        told = [report["epoch"] for report in driver.reports(0)]
        assert told[:1] == [1]
        pid, _ = map(int, (tmp_path / "pid").read_text().split())
        wait_for(lambda: not is_alive(pid))
        (tmp_path / "gate").touch()
        driver.start(1, counting_config(tmp_path))
        assert driver.until_ended_one(1).cause == "exited"
        assert [report["epoch"] for report in driver.reports(1)] == [1, 2, 3, 4, 5, 6]
        assert [report["epoch"] for report in driver.reports(0)] == told


def test_reports_after_a_pause_whose_checkpoint_was_lost_are_told_once(
    tmp_path: Path, bucket: Bucket
) -> None:
    config = {**counting_config(tmp_path), "pid_file": os.devnull}
    backend = RayBackend(
        trials.counting, COUNTING_SPACE, storage_path=bucket.url, resource_attr="epoch"
    )
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, config)
        driver.until_reported(0, 1)
        bucket.break_down()  # before or after a checkpoint came there
        driver.until_reported(0, 3)
        driver.pause(0)
        assert driver.until_ended_one(0).cause == "paused"
        bucket.mend()
        (tmp_path / "gate").touch()
        driver.resume(0, 1, config)
        assert driver.until_ended_one(0, run=1).cause == "exited"
        told: list[Any] = [report["epoch"] for report in driver.reports(0)]
        assert told == [1, 2, 3, 4, 5, 6]
