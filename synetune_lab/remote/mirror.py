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

        If another process is at it, only the status is fetched.

        Raises:
            AwsError: If S3 can't be reached.
            OSError: If the copy can't be written.
        """
        status = self._status()
        if status is not None:
            with self.alone(wait=False) as is_mine:
                if is_mine:
                    self._copy(status)
        return status

    def update_alone(self) -> Status | None:
        """`update`, for who holds the folder by `alone` already."""
        status = self._status()
        if status is not None:
            self._copy(status)
        return status

    def _copy(self, status: Status) -> None:
        self._join()
        if status.header:
            write_run_file(self._path, status.header)

    def _status(self) -> Status | None:
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
        return status

    def _join(self) -> None:
        note = self._path / _SEEN_FILENAME
        log = self._path / EVENT_LOG_FILENAME
        seen: Piece | None = None
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            known = json.loads(note.read_text())
            if log.exists() and log.stat().st_size == known["length"]:
                seen = Piece(known["generation"], known["offset"])

        def note_down(piece: Piece, length: int) -> None:
            # After each piece: whoever is cut off here goes on from there.
            content = {"generation": piece.generation, "offset": piece.offset, "length": length}
            replace_file(note, json.dumps(content).encode(), durable=False)

        join_pieces(self._folder, log, seen, note_down)

    @contextlib.contextmanager
    def alone(self, *, wait: bool) -> Iterator[bool]:
        """Have the folder's copy for oneself; tells whether one has it.

        Args:
            wait: Wait until nobody else has it.
        """
        self._path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path / f"{_SEEN_FILENAME}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
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
