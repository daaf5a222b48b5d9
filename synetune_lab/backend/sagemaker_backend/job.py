"""The training job of one run of a trial: what is known of it, and what AWS tells of its end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.sagemaker_backend.names import new_token

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.reports import JobReports

__all__ = ["ENDED", "Backoff", "Job", "exit_code_of", "lacks_instances"]

ENDED: Final = frozenset({"Completed", "Failed", "Stopped"})
_EXIT_CODE: Final = re.compile(r"[Ee]xit ?[Cc]ode:? *(\d+)")
_NO_CAPACITY: Final = "CapacityError"


@dataclass(slots=True)
class Backoff:
    """When to try again: after `first` seconds, then ever later up to `longest`."""

    first: float = 1.0
    longest: float = 60.0
    due: float = 0.0
    since: float | None = None
    _wait: float = 0.0

    def failed(self, now: float) -> None:
        """It failed once more."""
        self.since = now if self.since is None else self.since
        self._wait = min(self.longest, max(self.first, 2 * self._wait))
        self.due = now + self._wait

    def succeeded(self) -> None:
        """It works again."""
        self.since, self._wait, self.due = None, 0.0, 0.0


@dataclass(slots=True)
class Job:
    """The training job of one run of a trial.

    Attributes:
        trial_id: The trial.
        run: The run.
        name: Name of the job; changes with `attempt`.
        created: Unix time at which we first tried to start it.
        begin: Given the name, does what has to be done before the request and returns the
            request; None for a job that another process started.
        reports: What it reported.
        exists: Whether AWS has it, as far as we know.
        tried: Whether a request was sent: it may exist even if no answer came.
        stop_wanted: Whether it is to be stopped.
        stop_sent: Whether AWS took in that it is to stop, or refused since it has ended.
        stop_was_refused: Whether it refused: should the job run all the same, it is told again.
        adopted: Whether another process started it.
        status: What AWS told last.
        details: What AWS told of its end; None before.
        ended: Reading of the steady clock when its end was seen.
        error: Why it could not be started, for good.
        first_tried: Reading of the steady clock at the first try.
        last_tried: The same at the last request; None if this process sent none.
        request: Why it is to end: `pause` or `stop`.
        attempt: How many jobs of this run had no instances before this one.
        waits_for_instances: Whether it waits for them now.
        launch_id: Tells it from another job with the same name.
        is_marked: Whether word of that was left for the script.
        is_read: Whether its log was read to the end after it had ended.
        reread_due: When its whole log may be read again, to fill a gap.
        dollars_per_hour: Price of all its instances; None if nobody knows.
        backoff: Of its start.
        stop_backoff: Of its stop.
    """

    trial_id: int
    run: int
    name: str
    created: float
    begin: Callable[[str], dict[str, Any]] | None
    reports: JobReports
    exists: bool = False
    tried: bool = False
    stop_wanted: bool = False
    stop_sent: bool = False
    stop_was_refused: bool = False
    adopted: bool = False
    status: str = ""
    details: Mapping[str, Any] | None = None
    ended: float | None = None
    error: str | None = None
    first_tried: float | None = None
    last_tried: float | None = None
    request: str | None = None
    attempt: int = 0
    waits_for_instances: bool = False
    launch_id: str = field(default_factory=new_token)
    is_marked: bool = False
    is_read: bool = False
    reread_due: float = 0.0
    dollars_per_hour: float | None = None
    backoff: Backoff = field(default_factory=Backoff)
    stop_backoff: Backoff = field(default_factory=Backoff)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is going to run."""
        return self.ended is not None


def exit_code_of(details: Mapping[str, Any] | None) -> int | None:
    """The exit code of a job that has ended, as far as SageMaker tells it."""
    if details is None:
        return None
    if details["TrainingJobStatus"] == "Completed":
        return 0
    match = _EXIT_CODE.search(str(details.get("FailureReason", "")))
    return int(match.group(1)) if match else None


def lacks_instances(details: Mapping[str, Any] | None) -> bool:
    """Whether a job failed because AWS had no instances for it: nothing was trained."""
    return (
        details is not None
        and details.get("TrainingJobStatus") == "Failed"
        and str(details.get("FailureReason", "")).startswith(_NO_CAPACITY)
        and not details.get("TrainingStartTime")
    )
