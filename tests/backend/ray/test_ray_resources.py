"""What trials ask of nodes, and who gets a place first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.ray_backend import RayBackend
from synetune_lab.config_space import uniform
from synetune_lab.errors import BackendError
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.testing.backend_driver import BackendDriver
from tests.backend.ray import ray_trials as trials
from tests.backend.ray.ray_setup import COUNTING_SPACE, counting_config, on_a_cluster

pytestmark = on_a_cluster


def test_trials_share_a_node_and_who_waits_longest_is_next(tmp_path: Path) -> None:
    backend = RayBackend(trials.counting, COUNTING_SPACE, resources={"CPU": 0.5, "other": 2})
    config = {**counting_config(tmp_path), "pid_file": "/dev/null"}
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        for trial_id in range(4):
            driver.start(trial_id, config)
        for trial_id in (0, 1):
            driver.until_reported(trial_id, 3)
        # The others wait for their places; one that is not wanted any more ends at once.
        assert driver.reports(2) == driver.reports(3) == []
        driver.stop(3)
        assert driver.until_ended_one(3).cause == "stopped"
        driver.stop(0)
        assert driver.until_ended_one(0).cause == "stopped"
        driver.start(4, config)
        driver.until_reported(2, 3)
        assert driver.reports(4) == []
        (tmp_path / "gate").touch()
        assert [end.cause for end in driver.until_ended(1, 2, 4)] == ["exited"] * 3


def test_one_that_waits_for_other_resources_gets_those_of_an_ended_trial(tmp_path: Path) -> None:
    amounts = {1: 3, 2: 4}
    backend = RayBackend(
        trials.short,
        {"steps": 1},
        resources=lambda config: {"other": amounts[config["steps"]]},
        keep_warm_s=1000.0,
    )
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {"steps": 1})
        driver.start(1, {"steps": 2})
        assert [end.cause for end in driver.until_ended(0, 1)] == ["exited", "exited"]


def test_gpus_are_given_out_whole_and_in_parts(cluster: Any, tmp_path: Path) -> None:
    node = cluster.add_node(num_cpus=2, num_gpus=1)
    cluster.wait_for_nodes()
    space = {"gate": str(tmp_path / "gate")}
    try:
        backend = RayBackend(trials.seeing_gpus, space, resources={"CPU": 0.5, "GPU": 0.5})
        with BackendDriver(backend, tmp_path / "halves") as driver:
            for trial_id in (0, 1):
                driver.start(trial_id, space)
            # Both run at once: neither ends before the gate is open.
            for trial_id in (0, 1):
                assert driver.until_reported(trial_id)[0]["gpus"] == "0"
            (tmp_path / "gate").touch()
            driver.until_ended(0, 1)
        backend = RayBackend(trials.seeing_gpus, space, resources={"CPU": 1, "GPU": 1})
        with BackendDriver(backend, tmp_path / "whole") as driver:
            driver.start(0, space)
            assert driver.until_reported(0)[0]["gpus"] == "0"
            driver.until_ended(0)
        with pytest.raises(BackendError, match=r"GPU 2 \(the most that a node has is 1\)"):
            RayBackend(trials.seeing_gpus, space, resources={"GPU": 2}).open(tmp_path, "refused")
    finally:
        cluster.remove_node(node, allow_graceful=True)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"CPU": 1, "TPU": 1}, r"TPU 1 \(the most that a node has is 0\)"),
        ({"CPU": 64}, r"CPU 64 \(the most that a node has is"),
        ({"CPU": 1, "head": 1, "other": 1}, "together on one node"),
    ],
)
def test_resources_that_no_node_has_are_refused_before_the_first_trial(
    resources: dict[str, float], message: str
) -> None:
    tuner = Tuner(
        trial_backend=RayBackend(trials.short, {"steps": 1}, resources=resources),
        scheduler=RandomSearch({"steps": 1, "x": uniform(0.0, 1.0)}, metric="loss"),
        stop_criterion=StoppingCriterion(max_num_trials_finished=1),
        n_workers=1,
    )
    with pytest.raises(BackendError, match=message):
        tuner.run(progress=False)
    assert tuner.tuning_status.num_trials_started == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resources": {"CPU": 1.5}}, "use 1 or 2"),
        ({"resources": {"CPU": -1}}, "at least 0"),
        ({"resources": {"num_gpus": 1}}, "'GPU'"),
        ({"grace_period_s": -1}, "grace_period_s"),
        ({"max_iterations": 3}, "max_iterations"),
        ({"config_space": None}, "config_space"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        RayBackend(trials.short, **{"config_space": {"steps": 1}, **arguments})
