"""Reports out of CloudWatch logs: all jobs in one search, in order, each once, none lost.

Events of a log come late, twice and out of order. A report carries its number (`st_worker_iter`)
and its time, so that a missing one shows as a gap: what lies behind it is held back until it comes,
or until nobody can expect it any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.constants import (
    ST_SAGEMAKER_METRIC_TAG,
    ST_WORKER_ITER,
    ST_WORKER_TIMESTAMP,
)
from synetune_lab.report import parse_report

__all__ = ["LOG_GROUP", "JobReports", "LogReader", "read_streams"]

LOG_GROUP: Final = "/aws/sagemaker/TrainingJobs"
_FILTER: Final = f'"[{ST_SAGEMAKER_METRIC_TAG}]"'
# Of several instances of a job, the first one reports.
_REPORTING_HOST: Final = "algo-1"

_Key = tuple[int, float, int, int]


class JobReports:
    """The reports of one job.

    Args:
        skip: So many were delivered before, by an earlier process.
        patience_s: How long what lies behind a gap is held back, in seconds.
    """

    def __init__(self, skip: int = 0, patience_s: float = 60.0) -> None:
        self._skip = skip
        self._patience_s = patience_s
        self._known: set[int] = set()
        self._waiting: list[tuple[_Key, dict[str, Any]]] = []
        self._last: tuple[int, int | None] | None = None
        self._held_since: float | None = None

    @property
    def has_gap(self) -> bool:
        """Whether reports are held back because one before them is missing."""
        return self._held_since is not None

    def add(self, stream: str, timestamp: int, message: str) -> bool:
        """Take in an event of the job's log; returns whether it is a report not known yet.

        Args:
            stream: Its stream, `{job}/algo-1-{start}`.
            timestamp: Its time in milliseconds.
            message: Its text.
        """
        host, _, start = stream.rpartition("/")[2].rpartition("-")
        if host != _REPORTING_HOST:
            return False
        is_new = False
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
            is_new = True
        return is_new

    def take(self, now: float, *, final: bool = False) -> list[dict[str, Any]]:
        """Reports whose turn it is, in order.

        Args:
            now: Seconds of a steady clock.
            final: Nothing is going to come: don't hold back any.
        """
        self._waiting.sort(key=_key_of)
        ready: list[dict[str, Any]] = []
        taken = 0
        for key, report in self._waiting:
            if not self._in_turn(key) and not final:
                if self._held_since is None:
                    self._held_since = now
                if now - self._held_since < self._patience_s:
                    break
            self._held_since = None
            taken += 1
            self._last = (key[0], key[2] if key[2] >= 0 else None)
            if self._skip > 0:
                self._skip -= 1
            else:
                ready.append(report)
        del self._waiting[:taken]
        if not self._waiting:
            self._held_since = None
        return ready

    def _in_turn(self, key: _Key) -> bool:
        number = key[2]
        if number <= 0:  # not numbered, or the first of a reporter
            return True
        if self._last is None or self._last[0] != key[0] or self._last[1] is None:
            return False
        return number <= self._last[1] + 1


def _key_of(item: tuple[_Key, dict[str, Any]]) -> _Key:
    return item[0]


class LogReader:
    """Reads what is new in the logs of all jobs of an experiment.

    Args:
        aws: The account.
        prefix: What the names of its jobs begin with.
        overlap_s: How late an event may come to be found by the next search. What comes later is
            found when its job has ended, or when it leaves a gap.
    """

    def __init__(self, aws: Aws, prefix: str, overlap_s: float = 60.0) -> None:
        self._aws = aws
        self._prefix = prefix
        self._overlap_ms = int(overlap_s * 1000)
        self._newest: int | None = None

    def read_new(self, since: float, find: Callable[[str], JobReports | None]) -> bool:
        """Read what came since the last call, with one search however many jobs there are.

        Args:
            since: Unix time before which no job of interest began.
            find: The reports of a job, by its name.

        Returns:
            Whether there was anything.
        """
        start = int(since * 1000)
        if self._newest is not None:
            start = max(start, self._newest - self._overlap_ms)
        return self._search(f"{self._prefix}-", start, find)

    def read_job(self, name: str, since: float, reports: JobReports) -> bool:
        """Read the whole log of one job, from Unix time `since`."""
        return self._search(f"{name}/", int(since * 1000), lambda _: reports)

    def _search(self, streams: str, start: int, find: Callable[[str], JobReports | None]) -> bool:
        found = False
        newest = self._newest or 0
        for event in _events(self._aws, streams, start):
            newest = max(newest, event["timestamp"])
            reports = find(event["logStreamName"].partition("/")[0])
            if reports is not None:
                args = event["logStreamName"], event["timestamp"], event["message"]
                found = reports.add(*args) or found
        # Only once all pages were read: what an error hid is read again.
        self._newest = newest or None
        return found


def _events(aws: Aws, streams: str, start: int) -> Iterator[dict[str, Any]]:
    arguments: dict[str, Any] = {
        "logGroupName": LOG_GROUP,
        "logStreamNamePrefix": streams,
        "filterPattern": _FILTER,
        "startTime": max(0, start),
    }
    while True:
        try:
            page = aws.call_once("logs", "filter_log_events", **arguments)
        except AwsError as error:
            if error.trouble == "missing":  # no job of the account has written a log yet
                return
            raise
        yield from page.get("events", [])
        if not page.get("nextToken"):
            return
        arguments["nextToken"] = page["nextToken"]


def read_streams(
    aws: Aws, names: Iterable[str], lines: int | None = None, *, with_attempts: bool = False
) -> list[str]:
    """The log of jobs, of their first instance, oldest line first, without line breaks.

    Args:
        aws: The account.
        names: The jobs, in the order of their start.
        lines: So many of the last lines; None for all.
        with_attempts: Read that of further attempts at a job too, see `names.attempt_name`.
    """
    found: list[str] = []
    for name in reversed(list(names)):
        for stream in reversed(_streams_of(aws, name, with_attempts=with_attempts)):
            missing = None if lines is None else lines - len(found)
            if missing is not None and missing <= 0:
                return found
            found = _read_stream(aws, stream, missing) + found
    return found


def _streams_of(aws: Aws, name: str, *, with_attempts: bool) -> list[str]:
    attempts = r"(-\d+)?" if with_attempts else ""
    own = re.compile(rf"{re.escape(name)}{attempts}/{_REPORTING_HOST}-(.*)")
    arguments = {
        "logGroupName": LOG_GROUP,
        "logStreamNamePrefix": name if with_attempts else f"{name}/{_REPORTING_HOST}-",
    }
    found: list[tuple[str, str]] = []
    while True:
        try:
            page = aws.call("logs", "describe_log_streams", **arguments)
        except AwsError as error:
            if error.trouble == "missing":
                return []
            raise
        for stream in page.get("logStreams", []):
            if match := own.fullmatch(stream["logStreamName"]):
                # By the time of their start.
                found.append((match.group(match.re.groups), stream["logStreamName"]))
        if not page.get("nextToken"):
            return [stream for _, stream in sorted(found)]
        arguments["nextToken"] = page["nextToken"]


def _read_stream(aws: Aws, stream: str, lines: int | None) -> list[str]:
    arguments: dict[str, Any] = {"logGroupName": LOG_GROUP, "logStreamName": stream}
    if lines is not None:
        answer = aws.call("logs", "get_log_events", limit=min(lines, 10000), **arguments)
        return _lines_of(answer)[-lines:]
    found: list[str] = []
    arguments["startFromHead"] = True
    while True:
        answer = aws.call("logs", "get_log_events", **arguments)
        found += _lines_of(answer)
        token = answer.get("nextForwardToken")
        if not answer.get("events") or token == arguments.get("nextToken"):
            return found
        arguments["nextToken"] = token


def _lines_of(answer: dict[str, Any]) -> list[str]:
    return [line for event in answer.get("events", []) for line in event["message"].splitlines()]
