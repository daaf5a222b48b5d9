"""A local copy of what a remote run's link holds: event log and header."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from synetune_lab.remote.link import STATUS, Piece, Status
from synetune_lab.remote.log_pieces import join_pieces
from synetune_lab.store.atomic import replace_file
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.store.run_files import write_run_file

if TYPE_CHECKING:
    from synetune_lab.remote.s3_folder import S3Folder

__all__ = ["Mirror"]

logger = logging.getLogger(__name__)

_SEEN_FILENAME: Final = "link.json"


class Mirror:
    """Keeps the files of a run's folder in step with its link.

    Several processes may do so in the same folder: one does it at a time, all read.

    Args:
        folder: The link.
        path: The folder on this machine.
        launch: The launch that is followed; what an earlier one left is not looked at.
    """

    def __init__(self, folder: S3Folder, path: Path, launch: str = "") -> None:
        self._folder = folder
        self._path = path
        self._launch = launch

    def update(self) -> Status | None:
        """Fetch what is new; returns the run's status, None if it has not told any yet.

        Raises:
            AwsError: If S3 can't be reached.
            OSError: If the copy can't be written.
        """
        body = self._folder.get(STATUS)
        if body is None:
            return None
        try:
            status = Status.decode(body)
        except ValueError as error:
            logger.warning("the status of the run in %s can't be read: %s", self._folder.uri, error)
            return None
        if self._launch and status.launch != self._launch:
            return None
        self._path.mkdir(parents=True, exist_ok=True)
        with self._alone() as is_mine:
            if is_mine:
                self._join()
                if status.header:
                    write_run_file(self._path, status.header)
        return status

    def _join(self) -> None:
        note = self._path / _SEEN_FILENAME
        log = self._path / EVENT_LOG_FILENAME
        seen: Piece | None = None
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            known = json.loads(note.read_text())
            if log.exists() and log.stat().st_size == known["length"]:
                seen = Piece(known["generation"], known["offset"])
        newest = join_pieces(self._folder, log, seen)
        length = log.stat().st_size
        if newest is not None and (newest != seen or length != known_length(note)):
            content = {"generation": newest.generation, "offset": newest.offset, "length": length}
            replace_file(note, json.dumps(content).encode(), durable=False)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other process does the same right now."""
        descriptor = os.open(self._path / f"{_SEEN_FILENAME}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True
        finally:
            os.close(descriptor)


def generation_in(path: Path) -> int | None:
    """Which process wrote the end of the copy in a folder; None if there is no copy yet."""
    try:
        return int(json.loads((path / _SEEN_FILENAME).read_text())["generation"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def known_length(note: Path) -> int | None:
    """How long the copy was when it was noted."""
    try:
        return int(json.loads(note.read_text())["length"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
