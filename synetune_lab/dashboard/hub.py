"""The panel's other end in the kernel: runs, clients, and the one thread that talks to them."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from synetune_lab.dashboard.feed import RunFeed, live_header
from synetune_lab.dashboard.messages import VERSION
from synetune_lab.dashboard.queries import QUERIES
from synetune_lab.errors import CommandRefused, SynetuneLabError
from synetune_lab.store.run_files import to_json as plain

if TYPE_CHECKING:
    from synetune_lab.tuner import Tuner

logger = logging.getLogger(__name__)

PERIOD_S = 0.1
"""At most ten batches a second."""
CREDIT_S = 5.0
"""Nothing is sent for a client that has not been heard of for so long."""
IDLE_S = 0.5


class Transport(Protocol):
    """A way to the clients; `path` is what they are told of it."""

    path: str

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Send a message to all clients behind it."""


@dataclass
class Client:
    """A view of a run: by which way it is reached, and when it was heard of last."""

    transport: Transport
    heard_at: float


class Hub:
    """One a kernel. Its thread starts with the first message and owns all feeds."""

    def __init__(self) -> None:
        self.feeds: dict[str, RunFeed] = {}
        self._clients: dict[tuple[str, str], Client] = {}
        self._inbox: deque[Callable[[], None]] = deque()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._published_at = 0.0
        self.after_publish: list[Callable[[], None]] = []

    # -- any thread -----------------------------------------------------------------------------

    def receive(self, transport: Transport, content: Any) -> None:
        """A message has come; returns at once."""
        self.call(lambda: self._dispatch(transport, content))

    def call(self, job: Callable[[], None]) -> None:
        """Have something done on the hub's thread."""
        self._inbox.append(job)
        self._wake.set()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._main, name="synetune-lab panel", daemon=True
                )
                self._thread.start()

    def notify(self) -> None:
        """A run has something new."""
        self._wake.set()

    def watch(self, tuner: Tuner) -> str:
        """Make a tuner's run known to panels; the name that messages call it by."""
        with self._lock:
            feed = self.feeds.get(tuner.name)
            if feed is None or feed.tuner is not tuner:
                if feed is not None:
                    feed.close()
                path = Path(tuner.tuner_path)
                feed = RunFeed(tuner.name, live_header(tuner), path, tuner, self.notify)
                self.feeds[tuner.name] = feed
        return feed.key

    # -- the hub's thread -----------------------------------------------------------------------

    def _main(self) -> None:
        while True:
            self._wake.wait(IDLE_S)
            rest = self._published_at + PERIOD_S - time.monotonic()
            self._wake.clear()
            self._work_off()
            if rest > 0:
                time.sleep(rest)
                self._work_off()
            self._published_at = time.monotonic()
            for feed in list(self.feeds.values()):
                self._guarded(lambda feed=feed: self._publish(feed))  # type: ignore[misc]
            for job in self.after_publish:
                self._guarded(job)

    def _work_off(self) -> None:
        while self._inbox:
            self._guarded(self._inbox.popleft())

    @staticmethod
    def _guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            logger.exception("the panel's thread goes on after an error")

    def _publish(self, feed: RunFeed) -> None:
        feed.refresh()
        transports = self._transports(feed.key)
        if not transports:
            return
        message = feed.delta()
        if message is not None:
            for transport in transports:
                transport.send(*message)

    def _transports(self, run: str) -> list[Transport]:
        """The ways to those that look at the run and were heard of lately, each once."""
        now = time.monotonic()
        for key, client in list(self._clients.items()):
            if now - client.heard_at > CREDIT_S:
                del self._clients[key]
        found: list[Transport] = []
        for (_, looked_at), client in self._clients.items():
            if looked_at == run and client.transport not in found:
                found.append(client.transport)
        return found

    # -- messages from clients ------------------------------------------------------------------

    def _dispatch(self, transport: Transport, content: Any) -> None:
        if not isinstance(content, Mapping) or content.get("v") != VERSION:
            logger.warning("a message of another version of the panel was left out")
            return
        kind, client = content.get("kind"), str(content.get("client"))
        run = content.get("run")
        if kind == "hello":
            self._hello(transport, client, run)
        elif kind == "resync" and isinstance(run, str):
            self._send_snapshot(transport, client, run)
        elif kind == "seen" and isinstance(run, str):
            self._seen(transport, client, run)
        elif kind == "command":
            self._command(transport, client, content)
        elif kind == "query":
            self._query(transport, client, content)

    def _hello(self, transport: Transport, client: str, run: Any) -> None:
        runs = []
        for key, feed in self.feeds.items():
            feed.refresh()
            runs.append({"run": key, "name": key, "state": feed.header()["state"]})
        welcome = {"v": VERSION, "kind": "welcome", "client": client, "runs": runs}
        transport.send({**welcome, "run": run, "path": transport.path}, [])
        if isinstance(run, str):
            self._send_snapshot(transport, client, run)

    def _seen(self, transport: Transport, client: str, run: str) -> None:
        known = self._clients.get((client, run))
        if known is None:
            self._send_snapshot(transport, client, run)
        else:
            known.heard_at = time.monotonic()

    def _send_snapshot(self, transport: Transport, client: str, run: str) -> None:
        feed = self.feeds.get(run)
        if feed is None:
            why = "this kernel does not know the run (any more)"
            transport.send({"v": VERSION, "kind": "bye", "run": run, "why": why}, [])
            return
        self._publish(feed)  # brings the others to where the newcomer begins
        self._clients[client, run] = Client(transport, time.monotonic())
        transport.send(*feed.snapshot())

    def _command(self, transport: Transport, client: str, content: Mapping[str, Any]) -> None:
        request = str(content.get("id"))
        answer = {"v": VERSION, "kind": "ack", "client": client, "id": request}
        try:
            feed = self._feed(content)
            session = feed.session
            if session is None or not session.is_alive:
                raise CommandRefused("the run is not being driven: resume it first")
            name, args = str(content.get("cmd")), dict(content.get("args") or {})
            if name == "save":
                future: Any = session.save()
            else:
                future = session.submit(name, args, origin="panel", command_id=request)
        except SynetuneLabError as error:
            transport.send({**answer, "ok": False, "error": str(error)}, [])
            return
        future.add_done_callback(
            lambda done: self.call(lambda: transport.send({**answer, **outcome(done)}, []))
        )

    def _query(self, transport: Transport, client: str, content: Mapping[str, Any]) -> None:
        answer = {
            "v": VERSION,
            "kind": "answer",
            "client": client,
            "id": str(content.get("id")),
        }
        what = str(content.get("what"))

        def reply(told: dict[str, Any]) -> None:
            self.call(lambda: transport.send({**answer, **told}, []))

        try:
            if what not in QUERIES:
                raise CommandRefused(f"there is no query {what!r}")
            QUERIES[what](self, content, dict(content.get("args") or {}), reply)
        except (SynetuneLabError, OSError, KeyError, ValueError, TypeError) as error:
            reply({"ok": False, "error": str(error)})

    def _feed(self, content: Mapping[str, Any]) -> RunFeed:
        feed = self.feeds.get(str(content.get("run")))
        if feed is None:
            raise CommandRefused(f"this kernel does not know the run {content.get('run')!r}")
        return feed

    feed_of = _feed


def outcome(future: Any) -> dict[str, Any]:
    """What became of a command, as the protocol says it."""
    error = future.exception()
    if error is not None:
        return {"ok": False, "error": str(error)}
    return {"ok": True, "result": plain(future.result())}


_hub: Hub | None = None
_hub_lock = threading.Lock()


def the_hub() -> Hub:
    """The hub of this process."""
    global _hub
    with _hub_lock:
        if _hub is None:
            _hub = Hub()
        return _hub
