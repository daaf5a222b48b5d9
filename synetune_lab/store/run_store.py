"""All that is kept of one run, behind one object.

The session's thread appends records and hands over states; a helper thread waits for the disk, so
that the session never does.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from synetune_lab.engine.actions import Action, action_to_json
from synetune_lab.engine.events import Event, event_to_json
from synetune_lab.errors import StoreError
from synetune_lab.store.atomic import remove_temporary_files
from synetune_lab.store.event_log import EventLog, Record, read_log
from synetune_lab.store.lock import RunLock
from synetune_lab.store.run_files import write_run_file
from synetune_lab.store.snapshots import SnapshotStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from synetune_lab.store.content import Content

logger = logging.getLogger(__name__)

SYNC_INTERVAL_S = 0.5
"""The disk has what happened after at most twice this time."""


class RunStore:
    """The files of the run in `folder`.

    Attributes:
        folder: The folder.
        snapshots: The generations of the tuner's state.
        saved_at: Unix time of the last generation that the disk has, None before the first.
        problem: Why the last write failed, None if all is well.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.snapshots = SnapshotStore(folder)
        self.lock = RunLock(folder)
        newest = self.snapshots.newest
        self.saved_at: float | None = newest.saved_at if newest else None
        self.problem: str | None = None
        self._log: EventLog | None = None
        self._condition = threading.Condition()
        self._unsynced = False
        self._state: tuple[Content, int] | None = None
        self._header: Mapping[str, Any] | None = None
        self._busy = False
        self._closing = False
        self._thread: threading.Thread | None = None

    # -- life -----------------------------------------------------------------------------------

    def open(self) -> None:
        """Take the right to drive the run, and make ready to write.

        Raises:
            ResumeError: If another process drives it.
            StoreError: If the folder can't be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the folder {self.folder} can't be made: {error}") from error
        self.lock.acquire()
        try:
            remove_temporary_files(self.folder)
            self._log = EventLog(self.folder)
        except BaseException:
            self.lock.release()
            raise
        if self._log.cut_bytes:
            logger.warning(
                "%s: cut %d bytes of a record that was not written to its end",
                self._log.path,
                self._log.cut_bytes,
            )
        self._closing = False
        self._thread = threading.Thread(target=self._keep, name="synetune-lab-store", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write and sync everything, and give the run free. May be called twice."""
        thread = self._thread
        if thread is not None:
            with self._condition:
                self._closing = True
                self._condition.notify_all()
            thread.join()
            self._thread = None
        try:
            if self._log is not None:
                self._log.close()
                self._log = None
        finally:
            self.lock.release()

    @property
    def is_open(self) -> bool:
        """Whether records can be appended."""
        return self._log is not None

    # -- the log --------------------------------------------------------------------------------

    @property
    def last_number(self) -> int:
        """Number of the last record."""
        return self._log.last_number if self._log is not None else 0

    def append(
        self, event: Event, actions: Sequence[Action], tuner_time: float, offset: int | None = None
    ) -> Record:
        """Add what happened and what follows from it to the log; returns the record."""
        assert self._log is not None, "the store is not open"
        record: Record = {
            "n": self._log.last_number + 1,
            "t": tuner_time,
            "w": time.time(),
            "e": event_to_json(event),
            "a": [action_to_json(action) for action in actions],
        }
        if offset is not None:
            record["o"] = offset
        self._log.append(record)
        return record

    def flush(self) -> None:
        """Hand the records to the operating system, so that a kill loses none.

        A disk that is full is a problem to tell, not a reason to end the trials: the records wait
        in memory for the next try.
        """
        if self._log is None:
            return  # closed, which flushed it
        try:
            written = self._log.flush()
        except StoreError as error:
            self._tell(str(error))
            return
        if written and not self._unsynced:
            with self._condition:
                self._unsynced = True
                self._condition.notify_all()

    def cut(self, number: int) -> None:
        """Drop the records of the log after `number`."""
        assert self._log is not None, "the store is not open"
        self._log.cut(number)

    @property
    def log_length(self) -> int:
        """Bytes of the log that were flushed."""
        return self._log.length if self._log is not None else 0

    def records(self, after: int = 0, position: int = 0) -> Iterator[Record]:
        """Records from the file, those with a number above `after`; see `read_log`."""
        return read_log(self.folder, after, position)

    # -- state and header -----------------------------------------------------------------------

    def save_state(self, content: Content, seq: int) -> None:
        """Keep a new generation soon. A later one replaces one that still waits."""
        with self._condition:
            self._state = (content, seq)
            self._condition.notify_all()

    def write_header(self, header: Mapping[str, Any]) -> None:
        """Replace `run.json` soon."""
        with self._condition:
            self._header = header
            self._condition.notify_all()

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until all that was handed over is on the disk; False after `timeout` seconds."""
        with self._condition:
            return self._condition.wait_for(
                lambda: self._thread is None or not (self._state or self._header or self._busy),
                timeout,
            )

    # -- the helper thread ----------------------------------------------------------------------

    def _keep(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                self._condition.wait_for(
                    lambda: self._closing or self._state or self._header or self._unsynced
                )
                state, self._state = self._state, None
                header, self._header = self._header, None
                closing = self._closing
                self._busy = bool(state or header)
            if state is not None:
                self._keep_state(*state)
            if header is not None:
                self._attempt(partial(write_run_file, self.folder, header))
            if closing:
                break
            self._sync_in_a_while()
        with self._condition:
            self._busy = False
            self._condition.notify_all()

    def _sync_in_a_while(self) -> None:
        """Sync at most every `SYNC_INTERVAL_S`, so that a batch of records shares one."""
        if not self._unsynced:
            return
        with self._condition:
            self._busy = False
            self._condition.notify_all()
            self._condition.wait_for(
                lambda: self._closing or self._state or self._header, SYNC_INTERVAL_S
            )
            self._unsynced = False
        log = self._log
        if log is not None:
            self._attempt(log.sync)

    def _keep_state(self, content: Content, seq: int) -> None:
        def save() -> None:
            self.saved_at = self.snapshots.save(content, seq).saved_at

        self._attempt(save)

    def _attempt(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, StoreError) as error:
            self._tell(str(error))
        except Exception as error:  # a dead helper thread would let everybody wait for ever
            logger.exception("what is to be kept of the run in %s can't be written", self.folder)
            self._tell(f"{type(error).__name__}: {error}")
        else:
            self.problem = None

    def _tell(self, problem: str) -> None:
        if self.problem != problem:
            logger.error("%s", problem)
        self.problem = problem
