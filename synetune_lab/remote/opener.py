"""Opens a run's folder for the panel if a job drives the run (see `synetune_lab.dashboard`)."""

from __future__ import annotations

from pathlib import Path

from synetune_lab.errors import MissingDependencyError
from synetune_lab.extras import require
from synetune_lab.remote.feed import RemoteFeed
from synetune_lab.remote.note import RemoteNote
from synetune_lab.remote.remote_run import RemoteRun

__all__ = ["open_feed"]


def open_feed(path: Path) -> RemoteFeed | None:
    """The feed of the remote run in a folder; None if it is over, or boto3 is missing."""
    note = RemoteNote.read(path)
    if note is None or note.is_over:
        return None
    try:
        require("boto3", extra="aws")
    except MissingDependencyError:
        return None
    return RemoteFeed(RemoteRun(note, path))
