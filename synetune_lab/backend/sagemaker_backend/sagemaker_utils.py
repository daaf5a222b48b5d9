"""Documented helpers for those who work with SageMaker beside the backend."""

from __future__ import annotations

import secrets
import string
import tarfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from synetune_lab.backend.sagemaker_backend.aws import Aws, boto_config
from synetune_lab.backend.sagemaker_backend.cloud import find_role
from synetune_lab.backend.sagemaker_backend.hyperparameters import decode_sagemaker_hyperparameter
from synetune_lab.backend.sagemaker_backend.logs import read_streams
from synetune_lab.backend.sagemaker_backend.request import metric_definitions_from_names
from synetune_lab.backend.sagemaker_backend.s3_folders import (
    backend_path_not_synced_to_s3,
    download_sagemaker_results,
    s3_copy_objects_recursively,
    s3_delete_objects_recursively,
    s3_download_files_recursively,
)
from synetune_lab.backend.sagemaker_backend.single_job import (
    add_syne_tune_dependency,
    sagemaker_fit,
)
from synetune_lab.extras import require
from synetune_lab.report import retrieve
from synetune_lab.trial import Status, TrialResult

__all__ = [
    "add_metric_definitions_to_sagemaker_estimator",
    "add_syne_tune_dependency",
    "backend_path_not_synced_to_s3",
    "decode_sagemaker_hyperparameter",
    "default_config",
    "default_sagemaker_session",
    "download_sagemaker_results",
    "get_execution_role",
    "get_log",
    "map_identifier_limited_length",
    "metric_definitions_from_names",
    "s3_copy_objects_recursively",
    "s3_delete_objects_recursively",
    "s3_download_files_recursively",
    "sagemaker_fit",
    "sagemaker_search",
    "untar",
]

_STATUS = {
    "InProgress": Status.in_progress,
    "Stopping": Status.stopping,
    "Stopped": Status.stopped,
    "Completed": Status.completed,
    "Failed": Status.failed,
}
_LOOKS_AT_ONCE = 10
_LETTERS = string.ascii_lowercase + string.digits


def default_config() -> Any:
    """Settings for boto3 clients that wait and try again when AWS asks for patience."""
    return boto_config(max_attempts=10)


def default_sagemaker_session() -> Any:
    """A session of the SageMaker SDK, of whichever release is installed.

    Raises:
        MissingDependencyError: If the SDK is not installed. A `JobDescription` or a
            `CustomFramework` needs none.
    """
    sdk = require("sagemaker", extra="sagemaker")
    session = getattr(sdk, "Session", None)
    if session is None:  # since release 3
        session = require("sagemaker.core.helper.session_helper", extra="sagemaker").Session
    boto3 = require("boto3", extra="aws")
    return session(sagemaker_client=boto3.client("sagemaker", config=default_config()))


def get_execution_role() -> str:
    """ARN of the role for jobs: that of the environment variable `AWS_ROLE`, else SageMaker's own.

    Raises:
        BackendError: If there is none.
    """
    return find_role(Aws(), None)


def get_log(jobname: str, log_client: Any = None) -> list[str]:
    """Lines of the log of a training job.

    Args:
        jobname: Name of the job.
        log_client: A boto3 client for `logs`; by default a new one.
    """
    return read_streams(_with_client(Aws(), "logs", log_client), [jobname])


def sagemaker_search(
    trial_ids_and_names: Sequence[tuple[int, str]], sm_client: Any = None, log_client: Any = None
) -> list[TrialResult]:
    """What is known of training jobs: status, hyperparameters, times, and what they reported.

    Args:
        trial_ids_and_names: Number and job of each trial.
        sm_client: A boto3 client for `sagemaker`; by default a new one.
        log_client: A boto3 client for `logs`; by default a new one.
    """
    aws = _with_client(_with_client(Aws(), "sagemaker", sm_client), "logs", log_client)

    def look(trial_id_and_name: tuple[int, str]) -> TrialResult:
        trial_id, name = trial_id_and_name
        job = aws.call("sagemaker", "describe_training_job", TrainingJobName=name)
        given: Mapping[str, str] = job.get("HyperParameters", {})
        config = {key: decode_sagemaker_hyperparameter(value) for key, value in given.items()}
        return TrialResult(
            trial_id,
            config,
            job["CreationTime"],
            retrieve(read_streams(aws, [name])),
            _STATUS.get(job["TrainingJobStatus"], Status.pending),
            job.get("TrainingEndTime"),
        )

    # Each takes three calls, which are little work and much waiting.
    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
        return list(pool.map(look, trial_ids_and_names))


def add_metric_definitions_to_sagemaker_estimator(
    estimator: Any, metrics_names: Sequence[str]
) -> None:
    """Have SageMaker's console chart metrics of the jobs of an estimator."""
    known = list(getattr(estimator, "metric_definitions", None) or [])
    estimator.metric_definitions = known + metric_definitions_from_names(metrics_names)


def untar(filename: str | Path) -> None:
    """Unpack an archive beside itself."""
    path = Path(filename)
    with tarfile.open(path) as archive:
        archive.extractall(path.parent, filter="data")


def map_identifier_limited_length(name: str, max_length: int = 63, rnd_digits: int = 4) -> str:
    """A name that is short enough.

    Args:
        name: The name; returned as it is if it is.
        max_length: Characters that it may have.
        rnd_digits: Random characters at the end of one that has to be cut.
    """
    if len(name) <= max_length:
        return name
    tail = "".join(secrets.choice(_LETTERS) for _ in range(rnd_digits))
    return name[: max_length - rnd_digits] + tail


def _with_client(aws: Aws, service: str, client: Any) -> Aws:
    if client is not None:
        aws.use(service, client)
    return aws
