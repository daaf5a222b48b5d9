"""The training jobs of an experiment: started, watched and stopped, whatever AWS answers.

No method waits. What AWS can't do now (throttling, no free instances, no network, credentials that
have expired) is tried again at a later cycle.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.sagemaker_backend.names import new_token

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.logs import JobReports

__all__ = ["Backoff", "Job", "JobBoard", "exit_code_of", "find_running"]

logger = logging.getLogger(__name__)

ENDED: Final = frozenset({"Completed", "Failed", "Stopped"})
_PAGE: Final = 100
_LAUNCH_ENV: Final = "ST_LAUNCH_ID"
_EXIT_CODE: Final = re.compile(r"[Ee]xit ?[Cc]ode:? *(\d+)")
_VISIBLE_AFTER_S: Final = 120.0


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
        name: Name of the job.
        created: Unix time at which we first tried to start it.
        begin: Does what has to be done before the request (copies a checkpoint) and returns the
            request; None for a job that another process started.
        reports: What it reported.
        exists: Whether AWS has it, as far as we know.
        tried: Whether a request was sent: it may exist even if no answer came.
        stop_wanted: Whether it is to be stopped.
        stop_sent: Whether AWS took in that it is to stop.
        adopted: Whether another process started it.
        status: What AWS told last.
        details: What AWS told of its end; None before.
        ended: Reading of the steady clock when its end was seen.
        error: Why it could not be started, for good.
        first_tried: Reading of the steady clock at the first try.
        request: Why it is to end: `pause` or `stop`.
        launch_id: Tells it from another job with the same name.
        is_marked: Whether word of that was left for the script.
        is_read: Whether its log was read to the end after it had ended.
        reread_due: When its whole log may be read again, to fill a gap.
        dollars_per_hour: Price of all its instances; None if nobody knows.
        backoff: Of its start and its stop.
    """

    trial_id: int
    run: int
    name: str
    created: float
    begin: Callable[[], dict[str, Any]] | None
    reports: JobReports
    exists: bool = False
    tried: bool = False
    stop_wanted: bool = False
    stop_sent: bool = False
    adopted: bool = False
    status: str = ""
    details: Mapping[str, Any] | None = None
    ended: float | None = None
    error: str | None = None
    first_tried: float | None = None
    request: str | None = None
    launch_id: str = field(default_factory=new_token)
    is_marked: bool = False
    is_read: bool = False
    reread_due: float = 0.0
    dollars_per_hour: float | None = None
    backoff: Backoff = field(default_factory=Backoff)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is going to run."""
        return self.ended is not None


class JobBoard:
    """All jobs in progress.

    Args:
        aws: The account.
        prefix: What the names of the jobs begin with.
        retry_s: Shortest and longest wait before a call is tried again.
        limit_retry_s: The same, where instances are lacking.
        limit_patience_s: How long a job waits for instances before its trial fails.

    Attributes:
        before_stop: Called before a job is told to stop.
    """

    def __init__(
        self,
        aws: Aws,
        prefix: str,
        retry_s: tuple[float, float],
        limit_retry_s: tuple[float, float],
        limit_patience_s: float,
    ) -> None:
        self._aws = aws
        self._prefix = prefix
        self._retry_s, self._limit_retry_s = retry_s, limit_retry_s
        self._limit_patience_s = limit_patience_s
        self._jobs: dict[int, Job] = {}
        self.before_stop: Callable[[Job], None] = lambda _: None

    def __len__(self) -> int:
        return len(self._jobs)

    def all(self) -> list[Job]:
        """The jobs, in the order of their start."""
        return list(self._jobs.values())

    def get(self, trial_id: int) -> Job | None:
        """The job of a trial, None if it has none in progress."""
        return self._jobs.get(trial_id)

    def add(self, job: Job) -> None:
        """Take in a job."""
        self._jobs[job.trial_id] = job

    def remove(self, job: Job) -> None:
        """The job is over and done with: those that wait for instances may try at once."""
        self._jobs.pop(job.trial_id, None)
        for other in self._jobs.values():
            if not other.exists:
                other.backoff.due = 0.0

    # Starting.

    def start_due(self, now: float) -> None:
        """Start jobs that wait, if it is time to try."""
        for job in self.all():
            if (
                not job.exists
                and not job.stop_wanted
                and not job.is_over
                and now >= job.backoff.due
            ):
                self.start(job, now)

    def start(self, job: Job, now: float) -> None:
        """Try to start a job; `error` tells if it never will be."""
        assert job.begin is not None
        if job.first_tried is None:
            job.first_tried = now
        tried_before = job.tried
        try:
            request = job.begin()
            request["Environment"][_LAUNCH_ENV] = job.launch_id
            job.tried = True
            self._aws.call("sagemaker", "create_training_job", **request)
        except AwsError as error:
            if _says_name_is_taken(error):
                self._claim(job, now)
                return
            if error.trouble != "network":
                job.tried = tried_before  # AWS said no
            self._note_failed_start(job, error, now)
            return
        job.exists, job.status = True, "InProgress"
        job.backoff.succeeded()

    def _claim(self, job: Job, now: float) -> None:
        """The name is taken: by this job, if an answer of ours got lost."""
        try:
            details = self._aws.call("sagemaker", "describe_training_job", TrainingJobName=job.name)
        except AwsError as error:
            job.exists = error.trouble == "missing"  # it is ours to be seen a little later
            if not job.exists:
                self._note_failed_start(job, error, now)
            return
        if details.get("Environment", {}).get(_LAUNCH_ENV) == job.launch_id:
            job.exists = True
            return
        job.tried = False
        job.error = (
            f"SageMaker has a job {job.name!r} already, which is not of this run; "
            "give the tuner another name"
        )
        job.ended = now

    def _note_failed_start(self, job: Job, error: AwsError, now: float) -> None:
        is_limit = error.trouble == "limit"
        waited = now - (job.first_tried if job.first_tried is not None else now)
        if not error.passes or (is_limit and waited >= self._limit_patience_s):
            job.error = str(error)
            job.ended = now
            return
        first, longest = self._limit_retry_s if is_limit else self._retry_s
        job.backoff.first, job.backoff.longest = first, longest
        if job.backoff.since is None:
            logger.warning("Job %s waits to be started: %s", job.name, error)
        job.backoff.failed(now)

    # Stopping.

    def stop_due(self, now: float) -> None:
        """Stop the jobs that are to be stopped, if it is time to try."""
        for job in self.all():
            if job.stop_wanted and not job.stop_sent and not job.is_over and now >= job.backoff.due:
                self.stop(job, now)

    def stop(self, job: Job, now: float) -> None:
        """Try to stop a job."""
        job.stop_wanted = True
        if job.is_over or job.stop_sent:
            return
        if not job.exists and not job.tried:
            job.ended = now
            return
        if not job.is_marked:
            self.before_stop(job)
            job.is_marked = True
        try:
            self._aws.call("sagemaker", "stop_training_job", TrainingJobName=job.name)
        except AwsError as error:
            if error.trouble == "missing" and not job.exists:
                job.ended = now  # no request of ours came through
            elif error.trouble in ("refused", "missing"):
                job.stop_sent = True  # it has ended, which the next look tells
            else:
                if job.backoff.since is None:
                    logger.warning("Job %s could not be stopped yet: %s", job.name, error)
                job.backoff.first, job.backoff.longest = self._retry_s
                job.backoff.failed(now)
            return
        job.exists = job.stop_sent = True
        job.backoff.succeeded()

    # Watching.

    def look(self, now: float) -> None:
        """Learn how the jobs are.

        One list tells those that run, another those that stop; the rest is looked at one by one.
        """
        open_jobs = {job.name: job for job in self.all() if job.exists and not job.is_over}
        if not open_jobs:
            return
        seen = self._list("InProgress", open_jobs)
        stopping = [job for job in open_jobs.values() if job.stop_sent or job.status == "Stopping"]
        if any(job.name not in seen for job in stopping):
            seen |= self._list("Stopping", open_jobs)
        for name, job in open_jobs.items():
            if name not in seen:
                self.look_closely(job, now)

    def _list(self, status: str, wanted: Mapping[str, Job]) -> set[str]:
        seen: set[str] = set()
        for name in find_running(self._aws, self._prefix, status, until=set(wanted)):
            if name in wanted:
                wanted[name].status = status
                seen.add(name)
        return seen

    def look_closely(self, job: Job, now: float) -> None:
        """Ask for one job."""
        try:
            details = self._aws.call("sagemaker", "describe_training_job", TrainingJobName=job.name)
        except AwsError as error:
            if error.trouble != "missing":
                raise
            # AWS may take a moment to know what it was asked for.
            if job.first_tried is None or now - job.first_tried > _VISIBLE_AFTER_S:
                job.exists, job.ended = False, now
            return
        job.exists = True
        job.status = str(details["TrainingJobStatus"])
        if job.status in ENDED:
            job.details, job.ended = details, now


def find_running(
    aws: Aws, prefix: str, status: str, until: set[str] | None = None
) -> Iterable[str]:
    """Names of an experiment's jobs that have a status.

    Args:
        aws: The account.
        prefix: What their names begin with.
        status: For example `InProgress`.
        until: Stop as soon as all these were found.
    """
    missing = None if until is None else set(until)
    token: dict[str, str] = {}
    while True:
        page = aws.call(
            "sagemaker",
            "list_training_jobs",
            NameContains=f"{prefix}-",
            StatusEquals=status,
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=_PAGE,
            **token,
        )
        for summary in page.get("TrainingJobSummaries", []):
            name = str(summary["TrainingJobName"])
            if missing is not None:
                missing.discard(name)
            if name.startswith(f"{prefix}-"):
                yield name
        if not page.get("NextToken") or missing == set():
            return
        token = {"NextToken": page["NextToken"]}


def _says_name_is_taken(error: AwsError) -> bool:
    return error.code == "ResourceInUse" or "already exists" in str(error)


def exit_code_of(details: Mapping[str, Any] | None) -> int | None:
    """The exit code of a job that has ended, as far as SageMaker tells it."""
    if details is None:
        return None
    if details["TrainingJobStatus"] == "Completed":
        return 0
    match = _EXIT_CODE.search(str(details.get("FailureReason", "")))
    return int(match.group(1)) if match else None
