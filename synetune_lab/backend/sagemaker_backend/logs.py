"""Logs in CloudWatch: the reports of all jobs in one search, or the lines of one job."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.sagemaker_backend.reports import REPORTING_HOST
from synetune_lab.constants import ST_SAGEMAKER_METRIC_TAG

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.reports import JobReports

__all__ = ["LOG_GROUP", "LogReader", "check_logs", "read_streams"]

LOG_GROUP: Final = "/aws/sagemaker/TrainingJobs"
_FILTER: Final = f'"[{ST_SAGEMAKER_METRIC_TAG}]"'
_FEW_JOBS: Final = 3


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

    def read_new(self, since: float, find: Callable[[str], JobReports | None]) -> None:
        """Read what came since the last call, with one search however many jobs there are.

        Args:
            since: Unix time before which no job of interest began.
            find: The reports of a job, by its name.
        """
        start = int(since * 1000)
        if self._newest is not None:
            start = max(start, self._newest - self._overlap_ms)
        self._search(f"{self._prefix}-", start, find)

    def read_whole(
        self, begun: dict[str, float], find: Callable[[str], JobReports | None]
    ) -> list[str]:
        """Read the logs of jobs from their begin: of a few one by one, of many in one search.

        Args:
            begun: For each job, the Unix time before which it has no log.
            find: The reports of a job, by its name.

        Returns:
            The jobs that were read. AWS may be too busy for the others.

        Raises:
            AwsError: If logs can't be read, for another reason.
        """
        searches = {f"{name}/": [name] for name in begun}
        if len(begun) > _FEW_JOBS:
            searches = {f"{self._prefix}-": list(begun)}
        read: list[str] = []
        for streams, names in searches.items():
            try:
                self._search(streams, int(1000 * min(begun[name] for name in names)), find)
            except AwsError as error:
                if error.trouble != "throttled":
                    raise
                break
            read += names
        return read

    def _search(self, streams: str, start: int, find: Callable[[str], JobReports | None]) -> None:
        newest = self._newest or 0
        # Nothing of a search that an error ended: attempts at a job are told apart by what came.
        for event in list(_events(self._aws, streams, start)):
            newest = max(newest, event["timestamp"])
            reports = find(event["logStreamName"].partition("/")[0])
            if reports is not None:
                reports.add(event["logStreamName"], event["timestamp"], event["message"])
        self._newest = newest or None


def check_logs(aws: Aws, prefix: str) -> None:
    """Look whether the logs of jobs may be searched, which is how reports are learned of.

    Raises:
        AwsError: If not.
    """
    arguments = {"logGroupName": LOG_GROUP, "logStreamNamePrefix": f"{prefix}-", "limit": 1}
    try:
        aws.call("logs", "filter_log_events", **arguments)
    except AwsError as error:
        if error.trouble != "missing":  # no job of the account has written a log yet
            raise


def _events(aws: Aws, streams: str, start: int) -> Iterator[dict[str, Any]]:
    arguments: dict[str, Any] = {
        "logGroupName": LOG_GROUP,
        "logStreamNamePrefix": streams,
        "filterPattern": _FILTER,
        "startTime": max(0, start),
    }
    call = aws.call_once
    while True:
        try:
            page = call("logs", "filter_log_events", **arguments)
        except AwsError as error:
            if error.trouble == "missing":  # no job of the account has written a log yet
                return
            raise
        yield from page.get("events", [])
        if not page.get("nextToken"):
            return
        arguments["nextToken"] = page["nextToken"]
        # A long search that AWS is too busy for in the middle would begin anew.
        call = aws.call


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
    own = re.compile(rf"{re.escape(name)}{attempts}/{REPORTING_HOST}-(.*)")
    arguments = {
        "logGroupName": LOG_GROUP,
        "logStreamNamePrefix": name if with_attempts else f"{name}/{REPORTING_HOST}-",
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
