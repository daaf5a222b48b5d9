"""Experiments of an account that are not here: found on S3 by their names, and copied."""

from __future__ import annotations

from pathlib import Path

from synetune_lab.backend.sagemaker_backend.aws import Aws
from synetune_lab.remote.account import experiments_uri
from synetune_lab.remote.fetch import LAUNCH_FILENAME, fetch_files, is_result
from synetune_lab.remote.note import RemoteNote
from synetune_lab.remote.s3_folder import S3Folder
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.store.run_files import RUN_FILENAME

__all__ = ["download_experiment", "download_running"]


def download_experiment(
    name: str, path: Path, s3_path: str | None = None, experiment_name: str | None = None
) -> str:
    """Copy the results of an experiment to this machine.

    Args:
        name: Name of the tuner.
        path: The folder for it.
        s3_path: Where experiments are kept on S3, see `experiments_uri`.
        experiment_name: Folder between that one and the tuner's.

    Returns:
        What was found, in words.

    Raises:
        MissingDependencyError: If boto3 is missing.
        AwsError: If S3 can't be reached.
    """
    base = experiments_uri(Aws(), s3_path)
    uri = "/".join(part for part in (base, experiment_name, name) if part)
    fetched = fetch_files(S3Folder(Aws(), uri), path, lambda file: is_result(file.name))
    return f"{uri} has {len(fetched)} files of results"


def download_running(path: Path) -> None:
    """Copy the results, as they are now, of a run that a job drives.

    Args:
        path: The run's folder; nothing happens if no job drives it.

    Raises:
        MissingDependencyError: If boto3 is missing.
        AwsError: If S3 can't be reached.
        StoreError: If the folder can't be read or written.
    """
    note = RemoteNote.read(path)
    if note is None or note.is_over:
        return
    folder = S3Folder(Aws(note.region, note.profile), note.result_uri)
    told = folder.get(LAUNCH_FILENAME)
    if told is not None and told.decode(errors="replace") == note.launch:
        # Log and header come through the link.
        live = (EVENT_LOG_FILENAME, RUN_FILENAME)
        fetch_files(folder, path, lambda file: is_result(file.name) and file.name not in live)
