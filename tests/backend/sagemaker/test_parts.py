"""The parts of the backend that need no cloud."""

from __future__ import annotations

import json
import pickle
import re
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.backend.sagemaker_backend import CustomFramework, JobDescription, instance_info
from synetune_lab.backend.sagemaker_backend.aws import AwsError, as_aws_error
from synetune_lab.backend.sagemaker_backend.hyperparameters import (
    decode_sagemaker_hyperparameter,
    encode_hyperparameters,
)
from synetune_lab.backend.sagemaker_backend.instance_info import (
    InstanceInfos,
    select_instance_type,
)
from synetune_lab.backend.sagemaker_backend.job import Backoff
from synetune_lab.backend.sagemaker_backend.names import job_name, job_prefix
from synetune_lab.backend.sagemaker_backend.reports import JobReports
from synetune_lab.backend.sagemaker_backend.request import metric_definitions_from_names
from synetune_lab.backend.sagemaker_backend.source import pack_source
from synetune_lab.backend.sagemaker_backend.translation import as_description, channels
from synetune_lab.errors import BackendError

VALID_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


@given(st.text(), st.integers(0, 10**6), st.integers(0, 999))
def test_names_of_jobs_are_valid_whatever_the_tuner_is_called(
    name: str, trial_id: int, run: int
) -> None:
    assert VALID_NAME.fullmatch(job_name(job_prefix(name, "a1b2c3"), trial_id, run))


SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=300).filter(lambda text: not text.startswith("-")),
)


@given(SCALARS)
def test_hyperparameters_arrive_as_they_were(value: Any) -> None:
    got = decode_sagemaker_hyperparameter(encode_hyperparameters({"x": value})["x"])
    if isinstance(value, float) and isinstance(got, str):
        # argparse would refuse -1e-05 otherwise
        assert float(got) == value
        assert "e" not in got
    else:
        assert got == value
        assert type(got) is type(value)


def lines(numbers: list[int]) -> list[str]:
    return [
        "[tune-metric]: "
        + json.dumps({"step": n, "st_worker_timestamp": 1000.5 + n, "st_worker_iter": n})
        for n in numbers
    ]


def taken(reports: JobReports, now: float = 0.0, *, final: bool = False) -> list[int]:
    return [report["step"] for report, _ in reports.take(now, final=final)]


