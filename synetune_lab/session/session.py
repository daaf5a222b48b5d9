"""The session of a tuner: the one thread that owns the engine, and everybody else's way to it."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from synetune_lab.session.exits import end_with_interpreter, forget
from synetune_lab.session.inbox import CommandFuture, Inbox
from synetune_lab.session.loop import RunLoop
from synetune_lab.session.simulation import begin_log
from synetune_lab.session.summary import RunSummary
from synetune_lab.store.event_log import Record
from synetune_lab.store.run_store import RunStore

if TYPE_CHECKING:
    from concurrent.futures import Future

    from synetune_lab.engine.engine import TuningEngine
    from synetune_lab.tuner import Tuner

logger = logging.getLogger(__name__)

T = TypeVar("T")
Listener = Callable[[list[Record]], None]


class Session:
    """Drives one run, from its start (or resume) to its end.

    All methods may be called from any thread, unless they say otherwise.

    Args:
        tuner: Whose run it is.
        first_commands: `(name, args)` of commands to carry out before the run goes on.

    Attributes:
        store: The files of the run.
        summary: The run at a glance.
        error: What ended the run from within: an error of the scheduler, say.
        process_id: The process that made the session; a fork of it has no part in the run.
    """

    def __init__(
        self, tuner: Tuner, first_commands: list[tuple[str, dict[str, Any]]] | None = None
    ) -> None:
        self.name = tuner.name
        self.store = RunStore(tuner.tuner_path)
        self.summary = RunSummary(name=tuner.name)
        self.error: BaseException | None = None
        self.process_id = os.getpid()
        self._engine = tuner.engine
        self._inbox = Inbox(tuner.trial_backend.wake)
        self._listeners: list[Listener] = []
        self._loop = RunLoop(self, tuner, self._inbox, first_commands or [])
        self._opened = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(
            target=self._main, name=f"synetune-lab {tuner.name}", daemon=True
        )

    # -- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to drive the run; returns when it is open.

        Raises:
            Exception: What kept it from being opened (another process drives it, a callback could
                not start, ...).
        """
        end_with_interpreter(self)
        self._thread.start()
        try:
            self._opened.wait()
        except KeyboardInterrupt:
            self.abort("it was interrupted while it was being opened")
            raise
        if self._done.is_set() and self.error is not None and not self._loop.opened:
            raise self.error

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the run's end; False if it has not come after `timeout` seconds."""
        return self._done.wait(timeout)

    @property
    def is_alive(self) -> bool:
        """Whether the run is being driven."""
        return not self._done.is_set()

    @property
    def is_here(self) -> bool:
        """Whether the caller is on the session's thread, as callbacks are."""
        return threading.get_ident() == self._inbox.thread

    def raise_error(self) -> None:
        """Raise what ended the run from within, or the first error of a callback, if any."""
        error = self.error or self._loop.hooks.failure()
        if error is not None:
            raise error

    def interrupt(self) -> CommandFuture:
        """Stop the run, with running trials paused at their checkpoints, to be resumed later."""
        return self.submit("stop_run", {"keep": True}, origin="signal")

    def abort(self, why: str) -> None:
        """End all trials and the run at once, without a grace period; it can be resumed."""
        self._loop.abort(why)

    def resume_code(self) -> str:
        """The line of code that goes on with this run."""
        return f"Tuner.resume({str(self.store.folder)!r}).run()"

    def _main(self) -> None:
        self._inbox.thread = threading.get_ident()
        try:
            self._loop.run()
        except BaseException as error:
            logger.debug("the session of %s ended with an error", self.name, exc_info=True)
            self.error = error
        finally:
            forget(self)
            self._done.set()
            self._opened.set()

    # -- for everybody --------------------------------------------------------------------------

    def submit(
        self, name: str, args: dict[str, Any], *, origin: str, command_id: str | None = None
    ) -> CommandFuture:
        """Queue a command of `synetune_lab.engine.commands`; never blocks.

        Args:
            name: The command.
            args: Its arguments, as JSON.
            origin: Who asks: `cell`, `panel`, `signal`, ...
            command_id: The same id twice is carried out once.
        """
        return self._inbox.submit(name, args, origin, command_id)

    def read(self, function: Callable[[TuningEngine], T]) -> Future[T]:
        """Run `function(engine)` on the session's thread, between two events."""
        return self._inbox.read(lambda: function(self._engine))

    def save(self) -> Future[bool]:
        """Save now; the future is done when the disk has it."""
        return self._inbox.read(self._loop.save_now)

    def preview_space(self, space: Mapping[str, Any]) -> Future[Any]:
        """What an edit of the space would do, as `TuningEngine.preview_space` tells it."""
        return self.read(lambda engine: engine.preview_space(dict(space)))

    def watch(self, timeout: float = 5.0) -> None:
        """Have the log kept from its beginning, which a simulation does only for who watches.

        Args:
            timeout: Seconds to wait for it at most; it comes later if it takes longer.
        """
        if not self._loop.is_logged:
            with contextlib.suppress(TimeoutError):
                self._inbox.read(lambda: begin_log(self._loop)).result(timeout)

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called with each batch of records, on the session's thread.

        It must be quick: trials wait meanwhile.

        Returns:
            A function that removes it.
        """
        self._listeners = [*self._listeners, listener]

        def remove() -> None:
            self._listeners = [known for known in self._listeners if known is not listener]

        return remove

    # -- for the loop, on the session's thread ---------------------------------------------------

    def _publish(self, records: list[Record]) -> None:
        for listener in self._listeners:
            try:
                listener(records)
            except Exception:
                logger.exception("a listener of run %s failed and is left out now", self.name)
                self._listeners = [known for known in self._listeners if known is not listener]
