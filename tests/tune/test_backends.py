"""Where trials run, and how many of them at once."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.backend import LocalBackend, PythonBackend
from synetune_lab.errors import TuneError
from synetune_lab.tune.resources import Needs, Resources
from tests.tune import trainables


@pytest.mark.parametrize(
    ("needs", "at_once"),
    [
        ({"cpu": 1}, 8),
        ({"cpu": 3}, 2),
        ({"cpu": 0.25}, 32),
        ({"gpu": 1}, 2),
        ({"gpu": 2}, 1),
        ({"gpu": 0.5}, 4),
        ({"gpu": 0.4}, 4),  # two on each GPU; what is left of both is not a share of one
        ({"gpu": 0.7}, 2),
        ({"gpu": 0.25, "cpu": 2}, 4),
        ({"cpu": 0}, 8),
        ({"cpu": 0, "gpu": 0.5}, 4),
    ],
)
def test_cpus_and_gpus_bound_how_many_trials_run_at_once(
    needs: dict[str, float], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synetune_lab.tune.resources.cpu_count", lambda: 8)
    monkeypatch.setattr("synetune_lab.tune.resources.usable_gpus", lambda given: ["0", "1"])
    found = Resources.of_this_machine(Needs.of(needs))
    assert found.at_once == at_once
    assert found.line(at_once).startswith(f"{Needs.of(needs).cpu * at_once:g}/8 CPUs")


def test_a_trial_fits_on_one_node_of_a_cluster() -> None:
    nodes = [{"CPU": 4.0, "GPU": 1.0}, {"CPU": 3.0, "disk": 2.0}]
    rooms = {
        Resources.of_nodes(Needs.of(needs), nodes).at_once
        for needs in ({"cpu": 2}, {"CPU": 2.0}, tune.PlacementGroupFactory([{"CPU": 1}] * 2))
    }
    assert rooms == {3}
    assert Resources.of_nodes(Needs.of({"cpu": 1, "disk": 1}), nodes).at_once == 2
    assert Resources.of_nodes(Needs.of({"gpu": 0.5}), nodes).at_once == 2
    assert Needs.of({"cpu": 1, "disk": 1}).for_ray() == {"CPU": 1, "GPU": 0, "disk": 1}


def test_a_trial_knows_its_bundle() -> None:
    factory = tune.PlacementGroupFactory([{"CPU": 0.25}, {"CPU": 0.25}])
    analysis = tune.run(
        trainables.returns, config={"a": 1.0}, resources_per_trial=factory, verbose=0
    )
    (trial,) = analysis.trials
    assert trial.placement_group_factory.required_resources == {"CPU": 0.5, "GPU": 0}


def test_another_backend_may_be_made() -> None:
    made: list[Any] = []

    def make(function: Any, space: dict[str, Any]) -> PythonBackend:
        made.append(PythonBackend(function, space, env={"OF_MY_OWN": "7"}))
        return made[0]

    def reads(config: dict[str, Any]) -> dict[str, Any]:
        import os

        return {"score": int(os.environ["OF_MY_OWN"])}

    analysis = tune.run(reads, metric="score", mode="max", backend=make, verbose=0)
    assert analysis.best_result["score"] == 7
    assert analysis.tuner is not None
    assert analysis.tuner.trial_backend is made[0]


@pytest.mark.parametrize("trainable", [trainables.Counter, trainables.reports])
def test_a_trainable_becomes_a_script_for_backends_that_run_scripts(
    trainable: Any, tmp_path: Path
) -> None:
    def make(function: Any, space: dict[str, Any]) -> LocalBackend:
        script = tune.as_script(function, tmp_path / "job")
        return LocalBackend(script, pass_args_as_json=True)

    analysis = tune.run(
        trainable,
        config={"a": tune.grid_search([1.0, 2.0]), "m": {"x": 3}},
        metric="score",
        mode="max",
        stop={"training_iteration": 3},
        backend=make,
        verbose=0,
    )
    assert analysis.best_config == {"a": 2.0, "m": {"x": 3}}
    assert [trial.last_result["score"] for trial in analysis.trials] == [3.0, 6.0]


def test_a_backend_may_be_given_by_its_class_but_not_made_already() -> None:
    analysis = tune.run(trainables.returns, config={"a": 1.0}, backend=PythonBackend, verbose=0)
    assert len(analysis.trials) == 1
    made: Any = PythonBackend(trainables.returns, {"config": 1})
    with pytest.raises(TuneError, match="give the class PythonBackend"):
        tune.run(trainables.returns, config={"a": 1.0}, backend=made, verbose=0)
    with pytest.raises(TuneError, match="must make a TrialBackend"):
        tune.run(trainables.returns, config={"a": 1.0}, backend=lambda *given: None, verbose=0)  # type: ignore[arg-type, return-value]


def test_a_backend_that_asks_is_told_what_a_trial_needs() -> None:
    told: list[Any] = []

    def make(
        function: Any,
        space: dict[str, Any],
        resources: Any = None,
        resource_attr: str | None = None,
        address: str | None = None,
    ) -> PythonBackend:
        told.append((resources, resource_attr, address))
        return PythonBackend(function, space)

    needs = {"cpu": 0.5}
    for one in (make, functools.partial(make, resources={"CPU": 1}, address="here")):
        tune.run(
            trainables.returns,
            config={"a": 1.0},
            backend=one,
            resources_per_trial=needs,
            verbose=0,
        )
    assert told == [
        ({"CPU": 0.5, "GPU": 0.0}, "training_iteration", None),
        ({"CPU": 1}, "training_iteration", "here"),
    ]


@pytest.mark.cloud
def test_a_run_goes_to_a_ray_cluster_by_one_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    is_ours = not ray.is_initialized()
    if is_ours:
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        analysis = tune.run(
            trainables.saves_with_reports,
            config={"a": tune.grid_search([1.0, 2.0])},
            metric="score",
            mode="max",
            stop={"training_iteration": 3},
            local_dir=tmp_path,
            resources_per_trial={"cpu": 0.5},
            backend="ray",
            verbose=0,
        )
    finally:
        if is_ours:
            ray.shutdown()
    assert type(analysis.tuner.trial_backend).__name__ == "RayBackend"  # type: ignore[union-attr]
    assert [len(trial.history) for trial in analysis.trials] == [3, 3]
    assert analysis.best_config == {"a": 2.0}
    assert analysis.best_checkpoint is not None
