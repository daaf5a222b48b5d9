"""One training job without a tuner: what `fit` of an estimator is for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws
from synetune_lab.backend.sagemaker_backend.cloud import Cloud, Paths
from synetune_lab.backend.sagemaker_backend.job import ENDED
from synetune_lab.backend.sagemaker_backend.names import new_token, slug
from synetune_lab.backend.sagemaker_backend.request import training_job_request
from synetune_lab.backend.sagemaker_backend.source import LIBRARY
from synetune_lab.backend.sagemaker_backend.translation import (
    as_description,
    boto_session_of,
    channels,
)
from synetune_lab.constants import ST_CHECKPOINT_DIR
from synetune_lab.errors import BackendError
from synetune_lab.util import check_valid_sagemaker_name, name_from_base

__all__ = ["add_syne_tune_dependency", "sagemaker_fit"]

WAIT_S: Final = 10.0
"""How often a job that is waited for is looked at."""


def sagemaker_fit(
    sm_estimator: Any,
    hyperparameters: Mapping[str, Any],
    checkpoint_s3_uri: str | None = None,
    wait: bool = False,
    job_name: str | None = None,
    *sagemaker_fit_args: Any,
    **sagemaker_fit_kwargs: Any,
) -> str:
    """Start one training job, without a tuner.

    Args:
        sm_estimator: What the job is, see `SageMakerBackend`.
        hyperparameters: Passed to the script.
        checkpoint_s3_uri: Folder on S3 for checkpoints. The script is told of it as
            `--st_checkpoint_dir`, which it is not without one.
        wait: Whether to return only when the job has ended.
        job_name: Name of the job; made up by default.
        *sagemaker_fit_args: Data channels, as the first argument of an estimator's `fit`.
        **sagemaker_fit_kwargs: Further data channels, see `SageMakerBackend`.

    Returns:
        Name of the job.

    Raises:
        BackendError: If it can't be started; with `wait`, if it fails.
    """
    job = as_description(sm_estimator)
    if len(sagemaker_fit_args) > 1:
        raise BackendError(
            f"sagemaker_fit got {len(sagemaker_fit_args)} more arguments without a name; give "
            "data channels as inputs=... alone"
        )
    if sagemaker_fit_args:
        sagemaker_fit_kwargs = {"inputs": sagemaker_fit_args[0], **sagemaker_fit_kwargs}
    inputs, extra = channels(sagemaker_fit_kwargs)
    job = replace(job, inputs={**job.inputs, **inputs}, extra={**job.extra, **extra})
    group = slug(job.base_job_name or job.script.stem) or "job"
    name = job_name or name_from_base(group, "job")
    try:
        check_valid_sagemaker_name(name)
    except ValueError as error:
        raise BackendError(f"job_name: {error}") from None
    aws = Aws(job.region, job.profile, boto_session_of(sm_estimator))
    cloud = Cloud(aws, job, Paths(group, new_token(), None))
    place = cloud.place(job, 0, name, None)
    if checkpoint_s3_uri is not None:
        place = replace(place, checkpoint_uri=checkpoint_s3_uri)
    request = training_job_request(job, hyperparameters, place)
    if checkpoint_s3_uri is None:
        del request["CheckpointConfig"], request["HyperParameters"][ST_CHECKPOINT_DIR]
    aws.call("sagemaker", "create_training_job", **request)
    if wait:
        _wait_for(aws, name)
    return name


def add_syne_tune_dependency(sm_estimator: Any) -> None:
    """Have an estimator send this library along, for its own `fit`.

    `SageMakerBackend` and `sagemaker_fit` always send it: they need no such call.

    Args:
        sm_estimator: An estimator of the SageMaker SDK 2, or a `CustomFramework`; nothing is
            changed of what has no `dependencies` of its own.
    """
    folder = str(LIBRARY)
    if not hasattr(sm_estimator, "source_code") and hasattr(sm_estimator, "entry_point"):
        known = [str(path) for path in getattr(sm_estimator, "dependencies", None) or []]
        is_frozen = getattr(type(sm_estimator), "__dataclass_params__", None) is not None
        if folder not in known and not is_frozen:
            sm_estimator.dependencies = [*known, folder]


def _wait_for(aws: Aws, name: str) -> None:
    while True:
        job = aws.call("sagemaker", "describe_training_job", TrainingJobName=name)
        status = job["TrainingJobStatus"]
        if status in ENDED:
            break
        time.sleep(WAIT_S)
    if status == "Failed":
        raise BackendError(f"job {name} has failed: {job.get('FailureReason', 'no reason given')}")
