"""Class trainables clean up, whenever their object is not used any more."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.ray_backend import RayBackend, ray_backend
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.testing.backend_driver import BackendDriver
from tests.backend.ray import ray_trials as trials
from tests.backend.ray.ray_setup import is_alive, on_a_cluster, wait_for

pytestmark = on_a_cluster


def cleaned(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cleaned"


def test_one_that_serves_a_single_trial_cleans_up_at_its_end(tmp_path: Path, path: Path) -> None:
    with BackendDriver(RayBackend(trials.Tidy), tmp_path / "experiment") as driver:
        for trial_id in range(3):
            driver.start(trial_id, {"x": trial_id, "path": str(path)})
            assert driver.until_ended_one(trial_id).cause == "exited"
            assert cleaned(path) == [str(number) for number in range(trial_id + 1)]


def test_one_of_rays_own_base_class_cleans_up_at_its_end(tmp_path: Path, path: Path) -> None:
    pytest.importorskip("ray.tune")
    from ray.tune import Trainable

    class OfRay(Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.goal = config["path"]

        def step(self) -> dict[str, Any]:
            return {"loss": 0.5, "done": True}

        def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
            return {}

        def cleanup(self) -> None:
            Path(self.goal).write_text("done")

    with BackendDriver(RayBackend(OfRay), tmp_path / "experiment") as driver:
        driver.start(0, {"path": str(path)})
        assert driver.until_ended_one(0).cause == "exited"
        assert cleaned(path) == ["done"]


def test_one_that_fails_cleans_up(tmp_path: Path, path: Path) -> None:
    backend = RayBackend(trials.TidyAndReused)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"x": 0, "path": str(path), "fails": True})
        end = driver.until_ended_one(0)
        assert end.cause == "failed"
        assert cleaned(path) == ["0"]


def test_the_object_of_several_trials_cleans_up_when_the_run_ends(
    tmp_path: Path, path: Path
) -> None:
    with BackendDriver(RayBackend(trials.TidyAndReused), tmp_path / "experiment") as driver:
        for trial_id in range(3):
            driver.start(trial_id, {"x": trial_id, "path": str(path)})
            driver.until_ended_one(trial_id)
        assert cleaned(path) == []
    assert cleaned(path) == ["2"]


def test_each_trial_of_a_tuner_is_cleaned_up(tmp_path: Path, path: Path) -> None:
    space = {"x": uniform(0.0, 1.0), "path": str(path)}
    tuner = Tuner(
        trial_backend=RayBackend(trials.Tidy),
        scheduler=RandomSearch(space, metric="x", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_trials_finished=4),
        n_workers=1,
    )
    tuner.run(progress=False)
    assert len(cleaned(path)) == tuner.tuning_status.num_trials_started


def test_an_actor_that_gives_its_place_up_cleans_up(tmp_path: Path, path: Path) -> None:
    backend = RayBackend(trials.TidyAndReused, keep_warm_s=0.2)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"x": 0, "path": str(path)})
        driver.until_ended_one(0)
        pid = driver.reports(0)[0]["pid"]

        def has_gone() -> bool:
            backend.wait_events(0.05)
            return not is_alive(pid)

        wait_for(has_gone)
        assert cleaned(path) == ["0"]


def test_an_actor_that_nobody_asks_for_anything_cleans_up(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_backend, "LINGER_S", 0.2)
    backend = RayBackend(trials.TidyAndReused, keep_warm_s=1000.0)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"x": 0, "path": str(path)})
        driver.until_ended_one(0)
        pid = driver.reports(0)[0]["pid"]
        wait_for(lambda: not is_alive(pid))
        assert cleaned(path) == ["0"]
        # Whose actor has gone meanwhile gets another one.
        driver.start(1, {"x": 1, "path": str(path)})
        assert driver.until_ended_one(1).cause == "exited"


def test_what_goes_wrong_in_cleaning_up_is_no_fault_of_a_trial(tmp_path: Path, path: Path) -> None:
    backend = RayBackend(trials.Tidy)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"x": 0, "path": str(path), "breaks": True})
        assert driver.until_ended_one(0).cause == "exited"
        assert "RuntimeError: what was opened is not there any more\n" in backend.stderr(0)
        driver.start(1, {"x": 1, "path": str(path)})
        assert driver.until_ended_one(1).cause == "exited"
        assert cleaned(path) == ["1"]


def test_one_that_does_not_come_to_an_end_with_it_is_killed(
    tmp_path: Path, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    backend = RayBackend(trials.TidyAndReused, grace_period_s=0.5, keep_warm_s=0.1)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"x": 0, "path": str(path), "hangs": True})
        driver.until_ended_one(0)
        pid = driver.reports(0)[0]["pid"]

        def has_gone() -> bool:
            backend.wait_events(0.05)
            return not is_alive(pid)

        wait_for(has_gone)
    assert "did not clean up in time" in caplog.text
    assert cleaned(path) == []
