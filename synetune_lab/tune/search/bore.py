"""A classifier of good and bad."""

from __future__ import annotations

from synetune_lab.tune.search.algorithm import SearchAlgorithm

__all__ = ["BORESearch"]


class BORESearch(SearchAlgorithm):
    """A classifier of good and bad configurations, see `BORE`."""

    searcher = "bore"
