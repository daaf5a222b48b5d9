"""Search algorithms for fewer trials at once than there is room for."""

from __future__ import annotations

from synetune_lab.errors import TuneError
from synetune_lab.tune.checks import check_count
from synetune_lab.tune.search.algorithm import SearchAlgorithm

__all__ = ["ConcurrencyLimiter"]


def ConcurrencyLimiter(  # noqa: N802 - a class in Ray Tune
    searcher: SearchAlgorithm, max_concurrent: int, batch: bool = False
) -> SearchAlgorithm:
    """The search algorithm, for at most `max_concurrent` trials at once.

    Raises:
        TuneError: For `batch=True`, which is not supported, and if an argument is not possible.
    """
    if not isinstance(searcher, SearchAlgorithm):
        raise TuneError(
            f"ConcurrencyLimiter: searcher={searcher!r:.100} must be one of "
            "synetune_lab.tune.search"
        )
    check_count("ConcurrencyLimiter: max_concurrent", max_concurrent, least=1)
    if batch:
        raise TuneError("ConcurrencyLimiter(batch=True) is not supported; trials start one by one")
    searcher.max_concurrent = max_concurrent
    return searcher
