"""A `ModelTrainer` of the SageMaker SDK 3 as a plain description."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.description import CHECKPOINT_PATH, JobDescription
from synetune_lab.backend.sagemaker_backend.sdk_objects import (
    get,
    own_hyperparameters,
    path_of,
    profile_of,
    region_of,
    request_form,
    tags_of,
    warn_of_unused,
)
from synetune_lab.errors import BackendError
from synetune_lab.util import recursive_merge

__all__ = ["KNOWN_FIELDS", "KNOWN_SOURCE_FIELDS", "from_model_trainer"]

_HOUR_S: Final = 3600
_SETTINGS: Final = {
    "model_package_config": "ModelPackageConfig",
    "_tensorboard_output_config": "TensorBoardOutputConfig",
    "_retry_strategy": "RetryStrategy",
    "_infra_check_config": "InfraCheckConfig",
    "_session_chaining_config": "SessionChainingConfig",
    "_remote_debug_config": "RemoteDebugConfig",
}
"""Attributes that stand in the request as they are; the last ones are set by `with_...` methods."""
_REFUSED: Final = {
    "algorithm_name": "give training_image, which runs your script",
    "distributed": "start the processes in the script",
    "_is_nova_recipe": "give a script",
    "_is_llmft_recipe": "give a script",
    "_jumpstart_config": "give a script and training_image",
}
_UNUSED: Final = {"input_s3_key_prefix": "the backend keeps the source below its s3_path"}
KNOWN_FIELDS: Final = frozenset(
    {
        *(name for name in (*_SETTINGS, *_REFUSED) if not name.startswith("_")),
        *_UNUSED,
        "base_job_name",
        "checkpoint_config",
        "config_mgr",
        "compute",
        "environment",
        "hyperparameters",
        "input_data_config",
        "local_container_root",
        "networking",
        "output_data_config",
        "role",
        "sagemaker_session",
        "source_code",
        "stopping_condition",
        "tags",
        "training_image",
        "training_image_config",
        "training_input_mode",
        "training_mode",
    }
)
"""Fields of a `ModelTrainer` that are carried over, refused, or told to be unused."""
KNOWN_SOURCE_FIELDS: Final = frozenset(
    {"args", "command", "entry_script", "ignore_patterns", "requirements", "source_dir"}
)
"""The same of its `SourceCode`."""
_REFUSED_COMPUTE: Final = ("instance_groups", "instance_preferences")
_OWN_COMPUTE: Final = {
    "instance_type",
    "instance_count",
    "volume_size_in_gb",
    "keep_alive_period_in_seconds",
    "enable_managed_spot_training",
}
_OWN_STOPPING: Final = {"max_runtime_in_seconds", "max_wait_time_in_seconds"}
_OWN_OUTPUT: Final = {"s3_output_path"}
_OWN_NETWORK: Final = {
    "subnets",
    "security_group_ids",
    "enable_network_isolation",
    "enable_inter_container_traffic_encryption",
}


def from_model_trainer(trainer: Any) -> JobDescription:
    """The plain description of what a trainer would start.

    Raises:
        BackendError: If it has what can't be served.
    """
    _refuse(trainer)
    warn_of_unused(trainer, _UNUSED)
    for thing, known in ((trainer, KNOWN_FIELDS), (trainer.source_code, KNOWN_SOURCE_FIELDS)):
        fields = set(getattr(type(thing), "model_fields", ()))
        warn_of_unused(thing, dict.fromkeys(sorted(fields - known), "trials don't know it"))
    source, compute = trainer.source_code, trainer.compute
    checkpoints = get(trainer, "checkpoint_config")
    warn_of_unused(
        checkpoints, {"s3_uri": "the backend keeps checkpoints of each trial below its s3_path"}
    )
    stopping, network = get(trainer, "stopping_condition"), get(trainer, "networking")
    given = get(trainer, "hyperparameters", {})
    return JobDescription(
        entry_point=os.fspath(get(source, "entry_script")),
        image_uri=str(get(trainer, "training_image", "")),
        instance_type=str(get(compute, "instance_type", "")),
        instance_count=get(compute, "instance_count", 1),
        role=get(trainer, "role"),
        source_dir=path_of(get(source, "source_dir")),
        requirements=_requirements_of(source),
        ignore_patterns=list(get(source, "ignore_patterns", [])),
        environment={k: str(v) for k, v in get(trainer, "environment", {}).items()},
        hyperparameters=own_hyperparameters(
            given if isinstance(given, Mapping) else {}, encoded=False
        ),
        max_run=get(stopping, "max_runtime_in_seconds", _HOUR_S),
        use_spot_instances=bool(get(compute, "enable_managed_spot_training", False)),
        max_wait=get(stopping, "max_wait_time_in_seconds"),
        keep_alive_period_in_seconds=get(compute, "keep_alive_period_in_seconds"),
        volume_size=get(compute, "volume_size_in_gb", 30),
        inputs=dict(map(_channel, get(trainer, "input_data_config", []))),
        input_mode=get(trainer, "training_input_mode", "File"),
        output_path=get(get(trainer, "output_data_config"), "s3_output_path"),
        checkpoint_local_path=get(checkpoints, "local_path", CHECKPOINT_PATH),
        subnets=list(get(network, "subnets", [])),
        security_group_ids=list(get(network, "security_group_ids", [])),
        tags=tags_of(get(trainer, "tags")),
        metric_definitions=request_form(get(trainer, "_metric_definitions", [])),
        base_job_name=get(trainer, "base_job_name"),
        region=region_of(get(trainer, "sagemaker_session")),
        profile=profile_of(get(trainer, "sagemaker_session")),
        extra=_extra(trainer),
    )


def _refuse(trainer: Any) -> None:
    source = trainer.source_code
    if get(source, "entry_script") is None or get(source, "command") is not None:
        raise BackendError(
            "source_code must name its script by entry_script, without a command: a trial's "
            "configuration is passed to the script as arguments"
        )
    for name, advice in _REFUSED.items():
        if get(trainer, name):
            raise BackendError(f"the ModelTrainer's {name.lstrip('_')} is not served; {advice}")
    mode = get(trainer, "training_mode")
    if mode is not None and "LOCAL" in str(get(mode, "name", mode)):
        raise BackendError(
            f"training_mode is {mode}; trials on this machine are what LocalBackend does"
        )
    for name in _REFUSED_COMPUTE:
        if get(trainer.compute, name):
            raise BackendError(
                f"compute.{name} is not served; give instance_type and instance_count, or let "
                "st_instance_type in the space choose among several types"
            )


def _extra(trainer: Any) -> dict[str, Any]:
    """Entries of the request that a description has no name for."""
    network = get(trainer, "networking")
    found: dict[str, Any] = {}
    if get(network, "enable_network_isolation"):
        found["EnableNetworkIsolation"] = True
    if get(network, "enable_inter_container_traffic_encryption"):
        found["EnableInterContainerTrafficEncryption"] = True
    for name, key in _SETTINGS.items():
        form = request_form(get(trainer, name))
        if form:
            found[key] = form
    image = request_form(get(trainer, "training_image_config"))
    parts: list[tuple[str, Any]] = [
        ("ResourceConfig", _rest(get(trainer, "compute"), _OWN_COMPUTE)),
        ("StoppingCondition", _rest(get(trainer, "stopping_condition"), _OWN_STOPPING)),
        ("OutputDataConfig", _rest(get(trainer, "output_data_config"), _OWN_OUTPUT)),
        ("VpcConfig", _rest(network, _OWN_NETWORK)),
        ("AlgorithmSpecification", {"TrainingImageConfig": image} if image else {}),
    ]
    return recursive_merge(found, {key: entries for key, entries in parts if entries})


def _rest(thing: Any, own: set[str]) -> dict[str, Any]:
    """What an object has besides the attributes that were read one by one."""
    if thing is None:
        return {}
    left = {name: value for name, value in vars(thing).items() if name not in own}
    return dict(request_form(SimpleNamespace(**left)))


def _requirements_of(source: Any) -> str | None:
    requirements, folder = get(source, "requirements"), get(source, "source_dir")
    if requirements is None:
        return None
    path = Path(requirements)
    return str(path if folder is None or path.is_absolute() else Path(folder) / path)


def _channel(channel: Any) -> tuple[str, Any]:
    """Name of an `InputData` or a `Channel`, and its address or entry of `InputDataConfig`."""
    name, source = get(channel, "channel_name"), get(channel, "data_source")
    entry = request_form(channel)
    if isinstance(source, str):
        if not source.startswith("s3://"):
            raise BackendError(
                f"input_data_config: channel {name!r} must be an address on S3; upload local data "
                "once, since every trial reads it"
            )
        if set(entry) == {"ChannelName", "DataSource"}:
            return str(name), source
        entry["DataSource"] = {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": source,
                "S3DataDistributionType": "FullyReplicated",
            }
        }
    elif get(source, "s3_uri") is not None:
        entry["DataSource"] = {"S3DataSource": request_form(source)}
    elif get(source, "file_system_id") is not None:
        entry["DataSource"] = {"FileSystemDataSource": request_form(source)}
    elif get(source, "s3_data_source") is None and get(source, "file_system_data_source") is None:
        raise BackendError(
            f"input_data_config: channel {name!r} has the source {source!r:.200}, which is not "
            "served; give an address on S3, an S3DataSource or a FileSystemDataSource"
        )
    return str(name), entry
