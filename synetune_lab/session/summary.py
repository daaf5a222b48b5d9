"""What can be said of a run at a glance: for the progress line, `run.json` and lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RunStateName = Literal[
    "starting", "running", "paused", "stopping", "finished", "interrupted", "failed"
]


@dataclass(frozen=True)
class RunSummary:
    """A run at a glance; never changed, replaced by a new one.

    Attributes:
        state: What the run does.
        why: Why it ended, one sentence.
        counts: Number of trials in each status.
        n_workers: Trials that may run at once.
        best: `(trial_id, value)` of the main metric.
        tuner_time: Seconds since the start, without the time that nobody drove the run.
        progress: How far the run is by its stopping criterion, 0 to 1; None if it can't be told.
    """

    name: str
    state: RunStateName = "starting"
    why: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    n_workers: int = 1
    num_reports: int = 0
    metric: str | None = None
    mode: str = "min"
    best: tuple[int, float] | None = None
    tuner_time: float = 0.0
    progress: float | None = None

    def line(self) -> str:
        """One line of text."""
        parts = [_clock(self.tuner_time) + ("" if self.state == "running" else f" {self.state}")]
        if self.state == "starting" and self.why:
            return f"{parts[0]}: {self.why}"
        if self.best is not None:
            parts.append(f"best {self.metric} {self.best[1]:.4g} (trial {self.best[0]})")
        running = self.counts.get("InProgress", 0)
        ended = sum(self.counts.get(s, 0) for s in ("Completed", "Stopped"))
        trials = (
            f"{sum(self.counts.values())} trials: {running}/{self.n_workers} run, {ended} ended"
        )
        for status in ("Paused", "Failed"):
            if self.counts.get(status):
                trials += f", {self.counts[status]} {status.lower()}"
        return " | ".join([*parts, trials])

    def bar(self, width: int = 10) -> str:
        """A bar of characters; empty where progress can't be told."""
        if self.progress is None:
            return ""
        full = round(min(max(self.progress, 0.0), 1.0) * width)
        return f"[{'#' * full}{'.' * (width - full)}] {100 * min(self.progress, 1.0):3.0f}% "


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def progress_of(criterion: Any, status: Any, tuner_time: float) -> float | None:
    """How far a run is by the rules of a `StoppingCriterion`, the one that is nearest to its end.

    Args:
        criterion: The stopping criterion; any other callable has no rules to look at.
        status: The `TuningStatus`.
        tuner_time: Seconds since the start.

    Returns:
        A number from 0 on, None if no rule can tell.
    """
    rules: dict[str, Callable[[], Any]] = {
        "max_wallclock_time": lambda: tuner_time,
        "max_num_trials_started": lambda: status.num_trials_started,
        "max_num_trials_completed": lambda: status.num_trials_completed,
        "max_num_trials_finished": lambda: status.num_trials_finished,
        "max_cost": lambda: status.cost,
    }
    shares = []
    for rule, value in rules.items():
        limit = getattr(criterion, rule, None)
        if isinstance(limit, (int, float)) and limit > 0:
            shares.append(float(value() or 0) / float(limit))
    return max(shares) if shares else None
