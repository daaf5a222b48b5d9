"""Opens a run's folder for the panel if a job drives the run (see `synetune_lab.dashboard`)."""

from __future__ import annotations

import logging
from pathlib import Path

from synetune_lab.errors import MissingDependencyError, StoreError
from synetune_lab.extras import require
from synetune_lab.remote.feed import RemoteFeed
from synetune_lab.remote.note import RemoteNote
from synetune_lab.remote.remote_run import RemoteRun

__all__ = ["open_feed"]

logger = logging.getLogger(__name__)


def open_feed(path: Path) -> RemoteFeed | None:
    """The feed of the remote run in a folder; None if it is over, or boto3 is missing."""
    try:
        note = RemoteNote.read(path)
    except StoreError as error:
        logger.warning("%s", error)
        return None
    if note is None or note.is_over:
        return None
    try:
        require("boto3", extra="aws")
    except MissingDependencyError:
        return None
    return RemoteFeed(RemoteRun(note, path))
