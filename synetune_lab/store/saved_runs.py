"""Which runs lie in a folder, told from their JSON files alone: no pickle is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import (
    ST_METADATA_FILENAME,
    ST_TUNER_CREATION_TIMESTAMP,
    ST_TUNER_DILL_FILENAME,
    ST_TUNER_START_TIMESTAMP,
)
from synetune_lab.store.lock import RunLock
from synetune_lab.store.run_files import RUN_FILENAME, read_metadata, read_run_file

if TYPE_CHECKING:
    from pathlib import Path

_UNFINISHED = ("starting", "running", "paused", "stopping")
_REMOTE_FILENAME = "remote.json"


@dataclass(frozen=True)
class RemoteJob:
    """The job that drives a run, or drove it, as its folder tells.

    Attributes:
        name: Name of the job.
        is_over: Whether it has ended, as far as is known here.
    """

    name: str
    is_over: bool

    @classmethod
    def of(cls, path: Path) -> RemoteJob | None:
        """The job of the run in a folder; None if it is a run of this machine."""
        try:
            note = json.loads((path / _REMOTE_FILENAME).read_text(encoding="utf-8"))
            return cls(str(note["job_name"]), bool(note.get("is_over")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


def saved_runs(folder: Path) -> list[dict[str, Any]]:
    """What the JSON files tell of each run below a folder.

    Args:
        folder: The root folder of experiments. Runs lie in it, or one folder deeper.

    Returns:
        A dictionary a run, newest first: `name`, `path`, `state` ("interrupted" if it was running
        and no process drives it any more, "unknown" if its files do not tell), `started` (Unix
        time or None), `scheduler`, `entrypoint`, `metric`, `mode`, `best` (value or None),
        `trials`, `reports` (None if unknown) and `resumable`. Files that cannot be read are
        treated as missing. `remote` is None for a run of this machine, else `{"job", "is_over",
        "looked_at"}`: the state is that of Unix time `looked_at`, and the job may have gone on.
    """
    runs = [_describe(path) for path in _run_folders(folder)]
    return sorted(runs, key=lambda run: (run["started"] or 0.0, run["name"]), reverse=True)


def _run_folders(folder: Path, depth: int = 2) -> Iterator[Path]:
    try:
        children = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return
    for path in children:
        if (path / RUN_FILENAME).is_file() or (path / ST_METADATA_FILENAME).is_file():
            yield path
        elif depth > 1:
            yield from _run_folders(path, depth - 1)


def _describe(path: Path) -> dict[str, Any]:
    run, metadata = read_run_file(path) or {}, read_metadata(path) or {}
    counts = run.get("counts")
    job = RemoteJob.of(path)
    goes_on_there = job is not None and not job.is_over
    return {
        "name": str(run.get("name") or path.name),
        "path": str(path),
        "state": str(run.get("state") or "starting") if goes_on_there else _state(path, run),
        "started": _number(run.get("started_at"))
        or _number(metadata.get(ST_TUNER_START_TIMESTAMP))
        or _number(metadata.get(ST_TUNER_CREATION_TIMESTAMP)),
        "scheduler": _scheduler(run) or _text(metadata.get("scheduler_name")),
        "entrypoint": _text(run.get("entrypoint") or metadata.get("entrypoint")),
        "metric": _first(run.get("metric_names") or metadata.get("metric_names")),
        "mode": _first(run.get("metric_modes") or metadata.get("metric_mode")),
        "best": _best(run.get("best")),
        "trials": sum(counts.values()) if isinstance(counts, Mapping) else None,
        "reports": run.get("num_reports"),
        "resumable": (path / ST_TUNER_DILL_FILENAME).is_file() and not goes_on_there,
        "remote": None if job is None else _remote(path, job),
    }


def _remote(path: Path, job: RemoteJob) -> dict[str, Any]:
    try:
        looked_at: float | None = (path / RUN_FILENAME).stat().st_mtime
    except OSError:
        looked_at = None
    return {"job": job.name, "is_over": job.is_over, "looked_at": looked_at}


def _state(path: Path, run: Mapping[str, Any]) -> str:
    state = str(run.get("state") or "unknown")
    if state in _UNFINISHED and RunLock(path).owner() is None:
        return "interrupted"
    return state


def _scheduler(run: Mapping[str, Any]) -> str | None:
    described = run.get("scheduler")
    return _text(described.get("name") if isinstance(described, Mapping) else described)


def _best(best: Any) -> float | None:
    return _number(best.get("value") if isinstance(best, Mapping) else best)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _first(value: Any) -> str | None:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _text(value[0]) if value else None
    return _text(value)
