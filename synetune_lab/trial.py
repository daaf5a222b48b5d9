"""A trial: one configuration under evaluation, as schedulers, backends and callbacks see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class Status:
    """The status of a trial."""

    pending = "Pending"
    in_progress = "InProgress"
    pausing = "Pausing"
    paused = "Paused"
    stopping = "Stopping"
    stopped = "Stopped"
    completed = "Completed"
    failed = "Failed"


@dataclass(slots=True)
class Trial:
    """One evaluation of a configuration.

    Attributes:
        trial_id: Its number, from 0.
        config: The configuration, with the constants of the space.
        creation_time: When it was created.
    """

    trial_id: int
    config: dict[str, Any]
    creation_time: datetime

    def add_results(
        self,
        metrics: list[dict[str, Any]],
        status: str,
        training_end_time: datetime | None,
    ) -> TrialResult:
        """The trial together with what it reported."""
        return TrialResult(
            self.trial_id, self.config, self.creation_time, metrics, status, training_end_time
        )


@dataclass(slots=True)
class TrialResult(Trial):
    """A trial with its reports (`metrics`), its status and, once it ended, its end."""

    metrics: list[dict[str, Any]] = field(default_factory=list)
    status: str = Status.pending
    training_end_time: datetime | None = None

    @property
    def seconds(self) -> float:
        """Run time in seconds: the last reported `st_worker_time`, else from start to end."""
        times = [m["st_worker_time"] for m in self.metrics if "st_worker_time" in m]
        if times:
            return float(times[-1])
        if self.training_end_time is None:
            return 0.0
        return (self.training_end_time - self.creation_time).total_seconds()

    @property
    def cost(self) -> float | None:
        """Cost in US dollars, if reported."""
        costs = [m["st_worker_cost"] for m in self.metrics if "st_worker_cost" in m]
        return float(costs[-1]) if costs else None
