"""Linear algebra of small matrices on one thread."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

__all__ = ["one_blas_thread"]


def one_blas_thread() -> AbstractContextManager[object]:
    """While it is open, BLAS uses one thread, in the whole process.

    Matrices of a few hundred rows gain little from more. When trials keep the other cores busy,
    threads of BLAS wait for each other, and a fit of milliseconds takes seconds.
    """
    limiter: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limiter


@functools.cache
def _controller() -> ThreadpoolController:
    # Looks for the libraries that are loaded, which takes milliseconds.
    return ThreadpoolController()
