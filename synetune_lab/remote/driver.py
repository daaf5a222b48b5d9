"""Commands and queries of a remote run: put into its inbox, answered by its job."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from synetune_lab.backend.sagemaker_backend.aws import AwsError
from synetune_lab.errors import CommandRefused
from synetune_lab.remote.link import ANSWERS, Answer, Request
from synetune_lab.session.inbox import CommandFuture

if TYPE_CHECKING:
    from synetune_lab.remote.s3_folder import S3Folder

__all__ = ["RemoteDriver"]

logger = logging.getLogger(__name__)


class RemoteDriver:
    """A session that is reached through S3. Nothing here waits for the network.

    Args:
        folder: The link.
        launch: The launch of the run that is spoken to.
        wake: Called when there is something to send; `exchange` is to be called then.
        instead: Told of each command; True if it sees to it in another way.
    """

    def __init__(
        self,
        folder: S3Folder,
        launch: str,
        wake: Callable[[], None],
        instead: Callable[[CommandFuture], bool] = lambda _: False,
    ) -> None:
        self._folder = folder
        self._launch = launch
        self._wake = wake
        self._instead = instead
        self._lock = threading.Lock()
        self._unsent: list[Request] = []
        self._waiting: dict[str, CommandFuture] = {}
        self._closed: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether anything was asked that is not answered."""
        return bool(self._waiting)

    def submit(
        self, name: str, args: dict[str, Any], *, origin: str, command_id: str | None = None
    ) -> CommandFuture:
        """Ask for a command; the same id a second time gives the same future."""
        return self._ask("command", name, args, origin, command_id)

    def save(self) -> Future[Any]:
        """Have the run saved now."""
        return self._ask("command", "save", {}, "cell")

    def preview_space(self, space: Mapping[str, Any]) -> Future[Any]:
        """Ask what an edit of the space would do."""
        return self._ask("query", "preview_space", {"space": dict(space)}, "panel")

    def log_tail(self, trial_id: int, lines: int) -> Future[Any]:
        """Ask for the last lines of a trial's logs."""
        return self._ask("query", "log_tail", {"trial_id": trial_id, "lines": lines}, "panel")

    def _ask(
        self,
        kind: str,
        name: str,
        args: dict[str, Any],
        origin: str,
        command_id: str | None = None,
    ) -> CommandFuture:
        with self._lock:
            known = self._waiting.get(command_id or "")
            if known is not None:
                return known
            request_id = command_id or uuid4().hex
            future = CommandFuture(request_id, name)
            future.set_running_or_notify_cancel()
            closed = self._closed
            if closed is None and self._instead(future):
                return future
            if closed is None:
                try:
                    json.dumps(args)
                except (TypeError, ValueError) as error:
                    future.set_exception(CommandRefused(f"{name}: {error}"))
                    return future
                self._waiting[request_id] = future
                self._unsent.append(Request(request_id, kind, name, args, origin, self._launch))
        if closed is not None:
            future.set_exception(CommandRefused(f"{name} was refused: {closed}"))
        else:
            self._wake()
        return future

    def exchange(self) -> None:
        """Send what was asked and take in what was answered; waits for the network.

        Raises:
            AwsError: If S3 can't be reached. What was not sent is sent by the next call.
        """
        while self._unsent:
            request = self._unsent[0]
            try:
                self._folder.put(request.file_name(time.time_ns()), request.encode())
            except AwsError as error:
                if error.passes:
                    raise
                self._settle(Answer(request.id, False, None, f"it could not be sent: {error}"))
            with self._lock:
                self._unsent.pop(0)
        if not self._waiting:
            return
        asked = {Answer.file_name(request_id) for request_id in self._waiting}
        for entry in self._folder.entries(ANSWERS):
            if entry.name not in asked:
                continue
            body = self._folder.get(entry.name)
            if body is None:
                continue
            try:
                self._settle(Answer.decode(body))
            except ValueError as error:
                logger.warning("an answer of the run can't be read: %s", error)
            self._forget(entry.name)

    def _forget(self, name: str) -> None:
        try:
            self._folder.delete(name)
        except AwsError:
            logger.debug("the answer %s is left behind", name, exc_info=True)

    def _settle(self, answer: Answer) -> None:
        with self._lock:
            future = self._waiting.pop(answer.id, None)
        if future is None:
            return
        if answer.ok:
            future.set_result(answer.result)
        else:
            future.set_exception(CommandRefused(answer.error or f"{future.name} was refused"))

    def close(self, why: str) -> None:
        """Refuse what is not answered and what comes later; `why` completes the refusal."""
        with self._lock:
            self._closed = why
            self._unsent.clear()
            waiting = list(self._waiting.values())
            self._waiting.clear()
        for future in waiting:
            future.set_exception(CommandRefused(f"{future.name} was refused: {why}"))
