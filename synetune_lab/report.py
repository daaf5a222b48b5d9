"""What a training script needs: report metrics, and learn that it is about to be paused or stopped.

Every trial imports this module, so it loads nothing but a few light modules of the standard
library. A report is one line on standard output, `[tune-metric]: ` and a JSON object:

    [tune-metric]: {"epoch": 1, "loss": 0.5, "st_worker_timestamp": 1.7e9, "st_worker_time": 2.1,
    "st_worker_iter": 0}
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from synetune_lab.constants import (
    RESERVED_METRIC_PREFIX,
    SM_INSTANCE_COUNT_ENV,
    SM_INSTANCE_TYPE_ENV,
    ST_SAGEMAKER_METRIC_TAG,
    ST_WORKER_COST,
    ST_WORKER_ITER,
    ST_WORKER_TIME,
    ST_WORKER_TIMESTAMP,
)
from synetune_lab.errors import InvalidReportError

__all__ = ["Reporter", "parse_report", "retrieve", "stop_requested"]

REPORT_TAG: Final = f"[{ST_SAGEMAKER_METRIC_TAG}]:"
"""What stands before the JSON object in a line that is a report."""
TRIAL_FOLDER_ENV: Final = "ST_TRIAL_FOLDER"
"""Environment variable that tells a local trial its folder, where requests are left as files."""
DOLLARS_PER_HOUR_ENV: Final = "SM_HP_ST_DOLLARS_PER_HOUR"
"""Environment variable by which a backend tells a trial the price of one instance."""
REQUESTS: Final = ("stop", "pause")
"""Names of the files that ask a trial to end; a stop outweighs a pause."""

_DECODER: Final = json.JSONDecoder()

# Called after the first report of a process: a started worker learns here what was imported.
after_first_report: list[Callable[[], object]] = []


def _plain(value: Any) -> Any:
    """The Python number in a numpy or tensor scalar, for `json.dumps`."""
    item = getattr(value, "item", None)
    if callable(item):
        return item()
    raise TypeError(f"{type(value).__name__} is not a JSON value")


class Reporter:
    """Reports the metrics of a trial to the tuner.

    Each call prints one line and flushes it. Added to the metrics are `st_worker_timestamp`
    (seconds since the epoch) and `st_worker_iter` (0, 1, 2, ...).

    Example:
        >>> report = Reporter()
        >>> report(epoch=1, accuracy=0.9)  # doctest: +SKIP

    Args:
        add_time: Also add `st_worker_time`, the seconds since the reporter was made.
        add_cost: Also add `st_worker_cost`, US dollars so far, where the environment tells the
            instance type, its count and its price (cloud backends). Needs `add_time`.
    """

    def __init__(self, add_time: bool = True, add_cost: bool = True) -> None:
        self.add_time = add_time
        self.add_cost = add_cost
        self.start = time.perf_counter()
        self.iter = 0
        self._dollars_per_second = _dollars_per_second() if add_time and add_cost else None

    def __call__(self, **kwargs: Any) -> None:
        """Report metrics.

        Args:
            **kwargs: Names and values. A value is anything that JSON can hold but None; scalars of
                numpy and of tensor libraries are turned into numbers. NaN and infinities are
                allowed.

        Raises:
            InvalidReportError: If a name begins with `st_`, or a value is None or not JSON.
        """
        for name, value in kwargs.items():
            if name.startswith(RESERVED_METRIC_PREFIX):
                raise InvalidReportError(
                    f"metric {name!r}: names that begin with {RESERVED_METRIC_PREFIX!r} are "
                    "reserved for entries that the reporter adds; choose another name"
                )
            if value is None:
                raise InvalidReportError(
                    f"metric {name!r} is None; report a number (float('nan') is allowed) or leave "
                    "the metric out"
                )
        kwargs[ST_WORKER_TIMESTAMP] = time.time()
        if self.add_time:
            elapsed = time.perf_counter() - self.start
            kwargs[ST_WORKER_TIME] = elapsed
            if self._dollars_per_second is not None:
                kwargs[ST_WORKER_COST] = elapsed * self._dollars_per_second
        kwargs[ST_WORKER_ITER] = self.iter
        line = f"{REPORT_TAG} {_to_json(kwargs)}\n"
        self.iter += 1
        # One call, so that the lines of several threads don't run into each other.
        sys.stdout.write(line)
        sys.stdout.flush()
        while after_first_report:
            after_first_report.pop()()

    def stop_requested(self) -> str | None:
        """Whether the trial is about to be ended; see `synetune_lab.report.stop_requested`."""
        return stop_requested()


def _to_json(metrics: Mapping[str, Any]) -> str:
    try:
        return json.dumps(metrics, default=_plain)
    except (TypeError, ValueError, RecursionError):
        for name, value in metrics.items():
            try:
                json.dumps(value, default=_plain)
            except (TypeError, ValueError, RecursionError) as error:
                raise InvalidReportError(
                    f"metric {name!r} has the value {value!r:.100}, which JSON cannot hold "
                    f"({error}); report numbers, strings, or lists and dictionaries of them"
                ) from error
        raise


def _dollars_per_second() -> float | None:
    if SM_INSTANCE_TYPE_ENV not in os.environ:
        return None
    try:
        count = int(os.environ[SM_INSTANCE_COUNT_ENV])
        return count * float(os.environ[DOLLARS_PER_HOUR_ENV]) / 3600
    except (KeyError, ValueError):
        return None


class _StopRequest:
    """What this process knows of a request to end: the state behind `stop_requested`."""

    listening = False
    signalled = False
    previous: Any = None
    told: str | None = None

    def listen(self) -> None:
        """Take over SIGTERM, so that the process survives it to write its checkpoint."""
        self.listening = True
        import signal

        try:
            self.previous = signal.signal(signal.SIGTERM, self.on_signal)
        except ValueError:  # not the main thread, which alone may set handlers
            self.listening = False

    def on_signal(self, number: int, frame: Any) -> None:
        self.signalled = True
        if callable(self.previous):
            self.previous(number, frame)


_stop_request = _StopRequest()


def stop_requested() -> str | None:
    """Whether the tuner has asked this trial to end.

    A trial that is to end gets SIGTERM, which ends a script that knows nothing of it at once. The
    first call of this function, from the main thread, changes that: the script goes on, finds here
    that it is asked to end, writes its checkpoint and exits. It has the backend's
    `grace_period_s` for it. Ask often, and for the first time right after the first report, or
    before.

    Returns:
        None as long as the trial may go on; `"pause"` if it will be resumed from its checkpoint;
        `"stop"` if it won't.
    """
    is_first = not _stop_request.listening
    if is_first:
        _stop_request.listen()
    elif not _stop_request.signalled and os.name == "posix":
        return None
    folder = os.environ.get(TRIAL_FOLDER_ENV)
    if folder is not None:
        for name in REQUESTS:
            if os.path.exists(os.path.join(folder, name)):  # noqa: PTH110, PTH118 - pathlib is slow to load
                return name
    if not _stop_request.signalled:
        return None
    if _stop_request.told is None:
        from synetune_lab.utils.remote_request import read_request

        # Where no backend left word, somebody else wants the process to end.
        _stop_request.told = read_request() or "stop"
    return _stop_request.told


def parse_report(line: str) -> dict[str, Any] | None:
    """The metrics in one line of a log; None if it is not a report, or a broken one.

    Other output may stand before the tag (a progress bar) and after the JSON object.
    """
    start = line.find(REPORT_TAG)
    while start >= 0:
        start += len(REPORT_TAG)
        while start < len(line) and line[start] in " \t":
            start += 1
        try:
            value, _ = _DECODER.raw_decode(line, start)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return value
        start = line.find(REPORT_TAG, start)
    return None


def retrieve(log_lines: Iterable[str]) -> list[dict[str, Any]]:
    """The reports among the lines of a log, in their order; broken ones are left out."""
    reports = (parse_report(line) for line in log_lines)
    return [report for report in reports if report is not None]
