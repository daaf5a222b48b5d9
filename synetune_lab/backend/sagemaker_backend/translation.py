"""Objects of the SageMaker SDK as plain descriptions, by what they have, without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.description import JobDescription
from synetune_lab.backend.sagemaker_backend.from_estimator import from_estimator
from synetune_lab.backend.sagemaker_backend.from_model_trainer import from_model_trainer
from synetune_lab.backend.sagemaker_backend.sdk_objects import get
from synetune_lab.errors import BackendError

__all__ = ["as_description", "boto_session_of", "channels"]

_IGNORED_FIT_ARGUMENTS: Final = ("wait", "logs", "job_name")


def as_description(job: Any) -> JobDescription:
    """The plain description of a job.

    Args:
        job: A `JobDescription`, an estimator of the SageMaker SDK 2 (`PyTorch(...)`,
            `CustomFramework(...)`), or a `ModelTrainer` of its release 3.

    Raises:
        BackendError: If it is none of them, or has what can't be served.
    """
    if isinstance(job, JobDescription):
        return job
    if get(job, "entry_point") is not None:
        return from_estimator(job)
    if get(job, "source_code") is not None and get(job, "compute") is not None:
        return from_model_trainer(job)
    raise BackendError(
        f"sm_estimator is {job!r:.200}, which describes no job with a training script; give a "
        "JobDescription, an estimator with entry_point and instance_type, or a ModelTrainer with "
        "source_code and compute"
    )


def boto_session_of(job: Any) -> Any:
    """The boto3 session that an object of the SDK holds; None if it holds none."""
    return get(get(job, "sagemaker_session"), "boto_session")


def channels(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `fit` of an estimator would be given: its data channels, and entries of the request.

    Raises:
        BackendError: If there is an argument that is not known.
    """
    inputs: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in arguments.items():
        if name == "inputs":
            inputs.update({"training": value} if _is_channel(value) else dict(value or {}))
        elif name == "experiment_config":
            extra["ExperimentConfig"] = dict(value)
        elif name in _IGNORED_FIT_ARGUMENTS:
            continue
        elif _is_channel(value):
            inputs[name] = value
        else:
            raise BackendError(
                f"argument {name}={value!r:.80} is not known; data channels are addresses on S3, "
                "for example inputs={'train': 's3://my-bucket/data'}"
            )
    return inputs, extra


def _is_channel(value: Any) -> bool:
    return (isinstance(value, str) and value.startswith("s3://")) or isinstance(
        getattr(value, "config", None), dict
    )
