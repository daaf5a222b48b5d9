"""The trials of a run, put together from the records of its log: live, or from disk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import TRIAL_CHECKPOINTS_DIRNAME
from synetune_lab.errors import TuneError
from synetune_lab.trial import Status
from synetune_lab.tune.checkpoint import Checkpoint, CheckpointFolder
from synetune_lab.tune.resources import PlacementGroupFactory
from synetune_lab.tune.retries import replaced_trial

if TYPE_CHECKING:
    from synetune_lab.tune.places import Places
    from synetune_lab.tune.trial_settings import TrialSettings

__all__ = ["Trial", "TrialBook", "TrialNews", "shown_result"]


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
        given_name: Its name, if a function of the user's made one.
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
    given_name: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    metric_analysis: dict[str, dict[str, float]] = field(default_factory=dict)
    _last: dict[str, Any] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _before: list[dict[str, Any]] = field(default_factory=list)
    _places: Places | None = field(default=None, repr=False)
    _fetched: Path | None = field(default=None, repr=False)

    @property
    def trial_name(self) -> str:
        """Its name: that of the trainable and its id, if no function of the user's made another."""
        return self.given_name or f"{self.trainable_name}_{self.trial_id}"

    @property
    def logdir(self) -> str:
        """Its folder."""
        return self.local_path

    @property
    def path(self) -> str:
        """Its folder."""
        return self.local_path

    @property
    def placement_group_factory(self) -> PlacementGroupFactory:
        """What it may use, as one bundle."""
        amounts = {
            key.upper() if key in ("cpu", "gpu") else key: n for key, n in self.resources.items()
        }
        return PlacementGroupFactory([amounts])

    @property
    def last_result(self) -> dict[str, Any]:
        """The latest result, with `trial_id`, `config` and `done`; empty if there is none.

        What was reported as a dictionary is there as such, and as `name/inner`.
        """
        if not self._last:
            return {}
        done = self.status in (TERMINATED, ERROR)
        return {
            **shown_result(self._last),
            "trial_id": self.trial_id,
            "config": self.config,
            "done": done,
        }

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
        """Checkpoints with the training iteration that each was saved at.

        Those that are kept elsewhere (at a URL, on S3) are fetched: of a trial that has ended once,
        of one that runs each time.

        Raises:
            BackendError: If the place where they are can't be reached.
        """
        folder = CheckpointFolder(self._checkpoint_folder())
        return [(Checkpoint(folder.root / note.name), note.iteration) for note in folder.notes()]

    def _checkpoint_folder(self) -> Path:
        if self._places is None:
            return Path(self.local_path) / TRIAL_CHECKPOINTS_DIRNAME
        if self._fetched is not None:
            return self._fetched
        found = self._places.checkpoints(self.number)
        if self.status in (TERMINATED, ERROR):
            self._fetched = found
        return found

    def go_on_from(self, failed: Trial) -> None:
        """Take over what a trial has reported, in whose place this one goes on."""
        self._before = list(failed.history)

    def end(self, status: str) -> None:
        """It has ended; if it has not reported anything, all that it took over is its history."""
        self.status = status
        self._take_over(math.inf)

    def _take_over(self, iteration: Any) -> None:
        """Keep what was reported before the checkpoint that the trial began with."""
        before, self._before = self._before, []
        for row in before:
            if row.get("training_iteration", 0) < iteration:
                self.add(row, keep=True)

    def add(self, result: Mapping[str, Any], keep: bool) -> None:
        """Take a result in."""
        if self._before:
            self._take_over(result.get("training_iteration", 0))
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


