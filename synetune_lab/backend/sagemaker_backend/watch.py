"""One look at all jobs of an experiment, and what it tells."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from synetune_lab.backend.sagemaker_backend.aws import AwsError
from synetune_lab.backend.sagemaker_backend.job import (
    Backoff,
    Job,
    exit_code_of,
    lacks_instances,
)
from synetune_lab.backend.sagemaker_backend.jobs import JobBoard, find_jobs
from synetune_lab.backend.sagemaker_backend.logs import LogReader, read_streams
from synetune_lab.constants import ST_WORKER_COST, ST_WORKER_TIME
from synetune_lab.engine.events import EndCause, TrialEnded, TrialReported

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.cloud import Cloud
    from synetune_lab.backend.sagemaker_backend.reports import JobReports

__all__ = ["Watch"]

logger = logging.getLogger(__name__)

_CLOCK_SKEW_S: Final = 3600.0
_REREAD_S: Final = 10.0
_ERROR_LINES: Final = 20
_REFUSAL_PATIENCE_S: Final = 1800.0
# What a user has to do something about: each is told anew.
_ASK_FOR_HELP: Final = ("credentials", "denied", "refused", "missing")
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
        refusal_patience_s: How long AWS may refuse to tell how the jobs are, which does not pass by
            itself, before their trials have failed.
    """

    def __init__(self, cloud: Cloud, board: JobBoard, backoff: Backoff, settle_s: float) -> None:
        self._cloud, self._board, self._backoff = cloud, board, backoff
        self._settle_s = settle_s
        self._logs = LogReader(cloud.aws, cloud.paths.prefix)
        self._reading = Backoff(backoff.first, backoff.longest)
        self._refused_since: float | None = None
        self._told = ""
        self.due = 0.0
        self.refusal_patience_s = _REFUSAL_PATIENCE_S
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

    def cycle(self, interval_s: float) -> list[tuple[TrialReported | TrialEnded, int]]:
        """Look at all jobs once.

        Args:
            interval_s: Seconds until the next look, if AWS answers.

        Returns:
            Reports and ends, those of each trial in order; each report with what `JobReports` is to
            be told of it by a later process.
        """
        now = time.monotonic()
        self._board.start_due(now)
        self._board.stop_due(now)
        try:
            self._board.look(now)
            self._read_logs(now)
        except AwsError as error:
            trouble = error.code if error.trouble in _ASK_FOR_HELP else error.trouble
            if self._backoff.since is None or trouble != self._told:
                logger.warning("The jobs go on, but can't be watched now: %s", error)
            self._told = trouble
            self._backoff.failed(now)
            if not error.passes:
                self._bear_refusal(error, now)
        else:
            self._refused_since = None
            if self._backoff.since is not None:
                logger.warning(
                    "The jobs are watched again, after %.0f s", now - self._backoff.since
                )
            self._backoff.succeeded()
        events = [event for job in self._board.all() for event in self._news_of(job, now)]
        self.due = max(self._backoff.due, now + self._time_to_wait(now, interval_s))
        return events

    def _bear_refusal(self, error: AwsError, now: float) -> None:
        """AWS will not tell how the jobs are: their trials can't be waited for for ever."""
        self._refused_since = now if self._refused_since is None else self._refused_since
        if now - self._refused_since < self.refusal_patience_s:
            return
        self._refused_since = None
        for job in [job for job in self._board.all() if job.exists]:
            if not job.is_over:
                logger.warning("Job %s can't be watched, and is stopped", job.name)
                self._board.stop_stray(job.name, now)
            job.error = f"job {job.name} can't be watched: {error}"
            job.ended, job.is_read = now, True

    def _time_to_wait(self, now: float, interval_s: float) -> float:
        settling = [
            max(0.0, job.ended + self._settle_s - now, self._reading.due - now)
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
        if now >= self._reading.due:
            self._read_whole_logs(jobs, find, now)

    def _read_whole_logs(
        self, jobs: dict[str, Job], find: Callable[[str], JobReports | None], now: float
    ) -> None:
        """Read the logs of jobs that have ended, or that lack a report, from their begin.

        If AWS is too busy for that, it is done later, and does not count as an outage.
        """
        settled = {
            name
            for name, job in jobs.items()
            if job.ended is not None and now - job.ended >= self._settle_s
        }
        lacking = {
            name for name, job in jobs.items() if job.reports.has_gap and now >= job.reread_due
        }
        begun = {
            name: max(0.0, job.created - _CLOCK_SKEW_S)
            for name, job in jobs.items()
            if name in settled | lacking
        }
        read = self._logs.read_whole(begun, find)
        for name in read:
            jobs[name].reread_due = now + _REREAD_S
            jobs[name].is_read = jobs[name].is_read or name in settled
        if len(read) == len(begun):
            self._reading.succeeded()
        else:
            self._reading.failed(now)

    def _news_of(self, job: Job, now: float) -> list[tuple[TrialReported | TrialEnded, int]]:
        is_done = job.is_over and (job.is_read or not job.exists)
        events: list[tuple[TrialReported | TrialEnded, int]] = []
        for report, mark in job.reports.take(now, final=is_done):
            told = _with_cost(report, job.dollars_per_hour)
            events.append((TrialReported(job.trial_id, job.run, told), mark))
        if is_done:
            events.append((self._end_of(job), 0))
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
