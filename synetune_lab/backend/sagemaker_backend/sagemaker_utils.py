"""Documented helpers for those who work with SageMaker beside the backend."""

from __future__ import annotations

import secrets
import string
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synetune_lab.backend.sagemaker_backend.aws import Aws, boto_config
from synetune_lab.backend.sagemaker_backend.cloud import find_role
from synetune_lab.backend.sagemaker_backend.hyperparameters import decode_sagemaker_hyperparameter
from synetune_lab.backend.sagemaker_backend.logs import read_streams
from synetune_lab.backend.sagemaker_backend.names import parse_s3_uri
from synetune_lab.backend.sagemaker_backend.request import metric_definitions_from_names
from synetune_lab.backend.sagemaker_backend.storage import S3Store
from synetune_lab.extras import require
from synetune_lab.report import retrieve
from synetune_lab.trial import Status, TrialResult

__all__ = [
    "add_metric_definitions_to_sagemaker_estimator",
    "decode_sagemaker_hyperparameter",
    "default_config",
    "default_sagemaker_session",
    "get_execution_role",
    "get_log",
    "map_identifier_limited_length",
    "metric_definitions_from_names",
    "s3_copy_objects_recursively",
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
_LETTERS = string.ascii_lowercase + string.digits


def default_config() -> Any:
    """Settings for boto3 clients that wait and try again when AWS asks for patience."""
    return boto_config(max_attempts=10)


def default_sagemaker_session() -> Any:
    """A session of the SageMaker SDK.

    Raises:
        MissingDependencyError: If the SDK is not installed. A `JobDescription` or a
            `CustomFramework` needs none.
    """
    session = require("sagemaker", extra="sagemaker").Session
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
    found = []
    for trial_id, name in trial_ids_and_names:
        job = aws.call("sagemaker", "describe_training_job", TrainingJobName=name)
        given: Mapping[str, str] = job.get("HyperParameters", {})
        config = {key: decode_sagemaker_hyperparameter(value) for key, value in given.items()}
        found.append(
            TrialResult(
                trial_id,
                config,
                job["CreationTime"],
                retrieve(read_streams(aws, [name])),
                _STATUS.get(job["TrainingJobStatus"], Status.pending),
                job.get("TrainingEndTime"),
            )
        )
    return found


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


def s3_copy_objects_recursively(s3_source_path: str, s3_target_path: str) -> dict[str, Any]:
    """Copy a folder within S3.

    Returns:
        `num_action_calls`, `num_successful_action_calls` and `first_error_message` (None if all
        went well).
    """
    parse_s3_uri(s3_source_path, "s3_source_path")
    parse_s3_uri(s3_target_path, "s3_target_path")
    aws = Aws()
    message = None
    try:
        S3Store(aws).copy_folder(s3_source_path.rstrip("/"), s3_target_path.rstrip("/"))
    except RuntimeError as error:
        message = str(error)
    calls = aws.calls["copy_object"]
    done = calls if message is None else max(0, calls - 1)
    return {
        "num_action_calls": calls,
        "num_successful_action_calls": done,
        "first_error_message": message,
    }


def _with_client(aws: Aws, service: str, client: Any) -> Aws:
    if client is not None:
        aws.use(service, client)
    return aws
