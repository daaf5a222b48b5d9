"""An estimator of the SageMaker SDK 2 as a plain description."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.description import CHECKPOINT_PATH, JobDescription
from synetune_lab.backend.sagemaker_backend.sdk_objects import (
    get,
    nested,
    own_hyperparameters,
    path_of,
    profile_of,
    region_of,
    tags_of,
    value_of,
    warn_of_unused,
)
from synetune_lab.errors import BackendError
from synetune_lab.util import recursive_merge

__all__ = ["CARRIED_OVER", "from_estimator"]

_DAY_S: Final = 24 * 3600
_IMAGE_CONFIG: Final = ("AlgorithmSpecification", "TrainingImageConfig")
CARRIED_OVER: Final[dict[str, tuple[str, ...]]] = {
    "volume_kms_key": ("ResourceConfig", "VolumeKmsKeyId"),
    "training_plan": ("ResourceConfig", "TrainingPlanArn"),
    "instance_placement_config": ("ResourceConfig", "InstancePlacementConfig"),
    "output_kms_key": ("OutputDataConfig", "KmsKeyId"),
    "container_entry_point": ("AlgorithmSpecification", "ContainerEntrypoint"),
    "container_arguments": ("AlgorithmSpecification", "ContainerArguments"),
    "enable_sagemaker_metrics": ("AlgorithmSpecification", "EnableSageMakerMetricsTimeSeries"),
    "training_repository_access_mode": (*_IMAGE_CONFIG, "TrainingRepositoryAccessMode"),
    "training_repository_credentials_provider_arn": (
        *_IMAGE_CONFIG,
        "TrainingRepositoryAuthConfig",
        "TrainingRepositoryCredentialsProviderArn",
    ),
    "enable_infra_check": ("InfraCheckConfig", "EnableInfraCheck"),
    "encrypt_inter_container_traffic": ("EnableInterContainerTrafficEncryption",),
}
"""Where attributes that a `JobDescription` has no name for stand in the request."""
_WITH_REQUEST_FORM: Final = {
    "profiler_config": "ProfilerConfig",
    "debugger_hook_config": "DebugHookConfig",
    "tensorboard_output_config": "TensorBoardOutputConfig",
}
_REFUSED: Final = {
    "git_config": "clone the repository and give source_dir",
    "instance_groups": "give instance_type and instance_count",
}
_UNUSED: Final = {
    "rules": "SageMaker's debugger does not watch trials",
    "checkpoint_s3_uri": "the backend keeps checkpoints of each trial below its s3_path",
    "code_location": "the backend keeps the source below its s3_path",
}


def from_estimator(estimator: Any) -> JobDescription:
    """The plain description of what an estimator would start.

    Raises:
        BackendError: If it has what can't be served.
    """
    for name, advice in _REFUSED.items():
        if get(estimator, name):
            raise BackendError(f"the estimator's {name} is not served; {advice}")
    warn_of_unused(estimator, _UNUSED)
    hyperparameters = get(estimator, "hyperparameters", {})
    own = own_hyperparameters(value_of(hyperparameters) or {}, encoded=callable(hyperparameters))
    level = get(estimator, "container_log_level")
    if level is not None:
        own.setdefault("sagemaker_container_log_level", int(level))
    return JobDescription(
        entry_point=os.fspath(estimator.entry_point),
        image_uri=_image_of(estimator),
        instance_type=str(get(estimator, "instance_type", "")),
        instance_count=get(estimator, "instance_count", 1),
        role=get(estimator, "role"),
        source_dir=path_of(get(estimator, "source_dir")),
        dependencies=[os.fspath(path) for path in get(estimator, "dependencies", [])],
        environment={k: str(v) for k, v in get(estimator, "environment", {}).items()},
        hyperparameters=own,
        max_run=get(estimator, "max_run", _DAY_S),
        use_spot_instances=bool(get(estimator, "use_spot_instances", False)),
        max_wait=get(estimator, "max_wait"),
        keep_alive_period_in_seconds=get(estimator, "keep_alive_period_in_seconds"),
        volume_size=get(estimator, "volume_size", 30),
        inputs=_model_channel(estimator),
        input_mode=get(estimator, "input_mode", "File"),
        output_path=get(estimator, "output_path"),
        checkpoint_local_path=get(estimator, "checkpoint_local_path", CHECKPOINT_PATH),
        subnets=list(get(estimator, "subnets", [])),
        security_group_ids=list(get(estimator, "security_group_ids", [])),
        tags=tags_of(get(estimator, "tags")),
        metric_definitions=list(get(estimator, "metric_definitions", [])),
        max_retry_attempts=get(estimator, "max_retry_attempts"),
        base_job_name=get(estimator, "base_job_name"),
        region=region_of(get(estimator, "sagemaker_session")),
        profile=profile_of(get(estimator, "sagemaker_session")),
        extra=_extra(estimator),
    )


def _extra(estimator: Any) -> dict[str, Any]:
    """Entries of the request that a description has no name for."""
    found: dict[str, Any] = {}
    for name, keys in CARRIED_OVER.items():
        value = get(estimator, name)
        if value is not None and value is not False:
            found = recursive_merge(found, nested(keys, value))
    for name, key in _WITH_REQUEST_FORM.items():
        form: Callable[[], dict[str, Any]] | None = get(get(estimator, name), "_to_request_dict")
        if form is not None:
            found[key] = form()
    if get(estimator, "disable_profiler"):
        found["ProfilerConfig"] = {"DisableProfiler": True}
    if get(estimator, "disable_output_compression"):
        found = recursive_merge(found, nested(("OutputDataConfig", "CompressionType"), "NONE"))
    if value_of(get(estimator, "enable_network_isolation", False)):
        found["EnableNetworkIsolation"] = True
    for name, key in (
        ("get_remote_debug_config", "RemoteDebugConfig"),
        ("get_session_chaining_config", "SessionChainingConfig"),
    ):
        config = value_of(get(estimator, name))
        if config:
            found[key] = dict(config)
    return found


def _model_channel(estimator: Any) -> dict[str, Any]:
    uri = get(estimator, "model_uri")
    if uri is None:
        return {}
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
    }
    channel = {
        "DataSource": {"S3DataSource": source},
        "ContentType": "application/x-sagemaker-model",
        "InputMode": "File",
    }
    return {get(estimator, "model_channel_name", "model"): channel}


def _image_of(estimator: Any) -> str:
    image = get(estimator, "image_uri")
    if image is None:
        find: Callable[[], str] | None = get(estimator, "training_image_uri")
        if find is None:
            raise BackendError(
                "the estimator has neither image_uri nor training_image_uri(); give image_uri"
            )
        image = find()
    return str(image)
