"""The side of an experiment that is in the cloud: account, role, bucket, source, names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.sagemaker_backend.logs import check_logs
from synetune_lab.backend.sagemaker_backend.names import (
    ROLE_ARN,
    job_name,
    job_prefix,
    new_token,
    parse_s3_uri,
)
from synetune_lab.backend.sagemaker_backend.request import CONFIG_FILENAME, Placement
from synetune_lab.backend.sagemaker_backend.source import pack_source
from synetune_lab.backend.sagemaker_backend.storage import S3Store
from synetune_lab.errors import BackendError

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.description import JobDescription

__all__ = ["Cloud", "Paths", "find_role"]

_ROLE_ENV: Final = "AWS_ROLE"
_ROLE_PREFIX: Final = "AmazonSageMaker-ExecutionRole"
_NOTE_FILENAME: Final = "sagemaker.json"
_FOLDER: Final = "syne-tune"


class Paths:
    """Names and addresses of one experiment.

    Args:
        tuner_name: Name of the tuner.
        token: Tells it from others of that name.
        base_uri: Where experiments are kept on S3; None until the account is known.
    """

    def __init__(self, tuner_name: str, token: str, base_uri: str | None) -> None:
        self.tuner_name = tuner_name
        self.token = token
        self.base_uri = None if base_uri is None else base_uri.rstrip("/")
        self.prefix = job_prefix(tuner_name, token)

    @property
    def root(self) -> str:
        """Folder of the experiment on S3."""
        assert self.base_uri is not None
        return f"{self.base_uri}/{self.tuner_name}"

    def job_name(self, trial_id: int, run: int) -> str:
        """Name of the job of a run."""
        return job_name(self.prefix, trial_id, run)

    def checkpoints(self, trial_id: int) -> str:
        """Folder of a trial's checkpoints on S3."""
        return f"{self.root}/{trial_id}"

    def job_folder(self, name: str) -> str:
        """Folder of what we tell a job."""
        return f"{self.root}/jobs/{name}"


def read_token(folder: Path | None, tuner_name: str, fallback: str | None) -> str:
    """The token of an experiment, which is kept in its folder so that it is the same when resumed.

    Args:
        folder: Folder of the experiment on this machine.
        tuner_name: Name of the tuner.
        fallback: Used where the folder holds none; None makes a new one.
    """
    if folder is None:
        return fallback or new_token()
    note = folder / _NOTE_FILENAME
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["tuner_name"] == tuner_name:
            return str(known["token"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    token = fallback or new_token()
    folder.mkdir(parents=True, exist_ok=True)
    draft = note.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"tuner_name": tuner_name, "token": token}), encoding="utf-8")
    draft.replace(note)
    return token


