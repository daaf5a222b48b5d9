"""A training script in a Docker image of one's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

from synetune_lab.backend.sagemaker_backend.from_estimator import CARRIED_OVER
from synetune_lab.errors import BackendError
from synetune_lab.extras import require

__all__ = ["CustomFramework"]

_KNOWN = {
    *CARRIED_OVER,
    "base_job_name",
    "checkpoint_local_path",
    "container_log_level",
    "debugger_hook_config",
    "dependencies",
    "disable_profiler",
    "enable_network_isolation",
    "disable_output_compression",
    "environment",
    "input_mode",
    "instance_count",
    "instance_type",
    "job_name_prefix",
    "keep_alive_period_in_seconds",
    "max_retry_attempts",
    "max_run",
    "max_wait",
    "metric_definitions",
    "model_channel_name",
    "model_uri",
    "output_path",
    "profiler_config",
    "role",
    "sagemaker_session",
    "security_group_ids",
    "subnets",
    "tags",
    "tensorboard_output_config",
    "use_spot_instances",
    "volume_size",
}


class CustomFramework:
    """Describes jobs that run a script in your own image, which must serve script mode.

    It has the attributes of an estimator of the SageMaker SDK, and does not need the SDK.

    Args:
        entry_point: The training script.
        image_uri: The image, in a registry that the role may read.
        source_dir: Folder that is sent along; `entry_point` is below it.
        hyperparameters: Passed to each trial.
        **kwargs: Further arguments of estimators, such as `instance_type`, `instance_count`,
            `role`, `max_run`, `keep_alive_period_in_seconds`, `dependencies`; and
            `job_name_prefix`.

    Raises:
        BackendError: If there is an argument that estimators don't have.
    """

    LATEST_VERSION: ClassVar[str] = "0.1"

    def __init__(
        self,
        entry_point: str | os.PathLike[str],
        image_uri: str,
        source_dir: str | os.PathLike[str] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        unknown = sorted(set(kwargs) - _KNOWN)
        if unknown:
            raise BackendError(
                f"CustomFramework has no argument {unknown[0]!r}; known are "
                f"{', '.join(sorted(_KNOWN))}"
            )
        self.entry_point = os.fspath(entry_point)
        self.image_uri = image_uri
        self.source_dir = None if source_dir is None else os.fspath(source_dir)
        self.hyperparameters = dict(hyperparameters or {})
        prefix = kwargs.pop("job_name_prefix", None)
        self.base_job_name = kwargs.pop("base_job_name", None) or prefix
        for name in sorted(_KNOWN - {"base_job_name", "job_name_prefix"}):
            setattr(self, name, kwargs.get(name))

    def create_model(
        self,
        model_server_workers: int | None = None,
        role: str | None = None,
        vpc_config_override: Any = "VPC_CONFIG_DEFAULT",
        **kwargs: Any,
    ) -> Any:
        """A model of the SageMaker SDK, to be deployed.

        Args:
            model_server_workers: Processes that answer.
            role: Its role; by default that of the jobs.
            vpc_config_override: Its network; by default that of the jobs.
            **kwargs: Passed to `sagemaker.model.Model`, for example `model_data`.

        Raises:
            MissingDependencyError: If the SDK is not installed.
            BackendError: If its release is not 2, whose models these are.
        """
        require("sagemaker", extra="sagemaker", purpose="deploying a model")
        try:
            model = import_module("sagemaker.model")
        except ModuleNotFoundError as error:
            raise BackendError(
                "create_model makes a model of the SageMaker SDK 2, and another release is "
                'installed; run `pip install "sagemaker<3"`, or deploy with ModelBuilder of the '
                "release that you have"
            ) from error
        if vpc_config_override == "VPC_CONFIG_DEFAULT":
            subnets = getattr(self, "subnets", None)
            groups = getattr(self, "security_group_ids", None)
            has_both = subnets and groups
            vpc_config_override = (
                {"Subnets": subnets, "SecurityGroupIds": groups} if has_both else None
            )
        environment = dict(kwargs.pop("env", None) or {})
        if model_server_workers is not None:
            environment["SAGEMAKER_MODEL_SERVER_WORKERS"] = str(model_server_workers)
        return model.Model(
            image_uri=self.image_uri,
            role=role or getattr(self, "role", None),
            vpc_config=vpc_config_override,
            env=environment,
            **{"sagemaker_session": getattr(self, "sagemaker_session", None), **kwargs},
        )
