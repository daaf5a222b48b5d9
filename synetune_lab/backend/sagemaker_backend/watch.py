"""One look at all jobs of an experiment, and what it tells."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, Literal

from synetune_lab.backend.sagemaker_backend.aws import AwsError
from synetune_lab.backend.sagemaker_backend.job import (
    Backoff,
    Job,
    exit_code_of,
    lacks_instances,
)
from synetune_lab.backend.sagemaker_backend.jobs import JobBoard, find_jobs
from synetune_lab.backend.sagemaker_backend.logs import JobReports, LogReader, read_streams
from synetune_lab.constants import ST_WORKER_COST, ST_WORKER_TIME
from synetune_lab.engine.events import EndCause, TrialEnded, TrialReported

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.cloud import Cloud

__all__ = ["Watch"]

logger = logging.getLogger(__name__)

_CLOCK_SKEW_S: Final = 3600.0
_REREAD_S: Final = 10.0
_ERROR_LINES: Final = 20
_OUT_OF_TIME: Final = ("MaxRuntimeExceeded", "MaxWaitTimeExceeded")


class Watch:
    """Watches jobs; none of its methods waits, but `stop_all`.

    Args:
        cloud: The experiment's side in the cloud.
        board: Its jobs.
        backoff: How long to leave AWS alone when it can't be asked.
        settle_s: How long after a job's end its log may still grow, in seconds.

    Attributes:
        due: Reading of the steady clock at which the next look is due.
    """

    def __init__(self, cloud: Cloud, board: JobBoard, backoff: Backoff, settle_s: float) -> None:
        self._cloud, self._board, self._backoff = cloud, board, backoff
        self._settle_s = settle_s
        self._logs = LogReader(cloud.aws, cloud.paths.prefix)
        self.due = 0.0
        board.before_stop = self._write_request

    def start(self, job: Job) -> None:
        """Start a job; its `error` tells if it never will be."""
        self._board.add(job)
        if self._backoff.since is None:  # else it is the next cycle's affair
            self._board.start(job, time.monotonic())
        if job.error is not None:
            self._board.remove(job)

    def adopt(self, job: Job) -> bool:
        """Take over a job; returns False if AWS does not know it, or had no instances for it."""
        self._board.look_closely(job, time.monotonic())
        if lacks_instances(job.details):
            later = next(find_jobs(self._cloud.aws.call, job.name), None)
            if later is None:
                return False
            job.name, job.details, job.ended = later, None, None
            self._board.look_closely(job, time.monotonic())
        if not job.exists or lacks_instances(job.details):
            return False
        # One that was running is ours from now on; who stopped one before is not known.
        job.adopted = job.status != "InProgress"
        self._board.add(job)
        return True

    def stop_unnamed(self) -> None:
        """Stop jobs of this experiment that nobody knows of."""
        known = {job.name for job in self._board.all()}
        aws, prefix = self._cloud.aws, self._cloud.paths.prefix
        for name in list(find_jobs(aws.call, prefix, status="InProgress")):
            if name not in known:
                logger.warning("Job %s belongs to no trial in progress and is stopped", name)
                self._board.stop_stray(name, time.monotonic())

    def end(self, trial_id: int, request: Literal["pause", "stop"]) -> None:
        """Stop the job of a trial, and tell it why."""
        job = self._board.get(trial_id)
        if job is not None:
            job.request, job.stop_wanted = request, True
            never_began = not job.exists and not job.tried
            if never_began or self._backoff.since is None:  # else it is the next cycle's affair
                self._board.stop(job, time.monotonic())
            self.due = 0.0 if job.is_over else self.due

    def stop_all(self, patience_s: float) -> list[str]:
        """Stop all jobs, trying again while AWS can't be asked; returns the names of the rest."""
        deadline = time.monotonic() + patience_s
        for job in self._board.all():
            job.stop_wanted, job.request = True, job.request or "pause"
        while True:
            now = time.monotonic()
            can_ask = self._board.stop_due(now)
            left = self._board.not_told_to_stop()
            if not left or now >= deadline:
                return [job.name for job in left]
            wake_up = min([deadline, *(job.stop_backoff.due for job in left)])
            pause = 0.01 if can_ask else self._backoff.first
            time.sleep(min(max(pause, wake_up - now), max(0.0, deadline - now)))

    def end_warm_pools(self) -> None:
        """Give back instances that wait for a next trial."""
        try:
            self._cloud.end_warm_pools()
        except AwsError as error:
            logger.warning(
                "Warm pools were not given back; they end by themselves after the keep-alive "
                "period: %s",
                error,
            )

    def cycle(self, interval_s: float) -> list[TrialReported | TrialEnded]:
        """Look at all jobs once.

        Args:
            interval_s: Seconds until the next look, if AWS answers.

        Returns:
            Reports and ends, those of each trial in order.
        """
        now = time.monotonic()
        self._board.start_due(now)
        self._board.stop_due(now)
        try:
            self._board.look(now)
            self._read_logs(now)
        except AwsError as error:
            if self._backoff.since is None:
                logger.warning("The jobs go on, but can't be watched now: %s", error)
            self._backoff.failed(now)
        else:
            if self._backoff.since is not None:
                logger.warning(
                    "The jobs are watched again, after %.0f s", now - self._backoff.since
                )
            self._backoff.succeeded()
        events = [event for job in self._board.all() for event in self._news_of(job, now)]
        self.due = max(self._backoff.due, now + self._time_to_wait(now, interval_s))
        return events

    def _time_to_wait(self, now: float, interval_s: float) -> float:
        settling = [
            max(0.0, job.ended + self._settle_s - now)
            for job in self._board.all()
            if job.ended is not None
        ]
        return min([interval_s, *settling])

    def _read_logs(self, now: float) -> None:
        jobs = {job.name: job for job in self._board.all() if job.exists}
        if not jobs:
            return
        since = max(0.0, min(job.created for job in jobs.values()) - _CLOCK_SKEW_S)

        def find(name: str) -> JobReports | None:
            return jobs[name].reports if name in jobs else None

        self._logs.read_new(since, find)
        for job in jobs.values():
            is_settled = job.ended is not None and now - job.ended >= self._settle_s
            if is_settled or (job.reports.has_gap and now >= job.reread_due):
                since = max(0.0, job.created - _CLOCK_SKEW_S)
                self._logs.read_job(job.name, since, job.reports)
                job.reread_due = now + _REREAD_S
                job.is_read = job.is_read or is_settled

    def _news_of(self, job: Job, now: float) -> list[TrialReported | TrialEnded]:
        is_done = job.is_over and (job.is_read or not job.exists)
        events: list[TrialReported | TrialEnded] = [
            TrialReported(job.trial_id, job.run, _with_cost(report, job.dollars_per_hour))
            for report in job.reports.take(now, final=is_done)
        ]
        if is_done:
            events.append(self._end_of(job))
            self._board.remove(job)
        return events

    def _end_of(self, job: Job) -> TrialEnded:
        if job.error is not None:
            return TrialEnded(job.trial_id, job.run, "failed", None, job.error)
        if job.details is None:
            return TrialEnded(job.trial_id, job.run, "lost")
        code = exit_code_of(job.details)
        secondary = str(job.details.get("SecondaryStatus", ""))
        status = job.details["TrainingJobStatus"]
        cause: EndCause = "stopped"
        error = None
        if status == "Completed":
            cause = "exited"
        elif status == "Failed" or (secondary in _OUT_OF_TIME and not job.stop_wanted):
            cause, error = "failed", self._why(job, secondary)
        elif job.adopted:
            cause = "lost"
        return TrialEnded(job.trial_id, job.run, cause, code, error)

    def _why(self, job: Job, secondary: str) -> str:
        assert job.details is not None
        reason = str(job.details.get("FailureReason") or "")
        if secondary in _OUT_OF_TIME:
            reason = f"SageMaker ended the job: {secondary}; give it more with max_run or max_wait"
        try:
            tail = read_streams(self._cloud.aws, [job.name], _ERROR_LINES)
        except AwsError:
            tail = []
        return "\n".join(part for part in (reason, *tail) if part) or f"job {job.name} failed"

    def _write_request(self, job: Job) -> bool:
        """Leave word for the script of why it is told to end, see `utils.remote_request`."""
        if job.request is None:
            return True
        uri = f"{self._cloud.paths.job_folder(job.name)}/request"
        try:
            self._cloud.store.put_text(uri, job.request, is_patient=False)
        except AwsError as error:
            logger.debug("Job %s is not told why it ends: %s", job.name, error)
            return False
        return True


def _with_cost(report: dict[str, Any], dollars_per_hour: float | None) -> dict[str, Any]:
    """The report with the trial's cost so far, where its reporter did not know the price."""
    seconds = report.get(ST_WORKER_TIME)
    if (
        dollars_per_hour is None
        or ST_WORKER_COST in report
        or not isinstance(seconds, (int, float))
    ):
        return report
    return {**report, ST_WORKER_COST: seconds * dollars_per_hour / 3600}
