"""What a panel shows of a run, folded from its records alone: live, or from the log on disk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from synetune_lab.dashboard.columns import ReportColumns, as_float
from synetune_lab.dashboard.plain import finite
from synetune_lab.dashboard.rungs import RungBoard
from synetune_lab.store.run_files import to_json as plain
from synetune_lab.trial import Status

STATUSES = (
    Status.pending,
    Status.in_progress,
    Status.pausing,
    Status.paused,
    Status.stopping,
    Status.stopped,
    Status.completed,
    Status.failed,
)
_ENDED = (Status.stopped, Status.completed, Status.failed)
_FLAGS = ("space", "workers", "paused", "resumed", "stop_criterion", "enqueued")


class ViewModel:
    """Folds records (see `synetune_lab.store.event_log`) into rows, columns, rungs and flags.

    Args:
        header: What is known of the run beforehand, as `run.json` has it: names of metrics and
            their modes, `scheduler.describe()`, the configuration space.

    Attributes:
        seq: Number of the last record that was folded in.
        time: Seconds that the run was driven and not paused, as of that record. All times that the
            panel shows are of this clock; those of records go on during a pause.
        trials: The row of each trial, as the protocol has it.
        waiting_configs: How many configurations of the user wait for a worker.
        history: The statuses of each trial.
    """

    def __init__(self, header: Mapping[str, Any]) -> None:
        self.header = dict(header)
        scheduler = self.header.get("scheduler") or {}
        names = self.header.get("metric_names") or scheduler.get("metric_names") or []
        modes = self.header.get("metric_modes") or scheduler.get("metric_mode") or []
        self.metric_names = _texts(names)
        self.metric_modes = _texts(modes)
        self.resource_attr: str | None = scheduler.get("resource_attr")
        self._sign = -1.0 if self.metric_modes[:1] == ["max"] else 1.0
        self.seq = 0
        self.time = 0.0
        self.wall = 0.0
        self.state = "starting"
        self.why: str | None = None
        self.n_workers = int(self.header.get("n_workers") or 1)
        self.space_version = 0
        self.space: dict[str, Any] = dict(self.header.get("config_space") or {})
        self.stop_criterion: Any = plain(self.header.get("stop_criterion"))
        self.trials: dict[int, dict[str, Any]] = {}
        self.history: dict[int, list[dict[str, Any]]] = {}
        self.counts = dict.fromkeys(STATUSES, 0)
        self.reports = ReportColumns(self.metric_names)
        self.rungs = RungBoard()
        self.best: list[list[float]] = []
        self.flags: list[dict[str, Any]] = []
        self._clock = 0.0
        self._paused_s = 0.0
        self.waiting_configs = 0
        self._changed: set[int] = set()
        self._sent_reports = self._sent_best = self._sent_flags = 0

    def fold(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take records in; those that were seen before are left out."""
        for record in records:
            if record["n"] <= self.seq:
                continue
            self.seq, self.wall = record["n"], record["w"]
            self._tick(record["t"])
            for action in record["a"]:
                handler = self._HANDLERS.get(action["kind"])
                if handler is not None:
                    handler(self, action)

    def _tick(self, clock: float) -> None:
        if self.state == "paused":
            self._paused_s += max(0.0, clock - self._clock)
        self._clock = max(clock, self._clock)
        self.time = self._clock - self._paused_s

    # -- one action -----------------------------------------------------------------------------

    def _start(self, action: Mapping[str, Any]) -> None:
        reason = action.get("reason") or {}
        is_added = reason.get("kind") == "enqueued"
        if is_added:
            self.waiting_configs -= 1
        self._row(action).update(
            config=plain(action["config"]),
            space_version=action.get("space_version", 0),
            run=action["run"],
            origin="user" if is_added else "scheduler",
            reason=plain(reason) or None,
        )

    def _row(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """The row of the action's trial, which is going to change."""
        trial_id = action["trial_id"]
        self._changed.add(trial_id)
        return self.trials.get(trial_id) or self._new_row(trial_id)

    def _new_row(self, trial_id: int) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": trial_id,
            "status": Status.pending,
            "paused_by": None,
            "config": {},
            "space_version": 0,
            "run": 0,
            "origin": "scheduler",
            "started": self.time,
            "ended": None,
            "n_reports": 0,
            "last": {},
            "best": None,
            "resource": None,
            "rung": None,
            "bracket": None,
            "error": None,
            "reason": None,
            "decision": None,
        }
        self.trials[trial_id] = row
        self.history[trial_id] = []
        self.counts[Status.pending] += 1
        return row

    def _resume(self, action: Mapping[str, Any]) -> None:
        row = self._row(action)
        row["run"] = action["run"]
        row["config"] = plain(action["config"])
        reason = action.get("reason")
        if reason and reason.get("kind") == "promoted":
            self.rungs.promoted(action["trial_id"], reason, self.time)
            row["decision"] = plain(reason)

    def _status(self, action: Mapping[str, Any]) -> None:
        row, status = self._row(action), action["status"]
        self.counts[row["status"]] -= 1
        self.counts[status] += 1
        row["status"], row["paused_by"] = status, action.get("paused_by")
        row["error"] = plain(action.get("error")) or row["error"]
        row["ended"] = self.time if status in _ENDED else None
        step = {
            "t": self.time,
            "status": status,
            "cause": action.get("cause"),
            "reason": plain(action.get("reason")),
        }
        self.history[row["id"]].append(step)

    def _decision(self, action: Mapping[str, Any]) -> None:
        trial_id, result = action["trial_id"], action["result"]
        row = self._row(action)
        row["n_reports"] += 1
        values = [as_float(result.get(name)) for name in self.metric_names]
        resource = finite(result.get(self.resource_attr)) if self.resource_attr else None
        row["resource"] = row["n_reports"] if resource is None else resource
        row["last"] = {
            name: finite(value) for name, value in zip(self.metric_names, values, strict=True)
        }
        self.reports.append(trial_id, action["run"], self.time, float(row["resource"]), values)
        if values:
            self._improve(row, values[0])
        reason = action.get("reason")
        if reason:
            row["decision"] = plain(reason)
            level = self.rungs.judged(trial_id, reason, self.time)
            if level is not None:
                row["rung"], row["bracket"] = level, reason.get("bracket") or 0

    def _improve(self, row: dict[str, Any], value: float) -> None:
        if not math.isfinite(value):
            return
        sign = self._sign
        if row["best"] is None or sign * value < sign * row["best"]:
            row["best"] = value
        if not self.best or sign * value < sign * self.best[-1][2]:
            n_trials, n_reports = len(self.trials), len(self.reports)
            self.best.append([self.time, row["id"], value, n_trials, n_reports])

    def _run(self, action: Mapping[str, Any]) -> None:
        what, details = action["what"], action.get("details") or {}
        if what == "opened":
            self.state, self.why = "running", None
        elif what in ("stopping", "finished"):
            self.state, self.why = what, details.get("why", self.why)
        elif what == "paused":
            self.state = "paused"
        elif what == "resumed":
            self.state = "running"
        elif what == "workers":
            self.n_workers = details["n_workers"]
        elif what == "space":
            self.space_version = details["version"]
            self.space = dict(details["space"])
        elif what == "stop_criterion":
            self.stop_criterion = plain(details)
        elif what == "enqueued":
            self.waiting_configs += 1
        if what in _FLAGS:
            flag = {"t": self.time, "kind": what, "origin": action.get("origin")}
            self.flags.append({**flag, "details": plain(details)})

    _HANDLERS: ClassVar[dict[str, Any]] = {
        "start_trial": _start,
        "resume_trial": _resume,
        "status": _status,
        "decision": _decision,
        "run": _run,
    }

    # -- what has changed -----------------------------------------------------------------------

    def take_delta(self) -> dict[str, Any]:
        """What has changed since this (or `mark_sent`) was called last, without the header."""
        delta: dict[str, Any] = {
            "trials": [self.trials[i] for i in sorted(self._changed)],
            "reports": self.reports.rows(self._sent_reports),
            "rungs": self.rungs.take_changed(),
            "flags": self.flags[self._sent_flags :],
            "best": self.best[self._sent_best :],
        }
        self.mark_sent()
        return delta

    def mark_sent(self) -> None:
        """Forget what has changed: whoever looks has all."""
        self._changed.clear()
        self.rungs.take_changed()
        self._sent_reports = len(self.reports)
        self._sent_flags = len(self.flags)
        self._sent_best = len(self.best)


def _texts(value: Any) -> list[str]:
    """A list of names; one alone may come without a list."""
    return [value] if isinstance(value, str) else [str(entry) for entry in value]
