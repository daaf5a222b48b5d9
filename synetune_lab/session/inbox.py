"""One queue into the session's thread: commands with their futures, and functions to run there."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from synetune_lab.engine.events import CommandReceived
from synetune_lab.errors import CommandRefused

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class CommandFuture(Future[Any]):
    """What becomes of a command.

    `result(timeout)` waits for the answer and returns it, or raises `CommandRefused` with the
    reason. Asked from a callback (the session's own thread) before the answer is there, it raises
    at once instead of waiting for itself.

    Attributes:
        command_id: The command's id.
        name: Its name.
    """

    def __init__(self, command_id: str, name: str) -> None:
        super().__init__()
        self.command_id = command_id
        self.name = name
        self._session_thread: Callable[[], int | None] = lambda: None

    def result(self, timeout: float | None = None) -> Any:
        """The answer.

        Args:
            timeout: Seconds to wait at most, None for ever.

        Raises:
            CommandRefused: If the command does not apply; or if asked from a callback, which the
                session's thread waits for, so that the answer can't come before it returns.
            TimeoutError: If there is no answer after `timeout` seconds.
        """
        if not self.done() and threading.get_ident() == self._session_thread():
            raise CommandRefused(
                f"the result of {self.name!r} can't be waited for in a callback: the command is "
                "carried out after the callback has returned. Use add_done_callback"
            )
        try:
            return super().result(timeout)
        except FutureTimeout as error:
            if self.done():
                raise
            raise TimeoutError(
                f"no answer to {self.name!r} after {timeout} seconds; it is still queued"
            ) from error

    def __repr__(self) -> str:
        if not self.done():
            return f"<{self.name}: asked>"
        error = self.exception()
        return f"<{self.name}: {f'refused, {error}' if error else 'done'}>"


class Inbox:
    """Commands and reads on their way to the session's thread.

    Args:
        wake: Called, from any thread, when something was put in.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._commands: list[CommandReceived] = []
        self._reads: list[tuple[Callable[[], Any], Future[Any]]] = []
        self._waiting: dict[str, CommandFuture] = {}
        self._closed: str | None = None
        self.thread: int | None = None

    def submit(
        self, name: str, args: dict[str, Any], origin: str, command_id: str | None = None
    ) -> CommandFuture:
        """Queue a command. The same id a second time gives the same future."""
        command_id = command_id or uuid4().hex
        with self._lock:
            known = self._waiting.get(command_id)
            if known is not None:
                return known
            future = CommandFuture(command_id, name)
            future.set_running_or_notify_cancel()  # what was asked can't be taken back
            future._session_thread = lambda: self.thread
            if self._closed is None:
                self._waiting[command_id] = future
                self._commands.append(CommandReceived(command_id, name, args, origin))
            closed = self._closed
        if closed is not None:
            future.set_exception(CommandRefused(f"{name} was refused: {closed}"))
        else:
            self._wake()
        return future

    def read(self, function: Callable[[], T]) -> Future[T]:
        """Have `function` run on the session's thread; at once if called there."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        if threading.get_ident() == self.thread:
            _run(function, future)
            return future
        with self._lock:
            closed = self._closed
            if closed is None:
                self._reads.append((function, future))
        if closed is not None:
            # Nobody changes the engine any more: whoever asks may look for himself.
            _run(function, future)
        else:
            self._wake()
        return future

    def commands(self) -> list[CommandReceived]:
        """Take the queued commands."""
        with self._lock:
            taken, self._commands = self._commands, []
        return taken

    def run_reads(self) -> None:
        """Run the queued functions; on the session's thread only."""
        with self._lock:
            taken, self._reads = self._reads, []
        for function, future in taken:
            _run(function, future)

    def answer(self, command_id: str, ok: bool, result: Any, error: str | None) -> None:
        """Settle the command's future, if somebody of this process waits for it."""
        with self._lock:
            future = self._waiting.pop(command_id, None)
        if future is None:
            return
        if ok:
            future.set_result(result)
        else:
            future.set_exception(CommandRefused(error or f"{future.name} was refused"))

    def close(self, why: str) -> None:
        """Refuse what is queued and what comes later; `why` completes the refusal."""
        with self._lock:
            self._closed = why
            self._commands = []
            waiting = list(self._waiting.values())
            self._waiting.clear()
        for future in waiting:
            future.set_exception(CommandRefused(f"{future.name} was refused: {why}"))
        self.run_reads()


def _run(function: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(function())
    except Exception as error:
        future.set_exception(error)