@given(st.integers(1, 20).flatmap(lambda n: st.permutations([*range(n), *range(n)])))
def test_reports_come_in_order_and_once_however_the_log_shuffles_them(order: list[int]) -> None:
    reports = JobReports()
    got = []
    for line in lines(order):
        reports.add("job/algo-1-1700000000", 0, line)
        got += taken(reports)
    assert got == list(range(len(order) // 2))
    assert not reports.has_gap


def test_what_lies_behind_a_gap_is_held_back_for_a_while() -> None:
    reports = JobReports(patience_s=10.0)
    for line in lines([0, 1, 3, 4]):
        reports.add("job/algo-1-1", 0, line)
    assert taken(reports, 100.0) == [0, 1]
    assert reports.has_gap
    assert taken(reports, 109.0) == []
    assert taken(reports, 110.0) == [3, 4]
    reports.add("job/algo-1-1", 0, lines([2])[0])
    assert taken(reports, 111.0) == [2]
    # What comes after one that was late is not behind a gap.
    reports.add("job/algo-1-1", 0, lines([5])[0])
    assert taken(reports, 112.0) == [5]
    assert not reports.has_gap


def test_a_second_start_of_a_job_and_a_second_reporter_count_anew() -> None:
    reports = JobReports(delivered=2)
    for start, steps in (("1", [0, 1, 2]), ("2", [3, 4])):
        for number, step in enumerate(steps):
            (line,) = lines([step])
            line = line.replace(f'"st_worker_iter": {step}', f'"st_worker_iter": {number}')
            reports.add(f"job/algo-1-{start}", 0, line)
    reports.add("job/algo-2-1", 0, lines([7])[0])  # another host
    assert taken(reports) == [2, 3, 4]


def test_lines_without_a_number_are_taken_as_they_come() -> None:
    reports = JobReports()
    line = '[tune-metric]: {"loss": 1.0}'
    for timestamp, text in (
        (1000, line),
        (2000, f"epoch 1 {line}"),
        (1000, line),
        (3000, "nothing"),
    ):
        reports.add("job/algo-1-1", timestamp, text)
    assert len(reports.take(0.0)) == 2


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    (folder / "train.py").write_text("print(1)\n")
    (folder / "sub" / "other.py").write_text("x = 1\n")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"x")
    job = JobDescription("train.py", image_uri="i", source_dir=str(folder))
    first = pack_source(job)
    (folder / "train.py").touch()
    assert pack_source(job).digest == first.digest
    with tarfile.open(fileobj=BytesIO(first.body)) as archive:
        names = archive.getnames()
    assert first.program == "train.py"
    assert {"train.py", "sub/other.py", "synetune_lab/report.py"} <= set(names)
    assert not any("__pycache__" in name for name in names)
    (folder / "train.py").write_text("print(2)\n")
    assert pack_source(job).digest != first.digest


def test_requirements_beside_the_script_are_sent(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    (tmp_path / "requirements.txt").write_text("numpy\n")
    (tmp_path / "secret.txt").write_text("not this")
    packed = pack_source(JobDescription(str(tmp_path / "train.py"), image_uri="i"))
    with tarfile.open(fileobj=BytesIO(packed.body)) as archive:
        names = set(archive.getnames())
    assert {"train.py", "requirements.txt"} <= names
    assert "secret.txt" not in names


def estimator(**changes: Any) -> SimpleNamespace:
    """What an estimator of the SageMaker SDK 2 has."""
    attributes: dict[str, Any] = {
        "entry_point": __file__,
        "source_dir": None,
        "image_uri": None,
        "training_image_uri": lambda: "registry/pytorch:2",
        "role": "MyRole",
        "instance_type": "ml.g4dn.xlarge",
        "instance_count": 1,
        "max_run": 600,
        "keep_alive_period_in_seconds": 60,
        "use_spot_instances": False,
        "max_wait": None,
        "dependencies": [],
        "environment": None,
        "tags": [{"Key": "a", "Value": "b"}],
        "hyperparameters": lambda: {"lr": "0.1", "name": '"x"', "sagemaker_program": '"a.py"'},
        "metric_definitions": None,
        "enable_network_isolation": lambda: False,
        "disable_profiler": True,
        "sagemaker_session": SimpleNamespace(boto_region_name="eu-west-1", boto_session=None),
        "base_job_name": "hpo",
    }
    return SimpleNamespace(**{**attributes, **changes})


def trainer(**changes: Any) -> SimpleNamespace:
    """What a ModelTrainer of the SageMaker SDK 3 has."""

    class Unassigned:
        pass

    attributes: dict[str, Any] = {
        "training_image": "registry/pytorch:2",
        "source_code": SimpleNamespace(
            source_dir=str(Path(__file__).parent),
            entry_script=Path(__file__).name,
            command=None,
            requirements=None,
            ignore_patterns=["*.ipynb"],
        ),
        "compute": SimpleNamespace(
            instance_type="ml.g4dn.xlarge",
            instance_count=1,
            volume_size_in_gb=30,
            keep_alive_period_in_seconds=60,
            enable_managed_spot_training=Unassigned(),
        ),
        "stopping_condition": SimpleNamespace(
            max_runtime_in_seconds=600, max_wait_time_in_seconds=None
        ),
        "networking": None,
        "role": "MyRole",
        "environment": {},
        "hyperparameters": {"lr": 0.1, "name": "x"},
        "input_data_config": [
            SimpleNamespace(channel_name="train", data_source="s3://bucket/train")
        ],
        "tags": [SimpleNamespace(key="a", value="b")],
        "base_job_name": "hpo",
        "sagemaker_session": SimpleNamespace(boto_region_name="eu-west-1"),
    }
    return SimpleNamespace(**{**attributes, **changes})


def test_an_estimator_and_a_model_trainer_become_the_same_description() -> None:
    session = SimpleNamespace(
        boto_region_name="eu-west-1", boto_session=SimpleNamespace(profile_name="work")
    )
    old = as_description(estimator(sagemaker_session=session))
    new = as_description(trainer(sagemaker_session=session))
    for name in (
        "image_uri",
        "instance_type",
        "instance_count",
        "role",
        "hyperparameters",
        "max_run",
        "keep_alive_period_in_seconds",
        "tags",
        "base_job_name",
        "region",
        "profile",
        "use_spot_instances",
        "volume_size",
        "checkpoint_local_path",
    ):
        assert getattr(old, name) == getattr(new, name), name
    assert (old.script, old.profile) == (new.script, "work")
    assert new.inputs == {"train": "s3://bucket/train"}
    assert old.hyperparameters == {"lr": 0.1, "name": "x"}
    assert old.extra == {"ProfilerConfig": {"DisableProfiler": True}}


def test_what_can_not_be_served_is_refused() -> None:
    with pytest.raises(BackendError, match="git_config"):
        as_description(estimator(git_config={"repo": "x"}))
    with pytest.raises(BackendError, match="entry_script"):
        as_description(trainer(source_code=SimpleNamespace(command="python a.py")))
    with pytest.raises(BackendError, match="describes no job"):
        as_description("PyTorch")
    with pytest.raises(BackendError, match="what LocalBackend does"):
        as_description(estimator(instance_type="local"))
    with pytest.raises(BackendError, match="no warm pools of spot"):
        as_description(estimator(use_spot_instances=True))
    with pytest.raises(BackendError, match="CustomFramework has no argument 'instance_typ'"):
        CustomFramework(__file__, "image", instance_typ="ml.m5.large")
    with pytest.raises(BackendError, match="wait_for=1 is not known"):
        channels({"wait_for": 1})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"entry_point": "no-such.py"}, "is not a file"),
        ({"source_dir": "/no/such/folder"}, "is not a folder"),
        ({"dependencies": ["/no/such"]}, "no file or folder"),
        ({"instance_type": "m5.large"}, "begin with 'ml.'"),
        ({"instance_count": 0}, "at least 1"),
        ({"keep_alive_period_in_seconds": 30000}, "21600"),
        ({"use_spot_instances": True, "max_run": 100, "max_wait": 50}, "includes max_run"),
        ({"environment": {"1A": "x"}}, "no digit in front"),
        ({"environment": {"A": "x" * 600}}, "takes 512"),
        ({"image_uri": ""}, "image_uri is empty"),
        ({"image_uri": "registry/my image"}, "without spaces"),
        ({"checkpoint_local_path": "checkpoints"}, "an absolute path"),
        ({"subnets": ["subnet-1"]}, "needs both"),
        ({"inputs": {"my data": "s3://bucket/x"}}, "data channel 'my data'"),
        ({"inputs": {f"c{i}": "s3://bucket/x" for i in range(19)}}, "at most 18"),
        ({"tags": {"aws:x": "y"}}, "must not begin with 'aws:'"),
        ({"tags": {"x": "y#"}}, "tag 'x' with the value 'y#'"),
    ],
)
def test_a_description_that_can_not_be_is_refused(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"entry_point": __file__, "image_uri": "image", **changes}
    with pytest.raises(BackendError, match=re.escape(message)):
        JobDescription(**arguments)


