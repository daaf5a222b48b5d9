"""The header of a run: what the protocol tells of it as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard.plain import finite
from synetune_lab.store.run_files import to_json as plain
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.dashboard.view_model import ViewModel

_KNOWN_BEFORE = ("name", "started_at", "backend", "path", "saved_at", "scheduler")
_WORKERS = {1: "the worker is busy", 2: "both workers are busy"}


def describe_run(view: ViewModel) -> dict[str, Any]:
    """The header of the protocol, as far as records tell it."""
    from_start = {key: plain(view.header.get(key)) for key in _KNOWN_BEFORE}
    scheduler = from_start["scheduler"] or {}
    alive = sum(view.counts[s] for s in (Status.in_progress, Status.pausing, Status.stopping))
    # A trial that is told to end gives its worker free at once: the next one may run already.
    busy = max(view.counts[Status.in_progress], min(alive, view.n_workers))
    return {
        **from_start,
        "state": view.state,
        "why": view.why,
        "read_only": False,
        "metric_names": view.metric_names,
        "metric_modes": view.metric_modes,
        "resource_attr": view.resource_attr,
        "max_resource": finite(scheduler.get("max_resource")),
        "config_space": plain(view.space),
        "space_version": view.space_version,
        "hyperparameters": [name for name, entry in view.space.items() if is_domain(entry)],
        "n_workers": view.n_workers,
        "busy_workers": busy,
        "tuner_time": view.time,
        "wall_now": view.wall,
        "deadline": _deadline(view.stop_criterion),
        "counts": dict(view.counts),
        "num_reports": len(view.reports),
        "waits_for": _waits_for(view, alive, busy),
        "controls": True,
        "stop_criterion": view.stop_criterion,
        "progress": None,
        "simulation": None,
        "remote": None,
    }


def is_domain(value: Any) -> bool:
    """Whether an entry of a space in its JSON form is a domain, not a constant."""
    return isinstance(value, Mapping) and "domain_cls" in value


def _deadline(criterion: Any) -> float | None:
    limits = criterion if isinstance(criterion, Mapping) else {}
    return finite(limits.get("max_wallclock_time"))


def _waits_for(view: ViewModel, alive: int, busy: int) -> str | None:
    """What has to happen before something new is started, in words."""
    trials = "1 trial" if alive == 1 else f"{alive} trials"
    if view.state == "stopping":
        return f"waits for {trials} to end" if alive else None
    if view.state == "paused":
        return f"waits for {trials} to write a checkpoint" if alive else "waits for you"
    if view.state != "running":
        return None
    if not alive and any(row["paused_by"] == "user" for row in view.trials.values()):
        return "waits for you to resume a trial"
    if busy < view.n_workers:
        return None
    if view.waiting_configs > 0:
        return f"{view.waiting_configs} of yours next, when a worker is free"
    return _WORKERS.get(view.n_workers, f"all {view.n_workers} workers are busy")
