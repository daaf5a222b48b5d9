"""Finds the reports that a trial repeats after it had to go back to its latest checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synetune_lab.constants import RESERVED_METRIC_PREFIX, ST_WORKER_ITER

__all__ = ["RepeatFilter"]


class RepeatFilter:
    """Knows how far each trial has come, by those of its metrics that count.

    A metric counts if it is a whole number that grew with each report, as epochs do. After a trial
    was lost, its reports are repeats as long as none of its counts is beyond what was seen.

    Args:
        resource_attr: The metric that counts; None to find out.
    """

    def __init__(self, resource_attr: str | None = None) -> None:
        self.resource_attr = resource_attr
        self._counts: dict[int, dict[str, float]] = {}
        self._lost: set[int] = set()
        self._behind: set[int] = set()

    def lose(self, trial_id: int) -> None:
        """A run of a trial was lost: the next one may repeat reports."""
        self._lost.add(trial_id)

    def begin(self, trial_id: int) -> None:
        """A run of a trial begins."""
        if trial_id in self._lost:
            self._lost.discard(trial_id)
            self._behind.add(trial_id)
        else:
            self._behind.discard(trial_id)
            self._counts.pop(trial_id, None)

    def is_behind(self, trial_id: int) -> bool:
        """Whether a trial that was lost has not come as far again as it was."""
        return trial_id in self._behind

    def is_repeat(self, trial_id: int, report: Mapping[str, Any]) -> bool:
        """Whether the report came before; if not, it is taken note of."""
        counts = self._counts.get(trial_id)
        if trial_id in self._behind:
            if counts and all(_at_most(report.get(name), last) for name, last in counts.items()):
                return True
            self._behind.discard(trial_id)
        self._counts[trial_id] = self._grown(counts, report)
        return False

    def rebuild(self, trial_id: int, reports: Iterable[Mapping[str, Any]]) -> None:
        """Take note of all reports of a trial's log, in which repeats may stand."""
        counts: dict[str, float] | None = None
        reached: dict[str, float] = {}
        for report in reports:
            if report.get(ST_WORKER_ITER) == 0 and counts is not None:
                fresh = self._grown(None, report)
                counts = {name: value for name, value in fresh.items() if name in counts}
            else:
                counts = self._grown(counts, report)
            for name, value in counts.items():
                reached[name] = max(value, reached.get(name, value))
        if counts is not None:
            self._counts[trial_id] = {name: reached[name] for name in counts}

    def _grown(
        self, counts: Mapping[str, float] | None, report: Mapping[str, Any]
    ) -> dict[str, float]:
        if counts is None:
            names = [self.resource_attr] if self.resource_attr is not None else list(report)
            return {
                name: report[name]
                for name in names
                if not name.startswith(RESERVED_METRIC_PREFIX) and _is_whole(report.get(name))
            }
        if self.resource_attr is not None:
            found = report.get(self.resource_attr)
            if found is None or not _is_whole(found):
                return dict(counts)
            return {self.resource_attr: found}
        return {
            name: report[name]
            for name, last in counts.items()
            if _is_whole(report.get(name)) and report[name] > last
        }


def _is_whole(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _at_most(value: Any, last: float) -> bool:
    return bool(_is_whole(value) and value <= last)
