"""What can't be is told where it was written, not when the first trial is started."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synetune_lab.backend import SageMakerBackend
from synetune_lab.backend.sagemaker_backend import JobDescription
from synetune_lab.backend.sagemaker_backend.source import pack_source
from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import BackendError
from synetune_lab.optimizer.baselines import RandomSearch


def describe(**changes: Any) -> JobDescription:
    arguments: dict[str, Any] = {"entry_point": __file__, "image_uri": "image", **changes}
    return JobDescription(**arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": {"train": "/local"}}, "data channel 'train' is '/local'; give an address"),
        ({"inputs": {"train": Path("/local")}}, "data channel 'train'"),
        ({"inputs": "s3://bucket/data"}, "inputs is 's3://bucket/data'; give a dictionary"),
        ({"output_path": "/tmp"}, "output_path is '/tmp'; give an address on S3"),
        ({"instance_type": "ml."}, "instance_type is 'ml.'; instance types"),
        ({"instance_type": None}, "instance_type is None"),
        ({"input_mode": "file"}, "use one of File, Pipe, FastFile (did you mean 'File'?)"),
        ({"max_run": 60 * 24 * 3600}, "max_run is 5184000; use a whole number, at least 1 and at"),
        ({"max_run": 3600.5}, "max_run is 3600.5"),
        ({"max_wait": "1h"}, "max_wait is '1h'"),
        ({"volume_size": 10**7}, "at most 16384"),
        ({"max_retry_attempts": 99}, "max_retry_attempts is 99; use a whole number, at least 0"),
        ({"keep_alive_period_in_seconds": 10.5}, "keep_alive_period_in_seconds is 10.5"),
        ({"subnets": "subnet-1"}, "subnets is 'subnet-1'; give a list, for example ['subnet-1']"),
        ({"security_group_ids": "sg-1"}, "give a list, for example ['sg-1']"),
        ({"dependencies": "folder"}, "dependencies is 'folder'; give a list"),
        ({"dependencies": Path("folder")}, "give a list, for example ['folder']"),
        ({"metric_definitions": [{"Name": "a", "Regex": "b"}] * 41}, "charts at most 40"),
        ({"tags": {"a": 1}}, "tag 'a' has the value 1; tags and their values are strings"),
        ({"tags": [1]}, "tags is [1]; give a dictionary"),
        ({"tags": "a"}, "tags is 'a'; give a dictionary"),
        ({"environment": ["A=1"]}, "environment is ['A=1']; give a dictionary"),
    ],
)
def test_a_description_that_can_not_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BackendError, match=re.escape(message)):
        describe(**changes)


def test_a_description_takes_what_means_the_same(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    (tmp_path / "wishes.txt").write_text("numpy\n")
    job = describe(
        entry_point=Path("train.py"),
        source_dir=tmp_path,
        requirements=tmp_path / "wishes.txt",
        dependencies=[Path(__file__)],
        tags=[{"Key": "team", "Value": "vision"}],
        subnets=None,
        security_group_ids=None,
        inputs={
            "a": "s3://bucket/a",
            "b": {"DataSource": {}},
            "c": SimpleNamespace(config={"DataSource": {}}),
        },
    )
    assert not job.has_remote_source
    assert (job.source_dir, job.entry_point) == (os.fspath(tmp_path), "train.py")
    assert job.script == tmp_path / "train.py"
    assert job.tags == {"team": "vision"}
    assert list(job.subnets) == []
    assert pack_source(job).program == "train.py"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"retry_s": 5}, "retry_s is 5; give the shortest and the longest wait"),
        ({"retry_s": (5, 1)}, "retry_s is (5, 1)"),
        ({"limit_retry_s": "12"}, "limit_retry_s is '12'"),
        ({"limit_retry_s": (0, 1)}, "limit_retry_s is (0, 1)"),
        ({"log_settle_s": -1}, "log_settle_s is -1; give seconds, at least 0"),
        ({"log_patience_s": "1"}, "log_patience_s is '1'"),
        ({"limit_patience_s": float("nan")}, "limit_patience_s is nan"),
        ({"instance_prices": {"ml.g5.xlarge": "a"}}, "instance_prices has 'a' for 'ml.g5.xlarge'"),
        ({"instance_prices": [1.0]}, "instance_prices is [1.0]; give a dictionary"),
        ({"metrics_names": "loss"}, "metrics_names is 'loss'; give a list, for example ['loss']"),
        ({"metrics_names": [f"m{i}" for i in range(11)]}, "has 11 names, and the job has 30"),
    ],
)
def test_settings_of_the_backend_that_can_not_be_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    job = describe(metric_definitions=[{"Name": f"a{i}", "Regex": "x"} for i in range(30)])
    with pytest.raises(BackendError, match=re.escape(message)):
        SageMakerBackend(job, **settings)
    backend = SageMakerBackend(job, metrics_names=["loss"])
    with pytest.raises(BackendError, match="charts at most 40 together"):
        backend.add_metric_definitions_to_sagemaker_estimator([f"m{i}" for i in range(10)])


def test_an_instance_type_that_boto3_does_not_know_is_told_with_the_nearest(
    make_backend: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend = make_backend(instance_type="ml.m5.xlage")
    space = {"st_instance_type": choice(["ml.g5.xlarge", "ml.g5.xlrage"]), "lr": uniform(0, 1)}
    backend.check_scheduler(RandomSearch(space, metric="loss"))
    backend.open(tmp_path / "experiment", "experiment")
    messages = [record.getMessage() for record in caplog.records]
    first, second = [text for text in messages if "would not expect" in text]
    assert "ResourceConfig.InstanceType to be 'ml.m5.xlage'" in first
    assert "the nearest that it knows: ml.m5.xlarge" in first
    assert "st_instance_type to be 'ml.g5.xlrage'" in second
    assert "ml.g5.xlarge" in second


def test_a_request_that_boto3_knows_is_not_talked_about(
    make_backend: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_backend(
        metrics_names=["loss"],
        subnets=["subnet-1"],
        security_group_ids=["sg-1"],
        tags={"team": "vision"},
        max_retry_attempts=3,
        inputs={"train": "s3://bucket/train"},
    ).open(tmp_path / "experiment", "experiment")
    assert "would not expect" not in caplog.text


def test_entries_of_the_request_are_compared_with_what_boto3_knows(
    make_backend: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BackendError, match=r"Unknown parameter.*RetryStrategi.*extra among them"):
        make_backend(extra={"RetryStrategi": {}}).open(tmp_path / "a", "a")
    with pytest.raises(BackendError, match=r"Invalid type.*VolumeKmsKeyId"):
        make_backend(extra={"ResourceConfig": {"VolumeKmsKeyId": 1}}).open(tmp_path / "b", "b")
    extra = {
        "OutputDataConfig": {"CompressionType": "GZIPP"},
        "ResourceConfig": {"KeepAlivePeriodInSeconds": 30_000},
        "VpcConfig": {"Subnets": ["subnet_1"], "SecurityGroupIds": ["sg-1"]},
    }
    make_backend(extra=extra).open(tmp_path / "c", "c")
    assert "OutputDataConfig.CompressionType to be 'GZIPP'; the nearest" in caplog.text
    assert "KeepAlivePeriodInSeconds to be 30000; it knows values from 0 to 21600" in caplog.text
    assert "VpcConfig.Subnets[0] to be 'subnet_1'; it knows what matches" in caplog.text
