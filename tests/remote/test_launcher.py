"""What a launcher refuses, what it sends, and what the job is asked for."""

from __future__ import annotations

import importlib
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend import LocalBackend, PythonBackend
from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import BackendError, CommandRefused
from synetune_lab.optimizer.baselines import ASHA, RandomSearch
from synetune_lab.remote import RemoteLauncher
from synetune_lab.remote.images import default_image_uri, python_of_image
from synetune_lab.remote.scheduling import backoff
from synetune_lab.remote.upload import requirements_text

pytestmark = pytest.mark.timeout(120)

HERE = f"{sys.version_info[0]}{sys.version_info[1]}"


def a_tuner(script: Path, **given: Any) -> Tuner:
    options: dict[str, Any] = {
        "trial_backend": LocalBackend(str(script)),
        "scheduler": RandomSearch({"x": uniform(0.0, 1.0), "epochs": 2}, metric="loss"),
        "stop_criterion": StoppingCriterion(max_num_trials_finished=2),
        "n_workers": 2,
    }
    return Tuner(**{**options, **given})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"s3_path": "bucket/folder"}, "s3_path"),
        ({"instance_typ": "ml.m5.xlarge"}, "instance_type"),
        ({"max_rum": 3}, "max_run"),
        ({"entry_point": "x.py"}, "launcher"),
        ({"dependencies": ["/no/such/folder"]}, "/no/such/folder"),
        ({"dependencies": "my_library"}, "list of folders"),
        ({"instance_type": None}, "instance_type"),
        ({"log_level": "LOUD"}, "log_level"),
        ({"store_logs_localbackend": "no"}, "True or False"),
        ({"extra": {"EnableNetworkIsolation": True}}, "could not reach S3"),
        ({"tags": ["mine"]}, "dictionary"),
    ],
)
def test_bad_arguments_are_refused_at_once(script: Path, given: Any, told: str) -> None:
    with pytest.raises((ValueError, BackendError, TypeError), match=told):
        RemoteLauncher(a_tuner(script), **given)


def test_names_that_sagemaker_refuses_are_told_at_once(script: Path) -> None:
    tuner = a_tuner(script)
    tuner.name = "x" * 80
    with pytest.raises(ValueError, match="63"):
        RemoteLauncher(tuner)


def test_what_the_job_could_not_import_is_told(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "my_rules.py").write_text(
        "class Never:\n    def __call__(self, status):\n        return False\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    rules = importlib.import_module("my_rules")
    tuner = a_tuner(script, stop_criterion=rules.Never())
    with pytest.raises(BackendError, match="my_rules"):
        RemoteLauncher(tuner).prepare_upload()
    RemoteLauncher(tuner, dependencies=[str(folder)]).prepare_upload()


def test_a_tuner_runs_in_the_region_of_its_trials(script: Path, make_backend: Any) -> None:
    backend = make_backend(entry_point=str(script), region="eu-west-1")
    tuner = a_tuner(script, trial_backend=backend)
    with pytest.raises(BackendError, match="eu-west-1"):
        RemoteLauncher(tuner, region="us-east-1")
    assert RemoteLauncher(tuner)._account["region"] == "eu-west-1"


def test_only_tuners_are_sent() -> None:
    with pytest.raises(ValueError, match="give a Tuner"):
        RemoteLauncher("tuner")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"instance_type": "c5.large"}, "ml."),
        ({"role": "no-such-role"}, "no-such-role"),
        ({"s3_path": "s3://there-is-no-such-bucket-here/x"}, "does not exist"),
        ({"max_run": 0}, "max_run"),
        ({"source_dir": "/"}, "below source_dir|MB"),
        ({"image_uri": "1.dkr.ecr/x:1-cpu-py38"}, "Python 3.8"),
    ],
)
def test_what_aws_would_refuse_is_told_before_anything_starts(
    script: Path, cloud: Any, bucket: str, tmp_path: Path, given: Any, told: str
) -> None:
    if given.get("source_dir"):
        given = {"source_dir": str(tmp_path / "scripts" / "sub")}
        (tmp_path / "scripts" / "sub").mkdir()

    def loss(x: float) -> None:
        del x

    tuner = a_tuner(script)
    if "image_uri" in given:
        space = {"x": uniform(0.0, 1.0)}
        scheduler = RandomSearch(space, metric="loss")
        tuner = a_tuner(script, trial_backend=PythonBackend(loss, space), scheduler=scheduler)
    options = {"s3_path": f"s3://{bucket}/x", **given}
    with pytest.raises((BackendError, ValueError), match=told):
        RemoteLauncher(tuner, **options).run(wait=False)
    assert cloud.jobs == {}
    assert not (tuner.tuner_path / "remote.json").exists()


