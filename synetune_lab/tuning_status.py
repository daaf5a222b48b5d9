"""The progress of a run: what stopping criteria and the status table look at."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_WORKER_COST, ST_WORKER_TIME
from synetune_lab.metrics_statistics import MetricsStatistics, StatisticsTable
from synetune_lab.trial import Status, Trial

if TYPE_CHECKING:
    import pandas as pd


_BLOCK = 4096
"""Reports that wait to be taken into the statistics, unless somebody looks before."""


class _Statuses(Mapping[int, str]):
    """The status of each trial, in a byte."""

    def __init__(self) -> None:
        self._codes = bytearray()  # 0 where there is no trial
        self._count = 0

    def replace(self, trial_id: int, status: str) -> str:
        """Enter a status; returns the one before, empty if there was none."""
        codes = self._codes
        if trial_id >= len(codes):
            codes.extend(bytes(trial_id + 1 - len(codes)))
        old = codes[trial_id]
        if not old:
            self._count += 1
        codes[trial_id] = _CODES[status]
        return _NAMES[old]

    def __getitem__(self, trial_id: int) -> str:
        if not 0 <= trial_id < len(self._codes) or not self._codes[trial_id]:
            raise KeyError(trial_id)
        return _NAMES[self._codes[trial_id]]

    def __contains__(self, trial_id: object) -> bool:
        codes = self._codes
        return isinstance(trial_id, int) and 0 <= trial_id < len(codes) and codes[trial_id] > 0

    def __iter__(self) -> Iterator[int]:
        return (trial_id for trial_id, code in enumerate(self._codes) if code)

    def __len__(self) -> int:
        return self._count

    def look(self) -> _Statuses:
        look = copy.copy(self)
        look._codes = self._codes[:]
        return look


_NAMES: tuple[str, ...] = (
    "",
    *(name for key, name in vars(Status).items() if not key.startswith("_")),
)
_CODES = {name: code for code, name in enumerate(_NAMES)}


class TuningStatus:
    """Counts and extremes of a run, brought up to date in constant time a report.

    Args:
        metric_names: Names of the metrics that are optimised, the main one first.
        trials: Who else keeps the trials by number; None for them to be kept here.
    """

    def __init__(self, metric_names: list[str], trials: Mapping[int, Trial] | None = None) -> None:
        self.metric_names = list(metric_names)
        self.tuner_time = 0.0
        self.num_reports = 0
        self._overall = MetricsStatistics()
        self._of_trials = StatisticsTable()
        self._pending: list[tuple[int, Mapping[str, Any]]] = []
        self._recent: list[tuple[int, Mapping[str, Any]]] = []  # what was pending before
        self._own_trials: dict[int, Trial] = {}
        self.trials: Mapping[int, Trial] = self._own_trials if trials is None else trials
        self._statuses = _Statuses()
        self.counts: dict[str, int] = {}
        self._times: dict[int, float] = {}
        self._costs: dict[int, float] = {}
        self._user_time = 0.0
        self._cost = 0.0

    def note_status(self, trial: Trial, status: str) -> None:
        """A trial was created, or has changed its status."""
        trial_id = trial.trial_id
        old = self._statuses.replace(trial_id, status)
        if old:
            self.counts[old] -= 1
        self.counts[status] = self.counts.get(status, 0) + 1
        if self.trials is self._own_trials:
            self._own_trials[trial_id] = trial

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
        self._recent = pending = self._pending
        self._pending = []
        by_trial: dict[int, list[Mapping[str, Any]]] = {}
        for trial_id, result in pending:
            reports = by_trial.get(trial_id)
            if reports is None:
                by_trial[trial_id] = [result]
            else:
                reports.append(result)
        of_trials = self._of_trials
        for trial_id, reports in by_trial.items():
            if trial_id in of_trials:
                statistics = of_trials.wake(trial_id)
            else:
                statistics = MetricsStatistics()
                of_trials.put(trial_id, statistics)
            statistics.add_all(reports)
            self._user_time += _spent(self._times, trial_id, ST_WORKER_TIME, reports)
            self._cost += _spent(self._costs, trial_id, ST_WORKER_COST, reports)
        self._overall.add_all([result for _, result in pending])
        of_trials.rest(by_trial)

    def reports_since(self, count: int) -> list[tuple[int, Mapping[str, Any]]] | None:
        """Trial and report of those after the first `count` ones; None if that is too long ago.

        For stopping criteria that look at each report: the latest thousands are at hand, as a rule.
        """
        fresh, pending, recent = self.num_reports - count, self._pending, self._recent
        if fresh <= len(pending):
            return pending[len(pending) - fresh :]
        if fresh <= len(pending) + len(recent):
            return recent[len(recent) + len(pending) - fresh :] + pending
        return None

    def last_metrics(self, trial_id: int) -> dict[str, Any]:
        """The latest report of a trial; empty if there is none."""
        for reporter, result in reversed(self._pending):
            if reporter == trial_id:
                return dict(result)
        statistics = self._of_trials.get(trial_id)
        return {} if statistics is None else dict(statistics.last_metrics)

    @property
    def overall_metric_statistics(self) -> MetricsStatistics:
        """Statistics of all reports together."""
        self._settle()
        return self._overall

    @property
    def trial_metric_statistics(self) -> Mapping[int, MetricsStatistics]:
        """Statistics of each trial's reports, to be read only."""
        self._settle()
        return self._of_trials

    def look(self) -> TuningStatus:
        """A copy whose tables stay as they are while the run goes on."""
        self._settle()
        look = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict):
                setattr(look, name, dict(value))
            elif hasattr(value, "look"):
                setattr(look, name, value.look())
        if self.trials is self._own_trials:
            look.trials = look._own_trials
        look._pending, look._recent = [], []
        return look

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_recent": []}

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
        for trial_id, status in list(self._statuses.items()):
            if status == Status.in_progress:
                self.note_status(self.trials[trial_id], Status.stopped)

    def _count(self, *statuses: str) -> int:
        return sum(self.counts.get(status, 0) for status in statuses)

    @property
    def statuses(self) -> Mapping[int, str]:
        """The status of each trial."""
        return self._statuses

    @property
    def num_trials_started(self) -> int:
        """Trials that were ever started."""
        return len(self._statuses)

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
            row: dict[str, Any] = {"trial_id": trial_id, "status": self._statuses[trial_id]}
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