def shown_result(reported: Mapping[str, Any]) -> dict[str, Any]:
    """A result as users see it: without our own entries, and dictionaries as such and by paths."""
    own = {name: value for name, value in reported.items() if not name.startswith("st_")}
    return {**_nested(own), **own}


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The dictionaries that names with slashes come from."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *way, last = name.split("/")
        inner = nested
        for step in way:
            found = inner.setdefault(step, {})
            inner = found if isinstance(found, dict) else {}
        if way:
            inner[last] = value
    return nested


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
        places: Where their files are.
        hyperparameters: Names of what is not constant in the flat space.
        keep: Whether all results are kept, not just the last.

    Attributes:
        by_number: The trials by their numbers, also those in whose place there are others.
        rows: The trials as they are shown: one that is tried again stands in the place of the
            failed one.
        problem: What the user's function for names of trials failed with first; such a trial has
            the usual name.
    """

    def __init__(
        self,
        settings: TrialSettings,
        places: Places,
        hyperparameters: list[str],
        keep: bool = True,
    ) -> None:
        self.settings = settings
        self.places = places
        self.hyperparameters = hyperparameters
        self.keep = keep
        self.by_number: dict[int, Trial] = {}
        self.rows: list[Trial] = []
        self.problem: TuneError | None = None
        self._row_of: dict[int, int] = {}
        self._running: set[int] = set()
        self._paused_by: dict[int, str | None] = {}

    @property
    def num_running(self) -> int:
        """Trials that run."""
        return len(self._running)

    def feed(self, record: Mapping[str, Any]) -> Iterator[TrialNews]:
        """Take a record of the log in; must be gone through to its end."""
        for action in record["a"]:
            kind = action["kind"]
            if kind in ("start_trial", "resume_trial"):
                yield TrialNews("start", self._started(action))
            elif kind == "decision":
                reporter = self.by_number[action["trial_id"]]
                reporter.add(action["result"], self.keep)
                yield TrialNews("result", reporter, reporter.last_result)
            elif kind == "status":
                trial = self.by_number.get(action["trial_id"])
                if trial is None:
                    continue  # it is about to be started
                self._set_status(trial, _STATUSES[action["status"]])
                trial.error = action.get("error") or trial.error
                self._paused_by[trial.number] = action.get("paused_by")
                news = _NEWS_OF_STATUS.get(action["status"])
                if news is not None:
                    yield TrialNews(news, trial)
            elif kind == "finish_run":
                yield from self._left_behind()

    def _set_status(self, trial: Trial, status: str) -> None:
        if status in (TERMINATED, ERROR):
            trial.end(status)
        trial.status = status
        if status == RUNNING:
            self._running.add(trial.number)
        else:
            self._running.discard(trial.number)

    def _left_behind(self) -> Iterator[TrialNews]:
        """Trials that a scheduler paused and did not let go on have ended with the run.

        Unless there are some that were paused to go on with another day: then all of them may.
        """
        paused = [trial for trial in self.rows if trial.status == PAUSED]
        if any(self._paused_by.get(trial.number) != "scheduler" for trial in paused):
            return
        for trial in paused:
            self._set_status(trial, TERMINATED)
            yield TrialNews("complete", trial)

    def _started(self, action: Mapping[str, Any]) -> Trial:
        number, flat, settings = action["trial_id"], action["config"], self.settings
        config = settings.template.nest(flat)
        params = {name: flat[name] for name in self.hyperparameters if name in flat}
        trial = self.by_number.get(number)
        if trial is None:
            trial = Trial(
                number,
                settings.trial_id(number),
                settings.name,
                config,
                params,
                str(self.places.folder(number)),
                dict(settings.resources),
                given_name=self._given_name(number, flat),
                _places=self.places,
            )
            self._enter(trial, action.get("reason"))
        trial.config, trial.evaluated_params = config, params
        self._set_status(trial, RUNNING)
        return trial

    def _given_name(self, number: int, flat: Mapping[str, Any]) -> str | None:
        if self.settings.name_creator is None:
            return None
        try:
            return self.settings.trial_name(number, flat)
        except TuneError as error:
            self.problem = self.problem or error
            return None

    def _enter(self, trial: Trial, reason: Mapping[str, Any] | None) -> None:
        """Take a new trial in; one that is tried again takes the place of the failed one."""
        self.by_number[trial.number] = trial
        replaced = replaced_trial(reason)
        if replaced is None or replaced[0] not in self.by_number:
            self._row_of[trial.number] = len(self.rows)
            self.rows.append(trial)
            return
        number, from_checkpoint = replaced
        if from_checkpoint:
            trial.go_on_from(self.by_number[number])
        row = self._row_of[trial.number] = self._row_of[number]
        self.rows[row] = trial
