"""Names that AWS accepts: of training jobs, and of places on S3."""

from __future__ import annotations

import re
import secrets
from typing import Final

from synetune_lab.errors import BackendError

__all__ = [
    "INSTANCE_TYPE",
    "ROLE_ARN",
    "attempt_name",
    "job_name",
    "job_prefix",
    "new_token",
    "parse_s3_uri",
    "slug",
]

MAX_JOB_NAME: Final = 63
# What follows the prefix: "-", number of the trial, "-", number of the run, "-", of the attempt.
_LONGEST_TAIL: Final = len("-1234567-1234-123")
_TOKEN_LENGTH: Final = 6
ROLE_ARN: Final = re.compile(r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
INSTANCE_TYPE: Final = re.compile(r"ml(\.[a-z0-9\-]+){2,}")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")


def new_token() -> str:
    """What tells the jobs of one experiment from those of any other one with the same name."""
    return secrets.token_hex(_TOKEN_LENGTH // 2)


def slug(text: str) -> str:
    """Letters, digits and single hyphens of a text, as in the name of a job."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", text).strip("-")


def job_prefix(name: str, token: str) -> str:
    """What the names of all jobs of an experiment begin with.

    Args:
        name: Name of the tuner; cut if it is too long.
        token: See `new_token`.
    """
    room = MAX_JOB_NAME - _LONGEST_TAIL - len(token) - 1
    front = slug(name)[:room].strip("-") or "trial"
    return f"{front}-{token}"


def job_name(prefix: str, trial_id: int, run: int) -> str:
    """Name of the job of one run of a trial: the same whoever computes it."""
    return f"{prefix}-{trial_id}-{run}"


def attempt_name(name: str, attempt: int) -> str:
    """Name of a next job for the same run, where AWS had no instances for the one before.

    Args:
        name: Name of the job before.
        attempt: Number of the attempt, from 1.
    """
    first = name if attempt == 1 else name.rpartition("-")[0]
    return f"{first}-{attempt}"


def parse_s3_uri(uri: str, what: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`, the key without slashes at its ends.

    Raises:
        BackendError: If it is no such address; the message calls it `what`.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not _BUCKET.fullmatch(bucket):
        raise BackendError(
            f"{what} is {uri!r}; give an address on S3 such as 's3://my-bucket/folder' (names of "
            "buckets have 3 to 63 lower-case letters, digits, '.' and '-')"
        )
    return bucket, key.strip("/")
