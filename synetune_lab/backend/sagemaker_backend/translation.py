"""Objects of the SageMaker SDK as plain descriptions, by what they have, without importing it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.description import CHECKPOINT_PATH, JobDescription
from synetune_lab.backend.sagemaker_backend.hyperparameters import (
    RESERVED_PREFIX,
    decode_sagemaker_hyperparameter,
)
from synetune_lab.errors import BackendError

__all__ = ["as_description", "boto_session_of", "channels"]

_DAY_S: Final = 24 * 3600
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
    if _get(job, "entry_point") is not None:
        return _from_estimator(job)
    if _get(job, "source_code") is not None and _get(job, "compute") is not None:
        return _from_model_trainer(job)
    raise BackendError(
        f"sm_estimator is {job!r:.200}, which describes no job with a training script; give a "
        "JobDescription, an estimator with entry_point and instance_type, or a ModelTrainer with "
        "source_code and compute"
    )


def boto_session_of(job: Any) -> Any:
    """The boto3 session that an object of the SDK holds; None if it holds none."""
    return _get(_get(job, "sagemaker_session"), "boto_session")


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


def _get(thing: Any, name: str, default: Any = None) -> Any:
    """An attribute; what the SDK marks as unset is the default."""
    value = getattr(thing, name, None)
    return default if value is None or type(value).__name__ == "Unassigned" else value


def _call_or(value: Any) -> Any:
    return value() if callable(value) else value


def _tags(tags: Any) -> dict[str, str]:
    if isinstance(tags, Mapping):
        return {str(name): str(value) for name, value in tags.items()}
    found = {}
    for tag in tags or ():
        has = tag.get if isinstance(tag, Mapping) else lambda name, tag=tag: _get(tag, name.lower())
        found[str(has("Key"))] = str(has("Value"))
    return found


def _plain_hyperparameters(values: Mapping[str, Any], *, encoded: bool) -> dict[str, Any]:
    """The user's own, without what script mode adds anew."""
    ours = ("program", "submit_directory", "container_log_level", "job_name", "region")
    return {
        name: decode_sagemaker_hyperparameter(value)
        if encoded and isinstance(value, str)
        else value
        for name, value in values.items()
        if name not in {RESERVED_PREFIX + one for one in ours}
    }


def _from_estimator(estimator: Any) -> JobDescription:
    if _get(estimator, "git_config") is not None:
        raise BackendError("git_config is not served; clone the repository and give source_dir")
    hyperparameters = _get(estimator, "hyperparameters", {})
    encoded = callable(hyperparameters)
    extra: dict[str, Any] = {}
    if _get(estimator, "disable_profiler"):
        extra["ProfilerConfig"] = {"DisableProfiler": True}
    if _get(estimator, "encrypt_inter_container_traffic"):
        extra["EnableInterContainerTrafficEncryption"] = True
    isolated = _get(estimator, "enable_network_isolation", False)
    if _call_or(isolated):
        extra["EnableNetworkIsolation"] = True
    session = _get(estimator, "sagemaker_session")
    return JobDescription(
        entry_point=os.fspath(estimator.entry_point),
        image_uri=_image_of(estimator),
        instance_type=str(_get(estimator, "instance_type", "")),
        instance_count=_get(estimator, "instance_count", 1),
        role=_get(estimator, "role"),
        source_dir=_path(_get(estimator, "source_dir")),
        dependencies=[os.fspath(path) for path in _get(estimator, "dependencies", [])],
        environment={k: str(v) for k, v in _get(estimator, "environment", {}).items()},
        hyperparameters=_plain_hyperparameters(_call_or(hyperparameters) or {}, encoded=encoded),
        max_run=_get(estimator, "max_run", _DAY_S),
        use_spot_instances=bool(_get(estimator, "use_spot_instances", False)),
        max_wait=_get(estimator, "max_wait"),
        keep_alive_period_in_seconds=_get(estimator, "keep_alive_period_in_seconds"),
        volume_size=_get(estimator, "volume_size", 30),
        input_mode=_get(estimator, "input_mode", "File"),
        output_path=_get(estimator, "output_path"),
        checkpoint_local_path=_get(estimator, "checkpoint_local_path", CHECKPOINT_PATH),
        subnets=list(_get(estimator, "subnets", [])),
        security_group_ids=list(_get(estimator, "security_group_ids", [])),
        tags=_tags(_get(estimator, "tags")),
        metric_definitions=list(_get(estimator, "metric_definitions", [])),
        max_retry_attempts=_get(estimator, "max_retry_attempts"),
        base_job_name=_get(estimator, "base_job_name"),
        region=_region_of(session),
        extra=extra,
    )


