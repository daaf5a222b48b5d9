"""Makes the job of a launch, and notes it down first: a job that runs is never unseen."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.sagemaker_backend.names import new_token
from synetune_lab.backend.sagemaker_backend.request import training_job_request
from synetune_lab.dashboard.live_feed import live_header
from synetune_lab.errors import BackendError
from synetune_lab.remote.job import JOB_NAME_ENV
from synetune_lab.remote.note import REMOTE_NOTE, RemoteNote
from synetune_lab.remote.s3_folder import S3Folder
from synetune_lab.store.run_files import read_run_file, write_metadata, write_run_file

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.cloud import Cloud
    from synetune_lab.backend.sagemaker_backend.description import JobDescription
    from synetune_lab.tuner import Tuner

__all__ = ["create_job", "write_first_files"]

logger = logging.getLogger(__name__)

_SOURCE = "sagemaker_submit_directory"


def create_job(cloud: Cloud, job: JobDescription, note: RemoteNote, path: Path) -> RemoteNote:
    """Make the job. Its name is the run's, unless there was such a job before.

    Args:
        cloud: The account.
        job: What the job is.
        note: What is noted of it, but for its name.
        path: The run's folder on this machine.

    Returns:
        The note, with the job's name; it is in the folder and on S3.

    Raises:
        BackendError: If the job can't be made; then there is no note, either.
        ResumeError: If a process here drives the run.
    """
    link = S3Folder(cloud.aws, note.link_uri)
    for name in (note.name, f"{note.name[:56].rstrip('-')}-{new_token()}"):
        note = replace(note, job_name=name)
        place = replace(cloud.place(job, 0, name, None), checkpoint_uri=f"{note.result_uri}/")
        named = replace(job, environment={**job.environment, JOB_NAME_ENV: name})
        request = training_job_request(named, {}, place)
        note.write(path)
        is_known_not_to_be = False
        try:
            link.put(REMOTE_NOTE, note.encode())
            is_known_not_to_be = not _create(cloud.aws, request)
        except AwsError:
            is_known_not_to_be = True
            raise
        finally:
            if is_known_not_to_be:
                note.forget(path)
        if not is_known_not_to_be:
            return note
    raise BackendError(f"jobs of the name {note.name!r} exist already; rename the tuner")


def _create(aws: Aws, request: dict[str, Any]) -> bool:
    """Make a job; False if another one has its name.

    Raises:
        AwsError: If it can't be made.
        BackendError: If it can't be learnt whether it was made.
    """
    try:
        aws.call("sagemaker", "create_training_job", **request)
    except AwsError as error:
        is_taken = "already exists" in str(error) or error.code == "ResourceInUse"
        if not is_taken and error.trouble != "network":
            raise
        # The answer to a call before this one may have got lost: then the job is ours.
        if _is_ours(aws, request):
            return True
        if not is_taken:
            raise
        return False
    return True


def _is_ours(aws: Aws, request: dict[str, Any]) -> bool:
    """Whether the job of that name was made by this launch: no other has the same source."""
    name = request["TrainingJobName"]
    try:
        found = aws.call("sagemaker", "describe_training_job", TrainingJobName=name)
    except AwsError as error:
        if error.trouble == "missing":
            return False
        raise BackendError(
            f"it could not be learnt whether the job {name!r} was made ({error}); "
            f"RemoteRun.attach finds it if it was"
        ) from error
    wanted = str(request["HyperParameters"][_SOURCE])
    return str(found.get("HyperParameters", {}).get(_SOURCE)) == wanted


def write_first_files(tuner: Tuner) -> None:
    """What panels and lists show of a run before its job has told anything."""
    path = Path(tuner.tuner_path)
    try:
        write_metadata(path, tuner.metadata)
        header = {"format": 1, **live_header(tuner), **(read_run_file(path) or {})}
        write_run_file(path, {**header, "state": "starting", "why": None})
    except OSError as error:
        logger.warning("the folder %s can't be written; the job runs: %s", path, error)
