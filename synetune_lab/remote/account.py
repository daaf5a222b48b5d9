"""Where an account keeps experiments on S3."""

from __future__ import annotations

from typing import Any

from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.backend.sagemaker_backend.s3_folders import default_bucket
from synetune_lab.util import s3_experiment_path

__all__ = ["experiments_uri"]


def experiments_uri(aws: Aws, s3_path: str | None = None, *, make: bool = False) -> str:
    """Folder of all experiments on S3, without a slash at its end.

    Args:
        aws: The account.
        s3_path: The folder, if it is known; None takes `syne-tune` in the bucket that SageMaker has
            for itself in each account and region.
        make: Make that bucket if it is not there.

    Raises:
        AwsError: If the account can't be asked.
    """
    if s3_path is not None:
        return s3_path.rstrip("/")
    bucket = default_bucket(aws)
    if not make:
        return s3_experiment_path(bucket).rstrip("/")
    try:
        aws.call("s3", "head_bucket", Bucket=bucket)
    except AwsError as error:
        if error.trouble != "missing":
            raise
        where: dict[str, Any] = {}
        if aws.region != "us-east-1":
            where["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
        aws.call("s3", "create_bucket", Bucket=bucket, **where)
    return s3_experiment_path(bucket).rstrip("/")
