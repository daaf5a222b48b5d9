"""One run of a trial: its process, its log, and what it was asked for."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.local.log_tail import STEP_BYTES, ReportTail

if TYPE_CHECKING:
    from synetune_lab.backend.local.folder import Request, TrialFolder
    from synetune_lab.backend.local.identity import ProcessHandle
    from synetune_lab.backend.local.log_cap import LogCap

__all__ = ["TrialRun"]

logger = logging.getLogger(__name__)

FLOOD_PAUSE_S = 0.01
"""A log that gave a full step is left alone for so long."""
FLOOD_BACKLOG_BYTES = 64 * STEP_BYTES
"""Unless so much is waiting in it."""


@dataclass(eq=False)
class TrialRun:
    """State of a run from its start until its end was told.

    Attributes:
        trial_id: The trial.
        run: Its number.
        folder: Its files.
        process: Leader of its session; None if nobody knows it any more.
        tail: Reader of its reports.
        request: What it was asked for.
        found_request: Whether the request is of an earlier tuner, found in the trial's folder.
        signal_at: When it is sent the signal that asks it to end (monotonic seconds).
        kill_at: When its grace is over (monotonic seconds).
        has_ended: Whether its process is gone.
        read_after: Not to be read before (monotonic seconds), for it floods its log.
    """

    trial_id: int
    run: int
    folder: TrialFolder
    process: ProcessHandle | None
    tail: ReportTail
    cap: LogCap
    request: Request | None = None
    found_request: bool = False
    signal_at: float | None = None
    kill_at: float | None = None
    has_ended: bool = False
    read_after: float = 0.0
    _finished: bool = field(default=False, repr=False)
    _warned: bool = field(default=False, repr=False)

    def next_report(self, now: float) -> dict[str, Any] | None:
        """The next report, read from the log if need be; None if there is none now."""
        if not self.tail.pending and now >= self.read_after:
            self._read(now)
        return self.tail.take()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be done until something changes."""
        return not self.tail.pending and self.read_after == 0.0

    @property
    def is_over(self) -> bool:
        """Whether the process is gone and each of its reports was taken."""
        return self.has_ended and self._finished and not self.tail.pending

    def _read(self, now: float) -> None:
        full = self.tail.read() >= STEP_BYTES
        self.read_after = 0.0
        if full:
            backlog = self.tail.size - self.tail.offset
            hurry = self.has_ended or backlog > FLOOD_BACKLOG_BYTES
            self.read_after = now if hurry else now + FLOOD_PAUSE_S
            self.cap.limit(self.folder.stdout, self.tail.offset)
        elif self.has_ended and not self.tail.pending:
            self.tail.finish()
            self._finished = True
        if self.tail.bad_lines and not self._warned:
            self._warned = True
            logger.warning(
                "Trial %d wrote a line that looks like a report but is none, and is ignored (as "
                "are others like it): %r",
                self.trial_id,
                self.tail.first_bad,
            )

    def limit_logs(self) -> None:
        """Free what the logs hold beyond their limit."""
        self.cap.limit(self.folder.stdout, self.tail.offset)
        self.cap.limit(self.folder.stderr, None)

    def close(self) -> None:
        """Let go of the log. What was counted is told."""
        self.tail.close()
        if self.tail.bad_lines > 1:
            logger.info("Trial %d wrote %d broken reports", self.trial_id, self.tail.bad_lines)
