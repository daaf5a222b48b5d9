"""Trials on a cluster of several nodes, and what may happen to them there."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.ray_backend import RayBackend
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.testing import trial_bodies
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


@pytest.mark.parametrize("storage", ["experiment", "url"])
def test_a_node_that_dies_makes_its_trial_restart_elsewhere(
    cluster: Any, tmp_path: Path, storage: str
) -> None:
    doomed = cluster.add_node(num_cpus=1, resources={f"doomed_{storage}": 1})
    cluster.wait_for_nodes()

    # The first run has to be on that node, the next one can't.
    runs = []

    def resources(config: dict[str, Any]) -> dict[str, float]:
        runs.append(config)
        return {"CPU": 1, f"doomed_{storage}": 1} if len(runs) == 1 else {"CPU": 1}

    url = f"file://{tmp_path}/bucket" if storage == "url" else None
    backend = RayBackend(trials.counting, COUNTING_SPACE, resources=resources, storage_path=url)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, counting_config(tmp_path))
        driver.until_reported(0, 3)
        pid, first = map(int, (tmp_path / "pid").read_text().split())
        assert first == 1
        if storage == "url":  # a report is told before its checkpoint is sent
            wait_for((tmp_path / "bucket" / "experiment" / "0" / "latest.json").exists)
        cluster.remove_node(doomed, allow_graceful=False)
        assert driver.until_ended_one(0).cause == "lost"
        (tmp_path / "gate").touch()
        driver.resume(0, 1, counting_config(tmp_path))
        assert driver.until_ended_one(0, run=1).cause == "exited"
        # It went on from step 2, and nothing was reported twice.
        assert (tmp_path / "pid").read_text().split()[1] == "3"
        assert [report["epoch"] for report in driver.reports(0)] == [1, 2, 3, 4, 5, 6]
        assert not is_alive(pid)


def test_a_run_survives_a_lost_node_and_a_change_of_workers(cluster: Any, tmp_path: Path) -> None:
    doomed = cluster.add_node(num_cpus=1, resources={"spot": 2})
    cluster.add_node(num_cpus=2, resources={"spot": 2})
    cluster.wait_for_nodes()
    backend = RayBackend(
        trials.counting, COUNTING_SPACE, resources={"CPU": 1, "spot": 1}, resource_attr="epoch"
    )
    space = {**counting_config(tmp_path), "x": uniform(0.0, 1.0)}
    space["pid_file"] = os.devnull
    tuner = Tuner(
        trial_backend=backend,
        scheduler=RandomSearch(space, metric="loss", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_trials_completed=4),
        n_workers=3,
        tuner_name="lost-node",
        suffix_tuner_name=False,
    )
    tuner.start()
    wait_for(lambda: tuner.tuning_status.overall_metric_statistics.max_metrics)
    cluster.remove_node(doomed, allow_graceful=False)
    tuner.set_workers(2).result(20)
    (tmp_path / "gate").touch()
    assert tuner.wait(50)
    reports: dict[int, list[int]] = {}
    from synetune_lab.experiments import load_experiment

    results = load_experiment(tuner.name).results
    for trial_id, group in results.groupby("trial_id"):
        reports[trial_id] = group["epoch"].tolist()
    assert sum(steps == [1, 2, 3, 4, 5, 6] for steps in reports.values()) >= 4
    assert all(steps == sorted(set(steps)) for steps in reports.values())


def test_a_script_gets_its_hyperparameters_on_the_command_line(tmp_path: Path) -> None:
    backend = RayBackend(trial_bodies.__file__)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"behaviour": "report", "steps": 3})
        assert driver.until_ended_one(0).cause == "exited"
        assert [report["step"] for report in driver.reports(0)] == [1, 2, 3]
        driver.start(1, {"behaviour": "fail", "steps": 1})
        assert "as it was told to" in str(driver.until_ended_one(1).error)
        driver.start(2, {"behaviour": ["a list"], "steps": 1})
        assert "pass_args_as_json" in str(driver.until_ended_one(2).error)


def test_a_node_without_the_script_gets_a_copy(tmp_path: Path) -> None:
    script = tmp_path / "gone.py"
    script.write_text("print('[tune-metric]: {\"loss\": 0.5}')\n")
    backend = RayBackend(script)
    script.unlink()
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"x": 1})
        assert driver.until_ended_one(0).cause == "exited"
        assert driver.reports(0) == [{"loss": 0.5}]


def test_a_class_trains_step_by_step_and_is_reset_for_the_next_trial(tmp_path: Path) -> None:
    backend = RayBackend(trials.Counter, max_iterations=3)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"x": 1.0})
        assert driver.until_ended_one(0).cause == "exited"
        assert [report["total"] for report in driver.reports(0)] == [1.0, 2.0, 3.0]
        assert [report["training_iteration"] for report in driver.reports(0)] == [1, 2, 3]
        driver.start(1, {"x": 2.0})
        driver.until_ended_one(1)
        assert [report["total"] for report in driver.reports(1)] == [2.0, 4.0, 6.0]
        assert driver.reports(1)[0]["resets"] == 1
        assert driver.reports(1)[0]["pid"] == driver.reports(0)[0]["pid"]
        driver.start(2, {"x": 1.0, "fails": True})
        end = driver.until_ended_one(2)
        assert (end.cause, end.exit_code) == ("failed", 1)
        assert "this one fails" in str(end.error)
        # The object of the trials before, and that of the one that fails.
        assert backend.stdout(2) == ["cleaned up\n"] * 2


def test_a_class_is_paused_between_steps_and_goes_on(tmp_path: Path) -> None:
    backend = RayBackend(trials.Counter, checkpoint_freq=0)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"x": 1.0})
        driver.until_reported(0, 2)
        driver.pause(0)
        assert driver.until_ended_one(0).cause == "paused"
        before = driver.reports(0)[-1]["total"]
        driver.resume(0, 1, {"x": 0.5})
        assert driver.until_reported(0, 1, run=1)[0]["total"] == before + 0.5
        driver.stop(0, run=1)
        assert driver.until_ended_one(0, run=1).cause == "stopped"


def test_a_class_may_keep_its_checkpoint_in_files_at_a_url(tmp_path: Path) -> None:
    backend = RayBackend(trials.OfFiles, storage_path=f"file://{tmp_path}/bucket")
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {})
        assert driver.until_ended_one(0).cause == "exited"
        assert [report["count"] for report in driver.reports(0)] == [1, 2, 3]
        copied = backend.checkpoint_trial_path(0) / "3" / "count"
        assert copied.read_text() == "3"
        driver.start(1, {}, checkpoint_trial_id=0)
        assert driver.until_reported(1, 1)[0]["count"] == 4
        backend.delete_checkpoint(0)
        assert not backend.checkpoint_trial_path(0).exists()


def test_a_process_that_is_killed_from_outside_is_restarted_from_its_checkpoint(
    tmp_path: Path,
) -> None:
    backend = RayBackend(trials.Counter, max_iterations=10**9)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"x": 1.0})
        pid = driver.until_reported(0, 3)[0]["pid"]
        os.kill(pid, 9)
        assert driver.until_ended_one(0).cause == "lost"
        driver.resume(0, 1, {"x": 1.0})
        driver.until_reported(0, 2, run=1)
        totals = [report["total"] for report in driver.reports(0)]
        assert totals == [float(number) for number in range(1, len(totals) + 1)]


def test_an_actor_serves_the_next_trial_and_gives_its_place_up_when_idle(tmp_path: Path) -> None:
    backend = RayBackend(trials.Counter, max_iterations=1, keep_warm_s=0.2)
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        for trial_id in range(3):
            driver.start(trial_id, {"x": 1.0})
            driver.until_ended_one(trial_id)
        pids = {driver.reports(trial_id)[0]["pid"] for trial_id in range(3)}
        assert len(pids) == 1
        pid = pids.pop()
        deadline = time.monotonic() + 40
        while is_alive(pid):
            assert time.monotonic() < deadline
            backend.wait_events(0.05)


def test_a_backend_is_pickled_without_its_cluster(tmp_path: Path) -> None:
    backend = RayBackend(trials.short, {"steps": 1}, resource_attr="epoch")
    backend.open(tmp_path / "experiment", "pickled")
    twin = pickle.loads(pickle.dumps(backend))
    backend.close()
    with BackendDriver(twin, tmp_path / "experiment") as driver:
        driver.start(0, {"steps": 2})
        assert driver.until_ended_one(0).cause == "exited"
