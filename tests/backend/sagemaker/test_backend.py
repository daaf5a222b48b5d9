"""What a trial gets, what it costs, and how often AWS is called for it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend import SageMakerBackend
from synetune_lab.config_space import choice, randint, uniform
from synetune_lab.errors import BackendError
from synetune_lab.optimizer.baselines import ASHA, RandomSearch
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.testing.backend_contract import config
from synetune_lab.testing.backend_driver import BackendDriver
from synetune_lab.tuner import Tuner
from tests.backend.sagemaker.helpers import until

ECHO = """
import json, os, sys
from synetune_lab import Reporter

report = Reporter()
print("args", json.dumps(sys.argv[1:]))
report(loss=1.0)
"""
CURVE = """
import argparse, json
from pathlib import Path
from synetune_lab import Reporter

parser = argparse.ArgumentParser()
for name in ("width", "epochs"):
    parser.add_argument(f"--{name}", type=float)
parser.add_argument("--st_checkpoint_dir")
args, _ = parser.parse_known_args()
state = Path(args.st_checkpoint_dir) / "epoch"
first = int(state.read_text()) if state.exists() else 0
report = Reporter()
for epoch in range(first + 1, int(args.epochs) + 1):
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text(str(epoch))
    report(epoch=epoch, loss=args.width + 1 / epoch)
"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "train.py"
        path.write_text(text)
        return str(path)

    return write


def arguments(driver: BackendDriver, trial_id: int = 0) -> dict[str, str]:
    (line,) = [x for x in driver.backend.stdout(trial_id) if x.startswith("args ")]
    words = json.loads(line[5:])
    return dict(zip(words[::2], words[1::2], strict=True))


def test_the_script_gets_its_configuration_as_arguments(
    make_driver: Callable[..., Any], script: Callable[[str], str]
) -> None:
    driver = make_driver(entry_point=script(ECHO), hyperparameters={"fixed": 7, "lr": 0.1})
    given = {"lr": 1e-6, "small": -1e-6, "name": "12", "flag": True, "depth": 3}
    driver.start(0, given)
    assert driver.until_ended_one(0).cause == "exited"
    got = arguments(driver)
    assert float(got["--lr"]) == 1e-6
    assert got["--small"] == "-0.000001"
    assert (got["--name"], got["--flag"], got["--depth"], got["--fixed"]) == (
        "12",
        "True",
        "3",
        "7",
    )
    assert got["--st_checkpoint_dir"].endswith("/checkpoints")


def test_a_configuration_with_lists_goes_as_a_file(
    make_driver: Callable[..., Any], script: Callable[[str], str]
) -> None:
    text = ECHO + (
        "from pathlib import Path\n"
        "given = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n"
        "print('file', Path(given['--st_config_json_filename']).read_text())\n"
    )
    driver = make_driver(entry_point=script(text), pass_args_as_json=True)
    driver.start(0, {"layers": [1, 2], "options": {"a": None}})
    assert driver.until_ended_one(0).cause == "exited"
    (line,) = [x for x in driver.backend.stdout(0) if x.startswith("file ")]
    assert json.loads(line[5:]) == {"layers": [1, 2], "options": {"a": None}}


def test_the_source_is_uploaded_once_and_holds_dependencies(
    make_driver: Callable[..., Any], cloud: Any, script: Callable[[str], str], tmp_path: Path
) -> None:
    package = tmp_path / "elsewhere" / "helpers"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("ANSWER = 42\n")
    text = "import helpers\n" + ECHO.replace("loss=1.0", "loss=helpers.ANSWER")
    options = {"entry_point": script(text), "dependencies": [str(package)]}
    driver = make_driver(**options)
    for trial_id in range(3):
        driver.start(trial_id, {"x_y": trial_id})
    driver.until_ended(0, 1, 2)
    assert driver.reports(0)[0]["loss"] == 42
    uploads = cloud.calls["PUT s3"]
    again = make_driver(**options)
    again.start(3, {"x_y": 3})
    assert again.until_ended_one(3).cause == "exited"
    assert cloud.calls["PUT s3"] == uploads