def _image_of(estimator: Any) -> str:
    image = _get(estimator, "image_uri")
    if image is None:
        find: Callable[[], str] | None = _get(estimator, "training_image_uri")
        if find is None:
            raise BackendError(
                "the estimator has neither image_uri nor training_image_uri(); give image_uri"
            )
        image = find()
    return str(image)


def _region_of(session: Any) -> str | None:
    region = _get(session, "boto_region_name") or _get(_get(session, "boto_session"), "region_name")
    return region if isinstance(region, str) else None


def _path(value: Any) -> str | None:
    return None if value is None else os.fspath(value)


def _from_model_trainer(trainer: Any) -> JobDescription:
    source, compute = trainer.source_code, trainer.compute
    script = _get(source, "entry_script")
    if script is None or _get(source, "command") is not None:
        raise BackendError(
            "source_code must name its script by entry_script, without a command: a trial's "
            "configuration is passed to the script as arguments"
        )
    if _get(trainer, "distributed") is not None:
        raise BackendError(
            "distributed is not served for a ModelTrainer; start the processes in the script"
        )
    stopping, network = _get(trainer, "stopping_condition"), _get(trainer, "networking")
    given = _get(trainer, "hyperparameters", {})
    extra: dict[str, Any] = {}
    if _get(network, "enable_network_isolation"):
        extra["EnableNetworkIsolation"] = True
    if _get(network, "enable_inter_container_traffic_encryption"):
        extra["EnableInterContainerTrafficEncryption"] = True
    source_dir = _path(_get(source, "source_dir"))
    requirements = _path(_get(source, "requirements"))
    if requirements is not None and source_dir is not None and not os.path.isabs(requirements):  # noqa: PTH117 - a string
        requirements = os.path.join(source_dir, requirements)  # noqa: PTH118 - a string
    return JobDescription(
        entry_point=os.fspath(script),
        image_uri=str(_get(trainer, "training_image", "")),
        instance_type=str(_get(compute, "instance_type", "")),
        instance_count=_get(compute, "instance_count", 1),
        role=_get(trainer, "role"),
        source_dir=source_dir,
        requirements=requirements,
        ignore_patterns=list(_get(source, "ignore_patterns", [])),
        environment={k: str(v) for k, v in _get(trainer, "environment", {}).items()},
        hyperparameters=_plain_hyperparameters(
            given if isinstance(given, Mapping) else {}, encoded=False
        ),
        max_run=_get(stopping, "max_runtime_in_seconds", _DAY_S),
        use_spot_instances=bool(_get(compute, "enable_managed_spot_training", False)),
        max_wait=_get(stopping, "max_wait_time_in_seconds"),
        keep_alive_period_in_seconds=_get(compute, "keep_alive_period_in_seconds"),
        volume_size=_get(compute, "volume_size_in_gb", 30),
        inputs=_trainer_inputs(_get(trainer, "input_data_config", [])),
        input_mode=_get(trainer, "training_input_mode", "File"),
        output_path=_get(_get(trainer, "output_data_config"), "s3_output_path"),
        checkpoint_local_path=_get(
            _get(trainer, "checkpoint_config"), "local_path", CHECKPOINT_PATH
        ),
        subnets=list(_get(network, "subnets", [])),
        security_group_ids=list(_get(network, "security_group_ids", [])),
        tags=_tags(_get(trainer, "tags")),
        base_job_name=_get(trainer, "base_job_name"),
        region=_region_of(_get(trainer, "sagemaker_session")),
        extra=extra,
    )


def _trainer_inputs(inputs: Any) -> dict[str, Any]:
    found = {}
    for channel in inputs:
        name, source = _get(channel, "channel_name"), _get(channel, "data_source")
        if not isinstance(source, str):
            s3 = _get(_get(source, "s3_data_source"), "s3_uri") or _get(source, "s3_uri")
            source = s3 if isinstance(s3, str) else None
        if name is None or source is None or not source.startswith("s3://"):
            raise BackendError(
                f"input_data_config: channel {name!r} must be an address on S3; upload local data "
                "once, since every trial reads it"
            )
        found[str(name)] = source
    return found
