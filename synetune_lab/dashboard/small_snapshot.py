"""The snapshot that a notebook keeps: JSON alone, and small."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard import table

if TYPE_CHECKING:
    from synetune_lab.dashboard.feed import RunFeed

SCHEMA = 1
MOST_BYTES = 200_000
_POINTS = (4000, 1500, 500)
_TRIALS = (500, 100, table.MOST_ROWS, 5, 0)
_LATEST = 200


def small_snapshot(feed: RunFeed, comm_id: str | None) -> dict[str, Any]:
    """A snapshot of at most 200 kB: with fewer points, then, if needed, with fewer trials.

    Args:
        feed: The run.
        comm_id: Where the run may be found live, None if nowhere.
    """
    snapshot: dict[str, Any] = {}
    for points in _POINTS:
        snapshot = _form(feed.static(points), comm_id)
        if _size(snapshot) <= MOST_BYTES:
            return snapshot
    # Lists that grow with the run's length rather than its number of trials: the latest will do.
    snapshot["best"] = snapshot["best"][-_LATEST:]
    snapshot["flags"] = snapshot["flags"][-_LATEST:]
    snapshot["reports"]["thinned"] = True
    for most in _TRIALS:
        _keep_trials(snapshot, [row["id"] for row in table.best_rows(snapshot, most)])
        if _size(snapshot) <= MOST_BYTES:
            break
    return snapshot


def _form(snapshot: dict[str, Any], comm_id: str | None) -> dict[str, Any]:
    return {**snapshot, "schema": SCHEMA, "comm": comm_id}


def _size(snapshot: dict[str, Any]) -> int:
    return len(json.dumps(snapshot, ensure_ascii=False).encode("utf-8", "replace"))


def _keep_trials(snapshot: dict[str, Any], ids: list[int]) -> None:
    """Leave out all that is of other trials."""
    kept = set(ids)
    snapshot["trials"] = [row for row in snapshot["trials"] if row["id"] in kept]
    snapshot["rungs"] = [
        {**rung, "entries": [entry for entry in rung["entries"] if entry["trial"] in kept]}
        for rung in snapshot["rungs"]
    ]
    reports = snapshot["reports"]
    trial = next(column["values"] for column in reports["columns"] if column["name"] == "trial")
    rows = [i for i, trial_id in enumerate(trial) if trial_id in kept]
    for column in reports["columns"]:
        column["values"] = [column["values"][i] for i in rows]
    reports["n"] = len(rows)