class Cloud:
    """An experiment in an account that was found to be usable.

    Args:
        aws: The account.
        job: What its jobs are.
        paths: Names and addresses.
        watches_logs: Whether the logs of its jobs are going to be searched.

    Raises:
        BackendError: If something is missing: credentials, region, role, bucket, a permission. The
            message says what to do.
    """

    def __init__(
        self, aws: Aws, job: JobDescription, paths: Paths, *, watches_logs: bool = False
    ) -> None:
        self.aws, self.paths = aws, paths
        self.store = S3Store(aws)
        self.region = aws.region
        account = aws.account
        self.role_arn = find_role(aws, job.role)
        if paths.base_uri is None:
            paths.base_uri = f"s3://sagemaker-{self.region}-{account}/{_FOLDER}"
            self._make_bucket(f"sagemaker-{self.region}-{account}")
        else:
            self._require_bucket(parse_s3_uri(paths.base_uri, "s3_path")[0])
        # Who watches trials asks for it all the time.
        aws.call("sagemaker", "list_training_jobs", NameContains=paths.prefix, MaxResults=1)
        if watches_logs:
            check_logs(aws, paths.prefix)
        self._sources: dict[tuple[str, str | None], tuple[str, str]] = {}
        self.source(job)

    def source(self, job: JobDescription) -> tuple[str, str]:
        """Address of the packed source, and the script in it; uploaded if it is not there."""
        key = job.entry_point, job.source_dir
        if key not in self._sources:
            if job.has_remote_source:
                self._sources[key] = str(job.source_dir), job.entry_point
            else:
                packed = pack_source(job)
                uri = f"{self.paths.root}/source/{packed.digest}/sourcedir.tar.gz"
                self.store.put_once(uri, packed.body)
                self._sources[key] = uri, packed.program
        return self._sources[key]

    def place(
        self, job: JobDescription, trial_id: int, name: str, config: Mapping[str, Any] | None
    ) -> Placement:
        """Where things of a job are; with `config`, it is written to a file for the job."""
        uri, program = self.source(job)
        folder = self.paths.job_folder(name)
        config_uri = None
        if config is not None:
            config_uri = f"{folder}/config"
            self.store.put_text(f"{config_uri}/{CONFIG_FILENAME}", json.dumps(dict(config)))
        return Placement(
            name=name,
            role_arn=self.role_arn,
            region=self.region,
            source_uri=uri,
            program=program,
            checkpoint_uri=f"{self.paths.checkpoints(trial_id)}/",
            request_uri=f"{folder}/request",
            output_path=f"{self.paths.root}/output",
            config_uri=config_uri,
        )

    def _make_bucket(self, bucket: str) -> None:
        try:
            self.aws.call("s3", "head_bucket", Bucket=bucket)
            return
        except AwsError as error:
            if error.trouble != "missing":
                raise
        arguments: dict[str, Any] = {"Bucket": bucket}
        if self.region != "us-east-1":
            arguments["CreateBucketConfiguration"] = {"LocationConstraint": self.region}
        self.aws.call("s3", "create_bucket", **arguments)

    def _require_bucket(self, bucket: str) -> None:
        try:
            self.aws.call("s3", "head_bucket", Bucket=bucket)
        except AwsError as error:
            if error.trouble == "missing":
                raise BackendError(
                    f"s3_path names the bucket {bucket!r}, which does not exist; make it with "
                    f"`aws s3 mb s3://{bucket}`, or leave s3_path out to use SageMaker's own"
                ) from error
            if error.trouble != "denied":  # writing may be allowed below a folder only
                raise


def find_role(aws: Aws, role: str | None) -> str:
    """The ARN of the role that jobs have.

    Args:
        aws: The account.
        role: Its ARN or name; None takes the environment variable `AWS_ROLE`, else the role that
            SageMaker made for itself.

    Raises:
        BackendError: If there is no such role.
    """
    role = role or os.environ.get(_ROLE_ENV)
    if role is None:
        return _sagemakers_own_role(aws)
    name = role.rpartition("/")[2]
    if role.startswith("arn:") and not ROLE_ARN.fullmatch(role):
        raise BackendError(
            f"role is {role!r}, which is no ARN of a role; they look like "
            "'arn:aws:iam::123456789012:role/MyRole'"
        )
    try:
        found = aws.call("iam", "get_role", RoleName=name)["Role"]["Arn"]
    except AwsError as error:
        if error.trouble == "missing":
            raise BackendError(
                f"role {role!r} does not exist in this account; `aws iam list-roles` lists those "
                "that do, and the SageMaker console makes one under 'Roles'"
            ) from error
        if error.trouble == "denied" and role.startswith("arn:"):
            return role  # one may use a role without being allowed to look at it
        raise
    return role if role.startswith("arn:") else str(found)


def _sagemakers_own_role(aws: Aws) -> str:
    marker: dict[str, str] = {}
    while True:
        page = aws.call("iam", "list_roles", **marker)
        for role in page.get("Roles", []):
            if role["RoleName"].startswith(_ROLE_PREFIX):
                return str(role["Arn"])
        if not page.get("IsTruncated"):
            break
        marker = {"Marker": page["Marker"]}
    raise BackendError(
        "no role was given for the jobs, and the account has none whose name begins with "
        f"{_ROLE_PREFIX!r}; pass role=..., set the environment variable {_ROLE_ENV}, or make one "
        "in the SageMaker console"
    )
