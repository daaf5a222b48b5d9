"""Trials whose files are not in the folder of the run: on a cluster, on S3, in a container."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.backend import RayBackend, SageMakerBackend
from synetune_lab.backend.sagemaker_backend import JobDescription
from synetune_lab.backend.sagemaker_backend.request import Placement, training_job_request
from synetune_lab.backend.sagemaker_backend.source import pack_source
from synetune_lab.engine.actions import StartTrial
from synetune_lab.errors import TuneError
from synetune_lab.report import parse_report
from synetune_lab.tune.plan import plan_run
from synetune_lab.tune.request import Request
from tests.backend.sagemaker.conftest import bucket, cloud, moto  # noqa: F401 - fixtures
from tests.tune import trainables
from tests.tune.elsewhere import Elsewhere

ROOT = Path(__file__).parents[2]


def failed_elsewhere(
    tmp_path: Path, backend: Any
) -> tuple[dict[str, Any], tune.ExperimentAnalysis]:
    """Arguments and results of a run whose second trial failed at its third step."""
    arguments: dict[str, Any] = {
        "name": "failing",
        "local_dir": tmp_path,
        "config": {"a": tune.grid_search([1.0, 2.0]), "release": str(tmp_path / "release")},
        "metric": "score",
        "mode": "max",
        "verbose": 0,
        "backend": backend,
    }
    with pytest.raises(TuneError, match="not yet") as caught:
        tune.run(trainables.fails_until_released, **arguments)
    (tmp_path / "release").touch()
    analysis: Any = caught.value.analysis
    return arguments, analysis


def check_goes_on(arguments: dict[str, Any], before: tune.ExperimentAnalysis) -> Any:
    """The run again, whose failed trial goes on from its checkpoint."""
    found = before.trials[1].checkpoint
    assert found is not None
    assert found.to_dict() == {"step": 2}
    analysis = tune.run(trainables.fails_until_released, **arguments, resume="AUTO+ERRORED")
    again = analysis.trials[1]
    assert (len(analysis.trials), again.number, again.status) == (2, 2, "TERMINATED")
    assert [row["training_iteration"] for row in again.history] == [1, 2, 3, 4]
    assert again.history[-1]["began"] == 2
    assert again.history[-1]["id"] == again.trial_id
    best = analysis.best_checkpoint
    assert best is not None
    assert best.to_dict() == {"step": 4}
    return analysis


def test_checkpoints_are_where_the_backend_has_them(tmp_path: Path) -> None:
    arguments, before = failed_elsewhere(tmp_path, Elsewhere)
    analysis = check_goes_on(arguments, before)
    backend = analysis.tuner.trial_backend
    assert backend.copies == [(1, 2)]
    assert Path(analysis.trials[0].logdir) == backend.trial_path(0)
    backend.asked.clear()
    results = tune.ResultGrid(analysis)
    assert backend.asked == []  # what may have to be fetched is asked for when it is wanted
    assert results.get_best_result().checkpoint == analysis.best_checkpoint
    assert len(set(backend.asked)) == len(backend.asked)


def test_what_failed_once_more_is_tried_once_more(tmp_path: Path) -> None:
    arguments, _ = failed_elsewhere(tmp_path, Elsewhere)
    (tmp_path / "release").unlink()
    with pytest.raises(TuneError, match="not yet"):
        tune.run(trainables.fails_until_released, **arguments, resume="AUTO+ERRORED")
    (tmp_path / "release").touch()
    analysis = tune.run(trainables.fails_until_released, **arguments, resume="AUTO+ERRORED")
    assert [trial.number for trial in analysis.trials] == [0, 3]
    assert [row["score"] for row in analysis.trials[1].history] == [2.0, 4.0, 6.0, 8.0]
    assert analysis.trials[1].last_result["began"] == 2
    read = tune.ExperimentAnalysis(tmp_path / "failing")
    assert [trial.number for trial in read.trials] == [0, 3]


def test_trials_know_who_they_are_wherever_they_run(tmp_path: Path) -> None:
    analysis = tune.run(
        trainables.says_who_it_is,
        name="known",
        local_dir=tmp_path,
        config={"a": tune.grid_search([1, 2])},
        trial_name_creator=lambda trial: f"with-{trial.config['a']}-{trial.trial_id}",
        backend=Elsewhere,
        verbose=0,
    )
    for number, trial in enumerate(analysis.trials):
        assert trial.trial_id.endswith(f"_0000{number}")
        result = trial.history[-1]
        assert result["id"] == trial.trial_id
        assert result["name"] == trial.trial_name == f"with-{number + 1}-{trial.trial_id}"
        assert result["run"] == "known"
        assert result["config"] == ["a"]  # it is told beside the configuration
    assert analysis.tuner is not None
    assert set(analysis.tuner.engine.trials[0].config) == {"a"}


# SageMaker


def snippet(word: str) -> str:
    """The snippet of the page that has a word."""
    page = (ROOT / "docs" / "tune.md").read_text("utf-8")
    found = re.findall(r"^```python not-run\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (text,) = [one for one in found if word in one]
    return str(text)


def test_the_page_sends_a_run_to_sagemaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planned: list[Any] = []
    actions: list[Any] = []

    def plan(trainable: Any, **arguments: Any) -> None:
        request = Request(trainable, **arguments)
        planned.append(plan_run(request, tune.CLIReporter()).tuner)

    monkeypatch.setattr(tune, "run", plan)
    monkeypatch.setattr(SageMakerBackend, "_launch_now", lambda _, action: actions.append(action))
    names = {"tune": tune, "train": trainables.says_who_it_is, "image": "i"}
    exec(snippet("JobDescription"), names)  # noqa: S102 - it is our own page
    (tuner,) = planned
    backend = tuner.trial_backend
    backend.execute(StartTrial(7, 0, {"a": 1, "b": 2}))
    source = pack_source(backend.job)
    place = Placement(
        "job", "role", "eu-west-1", "s3://b/s", source.program, "s3://b/c", "s3://b/r", "s3://b/o",
        "s3://b/config",
    )  # fmt: skip
    request = training_job_request(backend.job, {"a": 1, "b": 2}, place)
    assert request["ResourceConfig"]["InstanceType"] == "ml.g4dn.xlarge"
    assert "trial.py" in request["HyperParameters"]["sagemaker_program"]

    # In the container, as its script mode does it.
    code = tmp_path / "opt" / "ml" / "code"
    with tarfile.open(fileobj=BytesIO(source.body)) as archive:
        archive.extractall(code, filter="data")
    config = tmp_path / "config.json"
    config.write_text(json.dumps(dict(actions[0].config)))
    command = [sys.executable, str(code / source.program), "--st_config_json_filename", str(config)]
    command += ["--st_checkpoint_dir", str(tmp_path / "opt" / "ml" / "checkpoints")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    (report,) = [found for found in map(parse_report, done.stdout.splitlines()) if found]
    assert report["id"].endswith("_00007")
    assert report["run"] == tuner.name
    assert report["config"] == ["a", "b"]


@pytest.mark.cloud
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_failed_job_goes_on_from_its_checkpoint_on_s3(
    bucket: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.backend.sagemaker.fake_cloud import IMAGE, ROLE

    # The tuner would have it look every five seconds.
    often = property(lambda _: 0.05, lambda _, seconds: None)
    monkeypatch.setattr(SageMakerBackend, "sleep_time", often, raising=False)

    def jobs(function: Any, space: dict[str, Any]) -> SageMakerBackend:
        script = tune.as_script(function, tmp_path / "job")
        job = JobDescription(script.name, image_uri=IMAGE, role=ROLE, source_dir=str(script.parent))
        return SageMakerBackend(
            job,
            s3_path=f"s3://{bucket}/experiments",
            pass_args_as_json=True,
            log_settle_s=0.0,
            retry_s=(0.05, 0.2),
        )

    arguments, before = failed_elsewhere(tmp_path, jobs)
    check_goes_on(arguments, before)


# Ray


@pytest.fixture
def ray() -> Iterator[Any]:
    """Ray, connected to a cluster of this machine."""
    ray: Any = pytest.importorskip("ray")
    is_ours = not ray.is_initialized()
    if is_ours:
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    if is_ours:
        ray.shutdown()


@pytest.mark.cloud
@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_failed_trial_goes_on_from_a_checkpoint_that_the_cluster_keeps(
    scheme: str, tmp_path: Path, ray: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del ray
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    backend = functools.partial(RayBackend, storage_path=f"{scheme}{tmp_path / 'storage'}")
    arguments, before = failed_elsewhere(tmp_path, backend)
    analysis = check_goes_on(arguments, before)
    read = tune.ExperimentAnalysis(tmp_path / "failing")
    assert read.trials[1].checkpoint == analysis.trials[1].checkpoint
    assert read.trials[0].checkpoint is not None


@pytest.mark.cloud
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_changed_function_is_what_a_cluster_runs_from_then_on(
    tmp_path: Path, ray: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del ray
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def bad(config: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("not yet")

    def good(config: dict[str, Any]) -> dict[str, Any]:
        return {"score": 1.0}

    arguments: dict[str, Any] = {"name": "changed", "local_dir": tmp_path, "verbose": 0}
    with pytest.raises(TuneError, match="not yet"):
        tune.run(bad, **arguments, backend="ray")
    analysis = tune.run(good, **arguments, backend="ray", resume="AUTO+ERRORED")
    assert analysis.trials[0].last_result["score"] == 1.0
