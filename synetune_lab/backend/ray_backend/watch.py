"""The driver's side of running trials: it has them started, listens to them, and sees them lost."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from synetune_lab.backend.ray_backend.host import Order
from synetune_lab.backend.ray_backend.storage import SharedFolder, reports_in
from synetune_lab.engine.events import EndCause, TrialEnded

if TYPE_CHECKING:
    from synetune_lab.backend.local.folder import Request
    from synetune_lab.backend.ray_backend.host import HostPlan
    from synetune_lab.backend.ray_backend.pool import Host, HostPool
    from synetune_lab.backend.ray_backend.url_storage import UrlStorage
    from synetune_lab.backend.repeats import RepeatFilter

__all__ = ["Watch", "Watcher"]

logger = logging.getLogger(__name__)

PATIENCE_S = 15.0
"""A host that does not end its trial in so long after the grace is killed."""
ANSWER_S = 10.0
"""A host that is looked for has so long to answer."""
MAX_ATTEMPTS = 5
"""So many hosts may be lost before one has begun with the trial."""
_NOTE_FILENAME = "host.json"

News = SimpleQueue[tuple[Any, ...]]
MakePlan = Callable[[], "HostPlan"]


class Watcher(Protocol):
    """Who wants to know of trials."""

    repeats: RepeatFilter

    @property
    def storage(self) -> SharedFolder | UrlStorage:
        """Where trials keep their files."""

    def trial_path(self, trial_id: int) -> Path:
        """Folder of a trial on this machine."""

    def delivered(self, trial_id: int) -> int:
        """Offset up to which its log was delivered."""

    def tell_report(self, trial_id: int, run: int, report: dict[str, Any], offset: int) -> None:
        """A trial reported."""

    def tell_end(self, event: TrialEnded) -> None:
        """A run has ended."""


@dataclass(eq=False)
class _Watched:
    """A run of a trial.

    Attributes:
        ordered: Whether its host was told to run it; before, the host may be exchanged.
        up: Whether its host answered since it was told to run it.
        offset: What stands before this in its log is known.
        request: What it was asked for.
        kill_at: When it is given up after a request (monotonic seconds).
        attempts: How many hosts it had.
        again: How to start it on another host; None if it was found.
    """

    trial_id: int
    run: int
    host: Host
    offset: int
    ordered: bool = False
    up: bool = False
    request: Request | None = None
    kill_at: float = math.inf
    attempts: int = 1
    again: tuple[dict[str, Any], Mapping[str, float], MakePlan, int] | None = None


class Watch:
    """Watches over the runs of an experiment. Belongs to one thread, but for `tail`.

    Args:
        watcher: Who is told.
        ray: Ray.
        pool: Where hosts come from.
        news: Gets what is to be passed to `hear`.
        grace_period_s: Seconds that trials have to end.
    """

    def __init__(
        self, watcher: Watcher, ray: Any, pool: HostPool, news: News, grace_period_s: float
    ) -> None:
        self._watcher = watcher
        self._ray = ray
        self._pool = pool
        self._news = news
        self._grace = grace_period_s
        self._runs: dict[int, _Watched] = {}
        self._taken: dict[int, int] = {}

    @property
    def is_busy(self) -> bool:
        """Whether there are runs whose end was not told."""
        return bool(self._runs)

    def launch(
        self,
        trial_id: int,
        run: int,
        config: dict[str, Any],
        resources: Mapping[str, float],
        plan: MakePlan,
        version: int,
    ) -> str:
        """Start a run, as soon as there is a place for it; returns the name of its host."""
        host = self._pool.acquire(resources, plan, version)
        offset = self._taken.get(trial_id, self._watcher.delivered(trial_id))
        watched = _Watched(trial_id, run, host, offset)
        watched.again = (config, resources, plan, version)
        self._watcher.repeats.begin(trial_id)
        self._start(watched)
        return host.name

    def _start(self, watched: _Watched) -> None:
        assert watched.again is not None
        trial_id, run, host = watched.trial_id, watched.run, watched.host
        note = self._watcher.trial_path(trial_id) / _NOTE_FILENAME
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"run": run, "host": host.name}))
        self._runs[trial_id] = watched
        if host.node is None:
            self._expect(watched, host.actor.hello.remote())
        else:
            self._order(watched)

    def _order(self, watched: _Watched) -> None:
        watched.ordered = True
        assert watched.again is not None
        order = Order(watched.trial_id, watched.run, watched.again[0], watched.offset)
        self._expect(watched, watched.host.actor.run.remote(order))
        self._listen(watched)

    def _listen(self, watched: _Watched) -> None:
        self._expect(
            watched,
            watched.host.actor.take.remote(watched.trial_id, watched.run, watched.offset),
        )

    def _expect(self, watched: _Watched, ref: Any) -> None:
        news, host = self._news, watched.host
        future: Future[dict[str, Any]] = ref.future()
        future.add_done_callback(lambda done: news.put((watched, host, done)))

    def hear(self, watched: _Watched | None, host: Host, done: Future[dict[str, Any]]) -> None:
        """Take in an answer of a host, or that there is none any more."""
        if watched is None:
            self._pool.discard(host)  # it has cleaned up
            return
        error = done.exception()
        if error is None:
            host.node = done.result()["node"]
        if self._runs.get(watched.trial_id) is not watched or watched.host is not host:
            return
        if error is not None:
            self._lose(watched, error)
            return
        watched.up = True
        if not watched.ordered:
            self._order(watched)
            return
        answer = done.result()
        if "reports" not in answer:
            return  # the host has the order
        for text in answer["warnings"]:
            logger.warning("trial %d: %s", watched.trial_id, text)
        self._tell(watched, answer["reports"])
        if answer["end"] is None:
            self._listen(watched)
        else:
            del self._runs[watched.trial_id]
            self._hand_on(host)
            self._tell_end(watched, answer["end"])

    def _hand_on(self, host: Host) -> None:
        """Give a host whose trial has ended to the run that waits longest for one like it.

        The host that it waited for becomes a spare one: it may be about to start, or may never get
        a place. Without this, trials that come later would overtake those that wait in Ray's queue.
        """
        waiting = [run for run in self._runs.values() if not run.ordered]
        for run in waiting:
            if run.host.key == host.key and run.host.version == host.version:
                self._pool.release(run.host)
                run.host = host
                self._start(run)
                return
        if waiting:
            self._pool.dismiss(host)  # they may wait for what it holds
        else:
            self._pool.release(host)

    def _tell(self, watched: _Watched, reports: list[tuple[int, dict[str, Any]]]) -> None:
        trial_id = watched.trial_id
        for offset, report in reports:
            if offset <= watched.offset:
                continue
            watched.offset = self._taken[trial_id] = offset
            if not self._watcher.repeats.is_repeat(trial_id, report):
                self._watcher.tell_report(trial_id, watched.run, report, offset)

    def _tell_end(self, watched: _Watched, end: Mapping[str, Any]) -> None:
        cause: EndCause = end["cause"]
        if cause in ("paused", "stopped") and watched.request is None:
            cause = "lost"  # an earlier driver asked for it, and this one does not know
        elif cause == "lost" and watched.request is not None:
            cause = "paused" if watched.request == "pause" else "stopped"
        # A pause whose checkpoint could not be kept begins with the one before, too.
        if cause == "lost" or (cause == "paused" and end.get("behind")):
            self._watcher.repeats.lose(watched.trial_id)
        event = TrialEnded(
            watched.trial_id, watched.run, cause, end.get("exit_code"), end.get("error")
        )
        self._watcher.tell_end(event)

    # What goes wrong.

    def _lose(self, watched: _Watched, error: BaseException) -> None:
        """The host of a run is gone."""
        exceptions = self._ray.exceptions
        host = watched.host
        del self._runs[watched.trial_id]
        if isinstance(error, exceptions.ActorUnavailableError):
            self._pool.suspect(host.node)
        self._pool.discard(host)
        text = str(error)
        hopeless = (exceptions.RayTaskError, exceptions.RuntimeEnvSetupError)
        if isinstance(error, hopeless) or "creation task" in text:
            self._tell_end(watched, {"cause": "failed", "error": text})
        elif not watched.up and watched.request is None and self._try_again(watched):
            logger.info("trial %d gets another host: %s", watched.trial_id, text)
        else:
            logger.warning("the host of trial %d was lost: %s", watched.trial_id, text)
            self._salvage(watched)

    def _try_again(self, watched: _Watched) -> bool:
        if watched.again is None or watched.attempts >= MAX_ATTEMPTS:
            return False
        _, resources, plan, version = watched.again
        watched.attempts += 1
        watched.ordered = False
        watched.host = self._pool.acquire(resources, plan, version)
        self._start(watched)
        return True

    def _salvage(self, watched: _Watched) -> None:
        """Tell what a run without host has left: its last reports, and perhaps its end."""
        trial_id = watched.trial_id
        end: Mapping[str, Any] | None = None
        try:
            storage = self._watcher.storage
            folder = storage.read_log(trial_id, self._watcher.trial_path(trial_id).parent)
            self._tell(watched, reports_in(folder / "std.out", watched.offset))
            end = storage.read_end(trial_id)
        except Exception:
            logger.exception("the files of trial %d could not be read", trial_id)
        known = end is not None and end.get("run") == watched.run
        self._tell_end(watched, end if known and end is not None else {"cause": "lost"})

    def adopt(self, trial_id: int, run: int, name: str | None, offset: int) -> bool:
        """Find the host of a run of an earlier driver; returns whether the trial runs.

        If it does not, its last reports and its end are told.
        """
        self._taken[trial_id] = offset
        self._recall(trial_id, offset)
        name = self._noted(trial_id, run) or name  # it may have got another host since
        host = None if name is None else self._pool.find(name)
        if host is not None:
            watched = _Watched(trial_id, run, host, offset, ordered=True, up=True)
            state = None
            with suppress(Exception):
                state = self._ray.get(host.actor.state.remote(trial_id, run), timeout=ANSWER_S)
            if state is not None:
                self._runs[trial_id] = watched
                self._listen(watched)
                return bool(state == "running")
            self._pool.discard(host)
        gone: Any = None
        self._salvage(_Watched(trial_id, run, gone, offset))
        return False

    def _recall(self, trial_id: int, offset: int) -> None:
        """How far a trial has come, from its log."""
        with suppress(Exception):
            root = self._watcher.trial_path(trial_id).parent
            log = self._watcher.storage.read_log(trial_id, root) / "std.out"
            known = [report for end, report in reports_in(log, 0) if end <= offset]
            self._watcher.repeats.rebuild(trial_id, known)

    def _noted(self, trial_id: int, run: int) -> str | None:
        """The host that a run was given last."""
        try:
            note = json.loads((self._watcher.trial_path(trial_id) / _NOTE_FILENAME).read_text())
            return str(note["host"]) if note["run"] == run else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def end_others(self) -> None:
        """End hosts of the experiment that nobody watches."""
        self._pool.end_others()

    # What is asked for.

    def ask(self, trial_id: int, request: Request) -> None:
        """Ask a run to pause or stop; one that waits for a place ends at once."""
        watched = self._runs.get(trial_id)
        if watched is None:
            return
        watched.request = request
        if not watched.ordered:
            self._give_up(watched)
            return
        watched.kill_at = min(watched.kill_at, time.monotonic() + self._grace + PATIENCE_S)
        watched.host.actor.ask.remote(trial_id, watched.run, request)

    def ask_all(self, request: Request) -> None:
        """Ask all runs that were asked for nothing yet."""
        for watched in list(self._runs.values()):
            if watched.request is None:
                self.ask(watched.trial_id, request)

    def _give_up(self, watched: _Watched) -> None:
        del self._runs[watched.trial_id]
        self._pool.discard(watched.host)
        self._tell_end(watched, {"cause": "lost"})

    def patience(self) -> float:
        """Seconds until `look_after` has something to do."""
        now = time.monotonic()
        due = min((watched.kill_at for watched in self._runs.values()), default=math.inf)
        return max(0.0, min(due, self._pool.end_idle(now), now + 3600.0) - now)

    def look_after(self) -> None:
        """End what is overdue: trials that did not do as asked, hosts without use."""
        now = time.monotonic()
        for watched in [w for w in self._runs.values() if w.kill_at <= now]:
            logger.warning("the host of trial %d does not answer", watched.trial_id)
            self._give_up(watched)
        self._pool.end_idle(now)

    def tail(self, trial_id: int, lines: int) -> dict[str, list[str]] | None:
        """The last lines of the logs of a running trial that only its node has; from any thread."""
        watched = self._runs.get(trial_id)
        if watched is None or isinstance(self._watcher.storage, SharedFolder):
            return None
        with suppress(Exception):
            answer = watched.host.actor.tail.remote(trial_id, lines)
            found: dict[str, list[str]] = self._ray.get(answer, timeout=ANSWER_S)
            return found
        return None

    def close(self, *, leave_running: bool) -> None:
        """Let go of everything."""
        self._runs.clear()
        self._pool.close(leave_busy=leave_running)
