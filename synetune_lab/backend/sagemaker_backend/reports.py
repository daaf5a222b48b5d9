"""The reports of one job, in order and each once, however its log delivers them.

A report carries its number (`st_worker_iter`) and its time, so that a missing one shows as a gap:
what lies behind it is held back until it comes, or until nobody can expect it any more. After a
spot instance was taken away, the job goes on from its checkpoint, and repeats what came after it.
"""

from __future__ import annotations

from typing import Any, Final

from synetune_lab.backend.repeats import RepeatFilter
from synetune_lab.backend.sagemaker_backend.progress import Progress
from synetune_lab.constants import ST_WORKER_ITER, ST_WORKER_TIMESTAMP
from synetune_lab.report import parse_report

__all__ = ["REPORTING_HOST", "JobReports"]

REPORTING_HOST: Final = "algo-1"
"""Of several instances of a job, the first one reports."""
_JOB: Final = 0  # the one that the filter of repeats knows

_Key = tuple[int, float, int, int]


class JobReports:
    """The reports of one job.

    Args:
        delivered: What was delivered before, by an earlier process; see `take`.
        patience_s: How long what lies behind a gap is held back, in seconds.
        resource_attr: The metric that counts how far the trial has come; None to find out.
    """

    def __init__(
        self, delivered: int = 0, patience_s: float = 60.0, resource_attr: str | None = None
    ) -> None:
        self._progress = Progress(delivered)
        self._patience_s = patience_s
        self._repeats = RepeatFilter(resource_attr)
        self._repeats.begin(_JOB)
        self._attempt: int | None = None
        self._known: set[int] = set()
        self._waiting: list[tuple[_Key, dict[str, Any]]] = []
        self._held_since: float | None = None

    @property
    def has_gap(self) -> bool:
        """Whether reports are held back because one before them is missing."""
        return self._held_since is not None

    def add(self, stream: str, timestamp: int, message: str) -> None:
        """Take in an event of the job's log, unless it is known.

        Args:
            stream: Its stream, `{job}/algo-1-{start}`.
            timestamp: Its time in milliseconds.
            message: Its text.
        """
        host, _, start = stream.rpartition("/")[2].rpartition("-")
        if host != REPORTING_HOST:
            return
        for line in message.splitlines():
            report = parse_report(line)
            if report is None:
                continue
            attempt = int(start) if start.isdigit() else 0
            number = report.get(ST_WORKER_ITER)
            made = report.get(ST_WORKER_TIMESTAMP)
            # One without a time of its own is known by that of its event.
            identity = hash((attempt, line.strip(), None if made is not None else timestamp))
            if identity in self._known:
                continue
            self._known.add(identity)
            seconds = float(made) if isinstance(made, (int, float)) else timestamp / 1000
            key = (attempt, seconds, number if isinstance(number, int) else -1, len(self._known))
            self._waiting.append((key, report))

    def take(self, now: float, *, final: bool = False) -> list[tuple[dict[str, Any], int]]:
        """Reports whose turn it is, in order.

        Args:
            now: Seconds of a steady clock.
            final: Nothing is going to come: don't hold back any.

        Returns:
            Each report, and what is to be given as `delivered` once it was delivered.
        """
        self._waiting.sort(key=_key_of)
        ready: list[tuple[dict[str, Any], int]] = []
        taken = 0
        for key, report in self._waiting:
            attempt, number = key[0], key[2] if key[2] >= 0 else None
            if not self._progress.is_next(attempt, number) and not final:
                if self._held_since is None:
                    self._held_since = now
                if now - self._held_since < self._patience_s:
                    break
            self._held_since = None
            taken += 1
            is_repeat = self._is_repeat(attempt, number, report)
            was_delivered = self._progress.take(attempt, number)
            if not (is_repeat or was_delivered):
                ready.append((report, self._progress.encode()))
        del self._waiting[:taken]
        if not self._waiting:
            self._held_since = None
        return ready

    def _is_repeat(self, attempt: int, number: int | None, report: dict[str, Any]) -> bool:
        """Whether an earlier attempt reported the same; also asked for what was delivered."""
        if self._progress.is_late(attempt, number):
            # Nobody reported it, unless this attempt has not come as far as the one before.
            return attempt == self._attempt and self._repeats.is_behind(_JOB)
        if self._attempt is None or attempt == self._attempt:
            self._attempt = attempt
            return self._repeats.is_repeat(_JOB, report)
        self._go_back()
        is_repeat = self._repeats.is_repeat(_JOB, report)
        if attempt < self._attempt:  # the last words of an attempt, late
            self._go_back()
        self._attempt = max(attempt, self._attempt)
        return is_repeat

    def _go_back(self) -> None:
        """An attempt begins at a checkpoint."""
        self._repeats.lose(_JOB)
        self._repeats.begin(_JOB)


def _key_of(item: tuple[_Key, dict[str, Any]]) -> _Key:
    return item[0]
