"""Waiting for resources of an account that are in use."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["backoff"]

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def backoff(
    errorname: str, ntimes_resource_wait: int = 100, length2sleep: float = 600
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A decorator: call the function again, later, if it fails with a certain error.

    Args:
        errorname: Class of the error, or a code or text in its message, for example
            `ResourceLimitExceeded`.
        ntimes_resource_wait: How often to try, at most.
        length2sleep: Seconds between two tries.

    Raises:
        ValueError: If there is to be no try at all.
    """
    if ntimes_resource_wait < 1:
        raise ValueError(f"ntimes_resource_wait={ntimes_resource_wait} must be at least 1")

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def again_and_again(*args: P.args, **kwargs: P.kwargs) -> T:
            for attempt in range(1, ntimes_resource_wait + 1):
                try:
                    return function(*args, **kwargs)
                except Exception as error:
                    is_meant = errorname == type(error).__name__ or errorname in str(error)
                    if not is_meant or attempt == ntimes_resource_wait:
                        raise
                    logger.info(
                        "%s; the next try is in %.0f s (%d of %d)",
                        error,
                        length2sleep,
                        attempt + 1,
                        ntimes_resource_wait,
                    )
                    time.sleep(length2sleep)
            raise AssertionError("unreachable")

        return again_and_again

    return decorate