def test_no_credentials_says_what_to_run(
    script: Path, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(BackendError, match="aws configure"):
        RemoteLauncher(a_tuner(script)).run(wait=False)


def test_a_running_tuner_is_not_sent(script: Path, tmp_path: Path, bucket: str) -> None:
    gate = tmp_path / "gate"
    space = {"x": uniform(0.0, 1.0), "epochs": 4, "gate": str(gate)}
    tuner = a_tuner(script, scheduler=RandomSearch(space, metric="loss"))
    tuner.start()
    with pytest.raises(CommandRefused, match="running here"):
        RemoteLauncher(tuner, s3_path=f"s3://{bucket}/x").run(wait=False)
    gate.touch()
    assert tuner.wait(60)


def sent_files(cloud: Any, job_name: str) -> dict[str, bytes]:
    job = cloud.jobs[job_name]
    body = job._get(job.hyperparameters["sagemaker_submit_directory"])
    with tarfile.open(fileobj=BytesIO(body)) as archive:
        return {
            member.name: archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive.getmembers()
            if member.isfile()
        }


def test_the_request_says_what_was_asked_for(
    script: Path, cloud: Any, bucket: str, tmp_path: Path
) -> None:
    (script.parent / "requirements.txt").write_text("scipy>=1.12\nsomething-of-mine\n")
    (script.parent / "data.bin").write_bytes(b"0" * 1000)
    library = tmp_path / "my_library"
    library.mkdir()
    (library / "__init__.py").write_text("")
    cloud.fail("CreateTrainingJob", "ThrottlingException")
    tuner = a_tuner(script, stop_criterion=StoppingCriterion(max_wallclock_time=600))
    launcher = RemoteLauncher(
        tuner,
        instance_type="ml.m5.large",
        dependencies=[str(library)],
        s3_path=f"s3://{bucket}/x/",
        tags={"team": "mine"},
        environment={"MINE": "1"},
        volume_size=50,
        disable_profiler=True,
    )
    run = launcher.run(wait=False)
    run.stop_job()
    request = cloud.jobs[run.job_name].request
    assert request["ResourceConfig"]["InstanceType"] == "ml.m5.large"
    assert request["ResourceConfig"]["VolumeSizeInGB"] == 50
    assert request["Environment"]["MINE"] == "1"
    assert request["Tags"] == [{"Key": "team", "Value": "mine"}]
    assert request["CheckpointConfig"]["S3Uri"] == f"s3://{bucket}/x/{tuner.name}/"
    assert 600 < request["StoppingCondition"]["MaxRuntimeInSeconds"] < 6000
    image = request["AlgorithmSpecification"]["TrainingImage"]
    assert image.startswith("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:")
    assert image.endswith(f"-cpu-py{HERE}")
    files = sent_files(cloud, run.job_name)
    assert {"train.py", "helper.py", "run_tuning.py", "tuner/tuner.dill"} <= set(files)
    assert "my_library/__init__.py" in files
    assert "data.bin" not in files
    lines = files["requirements.txt"].decode().splitlines()
    assert "scipy>=1.12" in lines
    assert "something-of-mine" in lines
    assert sum(line.startswith("scipy") for line in lines) == 1
    assert run.wait(60)


def test_a_whole_folder_is_sent_on_request(script: Path, cloud: Any, bucket: str) -> None:
    (script.parent / "data").mkdir()
    (script.parent / "data" / "table.csv").write_text("1,2")
    launcher = RemoteLauncher(
        a_tuner(script), s3_path=f"s3://{bucket}/x", source_dir=str(script.parent)
    )
    assert launcher.is_source_dir_specified()
    assert launcher.get_source_dir() == script.parent
    run = launcher.run(wait=False)
    assert "data/table.csv" in sent_files(cloud, run.job_name)
    run.look_every_s = 0.05
    assert run.wait(60)
    assert run.note.state == "finished"


def test_files_of_ours_are_kept_apart_from_theirs(
    script: Path, cloud: Any, bucket: str, tmp_path: Path
) -> None:
    (script.parent / "notes.json").write_text("{}")
    requirements = tmp_path / "mine.txt"
    requirements.write_text("something-of-mine\n")
    launcher = RemoteLauncher(
        a_tuner(script),
        s3_path=f"s3://{bucket}/x",
        source_dir=str(script.parent),
        ignore_patterns=["*.json"],
        requirements=str(requirements),
        tags=[{"Key": "team", "Value": "mine"}],
        use_spot_instances=True,
    )
    run = launcher.run(wait=False)
    run.stop_job()
    files = sent_files(cloud, run.job_name)
    assert {"launch.json", "tuner/tuner.json"} <= set(files)
    assert "notes.json" not in files
    lines = files["requirements.txt"].decode().splitlines()
    assert "something-of-mine" in lines
    assert any(line.startswith("dill==") for line in lines)
    request = cloud.jobs[run.job_name].request
    assert request["Tags"] == [{"Key": "team", "Value": "mine"}]
    times = request["StoppingCondition"]
    assert times["MaxWaitTimeInSeconds"] > times["MaxRuntimeInSeconds"]
    assert run.wait(60)
    (script.parent / "launch.json").write_text("{}")
    launcher = RemoteLauncher(a_tuner(script), source_dir=str(script.parent))
    with pytest.raises(BackendError, match=r"launch\.json"):
        launcher.prepare_upload()


def test_the_accounts_own_bucket_is_the_default(script: Path, cloud: Any) -> None:
    from synetune_lab.experiments import load_experiment

    launcher = RemoteLauncher(a_tuner(script))
    launcher.interval_s = 0.05
    run = launcher.run(progress=False)
    assert run.note.result_uri == f"s3://sagemaker-us-east-1-123456789012/syne-tune/{run.name}"
    assert run.is_over
    for file in run.path.iterdir():
        file.unlink()
    assert len(load_experiment(run.name).results) >= 4


def test_functions_and_asha_run_in_the_job(launch: Any) -> None:
    def train(x: float, epochs: int) -> None:
        from synetune_lab import Reporter

        report = Reporter()
        for epoch in range(1, epochs + 1):
            report(epoch=epoch, loss=x / epoch)

    space = {"x": uniform(0.0, 1.0), "kind": choice(["a", "b"]), "epochs": 9}
    scheduler = ASHA(
        space, metric="loss", resource_attr="epoch", max_resource_attr="epochs", random_seed=1
    )
    tuner = Tuner(
        trial_backend=PythonBackend(train, space),
        scheduler=scheduler,
        stop_criterion=StoppingCriterion(max_num_trials_finished=6),
        n_workers=2,
    )
    run = launch(tuner=tuner, wait=True)
    assert run.note.state == "finished", run.log()
    results = run.load_experiment().results
    assert results["epoch"].max() == 9
    assert set(results["config_kind"]) <= {"a", "b"}


def test_a_simulation_runs_in_the_job(launch: Any) -> None:
    from synetune_lab.backend.simulator_backend.simulator_callback import SimulatorCallback
    from synetune_lab.blackbox_repository import BlackboxRepositoryBackend

    backend = BlackboxRepositoryBackend(
        "digits-mlp", elapsed_time_attr="metric_elapsed_time", max_resource_attr="epochs"
    )
    space = backend.blackbox.configuration_space_with_max_resource_attr("epochs")
    tuner = Tuner(
        trial_backend=backend,
        scheduler=RandomSearch(
            space,
            metric="metric_valid_error",
            random_seed=1,
            search_options={"restrict_configurations": backend.blackbox.all_configurations()},
        ),
        stop_criterion=StoppingCriterion(max_num_trials_finished=5),
        n_workers=4,
        sleep_time=0,
        callbacks=[SimulatorCallback()],
    )
    run = launch(tuner=tuner, wait=True)
    assert run.note.state == "finished", run.log()
    assert len(run.load_experiment().results) > 50


def test_this_tuner_stays_as_it_is(script: Path, launch: Any) -> None:
    tuner = a_tuner(script)
    before = tuner.trial_backend.entrypoint_path()
    launch(tuner=tuner, wait=True)
    assert tuner.trial_backend.entrypoint_path() == before
    assert not tuner.is_running


def test_prepare_upload_shows_what_would_be_sent(script: Path) -> None:
    launcher = RemoteLauncher(a_tuner(script))
    launcher.prepare_upload()
    folder = launcher.upload_dir()
    assert (folder / "train.py").is_file()
    assert (folder / "tuner" / "tuner.dill").is_file()
    assert (folder / "synetune_lab" / "tuner.py").is_file()
    assert not (folder / "synetune_lab" / "labextension").exists()
    launcher.clean_requirements_file()
    assert not (folder / "requirements.txt").exists()
    assert not launcher.is_source_dir_specified()
    assert launcher.remote_script_dir() == Path("/opt/ml/code")


def test_a_lambda_is_noticed(script: Path, caplog: pytest.LogCaptureFixture) -> None:
    tuner = a_tuner(script, stop_criterion=lambda status: status.num_trials_finished > 1)
    RemoteLauncher(tuner)
    assert "lambda" in caplog.text
    assert RemoteLauncher.is_lambda(lambda: None)
    assert not RemoteLauncher.is_lambda(len)


def test_images_have_this_python() -> None:
    uri = default_image_uri("eu-west-1", "ml.g5.xlarge", (3, 11))
    assert uri == "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-training:2.5.1-gpu-py311"
    assert python_of_image(uri) == (3, 11)
    assert ".amazonaws.com.cn/" in default_image_uri("cn-north-1", "ml.m5.large", (3, 12))
    assert python_of_image("123.dkr/mine:latest") is None
    with pytest.raises(BackendError, match="image_uri"):
        default_image_uri("us-east-1", "ml.m5.large", (3, 9))


def test_requirements_are_joined() -> None:
    lines = requirements_text("pandas==2.0.3\n# mine\ntorch\n").splitlines()
    assert lines.count("pandas==2.0.3") == 1
    assert sum(line.startswith("pandas") for line in lines) == 1
    assert any(line.startswith("dill==") for line in lines)
    assert lines[-1] == "torch"


def test_backoff_calls_again() -> None:
    calls = []

    @backoff("ResourceLimitExceeded", ntimes_resource_wait=3, length2sleep=0)
    def start() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise RuntimeError("ResourceLimitExceeded: no more instances")
        return "started"

    assert start() == "started"
    calls.clear()

    @backoff("ValueError", ntimes_resource_wait=2, length2sleep=0)
    def fail(kind: type[Exception]) -> None:
        calls.append(1)
        raise kind("no")

    with pytest.raises(ValueError, match="no"):
        fail(ValueError)
    assert len(calls) == 2
    with pytest.raises(KeyError):
        fail(KeyError)
    assert len(calls) == 3
