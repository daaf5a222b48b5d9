"""A run that can be looked at: a view model that is kept up to date, and messages made of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard import messages
from synetune_lab.dashboard.run_header import describe_run
from synetune_lab.dashboard.view_model import ViewModel
from synetune_lab.store import read_log
from synetune_lab.store.event_log import EVENT_LOG_FILENAME

if TYPE_CHECKING:
    from synetune_lab.session.steering import Driver

_CLOCKS = {"wall_now", "tuner_time"}


class RunFeed:
    """One run. `LiveFeed` and `SavedFeed` say where its records come from.

    Args:
        key: What messages call the run.
        header: What is known beforehand, see `ViewModel`.
        path: Folder of the run.

    Attributes:
        lock: Held by whoever uses `view`: the hub's thread, or a cell that shows the run.
    """

    def __init__(self, key: str, header: Mapping[str, Any], path: Path) -> None:
        self.key = key
        self.path = path
        self.view = ViewModel(header)
        self.lock = threading.RLock()
        self._log_size = 0
        self._sent_view = self.view
        self._sent_header: dict[str, Any] = {}
        self._sent_seq = 0

    # -- what the kinds of feeds differ in ------------------------------------------------------

    @property
    def session(self) -> Driver | None:
        """Who takes commands for the run; None if nobody drives it."""
        return None

    @property
    def needs_care(self) -> bool:
        """Whether news pile up, or a picture falls due, though nobody looks."""
        return False

    def refresh(self) -> None:
        """Take in what is new."""
        raise NotImplementedError

    def watched(self) -> None:
        """Somebody looks; called again and again as long as they do."""

    def log_tail(self, trial_id: int, lines: int) -> dict[str, list[str]] | None:
        """The last lines of a trial's `stdout` and `stderr`; None if they are on their way."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop listening."""

    def _amend(self, header: dict[str, Any]) -> None:
        """Put into the header what records do not tell."""
        raise NotImplementedError

    # -- the same for all -----------------------------------------------------------------------

    def fold_log(self) -> None:
        """Take in what the log on disk has beyond what was seen."""
        log = self.path / EVENT_LOG_FILENAME
        size = log.stat().st_size if log.exists() else 0
        self.view.fold(read_log(self.path, self.view.seq, self._log_size))
        self._log_size = size

    def header(self) -> dict[str, Any]:
        """The header of the protocol, as of now."""
        with self.lock:
            header = describe_run(self.view)
            header["path"] = str(self.path)
            header["wall_now"] = time.time()
            self._amend(header)
            return header

    def snapshot(self) -> messages.Message:
        """A snapshot for a client that has just come; call `delta` for the others first."""
        with self.lock:
            self.refresh()
            header = self.header()
            self._note_sent(header)
            self.view.mark_sent()
            return messages.snapshot(self.key, self.view, header)

    def delta(self) -> messages.Message | None:
        """What has changed since the last message; None if nothing has.

        It is a snapshot if the run turned out to be another one than was told so far.
        """
        with self.lock:
            if self.view is not self._sent_view:
                return self.snapshot()
            header = self.header()
            sent = self._sent_header
            changed = {k: v for k, v in header.items() if k not in sent or sent[k] != v}
            if self.view.seq == self._sent_seq and changed.keys() <= _CLOCKS:
                return None
            since = self._sent_seq
            self._note_sent(header)
            return messages.delta(self.key, self.view, since, changed)

    def static(self, points: int) -> dict[str, Any]:
        """A snapshot that is JSON alone, see `messages.static_snapshot`."""
        with self.lock:
            return messages.static_snapshot(self.key, self.view, self.header(), points)

    def _note_sent(self, header: dict[str, Any]) -> None:
        self._sent_header, self._sent_seq = header, self.view.seq
        self._sent_view = self.view
