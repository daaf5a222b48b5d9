"""Checkpoints of trials on the cluster, as the one who tunes sees them; and functions replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.ray_backend import RayBackend
from synetune_lab.config_space import uniform
from synetune_lab.errors import BackendError
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.testing.backend_driver import BackendDriver
from tests.backend.ray import ray_trials as trials
from tests.backend.ray.ray_setup import COUNTING_SPACE, counting_config, on_a_cluster, wait_for

pytestmark = on_a_cluster


@pytest.fixture(params=["experiment", "folder", "url"])
def storage_path(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Each kind of place for checkpoints."""
    if request.param == "url":
        pytest.importorskip("fsspec")
        return f"file://{tmp_path}/bucket"
    return str(tmp_path / "shared") if request.param == "folder" else None


def step_in(folder: Path) -> int:
    return int((folder / "step").read_text())


def test_the_newest_checkpoint_is_there_in_the_run_after_it_and_when_it_is_loaded(
    tmp_path: Path, storage_path: str | None
) -> None:
    space = {**counting_config(tmp_path), "pid_file": os.devnull, "x": uniform(0.0, 1.0)}
    backend = RayBackend(trials.counting, COUNTING_SPACE, storage_path=storage_path)
    tuner = Tuner(
        trial_backend=backend,
        scheduler=RandomSearch(space, metric="loss", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_trials_finished=1),
        n_workers=1,
    )
    tuner.start()
    # Trial 0 waits at step 3; the checkpoint of step 2 may still be on its way.

    def has_come() -> bool:
        return (backend.checkpoint_trial_path(0) / "step").exists()

    wait_for(has_come)
    assert step_in(backend.checkpoint_trial_path(0)) == 2
    (tmp_path / "gate").touch()
    assert tuner.wait(60)
    assert step_in(backend.checkpoint_trial_path(0)) == 6
    loaded = Tuner.load(tuner.tuner_path).trial_backend
    assert step_in(loaded.checkpoint_trial_path(0)) == 6
    loaded.copy_checkpoint(0, 7)
    assert step_in(backend.checkpoint_trial_path(7)) == 6
    loaded.copy_checkpoint(5, 8)  # there is none
    assert not backend.checkpoint_trial_path(8).exists()


def test_a_function_is_replaced_for_trials_that_start_from_now_on(tmp_path: Path) -> None:
    config = counting_config(tmp_path)
    backend = RayBackend(trials.counting, COUNTING_SPACE)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, config)
        driver.until_reported(0, 3)
        backend.save_tune_function(trials.short)
        (tmp_path / "gate").touch()
        driver.until_ended_one(0)
        assert [report["epoch"] for report in driver.reports(0)] == [1, 2, 3, 4, 5, 6]
        (tmp_path / "pid").unlink()
        driver.start(1, config)
        driver.until_ended_one(1)
        assert [report["epoch"] for report in driver.reports(1)] == [1, 2, 3, 4, 5, 6]
        assert not (tmp_path / "pid").exists()  # only the first function writes it
        with pytest.raises(BackendError, match="config_space"):
            backend.save_tune_function(trials.gated)


def test_only_a_function_can_be_replaced_by_one() -> None:
    with pytest.raises(BackendError, match="run a script or a class"):
        RayBackend(trials.Counter).save_tune_function(trials.short)
