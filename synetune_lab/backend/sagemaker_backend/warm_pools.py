"""Instances that a job leaves behind for the next one."""

from __future__ import annotations

import logging
import time
from typing import Final

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.sagemaker_backend.job import Backoff
from synetune_lab.backend.sagemaker_backend.jobs import find_jobs

__all__ = ["give_back_warm_pools"]

logger = logging.getLogger(__name__)

_LONGEST_PAUSE_S: Final = 5.0


def give_back_warm_pools(aws: Aws, prefix: str, patience_s: float, pause_s: float) -> None:
    """Give back instances that wait for a next job.

    A job that is about to end has no warm pool yet: its end is waited for. What is left is named
    in the log, with the command.

    Args:
        aws: The account.
        prefix: What the names of the jobs begin with.
        patience_s: How long to wait for jobs that end, in seconds.
        pause_s: How long to wait between two looks at first, in seconds.
    """
    deadline = time.monotonic() + patience_s
    backoff = Backoff(pause_s, max(pause_s, _LONGEST_PAUSE_S))
    left: list[str] = []
    try:
        while left := _that_run(aws, prefix):
            now = time.monotonic()
            if now >= deadline:
                break
            if backoff.since is None:
                logger.info(
                    "Waiting up to %.0f s for %d jobs to end, to give back their warm pools",
                    patience_s,
                    len(left),
                )
            backoff.failed(now)
            time.sleep(min(backoff.due, deadline) - now)
        for name in list(find_jobs(aws.call, prefix, warm_pool="Available")):
            try:
                aws.call(
                    "sagemaker",
                    "update_training_job",
                    TrainingJobName=name,
                    ResourceConfig={"KeepAlivePeriodInSeconds": 0},
                )
            except AwsError as error:
                logger.warning("The warm pool of job %s was not given back: %s", name, error)
                left.append(name)
    except AwsError as error:
        logger.warning(
            "Warm pools were not given back; they end by themselves after the keep-alive "
            "period: %s",
            error,
        )
    if left:
        logger.error(
            "These jobs keep their instances in a warm pool for the keep-alive period once they "
            "have ended: %s. Give each back then with `aws sagemaker "
            "update-training-job --training-job-name NAME --resource-config "
            "KeepAlivePeriodInSeconds=0`",
            ", ".join(left),
        )


def _that_run(aws: Aws, prefix: str) -> list[str]:
    return [
        name
        for status in ("InProgress", "Stopping")
        for name in find_jobs(aws.call, prefix, status=status)
    ]
