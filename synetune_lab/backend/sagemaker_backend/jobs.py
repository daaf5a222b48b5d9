"""The training jobs of an experiment: started, watched and stopped, whatever AWS answers.

No method waits. What AWS can't do now (throttling, no free instances, no network, credentials that
have expired) is tried again at a later cycle.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.sagemaker_backend.job import ENDED, Job, lacks_instances
from synetune_lab.backend.sagemaker_backend.names import attempt_name
from synetune_lab.backend.sagemaker_backend.reports import JobReports
from synetune_lab.errors import BackendError

__all__ = ["JobBoard", "find_jobs"]

logger = logging.getLogger(__name__)

_PAGE: Final = 100
_LAUNCH_ENV: Final = "ST_LAUNCH_ID"
_VISIBLE_AFTER_S: Final = 120.0
# The request did not leave this machine.
_NEVER_SENT: Final = frozenset({"EndpointConnectionError", "ConnectTimeoutError"})
# Whatever is asked next would meet the same.
_UNREACHABLE: Final = frozenset({"network", "credentials", "throttled"})


class JobBoard:
    """All jobs in progress.

    Args:
        aws: The account.
        prefix: What the names of the jobs begin with.
        retry_s: Shortest and longest wait before a call is tried again.
        limit_retry_s: The same, where instances are lacking.
        limit_patience_s: How long a job waits for instances before its trial fails.

    Attributes:
        before_stop: Called before a job is told to stop, until it returns True.
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
        self._strays: list[Job] = []
        self.before_stop: Callable[[Job], bool] = lambda _: True

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
            if other.waits_for_instances:
                other.backoff.due = 0.0

    def stop_stray(self, name: str, now: float) -> None:
        """Stop a job of this experiment that belongs to no trial in progress."""
        job = Job(-1, 0, name, 0.0, None, JobReports(), exists=True)
        self._strays.append(job)
        self.stop(job, now)

    def not_told_to_stop(self) -> list[Job]:
        """The jobs that AWS has not been told to stop."""
        jobs = [*self.all(), *self._strays]
        return [job for job in jobs if not (job.stop_sent or job.is_over)]

    # Starting.

    def start_due(self, now: float) -> None:
        """Start jobs that wait, if it is time to try, until AWS can't be asked."""
        for job in self.all():
            if job.exists or job.stop_wanted or job.is_over or now < job.backoff.due:
                continue
            if not self.start(job, now):
                return

    def start(self, job: Job, now: float) -> bool:
        """Try to start a job; `error` tells if it never will be.

        Returns:
            False if AWS can't be asked at the moment.
        """
        assert job.begin is not None
        if job.first_tried is None:
            job.first_tried = now
        if job.tried:
            # The answer to a request got lost. If the job runs, its folders are its own.
            can_ask = self._claim(job, now, is_taken=False)
            if can_ask is not None:
                return can_ask
        tried_before = job.tried
        try:
            request = job.begin(job.name)
            request["Environment"][_LAUNCH_ENV] = job.launch_id
            job.tried, job.last_tried = True, now
            self._aws.call_once("sagemaker", "create_training_job", **request)
        except AwsError as error:
            if _says_name_is_taken(error):
                return bool(self._claim(job, now, is_taken=True))
            if error.trouble != "network" or error.code in _NEVER_SENT:
                job.tried = tried_before
            return self._note_failed_start(job, error, now)
        except (BackendError, OSError) as error:
            job.error, job.ended = str(error), now
            return True
        job.exists, job.status = True, "InProgress"
        job.waits_for_instances = False
        return True

    def _claim(self, job: Job, now: float, *, is_taken: bool) -> bool | None:
        """Look for a job of this name: it is this one, if an answer of ours got lost.

        Returns:
            None if there is none; False if AWS can't be asked at the moment.
        """
        try:
            details = self._aws.call_once(
                "sagemaker", "describe_training_job", TrainingJobName=job.name
            )
        except AwsError as error:
            if error.trouble != "missing":
                return self._note_failed_start(job, error, now)
            job.exists = is_taken  # it is ours to be seen a little later
            return True if is_taken else None
        if details.get("Environment", {}).get(_LAUNCH_ENV) == job.launch_id:
            job.exists, job.waits_for_instances = True, False
            return True
        job.tried = False
        job.error = (
            f"SageMaker has a job {job.name!r} already, which is not of this run; "
            "give the tuner another name"
        )
        job.ended = now
        return True

    def _note_failed_start(self, job: Job, error: AwsError, now: float) -> bool:
        is_limit = error.trouble == "limit"
        if not error.passes or (is_limit and not self._may_wait(job, now)):
            job.error = str(error)
            job.ended = now
        else:
            self._wait_to_start(job, str(error), now, for_instances=is_limit)
        return error.trouble not in _UNREACHABLE

    def _may_wait(self, job: Job, now: float) -> bool:
        return job.first_tried is None or now - job.first_tried < self._limit_patience_s

    def _wait_to_start(self, job: Job, why: str, now: float, *, for_instances: bool) -> None:
        if job.backoff.since is None:
            logger.warning("Job %s waits to be started: %s", job.name, why)
        job.waits_for_instances = for_instances
        job.backoff.first, job.backoff.longest = (
            self._limit_retry_s if for_instances else self._retry_s
        )
        job.backoff.failed(now)

    def _lacked_instances(self, job: Job, details: Mapping[str, Any], now: float) -> None:
        """AWS took the job and had no instances for it: the same again under a next name."""
        why = f"{details['FailureReason']} (job {job.name})"
        job.attempt += 1
        job.name = attempt_name(job.name, job.attempt)
        job.exists = job.tried = False
        job.status = ""
        self._wait_to_start(job, why, now, for_instances=True)

    # Stopping.

    def stop_due(self, now: float) -> bool:
        """Stop the jobs that are to be stopped, if it is time to try.

        Returns:
            False if AWS can't be asked at the moment: the rest was not tried.
        """
        due = [
            job
            for job in self.not_told_to_stop()
            if job.stop_wanted and now >= job.stop_backoff.due
        ]
        can_ask = all(self.stop(job, now) for job in due)  # until one fails
        self._strays = [job for job in self._strays if not (job.stop_sent or job.is_over)]
        return can_ask

    def stop(self, job: Job, now: float) -> bool:
        """Try to stop a job.

        Returns:
            False if AWS can't be asked at the moment.
        """
        job.stop_wanted = True
        if job.is_over or job.stop_sent:
            return True
        if not job.exists and not job.tried:
            job.ended = now
            return True
        job.is_marked = job.is_marked or self.before_stop(job)
        try:
            self._aws.call_once("sagemaker", "stop_training_job", TrainingJobName=job.name)
        except AwsError as error:
            may_come = job.last_tried is not None and now - job.last_tried <= _VISIBLE_AFTER_S
            if error.trouble == "missing" and may_come:
                self._wait_to_stop(job, now)
            elif error.trouble == "missing" and not job.exists:
                job.ended = now  # no request of ours came through
            elif error.trouble in ("refused", "missing"):
                # It has ended, which the next look tells; or it is told once more.
                job.stop_sent, job.stop_was_refused = True, True
            else:
                if job.stop_backoff.since is None:
                    logger.warning("Job %s could not be stopped yet: %s", job.name, error)
                self._wait_to_stop(job, now)
            return error.trouble not in _UNREACHABLE
        job.exists = job.stop_sent = True
        job.stop_was_refused = False
        return True

    def _wait_to_stop(self, job: Job, now: float) -> None:
        job.stop_backoff.first, job.stop_backoff.longest = self._retry_s
        job.stop_backoff.failed(now)

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
        looks = 0
        for name, job in open_jobs.items():
            if name in seen:
                continue
            try:
                self.look_closely(job, now)
            except AwsError as error:
                if error.trouble == "throttled" and looks > 0:
                    return  # many ended together: the others have their turn in the next cycle
                raise
            looks += 1

    def _list(self, status: str, wanted: Mapping[str, Job]) -> set[str]:
        seen: set[str] = set()
        pages = find_jobs(self._aws.call_once, self._prefix, until=set(wanted), status=status)
        for name in pages:
            if name in wanted:
                job = wanted[name]
                job.status = status
                seen.add(name)
                if status == "InProgress" and job.stop_was_refused:
                    job.stop_sent = job.stop_was_refused = False
        return seen

    def look_closely(self, job: Job, now: float) -> None:
        """Ask for one job.

        Raises:
            AwsError: If AWS can't be asked.
        """
        try:
            details = self._aws.call_once(
                "sagemaker", "describe_training_job", TrainingJobName=job.name
            )
        except AwsError as error:
            if error.trouble != "missing":
                raise
            # AWS may take a moment to know what it was asked for.
            if job.last_tried is None or now - job.last_tried > _VISIBLE_AFTER_S:
                job.exists, job.ended = False, now
            return
        job.exists = True
        job.status = str(details["TrainingJobStatus"])
        if job.status not in ENDED:
            return
        may_wait = job.begin is not None and not job.stop_wanted and self._may_wait(job, now)
        if may_wait and lacks_instances(details):
            self._lacked_instances(job, details, now)
        else:
            job.details, job.ended = details, now


def find_jobs(
    call: Callable[..., Mapping[str, Any]],
    prefix: str,
    until: set[str] | None = None,
    status: str | None = None,
    warm_pool: str | None = None,
) -> Iterator[str]:
    """Names of jobs, the newest first.

    Args:
        call: Calls an operation of AWS, `Aws.call` or `Aws.call_once`.
        prefix: What their names begin with, before a hyphen.
        until: Stop as soon as all these were found.
        status: The one they have, for example `InProgress`; None for any.
        warm_pool: The status of their warm pool, for example `Available`; None for any.
    """
    missing = None if until is None else set(until)
    filters = {"StatusEquals": status, "WarmPoolStatusEquals": warm_pool}
    wanted = {name: value for name, value in filters.items() if value is not None}
    token: dict[str, str] = {}
    while True:
        page = call(
            "sagemaker",
            "list_training_jobs",
            NameContains=f"{prefix}-",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=_PAGE,
            **wanted,
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
