"""Why a trial on another machine is told to end: a small text on S3.

A signal says that it is to end, not whether it will be resumed.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Final

__all__ = ["REQUEST_URI_ENV", "read_request"]

REQUEST_URI_ENV: Final = "ST_REQUEST_S3_URI"
"""Environment variable that tells a trial where its backend writes `pause` or `stop`."""
_TIMEOUT_S: Final = 5


def read_request(uri: str | None = None) -> str | None:
    """What the backend wrote: `pause` or `stop`.

    Args:
        uri: Where it writes; None takes the place that the environment names.

    Returns:
        None if this trial has no such place. `pause` if it can't be read: a trial that writes its
        checkpoint in vain loses less than one that does not.
    """
    uri = uri or os.environ.get(REQUEST_URI_ENV)
    if not uri:
        return None
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        boto3, botocore = import_module("boto3"), import_module("botocore.config")
        config = botocore.Config(
            connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"max_attempts": 1}
        )
        answer = boto3.client("s3", config=config).get_object(Bucket=bucket, Key=key)
        text = answer["Body"].read().decode().strip()
    except Exception:  # whatever is missing in the container, the trial has to end
        return "pause"
    return text if text in ("pause", "stop") else "pause"
