"""What a training job needs, in plain words: image, script, instances, role."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.names import INSTANCE_TYPE, parse_s3_uri
from synetune_lab.backend.sagemaker_backend.sdk_objects import tags_of
from synetune_lab.constants import MAX_METRICS_SUPPORTED_BY_SAGEMAKER
from synetune_lab.errors import BackendError

__all__ = ["CHECKPOINT_PATH", "JobDescription"]

CHECKPOINT_PATH: Final = "/opt/ml/checkpoints"
"""Folder in the container that SageMaker keeps in step with S3."""
_MAX_IMAGE: Final = 255
_MAX_CHANNELS: Final = 18  # of 20: the backend may need two
_CHANNEL: Final = re.compile(r"[A-Za-z0-9.\-_]{1,64}")
_MAX_TAGS: Final = 50
_TAG_KEY: Final = re.compile(r"(?!aws:)[\w .:/=+\-@]{1,128}")
_TAG_VALUE: Final = re.compile(r"[\w .:/=+\-@]{0,256}")
_MAX_ENVIRONMENT: Final = 100
_MAX_ENVIRONMENT_VALUE: Final = 512
_INPUT_MODES: Final = ("File", "Pipe", "FastFile")
# The longest and most that SageMaker allows.
_LIMITS: Final = {
    "instance_count": (1, 10_000),
    "max_run": (1, 28 * 24 * 3600),
    "max_wait": (1, 56 * 24 * 3600),
    "volume_size": (1, 16_384),
    "keep_alive_period_in_seconds": (0, 21_600),
    "max_retry_attempts": (0, 30),
}
_OPTIONAL: Final = {"max_wait", "keep_alive_period_in_seconds", "max_retry_attempts"}
_PATHS: Final = ("entry_point", "source_dir", "requirements", "checkpoint_local_path")
_LISTS: Final = (
    "dependencies",
    "ignore_patterns",
    "subnets",
    "security_group_ids",
    "metric_definitions",
)
_DICTIONARIES: Final = ("environment", "hyperparameters", "inputs", "extra", "tags")
# What the backend adds to the environment.
_OURS: Final = 6


@dataclass(frozen=True)
class JobDescription:
    """A training job without its hyperparameters. No SDK is needed to describe it.

    Example:
        >>> JobDescription("train.py", image_uri="...", role="arn:aws:iam::...")  # doctest: +SKIP

    Args:
        entry_point: The training script; below `source_dir` if that is given.
        image_uri: Docker image, one that runs scripts as SageMaker's framework images do.
        instance_type: For example `ml.m5.xlarge`; a trial's `st_instance_type` replaces it.
        instance_count: A trial's `st_instance_count` replaces it.
        role: Name or ARN of the role that the jobs have. None takes that of the environment
            variable `AWS_ROLE`, else SageMaker's own role of the account.
        source_dir: Folder that is sent along, or `s3://.../sourcedir.tar.gz`. None sends the script
            and a `requirements.txt` beside it.
        dependencies: Folders and files that are sent along and can be imported.
        requirements: A file that is sent as `requirements.txt`.
        ignore_patterns: Names of files and folders that are not sent.
        environment: Environment variables of the script.
        hyperparameters: Passed to each trial; its configuration comes first.
        max_run: Seconds that a job may run.
        use_spot_instances: Run on spare capacity: cheaper, may be interrupted and goes on from its
            checkpoint.
        max_wait: Seconds that a job on spot instances may run and wait; by default `max_run`.
        keep_alive_period_in_seconds: Keep instances in a warm pool for the next trial.
        volume_size: Disk, in GB.
        inputs: Data channels: a name, and an address on S3 or an entry of `InputDataConfig`.
        input_mode: `File`, `Pipe` or `FastFile`.
        output_path: Where jobs leave their model on S3.
        checkpoint_local_path: Folder of checkpoints in the container.
        subnets: Of the network that jobs run in.
        security_group_ids: See `subnets`.
        tags: Of the jobs, as a dictionary or as AWS writes them.
        metric_definitions: What SageMaker is to read from the logs, for its own charts.
        max_retry_attempts: How often SageMaker may repeat a job after an error of its own.
        base_job_name: Used for the name of jobs if the tuner has none.
        region: Region of the jobs.
        profile: Profile of the credentials.
        extra: Further entries of the request, as `create_training_job` of boto3 takes them.

    Raises:
        BackendError: If something can't be.
    """

    entry_point: str
    image_uri: str
    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    role: str | None = None
    source_dir: str | None = None
    dependencies: Sequence[str] = ()
    requirements: str | None = None
    ignore_patterns: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    max_run: int = 24 * 3600
    use_spot_instances: bool = False
    max_wait: int | None = None
    keep_alive_period_in_seconds: int | None = None
    volume_size: int = 30
    inputs: Mapping[str, Any] = field(default_factory=dict)
    input_mode: str = "File"
    output_path: str | None = None
    checkpoint_local_path: str = CHECKPOINT_PATH
    subnets: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    metric_definitions: Sequence[Mapping[str, str]] = ()
    max_retry_attempts: int | None = None
    base_job_name: str | None = None
    region: str | None = None
    profile: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tidy()
        self._check_script()
        self._check_instances()
        self._check_environment()
        self._check_names()

    @property
    def has_remote_source(self) -> bool:
        """Whether the source folder is on S3 already."""
        return self.source_dir is not None and self.source_dir.startswith("s3://")

    @property
    def script(self) -> Path:
        """Where the script is on this machine (or its name, if the source is on S3)."""
        path = Path(self.entry_point).expanduser()
        if self.source_dir is None or self.has_remote_source or path.is_absolute():
            return path
        return Path(self.source_dir).expanduser() / path

    def with_script(self, entry_point: str | os.PathLike[str]) -> JobDescription:
        """The same job with another script."""
        return replace(self, entry_point=os.fspath(entry_point))

    def _tidy(self) -> None:
        """Bring what can be given in several forms into one; refuse other forms."""
        for name in _PATHS:
            if isinstance(getattr(self, name), os.PathLike):
                self._set(name, os.fspath(getattr(self, name)))
        tags: Any = self.tags
        if not isinstance(tags, (Mapping, str)) and tags:
            try:
                known = tags_of(tags)
            except (KeyError, TypeError):
                known = {"None": ""}
            if "None" in known:  # there is one without a name
                raise BackendError(
                    f"tags is {tags!r:.200}; give a dictionary, for example {{'team': 'vision'}}"
                )
            self._set("tags", known)
        for name in _LISTS:
            value = getattr(self, name)
            if isinstance(value, (str, bytes, os.PathLike, Mapping)):
                raise BackendError(
                    f"{name} is {value!r:.200}; give a list, for example [{str(value)!r:.200}]"
                )
            self._set(name, () if value is None else value)
        for name in _DICTIONARIES:
            value = getattr(self, name)
            if not isinstance(value, Mapping) and value:
                raise BackendError(f"{name} is {value!r:.200}; give a dictionary")
            self._set(name, value or {})
        if any(isinstance(path, os.PathLike) for path in self.dependencies):
            self._set("dependencies", [os.fspath(path) for path in self.dependencies])

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # it is frozen for everybody else

    def _check_script(self) -> None:
        if self.has_remote_source:
            parse_s3_uri(str(self.source_dir), "source_dir")
            return
        if self.source_dir is not None and not Path(self.source_dir).expanduser().is_dir():
            raise BackendError(f"source_dir {self.source_dir!r} is not a folder")
        if not self.script.is_file():
            raise BackendError(
                f"entry_point {self.entry_point!r} is not a file (looked for {self.script} in "
                f"{Path.cwd()}); give the path of a training script"
            )
        for path in self.dependencies:
            if not Path(path).expanduser().exists():
                raise BackendError(f"dependencies: there is no file or folder {str(path)!r}")
        if self.requirements is not None and not Path(self.requirements).expanduser().is_file():
            raise BackendError(f"requirements {self.requirements!r} is not a file")

    def _check_instances(self) -> None:
        if not self.image_uri:
            raise BackendError("image_uri is empty; give the address of a Docker image")
        if not INSTANCE_TYPE.fullmatch(str(self.instance_type)):
            raise BackendError(
                f"instance_type is {self.instance_type!r}; instance types of SageMaker begin with "
                "'ml.', for example 'ml.m5.xlarge'"
                + (
                    " ('local' mode is what LocalBackend does)"
                    if "local" in str(self.instance_type)
                    else ""
                )
            )
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if type(value) is not int or not low <= value <= high:
                raise BackendError(
                    f"{name} is {value!r:.100}; use a whole number, at least {low} and at most "
                    f"{high}"
                )
        keep = self.keep_alive_period_in_seconds
        if keep and self.use_spot_instances:
            raise BackendError(
                "keep_alive_period_in_seconds and use_spot_instances exclude each other: SageMaker "
                "has no warm pools of spot instances"
            )
        if self.max_wait is not None and self.max_wait < self.max_run:
            raise BackendError(
                f"max_wait is {self.max_wait} s; it includes max_run, so use at least "
                f"{self.max_run}"
            )

    def _check_environment(self) -> None:
        if len(self.environment) > _MAX_ENVIRONMENT - _OURS:
            raise BackendError(
                f"environment has {len(self.environment)} entries; use at most "
                f"{_MAX_ENVIRONMENT - _OURS}"
            )
        for name, value in self.environment.items():
            if not name.isidentifier() or not name.isascii():
                raise BackendError(
                    f"environment variable {name!r}: SageMaker takes letters, digits and '_', "
                    "with no digit in front"
                )
            if len(str(value)) > _MAX_ENVIRONMENT_VALUE:
                raise BackendError(
                    f"environment variable {name!r} has {len(str(value))} characters; SageMaker "
                    f"takes {_MAX_ENVIRONMENT_VALUE}"
                )

    def _check_names(self) -> None:
        """Refuse what AWS would refuse when the first trial is started."""
        if len(self.image_uri) > _MAX_IMAGE or any(c.isspace() for c in self.image_uri):
            raise BackendError(
                f"image_uri is {self.image_uri!r:.300}; use the address of a Docker image, without "
                f"spaces and with at most {_MAX_IMAGE} characters"
            )
        if not self.checkpoint_local_path.startswith("/"):
            raise BackendError(
                f"checkpoint_local_path is {self.checkpoint_local_path!r}; use an absolute path in "
                f"the container, for example {CHECKPOINT_PATH!r}"
            )
        if bool(self.subnets) != bool(self.security_group_ids):
            raise BackendError(
                f"subnets is {list(self.subnets)} and security_group_ids is "
                f"{list(self.security_group_ids)}; a job in a network of yours needs both"
            )
        if self.input_mode not in _INPUT_MODES:
            modes = {mode.lower(): mode for mode in _INPUT_MODES}
            near = difflib.get_close_matches(str(self.input_mode).lower(), modes, 1)
            hint = f" (did you mean {modes[near[0]]!r}?)" if near else ""
            raise BackendError(
                f"input_mode is {self.input_mode!r}; use one of {', '.join(_INPUT_MODES)}{hint}"
            )
        if self.output_path is not None:
            parse_s3_uri(str(self.output_path), "output_path")
        if len(self.metric_definitions) > MAX_METRICS_SUPPORTED_BY_SAGEMAKER:
            raise BackendError(
                f"metric_definitions has {len(self.metric_definitions)} entries; SageMaker charts "
                f"at most {MAX_METRICS_SUPPORTED_BY_SAGEMAKER}"
            )
        self._check_inputs()
        self._check_tags()

    def _check_inputs(self) -> None:
        if len(self.inputs) > _MAX_CHANNELS:
            raise BackendError(
                f"inputs has {len(self.inputs)} data channels; use at most {_MAX_CHANNELS}"
            )
        for name, given in self.inputs.items():
            if not _CHANNEL.fullmatch(name):
                raise BackendError(
                    f"data channel {name!r:.100}: use 1 to 64 letters, digits, '.', '-' and '_'"
                )
            is_entry = isinstance(getattr(given, "config", given), Mapping)
            if not is_entry and not str(given).startswith(("s3://", "https://")):
                raise BackendError(
                    f"data channel {name!r} is {given!r:.200}; give an address on S3 such as "
                    "'s3://my-bucket/data' (upload local data once, since every trial reads it), "
                    "or an entry of InputDataConfig"
                )

    def _check_tags(self) -> None:
        if len(self.tags) > _MAX_TAGS:
            raise BackendError(f"tags has {len(self.tags)} entries; use at most {_MAX_TAGS}")
        tags: Mapping[Any, Any] = self.tags
        for key, value in tags.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise BackendError(
                    f"tag {key!r:.150} has the value {value!r:.150}; tags and their values are "
                    f"strings: write {str(value)!r:.150}"
                )
            if not _TAG_KEY.fullmatch(key) or not _TAG_VALUE.fullmatch(value):
                raise BackendError(
                    f"tag {key!r:.150} with the value {value!r:.300}: AWS takes letters, digits, "
                    "spaces and '_.:/=+-@', 128 of them in the name, which must not begin with "
                    "'aws:', and 256 in the value"
                )
