"""The trials of a run, put together from the records of its log: live, or from disk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.trial import Status
from synetune_lab.tune.checkpoint import Checkpoint, CheckpointFolder

if TYPE_CHECKING:
    from synetune_lab.tune.session import TrialSettings

__all__ = ["Trial", "TrialBook", "TrialNews"]

PENDING, RUNNING, PAUSED = "PENDING", "RUNNING", "PAUSED"
TERMINATED, ERROR = "TERMINATED", "ERROR"

_STATUSES = {
    Status.pending: PENDING,
    Status.in_progress: RUNNING,
    Status.pausing: RUNNING,
    Status.paused: PAUSED,
    Status.stopping: RUNNING,
    Status.stopped: TERMINATED,
    Status.completed: TERMINATED,
    Status.failed: ERROR,
}


_EXTREMES = ("max", "min", "avg", "last")


@dataclass(eq=False)
class Trial:
    """One trial.

    Attributes:
        number: Its number, from 0.
        trial_id: Its id.
        trainable_name: What it runs.
        config: Its configuration, as the user wrote the space.
        evaluated_params: The part that is not constant, flat.
        status: `PENDING`, `RUNNING`, `PAUSED`, `TERMINATED` or `ERROR`.
        error: The last lines of the error log of a trial that failed.
        local_path: Its folder.
        resources: What it may use.
        history: All its results, if they are kept.
        metric_analysis: `max`, `min`, `avg` and `last` of each metric; NaN counts for `last` only.
    """

    number: int
    trial_id: str
    trainable_name: str
    config: dict[str, Any]
    evaluated_params: dict[str, Any]
    local_path: str
    resources: dict[str, float] = field(default_factory=dict)
    status: str = PENDING
    error: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    metric_analysis: dict[str, dict[str, float]] = field(default_factory=dict)
    _last: dict[str, Any] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    @property
    def trial_name(self) -> str:
        """Name of the trainable and id."""
        return f"{self.trainable_name}_{self.trial_id}"

    @property
    def logdir(self) -> str:
        """Its folder."""
        return self.local_path

    @property
    def last_result(self) -> dict[str, Any]:
        """The latest result, with `trial_id`, `config` and `done`; empty if there is none."""
        if not self._last:
            return {}
        done = self.status in (TERMINATED, ERROR)
        return {**self._last, "trial_id": self.trial_id, "config": self.config, "done": done}

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """Its checkpoints, the oldest first."""
        return [checkpoint for checkpoint, _ in self.checkpoints_by_iteration()]

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Its newest checkpoint."""
        found = self.checkpoints
        return found[-1] if found else None

    def checkpoints_by_iteration(self) -> list[tuple[Checkpoint, int]]:
        """Checkpoints with the training iteration that each was saved at."""
        folder = CheckpointFolder(Path(self.local_path) / "checkpoints")
        return [(Checkpoint(folder.root / note.name), note.iteration) for note in folder.notes()]

    def add(self, result: Mapping[str, Any], keep: bool) -> None:
        """Take a result in."""
        own = {name: value for name, value in result.items() if not name.startswith("st_")}
        self._last = own
        if keep:
            self.history.append(own)
        for name, value in own.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            self._analyse(name, value)

    def _analyse(self, name: str, value: float) -> None:
        known = self.metric_analysis.setdefault(name, dict.fromkeys(_EXTREMES, math.nan))
        known["last"] = value
        if math.isnan(value):
            return
        count = self._counts[name] = self._counts.get(name, 0) + 1
        if count == 1:
            known.update(dict.fromkeys(_EXTREMES, value))
        known["max"] = max(known["max"], value)
        known["min"] = min(known["min"], value)
        known["avg"] += (value - known["avg"]) / count

    def __repr__(self) -> str:
        return self.trial_name


@dataclass(frozen=True)
class TrialNews:
    """Something that happened to a trial.

    Attributes:
        kind: `start`, `result`, `complete`, `error` or `pause`.
        trial: The trial, as it is now.
        result: The result that has come.
    """

    kind: str
    trial: Trial
    result: Mapping[str, Any] | None = None


_NEWS_OF_STATUS = {
    Status.stopped: "complete",
    Status.completed: "complete",
    Status.failed: "error",
    Status.paused: "pause",
}


class TrialBook:
    """The trials of a run.

    Args:
        settings: What trials of the run know.
        root: Folder of the run.
        hyperparameters: Names of what is not constant in the flat space.
        keep: Whether all results are kept, not just the last.
    """

    def __init__(
        self,
        settings: TrialSettings,
        root: Path,
        hyperparameters: list[str],
        keep: bool = True,
    ) -> None:
        self.settings = settings
        self.root = root
        self.hyperparameters = hyperparameters
        self.keep = keep
        self.trials: dict[int, Trial] = {}

    def feed(self, record: Mapping[str, Any]) -> Iterator[TrialNews]:
        """Take a record of the log in; must be gone through to its end."""
        for action in record["a"]:
            kind = action["kind"]
            if kind in ("start_trial", "resume_trial"):
                yield TrialNews("start", self._started(action["trial_id"], action["config"]))
            elif kind == "decision":
                reporter = self.trials[action["trial_id"]]
                reporter.add(action["result"], self.keep)
                yield TrialNews("result", reporter, reporter.last_result)
            elif kind == "status":
                trial = self.trials.get(action["trial_id"])
                if trial is None:
                    continue  # it is about to be started
                trial.status = _STATUSES[action["status"]]
                trial.error = action.get("error") or trial.error
                news = _NEWS_OF_STATUS.get(action["status"])
                if news is not None:
                    yield TrialNews(news, trial)

    def _started(self, number: int, flat: Mapping[str, Any]) -> Trial:
        settings = self.settings
        config = settings.template.nest(flat)
        params = {name: flat[name] for name in self.hyperparameters if name in flat}
        trial = self.trials.get(number)
        if trial is None:
            trial = self.trials[number] = Trial(
                number,
                settings.trial_id(number),
                settings.name,
                config,
                params,
                str(self.root / str(number)),
                dict(settings.resources),
            )
        trial.config, trial.evaluated_params, trial.status = config, params, RUNNING
        return trial
