"""The progress of a run: what stopping criteria and the status table look at."""

from __future__ import annotations

import copy
import math
from array import array
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_WORKER_COST, ST_WORKER_TIME
from synetune_lab.trial import Status, Trial

if TYPE_CHECKING:
    import pandas as pd


_NUMBERS = {int, float}
_shared_names: dict[tuple[str, ...], tuple[str, ...]] = {}
_BLOCK = 4096
"""Reports that wait to be taken into the statistics, unless somebody looks before."""


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

    def __getstate__(self) -> tuple[Any, ...]:
        return self.count, dict(self.last_metrics), self._names, self._numbers

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.count, self.last_metrics, names, self._numbers = state
        self._names = _shared_names.setdefault(names, names)


class TuningStatus:
    """Counts and extremes of a run, brought up to date in constant time a report.

    Args:
        metric_names: Names of the metrics that are optimised, the main one first.
    """

    def __init__(self, metric_names: list[str]) -> None:
        self.metric_names = list(metric_names)
        self.tuner_time = 0.0
        self.num_reports = 0
        self._overall = MetricsStatistics()
        self._of_trials: dict[int, MetricsStatistics] = {}
        self._pending: list[tuple[int, Mapping[str, Any]]] = []
        self.trials: dict[int, Trial] = {}
        self.statuses: dict[int, str] = {}
        self.counts: dict[str, int] = {}
        self._times: dict[int, float] = {}
        self._costs: dict[int, float] = {}
        self._user_time = 0.0
        self._cost = 0.0

    def note_status(self, trial: Trial, status: str) -> None:
        """A trial was created, or has changed its status."""
        trial_id = trial.trial_id
        old = self.statuses.get(trial_id)
        if old is not None:
            self.counts[old] -= 1
        self.counts[status] = self.counts.get(status, 0) + 1
        self.statuses[trial_id] = status
        self.trials[trial_id] = trial

    def note_result(self, trial_id: int, result: Mapping[str, Any]) -> None:
        """A trial reported; `result` must stay as it is."""
        self.num_reports += 1
        self._pending.append((trial_id, result))
        if len(self._pending) >= _BLOCK:
            self._settle()

    def _settle(self) -> None:
        """Take what waits into the statistics."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        by_trial: dict[int, list[Mapping[str, Any]]] = {}
        for trial_id, result in pending:
            reports = by_trial.get(trial_id)
            if reports is None:
                by_trial[trial_id] = [result]
            else:
                reports.append(result)
        for trial_id, reports in by_trial.items():
            statistics = self._of_trials.get(trial_id)
            if statistics is None:
                statistics = self._of_trials[trial_id] = MetricsStatistics()
            statistics.add_all(reports)
            self._user_time += _spent(self._times, trial_id, ST_WORKER_TIME, reports)
            self._cost += _spent(self._costs, trial_id, ST_WORKER_COST, reports)
        self._overall.add_all([result for _, result in pending])

    @property
    def overall_metric_statistics(self) -> MetricsStatistics:
        """Statistics of all reports together."""
        self._settle()
        return self._overall

    @property
    def trial_metric_statistics(self) -> dict[int, MetricsStatistics]:
        """Statistics of each trial's reports."""
        self._settle()
        return self._of_trials

    def look(self) -> TuningStatus:
        """A copy whose tables stay as they are while the run goes on."""
        self._settle()
        look = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict):
                setattr(look, name, dict(value))
        look._pending = []
        return look

    def update(
        self,
        trial_status_dict: Mapping[int, tuple[Trial, str]],
        new_results: Iterable[tuple[int, Mapping[str, Any]]],
    ) -> None:
        """Take statuses and reports in as backends fetch them."""
        for trial, status in trial_status_dict.values():
            self.note_status(trial, status)
        for trial_id, result in new_results:
            self.note_result(trial_id, result)

    def mark_running_job_as_stopped(self) -> None:
        """Count all running trials as stopped."""
        for trial_id, status in list(self.statuses.items()):
            if status == Status.in_progress:
                self.note_status(self.trials[trial_id], Status.stopped)

    def _count(self, *statuses: str) -> int:
        return sum(self.counts.get(status, 0) for status in statuses)

    @property
    def num_trials_started(self) -> int:
        """Trials that were ever started."""
        return len(self.statuses)

    @property
    def num_trials_completed(self) -> int:
        """Trials that came to their natural end."""
        return self._count(Status.completed)

    @property
    def num_trials_failed(self) -> int:
        """Trials that failed."""
        return self._count(Status.failed)

    @property
    def num_trials_finished(self) -> int:
        """Trials that completed, failed, were stopped, or are about to be."""
        return self._count(Status.completed, Status.failed, Status.stopped, Status.stopping)

    @property
    def num_trials_running(self) -> int:
        """Trials that run now."""
        return self._count(Status.in_progress)

    @property
    def wallclock_time(self) -> float:
        """Seconds for which the run was driven."""
        return self.tuner_time

    @property
    def user_time(self) -> float:
        """Seconds of all workers together, as reported."""
        self._settle()
        return self._user_time

    @property
    def cost(self) -> float:
        """Cost in US dollars of all trials together, as reported."""
        self._settle()
        return self._cost

    def best_trial_id(self, metric: str, mode: str) -> int | None:
        """The trial with the best value of the metric ever reported, None if there is none."""
        sign = 1.0 if mode == "min" else -1.0
        best: tuple[float, int] | None = None
        for trial_id, statistics in self.trial_metric_statistics.items():
            value = statistics.extreme(metric, mode)
            if value is not None and (best is None or sign * value < best[0]):
                best = (sign * value, trial_id)
        return None if best is None else best[1]

    def get_dataframe(self) -> pd.DataFrame:
        """A row a trial: number, status, number of reports, configuration, last metrics, time."""
        import pandas as pd

        rows = []
        for trial_id, trial in self.trials.items():
            row: dict[str, Any] = {"trial_id": trial_id, "status": self.statuses[trial_id]}
            statistics = self.trial_metric_statistics.get(trial_id)
            row["iter"] = statistics.count if statistics else 0
            row.update(trial.config)
            if statistics:
                row.update(statistics.last_metrics)
            if trial_id in self._times:
                row["worker-time"] = self._times[trial_id]
            rows.append(row)
        frame: pd.DataFrame = pd.DataFrame(rows)
        return frame

    def status_table(self) -> str:
        """The status table: one line a trial, and a line of counts."""
        frame = self.get_dataframe()
        body = "(no trial yet)" if frame.empty else frame.to_string(index=False, na_rep="-")
        return f"{body}\n{self.summary()}"

    def summary(self) -> str:
        """Counts in one line."""
        return (
            f"{self.num_trials_running} trials running, {self.num_trials_finished} finished "
            f"({self.num_trials_completed} until the end), "
            f"{self.wallclock_time:.2f}s wallclock-time"
        )

    def __str__(self) -> str:
        return self.status_table()


def _spent(
    known: dict[int, float], trial_id: int, name: str, reports: list[Mapping[str, Any]]
) -> float:
    """How much more a trial has spent by its reports; it counts from 0 again when resumed."""
    if name not in reports[-1] and name not in reports[0]:
        return 0.0
    spent = 0.0
    for report in reports:
        value = report.get(name)
        if isinstance(value, (int, float)):
            before = known.get(trial_id, 0.0)
            spent += value - before if value >= before else value
            known[trial_id] = value
    return spent


def print_best_metric_found(
    tuning_status: TuningStatus, metric_names: list[str], mode: str | None = None
) -> tuple[int, float] | None:
    """The trial with the best value of the first metric, and that value; logged as well."""
    import logging

    mode = mode or "min"
    name = metric_names[0]
    trial_id = tuning_status.best_trial_id(name, mode)
    if trial_id is None:
        return None
    statistics = tuning_status.trial_metric_statistics[trial_id]
    value = statistics.extreme(name, mode)
    if value is None:
        return None
    logging.getLogger(__name__).info("%s: best %s for trial-id %s", name, value, trial_id)
    return trial_id, float(value)
