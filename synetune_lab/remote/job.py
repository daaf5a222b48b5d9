"""The training job that runs a tuner: its state, its log, its end."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.sagemaker_backend.logs import read_streams
from synetune_lab.remote.s3_folder import S3Folder

if TYPE_CHECKING:
    from synetune_lab.remote.note import RemoteNote

__all__ = ["ENDED", "JOB_NAME_ENV", "JobState", "OwnJob", "Rarely", "TuningJob"]

logger = logging.getLogger(__name__)

JOB_NAME_ENV: Final = "ST_TUNING_JOB"
"""Environment variable that tells a job its own name."""
_ASK_MYSELF_EVERY_S: Final = 20.0
ENDED: Final = ("Completed", "Failed", "Stopped")

_WORDS: Final = {
    "Starting": "waits for an instance",
    "LaunchingMLInstances": "waits for an instance",
    "PreparingTrainingStack": "waits for an instance",
    "Pending": "waits for an instance",
    "Downloading": "downloads its source",
    "DownloadingTrainingImage": "downloads the image",
    "Training": "installs its packages",
    "Interrupted": "lost its spot instance and waits for another one",
    "Restarting": "starts again on another instance",
    "Uploading": "uploads the last results",
    "Stopping": "is being stopped",
}

_STOPPED: Final = {
    "MaxRuntimeExceeded": "the job has reached its time limit, max_run",
    "MaxWaitTimeExceeded": "the job has reached max_wait, waiting for a spot instance included",
}


@dataclass(frozen=True)
class JobState:
    """What SageMaker tells of the job.

    Attributes:
        status: `InProgress`, `Completed`, `Failed`, `Stopping` or `Stopped`.
        secondary: What it does just now, in SageMaker's word.
        reason: Why it failed.
    """

    status: str
    secondary: str = ""
    reason: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in ENDED

    def why_stopped(self) -> str:
        """Why SageMaker stopped it, one sentence."""
        what = _STOPPED.get(self.secondary, "the job was stopped")
        return f"{what}; the run can be resumed"

    def in_words(self) -> str:
        """What it does, to be read after the word 'SageMaker'."""
        return _WORDS.get(self.secondary, f"says {self.secondary or self.status}")


class TuningJob:
    """The job of a run.

    Args:
        aws: The account.
        note: Which job it is.
    """

    def __init__(self, aws: Aws, note: RemoteNote) -> None:
        self._aws = aws
        self._note = note

    def look(self) -> JobState:
        """Ask SageMaker.

        Raises:
            AwsError: If it can't be asked, or does not know the job.
        """
        found = self._aws.call(
            "sagemaker", "describe_training_job", TrainingJobName=self._note.job_name
        )
        return JobState(
            str(found.get("TrainingJobStatus", "")),
            str(found.get("SecondaryStatus", "")),
            found.get("FailureReason"),
        )

    def stop(self) -> None:
        """End the job at once: it has two minutes to pause its trials and to save.

        Raises:
            AwsError: If it can't be stopped.
        """
        folder = S3Folder(self._aws, f"{self._note.link_uri}/jobs/{self._note.job_name}")
        folder.put("request", b"stop")
        try:
            self._aws.call("sagemaker", "stop_training_job", TrainingJobName=self._note.job_name)
        except AwsError as error:
            # It may have ended in this moment.
            if error.trouble != "refused" or not self.look().is_over:
                # A spot instance that is taken away later must not be read as a stop.
                folder.delete("request")
                raise

    def stop_others(self, prefix: str) -> int:
        """Stop jobs that run and whose names begin with `prefix`; returns how many there were.

        Raises:
            AwsError: If they can't be listed or stopped.
        """
        names: list[str] = []
        given: dict[str, str] = {}
        while True:
            page = self._aws.call(
                "sagemaker",
                "list_training_jobs",
                NameContains=prefix,
                StatusEquals="InProgress",
                MaxResults=100,
                **given,
            )
            found = (job["TrainingJobName"] for job in page.get("TrainingJobSummaries", []))
            names += [name for name in found if name.startswith(prefix)]
            if not page.get("NextToken"):
                break
            given = {"NextToken": page["NextToken"]}
        for name in names:
            try:
                self._aws.call("sagemaker", "stop_training_job", TrainingJobName=name)
            except AwsError as error:
                if error.trouble != "refused":  # it has ended in this moment
                    raise
        return len(names)

    def log(self, lines: int | None = None) -> list[str]:
        """Lines of the job's log, the last ones if `lines` is given.

        Raises:
            AwsError: If the log can't be read.
        """
        return read_streams(self._aws, [self._note.job_name], lines)

    def console_url(self) -> str:
        """Where a browser shows the job."""
        region = self._note.region
        host = f"{region}.console.aws.amazon.com"
        if region.startswith("cn-"):
            host = f"{region}.console.amazonaws.cn"
        elif region.startswith("us-gov-"):
            host = f"{region}.console.amazonaws-us-gov.com"
        return f"https://{host}/sagemaker/home?region={region}#/jobs/{self._note.job_name}"


class OwnJob:
    """The job as it sees itself: whether SageMaker is ending it.

    SageMaker tells by a signal, which not every image hands on to the script.

    Args:
        aws: The account.
        name: Name of the job; None if it is not known.
    """

    def __init__(self, aws: Aws, name: str | None) -> None:
        self._aws = aws
        self._name = name
        self._is_time = Rarely(_ASK_MYSELF_EVERY_S)

    def is_being_stopped(self) -> bool:
        """Ask, now and then; False if nobody may tell."""
        if self._name is None or not self._is_time():
            return False
        try:
            found = self._aws.call("sagemaker", "describe_training_job", TrainingJobName=self._name)
        except AwsError as error:
            if not error.passes:
                logger.info("the job can't look after itself: %s", error)
                self._name = None
            return False
        return bool(found.get("TrainingJobStatus") == "Stopping")


class Rarely:
    """True at the first call, and then once every so many seconds."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self._next = 0.0

    def __call__(self) -> bool:
        """Whether it is time."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self.every_s
        return True
