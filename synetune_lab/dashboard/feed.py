"""A run that can be looked at: a view model fed by a session, or by the log of a saved run."""

from __future__ import annotations

import logging
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard import messages
from synetune_lab.dashboard.view_model import ViewModel
from synetune_lab.store import read_log
from synetune_lab.store.run_files import read_run_file
from synetune_lab.store.run_files import to_json as plain

if TYPE_CHECKING:
    from synetune_lab.session import Session
    from synetune_lab.tuner import Tuner

logger = logging.getLogger(__name__)


class RunFeed:
    """Keeps the view model of one run up to date; used on the publisher's thread, except `notify`.

    Args:
        key: What messages call the run.
        header: What is known beforehand, see `ViewModel`.
        path: Folder of the run.
        tuner: Who drives it in this process; None for a saved run.
        notify: Called (on the session's thread) when there is something new.
    """

    def __init__(
        self,
        key: str,
        header: Mapping[str, Any],
        path: Path,
        tuner: Tuner | None = None,
        notify: Callable[[], None] = lambda: None,
    ) -> None:
        self.key = key
        self.path = path
        self.view = ViewModel(header)
        self._tuner = None if tuner is None else weakref.ref(tuner)
        self._notify = notify
        self._pending: deque[list[dict[str, Any]]] = deque()
        self._session: Session | None = None
        self._detach: Callable[[], None] = lambda: None
        self._sent_header: dict[str, Any] = {}
        self._sent_seq = 0

    @property
    def tuner(self) -> Tuner | None:
        """Who drives the run in this process, while somebody keeps it."""
        return None if self._tuner is None else self._tuner()

    @property
    def session(self) -> Session | None:
        """The session that drives the run now, or drove it last in this process."""
        return self._session

    @property
    def is_live(self) -> bool:
        """Whether commands reach the run."""
        return self._session is not None and self._session.is_alive

    def refresh(self) -> None:
        """Take in what is new: a session that has begun meanwhile, and its records."""
        tuner = self.tuner
        session = None if tuner is None else tuner.current_session
        if session is not self._session:
            self._detach()
            self._session = session
            if session is not None:
                self._attach(session)
        while self._pending:
            self.view.fold(self._pending.popleft())

    def _attach(self, session: Session) -> None:
        def listen(records: list[dict[str, Any]]) -> None:
            self._pending.append(records)
            self._notify()

        # From here on records are queued; those before are in the log, and none is in both, as the
        # view model leaves out what it has seen.
        self._detach = session.add_listener(listen)
        if session.is_alive:
            try:
                session.read(lambda _: session.store.flush()).result(timeout=5.0)
            except Exception:
                logger.debug("the log of %s could not be flushed", self.key, exc_info=True)
        self.view.fold(read_log(self.path, self.view.seq))

    def fold_log(self) -> None:
        """Take in what the log on disk has beyond what was seen."""
        self.view.fold(read_log(self.path, self.view.seq))

    def header(self) -> dict[str, Any]:
        """The header of the protocol, as of now."""
        header = self.view.describe_run()
        header["path"] = str(self.path)
        header["wall_now"] = time.time()
        session, tuner = self._session, self.tuner
        if tuner is None:
            header.update(self._saved_header())
        elif session is None:
            header.update(state="starting", tuner_time=0.0)
        else:
            summary = session.summary
            header["saved_at"] = session.store.saved_at
            header["progress"] = None if summary.progress is None else min(summary.progress, 1.0)
            if summary.state in ("finished", "failed", "interrupted"):
                state = "finished" if summary.state == "interrupted" else summary.state
                header.update(state=state, why=summary.why or header["why"])
            elif session.is_alive:
                header["tuner_time"] = max(header["tuner_time"], summary.tuner_time)
            header["controls"] = session.is_alive
        return header

    def _saved_header(self) -> dict[str, Any]:
        saved = read_run_file(self.path) or {}
        state = saved.get("state")
        known = {"state": state if state in ("finished", "failed") else "finished"}
        if saved.get("why"):
            known["why"] = saved["why"]
        told = {key: saved[key] for key in ("saved_at", "progress") if key in saved}
        return {**plain(told), **known, "read_only": True, "controls": False, "waits_for": None}

    # -- messages -------------------------------------------------------------------------------

    def snapshot(self) -> messages.Message:
        """A snapshot for a client that has just come; call `delta` for the others first."""
        header = self.header()
        self._note_sent(header)
        self.view.mark_sent()
        return messages.snapshot(self.key, self.view, header)

    def delta(self) -> messages.Message | None:
        """What has changed since the last message; None if nothing has."""
        header = self.header()
        changed = {
            key: value
            for key, value in header.items()
            if key not in self._sent_header or self._sent_header[key] != value
        }
        only_clock = set(changed) <= {"wall_now", "tuner_time"}
        if self.view.seq == self._sent_seq and only_clock:
            return None
        since = self._sent_seq
        self._note_sent(header)
        return messages.delta(self.key, self.view, since, changed)

    def _note_sent(self, header: dict[str, Any]) -> None:
        self._sent_header, self._sent_seq = header, self.view.seq

    def close(self) -> None:
        """Stop listening."""
        self._detach()


def live_header(tuner: Tuner) -> dict[str, Any]:
    """What is known of a tuner's run before its first record."""
    scheduler = tuner.scheduler.describe()
    engine = tuner.engine
    criterion = engine.stop_criterion
    to_json = getattr(criterion, "to_json", None)
    return {
        "name": tuner.name,
        "metric_names": scheduler.get("metric_names"),
        "metric_modes": scheduler.get("metric_mode"),
        "scheduler": scheduler,
        "config_space": engine.spaces[0],
        "n_workers": engine.n_workers,
        "backend": type(tuner.trial_backend).__name__,
        "stop_criterion": to_json() if callable(to_json) else None,
        "started_at": time.time(),
    }
