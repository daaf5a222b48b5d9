"""Documented helpers for those who work with SageMaker beside the backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.sagemaker_backend import (
    CustomFramework,
    JobDescription,
    sagemaker_utils,
    single_job,
)
from synetune_lab.errors import BackendError
from synetune_lab.testing import trial_bodies
from synetune_lab.trial import Status
from synetune_lab.util import s3_experiment_path
from tests.backend.sagemaker.helpers import until


@pytest.fixture
def job(cloud: Any) -> JobDescription:
    from tests.backend.sagemaker.fake_cloud import IMAGE, ROLE

    return JobDescription(trial_bodies.__file__, image_uri=IMAGE, role=ROLE, base_job_name="one")


def test_a_single_job_is_started_and_looked_at(
    job: JobDescription, cloud: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_job, "WAIT_S", 0.01)
    config = {"behaviour": "report", "steps": 3}
    name = sagemaker_utils.sagemaker_fit(
        job, config, f"s3://{bucket}/kept", True, None, f"s3://{bucket}/data"
    )
    request = cloud.jobs[name].request
    assert name.startswith("one-")
    assert request["CheckpointConfig"]["S3Uri"] == f"s3://{bucket}/kept"
    assert request["HyperParameters"]["st_checkpoint_dir"] == '"/opt/ml/checkpoints"'
    assert request["InputDataConfig"][0]["ChannelName"] == "training"
    lines = sagemaker_utils.get_log(name)
    assert len([line for line in lines if "[tune-metric]" in line]) == 3
    (result,) = sagemaker_utils.sagemaker_search([(7, name)])
    assert (result.trial_id, result.status) == (7, Status.completed)
    assert [report["step"] for report in result.metrics] == [1, 2, 3]
    assert result.config["steps"] == 3


def test_a_single_job_without_checkpoints_is_not_told_of_them(
    job: JobDescription, cloud: Any
) -> None:
    cloud.instant = True
    name = sagemaker_utils.sagemaker_fit(job, {"x": 1}, job_name="my-job")
    assert name == "my-job"
    until(lambda: cloud.jobs[name].is_over)
    request = cloud.jobs[name].request
    assert "CheckpointConfig" not in request
    assert "st_checkpoint_dir" not in request["HyperParameters"]
    with pytest.raises(BackendError, match="job_name: the name 'my job'"):
        sagemaker_utils.sagemaker_fit(job, {"x": 1}, job_name="my job")
    with pytest.raises(BackendError, match="already exists"):
        sagemaker_utils.sagemaker_fit(job, {"x": 1}, job_name="my-job")


def test_a_single_job_that_fails_is_told_to_who_waits(
    job: JobDescription, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_job, "WAIT_S", 0.01)
    cloud.jobs_without_capacity = 1
    with pytest.raises(BackendError, match="has failed: CapacityError"):
        sagemaker_utils.sagemaker_fit(job, {"x": 1}, wait=True)


def test_the_library_is_added_to_an_estimator_once() -> None:
    framework = CustomFramework(trial_bodies.__file__, "image", instance_type="ml.m5.large")
    for _ in range(2):
        sagemaker_utils.add_syne_tune_dependency(framework)
    (folder,) = framework.dependencies
    assert Path(folder).name == "synetune_lab"
    plain = JobDescription(trial_bodies.__file__, image_uri="image")
    sagemaker_utils.add_syne_tune_dependency(plain)
    assert plain.dependencies == ()


def put(cloud: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        cloud.s3.put_object(Bucket=bucket, Key=key, Body=key.encode())


def keys_of(cloud: Any, bucket: str) -> list[str]:
    found = cloud.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return sorted(item["Key"] for item in found)


def test_folders_on_s3_are_copied_downloaded_and_deleted(
    cloud: Any, bucket: str, tmp_path: Path
) -> None:
    put(cloud, bucket, "a/x.json", "a/b/y.txt", "other/z")
    well = {"num_action_calls": 2, "num_successful_action_calls": 2, "first_error_message": None}
    root = f"s3://{bucket}"
    left = ["copy/b/y.txt", "copy/x.json", "other/z"]
    assert sagemaker_utils.s3_copy_objects_recursively(f"{root}/a", f"{root}/copy/") == well
    assert keys_of(cloud, bucket) == ["a/b/y.txt", "a/x.json", *left]
    target = str(tmp_path / "all")
    assert sagemaker_utils.s3_download_files_recursively(f"{root}/copy", target) == well
    assert (tmp_path / "all/b/y.txt").read_text() == "a/b/y.txt"
    answer = sagemaker_utils.s3_download_files_recursively(
        f"{root}/a", str(tmp_path / "some"), valid_postfixes=[".json"]
    )
    assert answer["num_action_calls"] == 1
    assert [path.name for path in (tmp_path / "some").rglob("*.*")] == ["x.json"]
    assert sagemaker_utils.s3_delete_objects_recursively(f"{root}/a/") == well
    assert keys_of(cloud, bucket) == left
    cloud.fail("DELETE s3", "AccessDenied")
    answer = sagemaker_utils.s3_delete_objects_recursively(f"{root}/copy")
    assert answer["num_successful_action_calls"] == 1
    assert "AccessDenied" in answer["first_error_message"]


def test_results_of_experiments_are_downloaded_without_their_trials(
    cloud: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "experiments"))
    files = ["metadata.json", "results.csv.zip", "tuner.dill", "run.lock", "0/std.out"]
    put(cloud, bucket, *(f"syne-tune/study/run-{i}/{name}" for i in (1, 2) for name in files))
    put(cloud, bucket, "syne-tune/notes.txt")
    sagemaker_utils.download_sagemaker_results(s3_experiment_path(bucket))
    got = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")]
    assert sorted(got) == [
        f"experiments/study/run-{i}/{name}"
        for i in (1, 2)
        for name in ("metadata.json", "results.csv.zip", "tuner.dill")
    ]


def test_experiments_are_by_default_in_the_bucket_of_the_account(cloud: Any) -> None:
    assert s3_experiment_path() == "s3://sagemaker-us-east-1-123456789012/syne-tune/"
    assert s3_experiment_path("b", "study", "run") == "s3://b/syne-tune/study/run/"


def test_a_folder_that_is_not_synced_is_below_the_input_of_a_job() -> None:
    path = sagemaker_utils.backend_path_not_synced_to_s3()
    assert path.is_relative_to("/opt/ml/input/data")


def test_names_are_cut_to_a_length() -> None:
    assert sagemaker_utils.map_identifier_limited_length("short") == "short"
    name = sagemaker_utils.map_identifier_limited_length("x" * 70, max_length=20, rnd_digits=5)
    assert len(name) == 20
    assert name.startswith("x" * 15)