def test_instances_and_cost_come_from_the_configuration(
    make_driver: Callable[..., Any], cloud: Any, script: Callable[[str], str]
) -> None:
    driver = make_driver(entry_point=script(ECHO), instance_prices={"ml.own.large": 7200.0})
    driver.start(0, {"st_instance_type": "ml.own.large", "st_instance_count": 2})
    driver.start(1, {"depth": 1})
    driver.until_ended(0, 1)
    first, second = (job.request["ResourceConfig"] for job in cloud.jobs.values())
    assert (first["InstanceType"], first["InstanceCount"]) == ("ml.own.large", 2)
    assert (second["InstanceType"], second["InstanceCount"]) == ("ml.m5.xlarge", 1)
    report = driver.reports(0)[0]
    assert report["st_worker_cost"] == pytest.approx(report["st_worker_time"] * 4.0)
    report = driver.reports(1)[0]
    assert report["st_worker_cost"] == pytest.approx(report["st_worker_time"] * 0.23 / 3600)


def test_names_metrics_tags_and_network_are_in_the_request(
    make_driver: Callable[..., Any], cloud: Any, bucket: str
) -> None:
    driver = make_driver(
        metrics_names=["loss"],
        tags={"team": "vision"},
        subnets=["subnet-1"],
        security_group_ids=["sg-1"],
        max_retry_attempts=2,
        environment={"TOKENIZERS_PARALLELISM": "false"},
        inputs={"train": f"s3://{bucket}/train"},
    )
    driver.start(0, config("hang"))
    (job,) = cloud.jobs.values()
    assert job.name.startswith("experiment-")
    assert job.name.endswith("-0-0")
    assert job.request["Tags"] == [{"Key": "team", "Value": "vision"}]
    assert job.request["VpcConfig"]["Subnets"] == ["subnet-1"]
    assert job.request["RetryStrategy"] == {"MaximumRetryAttempts": 2}
    assert job.request["Environment"]["TOKENIZERS_PARALLELISM"] == "false"
    assert job.request["InputDataConfig"][0]["ChannelName"] == "train"
    assert job.request["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"
    assert job.request["CheckpointConfig"]["S3Uri"] == driver.backend.checkpoint_s3_uri(0) + "/"
    assert job.request["AlgorithmSpecification"]["MetricDefinitions"][0]["Name"] == "loss"


def test_a_hundred_jobs_cost_two_list_calls_a_cycle(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    # They are on record as running, and do nothing.
    for number in range(100):
        cloud.instant = True
        driver.start(number, config("report"))
    for job in cloud.jobs.values():
        until(lambda job=job: job.is_over)
        job.status = "InProgress"
    cloud.calls.clear()
    backend = driver.backend
    for _ in range(5):
        backend._watch.cycle(0.0)
    assert cloud.calls["ListTrainingJobs"] == 5
    assert cloud.calls["DescribeTrainingJob"] == 0
    assert cloud.calls["FilterLogEvents"] == 5
    for number in range(50):
        driver.stop(number)
    cloud.calls.clear()
    for job in list(cloud.jobs.values())[:50]:
        assert job.status == "Stopping"
    backend._watch.cycle(0.0)
    assert cloud.calls["ListTrainingJobs"] == 2
    assert cloud.calls["DescribeTrainingJob"] == 0
    for job in cloud.jobs.values():
        job.status = "Completed"
    driver.until_ended(*range(100))
    assert cloud.calls["DescribeTrainingJob"] == 100


def test_checkpoints_come_to_this_machine_when_asked_for(
    make_driver: Callable[..., Any], cloud: Any
) -> None:
    driver = make_driver()
    driver.start(0, config("checkpoint", 2))
    driver.until_ended_one(0)
    folder = driver.backend.checkpoint_trial_path(0)
    assert (folder / "state.json").read_text() == "2"
    calls = cloud.calls["GET s3"]
    driver.backend.checkpoint_trial_path(0)
    assert cloud.calls["GET s3"] == calls + 1  # the list alone: nothing is new


def test_an_asha_run_pauses_and_resumes_trials(
    make_backend: Callable[..., Any],
    cloud: Any,
    script: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "runs"))
    space = {"width": uniform(0, 1), "epochs": 4}
    tuner = Tuner(
        trial_backend=make_backend(entry_point=script(CURVE)),
        scheduler=ASHA(
            space,
            metric="loss",
            resource_attr="epoch",
            max_resource_attr="epochs",
            type="promotion",
            grace_period=1,
            reduction_factor=2,
            random_seed=1,
        ),
        stop_criterion=StoppingCriterion(max_num_trials_started=6),
        n_workers=2,
        sleep_time=0.05,
        tuner_name="a-name-" + "x" * 30,
    )
    tuner.run()
    assert tuner.tuning_status.num_trials_started >= 6
    assert all(len(name) <= 63 for name in cloud.jobs)
    assert any(name.endswith("-1") for name in cloud.jobs), "no trial was resumed"
    assert cloud.running() == []


def test_a_resumed_tuner_takes_its_jobs_back(
    make_backend: Callable[..., Any], cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "runs"))
    tuner = Tuner(
        trial_backend=make_backend(),
        scheduler=RandomSearch(
            {"behaviour": "hang", "steps": randint(1, 1000)}, metric="loss", random_seed=1
        ),
        stop_criterion=StoppingCriterion(max_num_trials_started=3),
        n_workers=2,
        sleep_time=0.05,
    )
    handles = {}
    driver = BackendDriver(tuner.trial_backend, tmp_path / "runs" / "x")
    for trial_id in range(2):
        driver.start(trial_id, config("hang"))
        handles[trial_id] = (0, driver.handle(trial_id))
    body = pickle.dumps(tuner.trial_backend)
    driver.backend.close(leave_running=True)
    loaded = pickle.loads(body)
    loaded.sleep_time = 0.05
    again = BackendDriver(loaded, tmp_path / "runs" / "x")
    assert loaded.adopt(handles) == {0: 0, 1: 0}
    assert len(cloud.jobs) == 2
    again.until_reported(0)
    again.backend.stop_all()
    assert [end.cause for end in again.until_ended(0, 1)] == ["stopped", "stopped"]


