"""The request for a training job: the description, and what one run of a trial adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.sagemaker_backend.hyperparameters import (
    RESERVED_PREFIX,
    check_count,
    encode_fixed,
    encode_hyperparameters,
)
from synetune_lab.backend.sagemaker_backend.instance_info import InstanceInfos
from synetune_lab.backend.sagemaker_backend.names import INSTANCE_TYPE
from synetune_lab.constants import (
    MAX_METRICS_SUPPORTED_BY_SAGEMAKER,
    SM_INSTANCE_COUNT_ENV,
    SM_INSTANCE_TYPE_ENV,
    ST_CHECKPOINT_DIR,
    ST_CONFIG_JSON_FNAME_ARG,
    ST_INSTANCE_COUNT,
    ST_INSTANCE_TYPE,
    ST_SAGEMAKER_METRIC_TAG,
)
from synetune_lab.errors import BackendError
from synetune_lab.report import DOLLARS_PER_HOUR_ENV
from synetune_lab.util import recursive_merge
from synetune_lab.utils.remote_request import REQUEST_URI_ENV

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.description import JobDescription

__all__ = [
    "CONFIG_CHANNEL",
    "CONFIG_FILENAME",
    "SCRIPT_MODE_HYPERPARAMETERS",
    "Placement",
    "check_metrics",
    "instances_of",
    "metric_definitions_from_names",
    "training_job_request",
]

CONFIG_CHANNEL: Final = "st_config"
CODE_CHANNEL: Final = "code"
CONFIG_FILENAME: Final = "config.json"
SCRIPT_MODE_HYPERPARAMETERS: Final = 6
"""How many hyperparameters a job has besides the trial's: five of script mode, and
`st_checkpoint_dir` (with `pass_args_as_json`, one more in place of the trial's)."""
_MAX_PATTERN: Final = 500


@dataclass(frozen=True, slots=True)
class Placement:
    """Where things of a job are.

    Attributes:
        name: Name of the job.
        role_arn: Its role.
        region: Its region.
        source_uri: The packed source.
        program: The script in it.
        checkpoint_uri: Folder of the trial's checkpoints.
        request_uri: Where the trial finds why it is told to end.
        output_path: Folder for models.
        config_uri: Folder with the configuration as a file; None passes it as hyperparameters.
    """

    name: str
    role_arn: str
    region: str
    source_uri: str
    program: str
    checkpoint_uri: str
    request_uri: str
    output_path: str
    config_uri: str | None = None


def metric_definitions_from_names(metrics_names: Sequence[str]) -> list[dict[str, str]]:
    """What makes SageMaker chart metrics, as an estimator's `metric_definitions`.

    Args:
        metrics_names: Names that the script reports, 40 at most.

    Raises:
        BackendError: If there are too many, or a name is too long.
    """
    if isinstance(metrics_names, str):
        raise BackendError(
            f"metrics_names is {metrics_names!r:.100}; give a list, for example "
            f"[{metrics_names!r:.100}]"
        )
    if len(metrics_names) > MAX_METRICS_SUPPORTED_BY_SAGEMAKER:
        raise BackendError(
            f"metrics_names has {len(metrics_names)} names; SageMaker charts at most "
            f"{MAX_METRICS_SUPPORTED_BY_SAGEMAKER}"
        )
    definitions = []
    for name in metrics_names:
        number = r"([-+]?\d+\.?\d*(?:[eE][-+]?\d+)?)"
        pattern = rf'\[{ST_SAGEMAKER_METRIC_TAG}\]: .*"{_escaped(name)}": {number}'
        if len(pattern) > _MAX_PATTERN:
            raise BackendError(f"metrics_names: {name!r:.80} is too long for SageMaker's charts")
        definitions.append({"Name": name, "Regex": pattern})
    return definitions


def check_metrics(job: JobDescription, metrics_names: Sequence[str]) -> None:
    """Refuse metrics that SageMaker can't chart, with those that the job has itself.

    Raises:
        BackendError: If there are too many, or a name can't be.
    """
    metric_definitions_from_names(metrics_names)
    own = len(job.metric_definitions)
    if own + len(metrics_names) > MAX_METRICS_SUPPORTED_BY_SAGEMAKER:
        raise BackendError(
            f"metrics_names has {len(metrics_names)} names, and the job has {own} "
            f"metric_definitions of its own; SageMaker charts at most "
            f"{MAX_METRICS_SUPPORTED_BY_SAGEMAKER} together"
        )


def _escaped(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_- " else f"\\{c}" for c in name)


def instances_of(job: JobDescription, config: Mapping[str, Any]) -> tuple[str, int]:
    """Type and number of the instances of a trial: those of its configuration, else of the job.

    Raises:
        BackendError: If they can't be.
    """
    kind = config.get(ST_INSTANCE_TYPE, job.instance_type)
    count = config.get(ST_INSTANCE_COUNT, job.instance_count)
    if not isinstance(kind, str) or not INSTANCE_TYPE.fullmatch(kind):
        raise BackendError(
            f"{ST_INSTANCE_TYPE} is {kind!r}; instance types of SageMaker begin with 'ml.', for "
            "example 'ml.m5.xlarge'"
        )
    try:
        number = int(count)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise BackendError(f"{ST_INSTANCE_COUNT} is {count!r}; use 1 or more")
    return kind, number


def training_job_request(
    job: JobDescription,
    config: Mapping[str, Any],
    place: Placement,
    metrics_names: Sequence[str] = (),
    prices: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Arguments of `create_training_job` for one run of a trial.

    Args:
        job: The description.
        config: The trial's configuration.
        place: Where things are.
        metrics_names: Metrics that SageMaker is to chart.
        prices: Dollars per hour of instance types, before those of the price list.

    Raises:
        BackendError: If the configuration can't be passed.
    """
    kind, count = instances_of(job, config)
    check_metrics(job, metrics_names)
    request: dict[str, Any] = {
        "TrainingJobName": place.name,
        "RoleArn": place.role_arn,
        "HyperParameters": _hyperparameters(job, config, place),
        "AlgorithmSpecification": {
            "TrainingImage": job.image_uri,
            "TrainingInputMode": job.input_mode,
            "MetricDefinitions": [
                *map(dict, job.metric_definitions),
                *metric_definitions_from_names(metrics_names),
            ],
        },
        "OutputDataConfig": {"S3OutputPath": job.output_path or place.output_path},
        "ResourceConfig": {
            "InstanceType": kind,
            "InstanceCount": count,
            "VolumeSizeInGB": job.volume_size,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_run},
        "CheckpointConfig": {
            "S3Uri": place.checkpoint_uri,
            "LocalPath": job.checkpoint_local_path,
        },
        "Environment": _environment(job, place, kind, count, prices),
    }
    if job.keep_alive_period_in_seconds:
        keep_alive = job.keep_alive_period_in_seconds
        request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = keep_alive
    if job.use_spot_instances:
        request["EnableManagedSpotTraining"] = True
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = job.max_wait or job.max_run
    if job.subnets:
        request["VpcConfig"] = {
            "Subnets": list(job.subnets),
            "SecurityGroupIds": list(job.security_group_ids),
        }
    if job.tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in job.tags.items()]
    if job.max_retry_attempts:
        request["RetryStrategy"] = {"MaximumRetryAttempts": job.max_retry_attempts}
    channels = _channels(job, place)
    if channels:
        request["InputDataConfig"] = channels
    return recursive_merge(request, job.extra)


def _hyperparameters(
    job: JobDescription, config: Mapping[str, Any], place: Placement
) -> dict[str, str]:
    if place.config_uri is not None:
        path = f"/opt/ml/input/data/{CONFIG_CHANNEL}/{CONFIG_FILENAME}"
        config = {ST_CONFIG_JSON_FNAME_ARG: path}
    script_mode = {
        "program": place.program,
        "submit_directory": _submit_directory(job, place),
        "job_name": place.name,
        "region": place.region,
    }
    ours = {
        ST_CHECKPOINT_DIR: job.checkpoint_local_path,
        **{RESERVED_PREFIX + name: value for name, value in script_mode.items()},
    }
    found = {
        f"{RESERVED_PREFIX}container_log_level": "20",
        **encode_fixed(job.hyperparameters),
        **encode_hyperparameters({**config, **ours}),
    }
    check_count(len(found))
    return found


def _submit_directory(job: JobDescription, place: Placement) -> str:
    """Where script mode finds the source: a job without network has it by a data channel."""
    if not job.extra.get("EnableNetworkIsolation"):
        return place.source_uri
    return f"/opt/ml/input/data/{CODE_CHANNEL}/{place.source_uri.rpartition('/')[2]}"


def _environment(
    job: JobDescription,
    place: Placement,
    kind: str,
    count: int,
    prices: Mapping[str, float] | None,
) -> dict[str, str]:
    found = {
        **{name: str(value) for name, value in job.environment.items()},
        SM_INSTANCE_TYPE_ENV: kind,
        SM_INSTANCE_COUNT_ENV: str(count),
        REQUEST_URI_ENV: place.request_uri,
        "AWS_DEFAULT_REGION": place.region,
    }
    price = InstanceInfos().dollars_per_hour(kind, prices)
    if price is not None:
        found[DOLLARS_PER_HOUR_ENV] = repr(price)
    return found


def _channels(job: JobDescription, place: Placement) -> list[dict[str, Any]]:
    inputs = dict(job.inputs)
    if place.config_uri is not None:
        inputs[CONFIG_CHANNEL] = place.config_uri
    if job.extra.get("EnableNetworkIsolation"):
        inputs[CODE_CHANNEL] = place.source_uri
    found = []
    for name, given in inputs.items():
        config = getattr(given, "config", given)  # a TrainingInput of the SDK
        if isinstance(config, str):
            source = {
                "S3DataType": "S3Prefix",
                "S3Uri": config,
                "S3DataDistributionType": "FullyReplicated",
            }
            config = {"DataSource": {"S3DataSource": source}}
        entry = {**config, "ChannelName": name}
        if name in (CONFIG_CHANNEL, CODE_CHANNEL):
            entry["InputMode"] = "File"
        found.append(entry)
    return found
