"""The run of a tuner of this process, fed by its session."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.simulator_backend.simulated_backend import SimulatedBackend
from synetune_lab.dashboard.feed import RunFeed

if TYPE_CHECKING:
    from synetune_lab.session import Session
    from synetune_lab.tuner import Tuner


class LiveFeed(RunFeed):
    """Follows a tuner through its sessions, without keeping it alive.

    Args:
        tuner: The tuner.
        notify: Called on the session's thread when there is something new; must be quick.
        gone: Called, on whatever thread, when nobody keeps the tuner any more.
    """

    def __init__(
        self, tuner: Tuner, notify: Callable[[], None], gone: Callable[[RunFeed], None]
    ) -> None:
        super().__init__(tuner.name, live_header(tuner), Path(tuner.tuner_path))
        this = weakref.ref(self)

        def on_gone(_: Any) -> None:
            feed = this()
            if feed is not None:
                # The interpreter may be about to end, and then no thread can be started.
                with contextlib.suppress(RuntimeError):
                    gone(feed)

        self._tuner = weakref.ref(tuner, on_gone)
        self._notify = notify
        self._pending: deque[list[dict[str, Any]]] = deque()
        self._followed: weakref.ref[Session] | None = None
        self._detach: Callable[[], None] = lambda: None

    @property
    def tuner(self) -> Tuner | None:
        """The tuner, as long as somebody keeps it."""
        return self._tuner()

    @property
    def session(self) -> Session | None:
        """The session that drives the run now."""
        tuner = self._tuner()
        session = None if tuner is None else tuner.current_session
        return session if session is not None and session.is_alive else None

    @property
    def needs_care(self) -> bool:
        """A session tells without being asked."""
        return self.session is not None

    def refresh(self) -> None:
        """Take in what is new: a session that has begun meanwhile, and its records."""
        with self.lock:
            tuner = self._tuner()
            session = None if tuner is None else tuner.current_session
            followed = None if self._followed is None else self._followed()
            if session is not None and session is not followed:
                self._follow(session)
            elif self._followed is None and not self.view.seq:
                self.fold_log()  # a tuner that was brought back and is not running yet
            while self._pending:
                self._take_in(self._pending.popleft())

    def _follow(self, session: Session) -> None:
        self._detach()
        self._pending.clear()
        session.watch()

        def listen(records: list[dict[str, Any]]) -> None:
            self._pending.append(records)
            self._notify()

        # From here on records are queued. Those before are in the log, or are on their way to it
        # and then come with a batch that follows on what was seen (see `_take_in`).
        self._detach = session.add_listener(listen)
        self._followed = weakref.ref(session)
        self.fold_log()

    def _take_in(self, records: list[dict[str, Any]]) -> None:
        if records and records[0]["n"] > self.view.seq + 1:
            self.fold_log()  # a session flushes its log before it tells
        self.view.fold(records)

    def _amend(self, header: dict[str, Any]) -> None:
        tuner = self._tuner()
        session = None if tuner is None else tuner.current_session
        if tuner is None or session is None:
            header.update(state="starting", controls=False, waits_for="waits for run() or start()")
            return
        summary = session.summary
        header["started_at"] = tuner.run_state.started_at
        header["saved_at"] = session.store.saved_at
        header["simulation"] = simulation_of(tuner)
        header["progress"] = None if summary.progress is None else min(summary.progress, 1.0)
        if session.is_alive:
            header["tuner_time"] = max(header["tuner_time"], summary.tuner_time)
            return
        header["controls"] = False
        ended_well = summary.state != "failed"
        header["state"] = "finished" if ended_well else "failed"
        header["why"] = summary.why or header["why"]
        header["waits_for"] = None

    def log_tail(self, trial_id: int, lines: int) -> dict[str, list[str]]:
        """The last lines of a trial's logs, as its backend knows them."""
        tuner = self._tuner()
        if tuner is None:
            return {"stdout": [], "stderr": []}
        return tuner.trial_backend.log_tail(trial_id, lines)

    def close(self) -> None:
        """Stop listening."""
        self._detach()


def simulation_of(tuner: Tuner) -> dict[str, Any] | None:
    """How fast the simulated time of a run passes; None if its time is real."""
    backend = tuner.trial_backend
    return {"speed": backend.pace.speed} if isinstance(backend, SimulatedBackend) else None


def live_header(tuner: Tuner) -> dict[str, Any]:
    """What is known of a tuner's run before its first record."""
    scheduler = tuner.scheduler.describe()
    engine = tuner.engine
    to_json = getattr(engine.stop_criterion, "to_json", None)
    return {
        "name": tuner.name,
        "metric_names": scheduler.get("metric_names"),
        "metric_modes": scheduler.get("metric_mode"),
        "scheduler": scheduler,
        "config_space": engine.spaces[0],
        "n_workers": engine.n_workers,
        "backend": type(tuner.trial_backend).__name__,
        "stop_criterion": to_json() if callable(to_json) else None,
        "started_at": tuner.run_state.started_at or time.time(),
    }
