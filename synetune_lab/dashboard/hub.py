"""The panel's other end in the kernel: runs, clients, and the one thread that talks to them."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from synetune_lab.dashboard.live_feed import LiveFeed
from synetune_lab.dashboard.messages import VERSION
from synetune_lab.errors import CommandRefused

if TYPE_CHECKING:
    from synetune_lab.dashboard.feed import RunFeed
    from synetune_lab.tuner import Tuner

logger = logging.getLogger(__name__)

PERIOD_S = 0.1
"""At most ten batches a second."""
IDLE_S = 0.5
"""How often to look at what nobody tells of: the end of a session, a picture that is due."""
CREDIT_S = 5.0
"""Nothing is sent for a client that has not been heard of for so long."""

Job = Callable[[], None]


class Transport(Protocol):
    """A way to clients. All behind it hear what is sent."""

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Send a message."""


class Sender(NamedTuple):
    """Where a message came from: over which transport, and how it is told (`control`, ...)."""

    transport: Transport
    path: str


@dataclass
class Client:
    """A view of a run: by which transport it is reached, and when it was heard of last."""

    transport: Transport
    heard_at: float


class Hub:
    """One a kernel. Its thread sends all messages; it starts when needed and ends at rest.

    Args:
        on_message: Deals with a message of a client, on the hub's thread.

    Attributes:
        feeds: The runs by their keys. The thread reads it, any thread may add to it.
        chores: Called on the hub's thread after each look at the runs.
    """

    def __init__(self, on_message: Callable[[Hub, Sender, Any], None]) -> None:
        self.feeds: dict[str, RunFeed] = {}
        self.chores: list[Job] = []
        self._on_message = on_message
        self._clients: dict[tuple[str, str], Client] = {}
        self._inbox: deque[Job] = deque()
        self._has_news = False
        self._wake = threading.Event()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._published_at = 0.0

    # -- any thread -----------------------------------------------------------------------------

    def receive(self, transport: Transport, content: Any, path: str) -> None:
        """A message has come; returns at once."""
        self.call(lambda: self._on_message(self, Sender(transport, path), content))

    def call(self, job: Job) -> None:
        """Have something done on the hub's thread."""
        self._inbox.append(job)
        self._wake.set()
        self._ensure_thread()

    def notify(self) -> None:
        """A run has something new; costs next to nothing if that is known already."""
        if not self._has_news:
            self._has_news = True
            self._wake.set()
            self._ensure_thread()

    def watch(self, tuner: Tuner) -> LiveFeed:
        """Make a tuner's run known to panels."""
        with self._lock:
            feed = self.feeds.get(tuner.name)
            if not isinstance(feed, LiveFeed) or feed.tuner is not tuner:
                feed = LiveFeed(tuner, self.notify, self._forget)
                self.add(feed)
        self.notify()
        return feed

    def add(self, feed: RunFeed) -> None:
        """Make a run known to panels; replaces what had its key."""
        with self._lock:
            former = self.feeds.get(feed.key)
            self.feeds[feed.key] = feed
        if former is not None:
            former.close()
            self.call(lambda: self._drop_clients(feed.key))  # each gets a snapshot again

    def feed_of(self, run: Any) -> RunFeed:
        """The run of that key.

        Raises:
            CommandRefused: If there is none.
        """
        feed = self.feeds.get(str(run))
        if feed is None:
            raise CommandRefused(f"this kernel does not know the run {run!r}")
        return feed

    def _forget(self, feed: RunFeed) -> None:
        """Nobody keeps the tuner any more."""

        def leave() -> None:
            if self.feeds.get(feed.key) is feed:
                del self.feeds[feed.key]
                self._say_bye(feed.key, "its tuner is gone: nothing in the kernel refers to it")

        self.call(leave)

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._main, name="synetune-lab panel", daemon=True
                )
                self._thread.start()

    # -- the hub's thread -----------------------------------------------------------------------

    def _main(self) -> None:
        while True:
            self._wake.wait(max(0.0, self._due_at() - time.monotonic()))
            self._wake.clear()
            self._work_off()
            if time.monotonic() < self._due_at():
                continue
            self._has_news = False
            self._published_at = time.monotonic()
            for feed in list(self.feeds.values()):
                self.publish(feed)
            for chore in self.chores:
                self._guarded(chore)
            if self._may_rest():
                return

    def _due_at(self) -> float:
        return self._published_at + (PERIOD_S if self._has_news else IDLE_S)

    def _may_rest(self) -> bool:
        """Whether nothing can come that nobody would tell of."""
        with self._lock:
            is_needed = (
                self._inbox
                or self._has_news
                or self._clients
                or any(feed.needs_care for feed in self.feeds.values())
            )
            if not is_needed:
                self._thread = None
            return not is_needed

    def _work_off(self) -> None:
        while self._inbox:
            self._guarded(self._inbox.popleft())

    @staticmethod
    def _guarded(job: Job) -> None:
        try:
            job()
        except Exception:
            logger.exception("the panel goes on after an error")

    # -- for those who deal with messages, on the hub's thread ----------------------------------

    def publish(self, feed: RunFeed) -> None:
        """Send what has changed to those that look.

        After an error the state of the clients is not known: they are dropped, and each gets a
        snapshot when it is heard of next.
        """
        try:
            transports = self._transports(feed.key)
            if transports:
                feed.watched()
            if transports or isinstance(feed, LiveFeed):
                feed.refresh()  # what a session tells must not pile up
            message = feed.delta() if transports else None
            if message is not None:
                for transport in transports:
                    transport.send(*message)
        except Exception:
            logger.exception("the panel of %s could not be kept up to date", feed.key)
            self._drop_clients(feed.key)

    def send_snapshot(self, sender: Sender, client: str, run: str) -> None:
        """Send the whole state to a client, and what changes from then on."""
        feed = self.feeds.get(run)
        if feed is None:
            self._tell(sender.transport, run, "this kernel does not know the run (any more)")
            return
        self.publish(feed)  # brings the others to where the newcomer begins
        try:
            feed.watched()
            message = feed.snapshot()
        except Exception as error:
            logger.exception("the state of %s could not be put together", run)
            self._tell(sender.transport, run, f"its state can't be shown: {error}")
            return
        self._clients[client, run] = Client(sender.transport, time.monotonic())
        sender.transport.send(*message)

    def heard_of(self, client: str, run: str) -> bool:
        """A client is there; False if it is not known (any more) and needs a snapshot."""
        known = self._clients.get((client, run))
        if known is None:
            return False
        known.heard_at = time.monotonic()
        return True

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

    def _drop_clients(self, run: str) -> None:
        for key in [key for key in self._clients if key[1] == run]:
            del self._clients[key]

    def _say_bye(self, run: str, why: str) -> None:
        for transport in self._transports(run):
            self._tell(transport, run, why)
        self._drop_clients(run)

    @staticmethod
    def _tell(transport: Transport, run: str, why: str) -> None:
        transport.send({"v": VERSION, "kind": "bye", "run": run, "why": why}, [])
