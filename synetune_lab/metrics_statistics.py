"""Running statistics of what trials report."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any

from synetune_lab.utils.packed_table import PackedTable

__all__ = ["MetricsStatistics", "StatisticsTable"]

_NUMBERS = {int, float}
_shared_names: dict[tuple[str, ...], tuple[str, ...]] = {}


class MetricsStatistics:
    """Running minimum, maximum, sum and count of each numeric metric.

    Attributes:
        count: Number of reports.
        last_metrics: The latest report.
    """

    __slots__ = ("_names", "_numbers", "count", "last_metrics")

    def __init__(self) -> None:
        self.count = 0
        self.last_metrics: Mapping[str, Any] = {}
        # Minimum, maximum and sum of each metric, one after the other: a run may have very many
        # trials, and dictionaries for each would take most of its memory.
        self._names: tuple[str, ...] = ()
        self._numbers = array("d")

    @property
    def metric_names(self) -> list[str]:
        """Names of the numeric metrics."""
        return list(self._names)

    @property
    def min_metrics(self) -> dict[str, float]:
        """The least value of each numeric metric."""
        return dict(zip(self._names, self._numbers[0::3], strict=True))

    @property
    def max_metrics(self) -> dict[str, float]:
        """The largest value of each numeric metric."""
        return dict(zip(self._names, self._numbers[1::3], strict=True))

    @property
    def sum_metrics(self) -> dict[str, float]:
        """The sum of the values of each numeric metric."""
        return dict(zip(self._names, self._numbers[2::3], strict=True))

    def extreme(self, metric: str, mode: str) -> float | None:
        """The least (`min`) or largest (`max`) value of a metric; None if there is none."""
        if metric not in self._names:
            return None
        return self._numbers[3 * self._names.index(metric) + (mode == "max")]

    def add(self, metrics: Mapping[str, Any]) -> None:
        """Take one report in; values that are not numbers count as last values only."""
        self.count += 1
        self.last_metrics = metrics
        for name, value in metrics.items():
            if type(value) is float or type(value) is int:
                self._add_number(name, value)

    def add_all(self, reports: list[Mapping[str, Any]]) -> None:
        """Take several reports in, at less cost than one by one."""
        names = reports[0]
        width = len(names)
        if len(reports) == 1 or any(len(report) != width for report in reports):
            for report in reports:
                self.add(report)
            return
        try:
            columns = [(name, [report[name] for report in reports]) for name in names]
        except KeyError:
            for report in reports:
                self.add(report)
            return
        self.count += len(reports)
        self.last_metrics = reports[-1]
        for name, values in columns:
            total = sum(values) if _NUMBERS.issuperset(map(type, values)) else math.nan
            if total == total:
                self._add_numbers(name, min(values), max(values), total)
                continue
            for value in values:
                if type(value) is float or type(value) is int:
                    self._add_number(name, value)

    def _add_number(self, name: str, value: float) -> None:
        if value == value:
            self._add_numbers(name, value, value, value)

    def _add_numbers(self, name: str, low: float, high: float, total: float) -> None:
        names, numbers = self._names, self._numbers
        if name not in names:
            more = (*names, name)
            self._names = _shared_names.setdefault(more, more)
            numbers.extend((low, high, total))
            return
        at = 3 * names.index(name)
        if low < numbers[at]:
            numbers[at] = low
        if high > numbers[at + 1]:
            numbers[at + 1] = high
        numbers[at + 2] += total

    def look(self) -> MetricsStatistics:
        """A copy that stays as it is."""
        look = MetricsStatistics()
        look.count, look.last_metrics, look._names = self.count, self.last_metrics, self._names
        look._numbers = self._numbers[:]
        return look

    def __getstate__(self) -> tuple[Any, ...]:
        return self.count, dict(self.last_metrics), self._names, self._numbers

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.count, self.last_metrics, names, self._numbers = state
        self._names = _shared_names.setdefault(names, names)


class StatisticsTable(PackedTable[MetricsStatistics]):
    """The statistics of each trial's reports; `table[trial_id]` is to be read only."""

    __getitem__ = PackedTable.peek

    def look(self) -> StatisticsTable:
        """A copy that stays as it is while the run goes on."""
        look = super().look()
        look._awake = [None if entry is None else entry.look() for entry in look._awake]
        return look

    def _pack(self, entry: MetricsStatistics) -> tuple[Any, ...]:
        last = self._split(entry.last_metrics)
        if entry.count == 1:  # it tells all
            return 1, last
        return entry.count, last, self._number_of(entry._names), entry._numbers.tobytes()

    def _unpack(self, number: int, packed: tuple[Any, ...]) -> MetricsStatistics:
        del number
        count, last, *rest = packed
        entry = MetricsStatistics()
        if rest:
            names, numbers = self._common[rest[0]], array("d", rest[1])
            entry.__setstate__((count, self._joined(last), names, numbers))
        else:
            entry.add(self._joined(last) or {})
        return entry
