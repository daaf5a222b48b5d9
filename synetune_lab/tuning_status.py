"""The progress of a run: what stopping criteria and the status table look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_WORKER_COST, ST_WORKER_TIME
from synetune_lab.trial import Status, Trial

if TYPE_CHECKING:
    import pandas as pd


class MetricsStatistics:
    """Running minimum, maximum, sum and count of each numeric metric."""

    def __init__(self) -> None:
        self.metric_names: list[str] = []
        self.count = 0
        self.min_metrics: dict[str, float] = {}
        self.max_metrics: dict[str, float] = {}
        self.sum_metrics: dict[str, float] = {}
        self.last_metrics: dict[str, Any] = {}

    def add(self, metrics: Mapping[str, Any]) -> None:
        """Take one report in; values that are not numbers count as last values only."""
        self.count += 1
        self.last_metrics = dict(metrics)
        low, high, total = self.min_metrics, self.max_metrics, self.sum_metrics
        for name, value in metrics.items():
            if type(value) is not float and (type(value) is not int):
                continue
            if value != value:
                continue
            if name not in low:
                low[name] = high[name] = value
                total[name] = value
                continue
            if value < low[name]:
                low[name] = value
            elif value > high[name]:
                high[name] = value
            total[name] += value


class TuningStatus:
    """Counts and extremes of a run, brought up to date in constant time a report.

    Args:
        metric_names: Names of the metrics that are optimised, the main one first.
    """

    def __init__(self, metric_names: list[str]) -> None:
        self.metric_names = list(metric_names)
        self.tuner_time = 0.0
        self.overall_metric_statistics = MetricsStatistics()
        self.trial_metric_statistics: dict[int, MetricsStatistics] = {}
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
        """A trial reported."""
        self.overall_metric_statistics.add(result)
        statistics = self.trial_metric_statistics.get(trial_id)
        if statistics is None:
            statistics = self.trial_metric_statistics[trial_id] = MetricsStatistics()
        statistics.add(result)
        time = result.get(ST_WORKER_TIME)
        if isinstance(time, (int, float)):
            self._user_time += time - self._times.get(trial_id, 0.0)
            self._times[trial_id] = time
        cost = result.get(ST_WORKER_COST)
        if isinstance(cost, (int, float)):
            self._cost += cost - self._costs.get(trial_id, 0.0)
            self._costs[trial_id] = cost

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
        return self._user_time

    @property
    def cost(self) -> float:
        """Cost in US dollars of all trials together, as reported."""
        return self._cost

    def best_trial_id(self, metric: str, mode: str) -> int | None:
        """The trial with the best value of the metric ever reported, None if there is none."""
        best: tuple[float, int] | None = None
        for trial_id, statistics in self.trial_metric_statistics.items():
            values = statistics.min_metrics if mode == "min" else statistics.max_metrics
            if metric not in values:
                continue
            value = values[metric] if mode == "min" else -values[metric]
            if best is None or value < best[0]:
                best = (value, trial_id)
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
    value = (statistics.min_metrics if mode == "min" else statistics.max_metrics)[name]
    logging.getLogger(__name__).info("%s: best %s for trial-id %s", name, value, trial_id)
    return trial_id, float(value)
