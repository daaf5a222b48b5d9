"""The job's end of the link: sends what is new of a run, and brings requests to its session."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from synetune_lab.backend.sagemaker_backend.aws import AwsError
from synetune_lab.backend.sagemaker_backend.sagemaker_backend import SageMakerBackend
from synetune_lab.errors import CommandRefused
from synetune_lab.remote.link import ANSWERS, INBOX, STATUS, Answer, Piece, Request, Status
from synetune_lab.remote.log_pieces import length_in
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.store.run_files import read_run_file, to_json

if TYPE_CHECKING:
    from synetune_lab.remote.s3_folder import S3Folder
    from synetune_lab.session import Session
    from synetune_lab.tuner import Tuner

__all__ = ["Uplink"]

logger = logging.getLogger(__name__)

PIECE_BYTES: Final = 256 * 1024
HEARTBEAT_S: Final = 15.0
_ANSWER_AT_ONCE_S: Final = 0.5
_CLOSE_PATIENCE_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 30.0

Ask = Callable[["Tuner", "Session", dict[str, Any]], "Future[Any]"]


class Uplink:
    """Keeps those who follow a run up to date, from a thread of its own.

    A network that is gone delays it; the run goes on.

    Args:
        folder: The link.
        tuner: Whose run it is.
        launch: Which launch of it.
        goes_on: Whether an earlier process of the same launch used the link; otherwise what the
            link has of the log is that of a former job, and is replaced.
        interval_s: Seconds between two looks at the inbox and at what is new.
        on_cycle: Called after each look.

    Attributes:
        generation: Number of this process among those that drive the run.
    """

    def __init__(
        self,
        folder: S3Folder,
        tuner: Tuner,
        *,
        launch: str = "",
        goes_on: bool = False,
        interval_s: float = 2.0,
        on_cycle: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._tuner = tuner
        self._launch = launch
        self._on_cycle = on_cycle
        self._goes_on = goes_on
        self._interval_s = interval_s
        self._log = Path(tuner.tuner_path) / EVENT_LOG_FILENAME
        self.generation = 1
        self._piece: Piece | None = None
        self._piece_length = 0
        self._sent: tuple[Any, ...] | None = None
        self._sent_at = 0.0
        self._waiting: dict[str, Future[Any]] = {}
        self._taken: dict[str, str] = {}
        self._closing = threading.Event()
        self._last_words: tuple[bool, str | None] = (False, None)
        self._troubled = False
        self._thread = threading.Thread(target=self._main, name="synetune-lab link", daemon=True)

    def open(self) -> None:
        """Begin. The session must have opened the log before, which may cut its end off."""
        self._thread.start()

    def close(self, problem: str | None = None) -> None:
        """Send the rest and say that the run is over; waits for a network that is gone a while.

        Args:
            problem: What kept the run from going on, in words.
        """
        self._last_words = (True, problem)
        self._closing.set()
        self._thread.join(_CLOSE_PATIENCE_S)

    # -- the link's thread ----------------------------------------------------------------------

    def _main(self) -> None:
        pause = self._interval_s
        deadline: float | None = None
        while True:
            closing = self._closing.wait(pause)
            if closing and deadline is None:
                deadline = time.monotonic() + _CLOSE_PATIENCE_S
            try:
                if self._piece is None:
                    self._begin()
                self._cycle(is_last=closing)
            except (AwsError, OSError) as error:
                self._tell(error)
                pause = min(2 * max(pause, 0.5), _LONGEST_PAUSE_S)
            except Exception:
                logger.exception("the link to those who follow the run goes on after an error")
            else:
                self._troubled = False
                self._on_cycle()
                pause = self._interval_s
                if closing:
                    return
            if deadline is not None:
                if time.monotonic() > deadline:
                    return
                time.sleep(0.5)

    def _tell(self, error: Exception) -> None:
        if not self._troubled:
            self._troubled = True
            logger.warning("those who follow the run can't be reached; it goes on: %s", error)

    def _begin(self) -> None:
        """Learn what the link has of the log, and tell followers where this process goes on."""
        length, before = length_in(self._folder)
        if not self._goes_on:
            for entry in self._folder.entries(ANSWERS):  # nobody waits for them any more
                self._folder.delete(entry.name)
        self.generation = before + 1
        piece = Piece(self.generation, min(length, self._log_length()) if self._goes_on else 0)
        self._folder.put(piece.name, b"")
        self._piece = piece

    def _cycle(self, *, is_last: bool) -> None:
        self._send_log()
        self._send_status()
        self._take_requests()
        if self._waiting and not is_last:
            wait_for_futures(list(self._waiting.values()), _ANSWER_AT_ONCE_S)
            # Whoever is answered finds what was done in the log.
            self._send_log()
            self._send_status()
        self._send_answers(is_last=is_last)

    def _log_length(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _send_log(self) -> None:
        """Send what the log has grown by, into the piece that is growing."""
        assert self._piece is not None
        while True:
            end = self._log_length()
            if end <= self._piece.offset + self._piece_length:
                return
            with self._log.open("rb") as file:
                file.seek(self._piece.offset)
                body = _whole_lines(file)
            if len(body) <= self._piece_length:
                return
            self._folder.put(self._piece.name, body)
            self._piece_length = len(body)
            if self._piece_length < PIECE_BYTES:
                return
            self._piece = Piece(self.generation, self._piece.offset + len(body))
            self._piece_length = 0

    def _send_status(self) -> None:
        assert self._piece is not None
        is_over, problem = self._last_words
        header = read_run_file(Path(self._tuner.tuner_path)) or {}
        length = self._piece.offset + self._piece_length
        now = time.time()
        content = (length, is_over, problem, _without_clocks(header))
        if content == self._sent and now < self._sent_at + HEARTBEAT_S:
            return
        status = Status(
            self.generation,
            now,
            length,
            self._interval_s,
            self._launch,
            is_over,
            problem,
            header,
            self._trial_jobs(),
        )
        self._folder.put(STATUS, status.encode())
        self._sent, self._sent_at = content, now

    def _trial_jobs(self) -> str | None:
        backend = self._tuner.trial_backend
        return backend.job_prefix if isinstance(backend, SageMakerBackend) else None

    # -- requests -------------------------------------------------------------------------------

    def _take_requests(self) -> None:
        for entry in self._folder.entries(INBOX):
            if entry.name in self._taken.values():
                continue  # it is being worked on
            body = self._folder.get(entry.name)
            if body is None:
                continue
            try:
                request = Request.decode(body)
            except ValueError as error:
                logger.warning("a request that can't be read is left out: %s", error)
                self._folder.delete(entry.name)
                continue
            if request.launch not in ("", self._launch):
                logger.info("%s was asked of an earlier launch, and is left out", request.name)
                self._folder.delete(entry.name)
                continue
            self._taken[request.id] = entry.name
            self._waiting[request.id] = self._ask(request)

    def _ask(self, request: Request) -> Future[Any]:
        try:
            session = self._tuner.current_session
            if session is None or not session.is_alive:
                raise CommandRefused("the run is over")
            if request.kind == "query":
                ask = QUERIES.get(request.name)
                if ask is None:
                    raise CommandRefused(f"there is no query {request.name!r}")
                return ask(self._tuner, session, request.args)
            if request.name == "save":
                return session.save()
            return session.submit(
                request.name, request.args, origin=request.origin, command_id=request.id
            )
        except Exception as error:
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    def _send_answers(self, *, is_last: bool) -> None:
        for request_id, future in list(self._waiting.items()):
            if not future.done() and not is_last:
                continue
            error = future.exception() if future.done() else CommandRefused("the run is over")
            result = None if error is not None else to_json(future.result())
            answer = Answer(
                request_id, error is None, result, None if error is None else str(error)
            )
            self._folder.put(Answer.file_name(request_id), answer.encode())
            # Only now: a process that takes over in between carries the request out once more,
            # and the engine knows its id.
            self._folder.delete(self._taken[request_id])
            del self._waiting[request_id], self._taken[request_id]


def _whole_lines(file: BinaryIO) -> bytes:
    """Some lines from where the file stands: a piece in full, and to the end of its last line."""
    body = file.read(PIECE_BYTES)
    if len(body) == PIECE_BYTES and not body.endswith(b"\n"):
        body += file.readline()
    return body[: body.rfind(b"\n") + 1]


def _without_clocks(header: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in header.items() if name not in ("tuner_time", "progress")}


def _log_tail(tuner: Tuner, _: Session, args: dict[str, Any]) -> Future[Any]:
    future: Future[Any] = Future()

    def read() -> None:
        try:
            trial_id, lines = int(args["trial_id"]), int(args.get("lines", 80))
            future.set_result(tuner.trial_backend.log_tail(trial_id, lines))
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=read, name="synetune-lab log tail", daemon=True).start()
    return future


def _preview(_: Tuner, session: Session, args: dict[str, Any]) -> Future[Any]:
    return session.preview_space(args["space"])


QUERIES: dict[str, Ask] = {"log_tail": _log_tail, "preview_space": _preview}