@pytest.mark.slow
def test_two_hundred_trials_cost_a_bounded_number_of_calls(
    make_backend: Callable[..., Any], cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "runs"))
    cloud.instant = True
    tuner = Tuner(
        trial_backend=make_backend(),
        scheduler=RandomSearch({"lr": uniform(0, 1)}, metric="loss", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_trials_completed=200),
        n_workers=20,
        sleep_time=0.05,
    )
    tuner.run()
    started = len(cloud.jobs)
    assert started >= 200
    assert cloud.calls["CreateTrainingJob"] == started
    assert cloud.calls["DescribeTrainingJob"] <= 2 * started
    assert cloud.calls["FilterLogEvents"] <= 2 * started + cloud.calls["ListTrainingJobs"]
    assert cloud.running() == []


def refused(space: dict[str, Any], **kwargs: Any) -> str:
    from synetune_lab.backend.sagemaker_backend import JobDescription

    job = JobDescription(__file__, image_uri="image", role="role", **kwargs.pop("job", {}))
    scheduler = RandomSearch(space, metric="loss")
    with pytest.raises(BackendError) as caught:
        SageMakerBackend(job, **kwargs).check_scheduler(scheduler)
    return str(caught.value)


def test_spaces_that_can_not_go_to_sagemaker_are_refused_before_the_first_trial() -> None:
    assert "pass_args_as_json" in refused({"layers": [1, 2], "lr": uniform(0, 1)})
    assert "'-'" in refused({"mode": choice(["a", "-b"])})
    assert "2500" in refused({"text": "x" * 3000, "lr": uniform(0, 1)})
    assert "sagemaker_" in refused({"sagemaker_program": "x", "lr": uniform(0, 1)})
    assert "256" in refused({"n" * 300: uniform(0, 1)})
    assert "takes 100" in refused({f"p{i}": uniform(0, 1) for i in range(95)})
    assert "begin with 'ml.'" in refused({"st_instance_type": choice(["m5.large", "ml.m5.large"])})
    assert "use 1 or more" in refused({"st_instance_count": randint(0, 2)})
