"""Results of experiments, from S3 into the folder where local ones lie."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from synetune_lab.constants import (
    ST_METADATA_FILENAME,
    ST_RESULTS_DATAFRAME_FILENAME,
    ST_TUNER_DILL_FILENAME,
)
from synetune_lab.errors import StoreError
from synetune_lab.remote.note import REMOTE_NOTE
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.store.lock import LOCK_FILENAME
from synetune_lab.store.run_files import RUN_FILENAME
from synetune_lab.store.snapshots import INDEX_FILENAME, PREVIOUS_FILENAME

if TYPE_CHECKING:
    from synetune_lab.remote.s3_folder import Entry, S3Folder

__all__ = ["LAUNCH_FILENAME", "fetch_files", "is_result", "is_trial_file"]

logger = logging.getLogger(__name__)

LAUNCH_FILENAME: Final = "launch.id"
"""File in a run's folder on S3 that tells which launch its other files are of."""
_RESULTS: Final = (
    ST_METADATA_FILENAME,
    ST_RESULTS_DATAFRAME_FILENAME,
    ST_TUNER_DILL_FILENAME,
    PREVIOUS_FILENAME,
    INDEX_FILENAME,
    RUN_FILENAME,
    EVENT_LOG_FILENAME,
)
_NEVER: Final = (LOCK_FILENAME, REMOTE_NOTE, LAUNCH_FILENAME)
_OF_TRIAL: Final = re.compile(r"\d+/.*")


def is_result(name: str) -> bool:
    """Whether a file of a run belongs to its results: what was measured, and the saved state."""
    return name in _RESULTS or name.startswith("tensorboard_output/")


def is_trial_file(name: str) -> bool:
    """Whether it belongs to a trial: its logs, its checkpoints."""
    return _OF_TRIAL.fullmatch(name) is not None


def fetch_files(folder: S3Folder, path: Path, wanted: Callable[[Entry], bool]) -> list[str]:
    """Copy files of an experiment to this machine; a local file is replaced as a whole.

    Args:
        folder: The experiment on S3.
        path: Its folder here.
        wanted: Says of a file on S3 whether to fetch it.

    Returns:
        The names of what was fetched.

    Raises:
        AwsError: If S3 can't be reached.
        StoreError: If a file can't be written.
    """
    fetched = []
    for entry in folder.entries():
        if entry.name in _NEVER or not wanted(entry):
            continue
        parts = PurePosixPath(entry.name).parts
        if ".." in parts or PurePosixPath(entry.name).is_absolute():
            logger.warning("%s/%s would leave %s and is left out", folder.uri, entry.name, path)
            continue
        body = folder.get(entry.name)
        if body is None:
            continue
        target = path.joinpath(*parts)
        draft = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(body)
            draft.replace(target)
        except OSError as error:
            raise StoreError(f"{target} can't be written: {error}") from error
        fetched.append(entry.name)
    return fetched