def test_a_custom_framework_is_a_description_like_any_other() -> None:
    framework = CustomFramework(
        entry_point=__file__,
        image_uri="registry/own:1",
        instance_type="ml.m5.large",
        instance_count=2,
        role="MyRole",
        max_run=600,
        job_name_prefix="hpo-hyperband",
        disable_profiler=True,
        debugger_hook_config=False,
        hyperparameters={"a": 1},
    )
    job = as_description(framework)
    assert (job.image_uri, job.instance_count, job.base_job_name) == (
        "registry/own:1",
        2,
        "hpo-hyperband",
    )
    assert job.hyperparameters == {"a": 1}
    assert pickle.loads(pickle.dumps(job)) == job


def test_fit_arguments_are_data_channels() -> None:
    inputs, extra = channels({"inputs": "s3://bucket/x", "test": "s3://bucket/y", "wait": False})
    assert inputs == {"training": "s3://bucket/x", "test": "s3://bucket/y"}
    assert extra == {}


def test_metric_definitions_match_what_the_reporter_prints() -> None:
    (definition,) = metric_definitions_from_names(["val/loss"])
    line = f"[tune-metric]: {json.dumps({'epoch': 1, 'val/loss': -1.5e-3, 'st_worker_iter': 0})}"
    match = re.search(definition["Regex"], line)
    assert match is not None
    assert float(match.group(1)) == -1.5e-3
    with pytest.raises(BackendError, match="at most 40"):
        metric_definitions_from_names([f"m{i}" for i in range(41)])


def test_instance_types_are_selected_by_gpus_and_price() -> None:
    assert "ml.g4dn.xlarge" in select_instance_type(min_gpu=1, max_cost_per_hour=1.0)
    assert select_instance_type(max_gpu=0, max_cost_per_hour=0.01) == []
    infos = InstanceInfos()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", infos.date)
    assert infos("ml.p3.8xlarge").num_gpu == 4
    file = json.loads((Path(instance_info.__file__).parent / "instance_prices.json").read_text())
    checked = {name for check in file["checked"] for name in check["instances"]}
    assert checked | set(file["not_checked"]) == {info.name for info in infos.instances}
    with pytest.raises(BackendError, match="instance_prices="):
        infos("ml.no.such")


def test_waits_double_up_to_the_longest() -> None:
    backoff, waits = Backoff(1.0, 5.0), []
    for _ in range(4):
        backoff.failed(100.0)
        waits.append(backoff.due - 100.0)
    assert waits == [1.0, 2.0, 4.0, 5.0]
    backoff.succeeded()
    assert backoff.due == 0.0


@pytest.mark.parametrize(
    ("code", "message", "trouble"),
    [
        ("ThrottlingException", "", "throttled"),
        ("ResourceLimitExceeded", "", "limit"),
        ("ExpiredTokenException", "", "credentials"),
        ("InvalidSignatureException", "Signature expired: 20260101T0", "credentials"),
        ("AccessDeniedException", "", "denied"),
        ("ValidationException", "Requested resource not found.", "missing"),
        ("ValidationException", "bad image", "refused"),
    ],
)
def test_errors_are_sorted_by_what_can_be_done(code: str, message: str, trouble: str) -> None:
    error = RuntimeError(message)
    error.response = {"Error": {"Code": code, "Message": message}}  # type: ignore[attr-defined]
    known = as_aws_error(error, "sagemaker:create_training_job")
    assert known.trouble == trouble
    twin = pickle.loads(pickle.dumps(known))
    assert isinstance(twin, AwsError)
    assert (twin.trouble, twin.code, str(twin)) == (known.trouble, known.code, str(known))


def test_the_backend_is_imported_without_an_sdk() -> None:
    assert "synetune_lab.backend.sagemaker_backend" in sys.modules
    import subprocess

    program = (
        "import sys; from synetune_lab.backend import SageMakerBackend; "
        "print([m for m in ('boto3', 'botocore', 'sagemaker') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
