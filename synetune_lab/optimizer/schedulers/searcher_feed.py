"""Which reports of a trial a searcher learns from, and which it is told to expect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers import BaseSearcher

__all__ = ["SEARCHER_DATA", "SearcherFeed"]

SEARCHER_DATA = ("rungs", "all", "rungs_and_last")
"""What `HyperbandScheduler(searcher_data=...)` may be."""


class SearcherFeed:
    """Stands between asynchronous Hyperband and its searcher.

    Args:
        searcher: The searcher.
        searcher_data: `rungs`: it learns from reports at rung levels. `all`: from each report.
            `rungs_and_last`: from those at rung levels and the newest one.
        resource_attr: Name of the resource in reports.
        myopic: Announce only the next report instead of all up to the next milestone; without
            effect for `rungs`, where the next milestone is announced.
    """

    def __init__(
        self, searcher: BaseSearcher, searcher_data: str, resource_attr: str, myopic: bool
    ) -> None:
        self._searcher = searcher
        self._rungs_only = searcher_data == "rungs"
        self._drops_previous = searcher_data == "rungs_and_last"
        self._resource_attr = resource_attr
        self._myopic = myopic and not self._rungs_only
        # Of a running trial, the resource of the report between rungs that is to be dropped.
        self._last_case: dict[int, int] = {}

    def expect(
        self, trial_id: int, config: Mapping[str, Any] | None, resource: int, milestone: int
    ) -> None:
        """Announce what a trial will report, from `resource` (exclusive) to its milestone."""
        announce = self._searcher.register_pending
        name = str(trial_id)
        full = None if config is None else dict(config)
        if self._rungs_only:
            announce(name, full, milestone)
        elif self._myopic:
            announce(name, full, resource + 1)
        else:
            for level in range(resource + 1, milestone + 1):
                announce(name, full, level)

    def report(
        self, trial_id: int, config: dict[str, Any], result: dict[str, Any], at_rung: bool
    ) -> None:
        """Pass a report on."""
        name = str(trial_id)
        if self._drops_previous:
            previous = self._last_case.pop(trial_id, None)
            if previous is not None:
                self._searcher.remove_case(name, **{self._resource_attr: previous})
            if not at_rung:
                self._last_case[trial_id] = result[self._resource_attr]
        update = at_rung or not self._rungs_only
        self._searcher.on_trial_result(name, config, result=result, update=update)

    def between_rungs(self, trial_id: int, config: dict[str, Any], resource: int) -> None:
        """The trial goes on between rungs."""
        if self._myopic:
            self._searcher.register_pending(str(trial_id), config, resource + 1)

    def ended(self, trial_id: int) -> None:
        """Nothing of the trial is expected any more, for good or until it is resumed."""
        self._last_case.pop(trial_id, None)
        self._searcher.cleanup_pending(str(trial_id))
