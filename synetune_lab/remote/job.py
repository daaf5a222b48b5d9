"""The training job that runs a tuner: its state, its log, its end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.sagemaker_backend.logs import read_streams
from synetune_lab.remote.s3_folder import S3Folder

if TYPE_CHECKING:
    from synetune_lab.remote.note import RemoteNote

__all__ = ["ENDED", "JobState", "TuningJob"]

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
                raise

    def log(self, lines: int | None = None) -> list[str]:
        """Lines of the job's log, the last ones if `lines` is given.

        Raises:
            AwsError: If the log can't be read.
        """
        return read_streams(self._aws, [self._note.job_name], lines)

    def console_url(self) -> str:
        """Where a browser shows the job."""
        region = self._note.region
        domain = "amazonaws.cn" if region.startswith("cn-") else "aws.amazon.com"
        return (
            f"https://{region}.console.{domain}/sagemaker/home?region={region}"
            f"#/jobs/{self._note.job_name}"
        )


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
