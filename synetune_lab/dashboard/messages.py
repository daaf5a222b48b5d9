"""Snapshots and deltas of a view model as messages: JSON and binary buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard.columns import ReportColumns, thin

if TYPE_CHECKING:
    from synetune_lab.dashboard.view_model import ViewModel

VERSION = 1
MOST_POINTS = 200_000

Message = tuple[dict[str, Any], list[bytes]]


def snapshot(run: str, view: ViewModel, header: dict[str, Any]) -> Message:
    """The whole state; of very long runs the curves are thinned."""
    reports, thinned = view.reports, len(view.reports) > MOST_POINTS
    if thinned:
        reports = reports.rows(indices=thin(reports, MOST_POINTS))
    content = {
        **_frame("snapshot", run, view),
        "header": header,
        "trials": list(view.trials.values()),
        "reports": {"n": len(reports), "columns": reports.describe(), "thinned": thinned},
        "rungs": view.rungs.columns(),
        "flags": list(view.flags),
        "best": list(view.best),
    }
    return content, reports.buffers()


def delta(run: str, view: ViewModel, since: int, header: dict[str, Any]) -> Message:
    """What has changed since record `since`; empty parts are left out."""
    changes = view.take_delta()
    reports: ReportColumns = changes.pop("reports")
    content = {**_frame("delta", run, view), "since": since}
    if header:
        content["header"] = header
    content.update({key: value for key, value in changes.items() if value})
    if not len(reports):
        return content, []
    content["reports"] = {"n": len(reports), "columns": reports.describe()}
    return content, reports.buffers()


def _frame(kind: str, run: str, view: ViewModel) -> dict[str, Any]:
    return {"v": VERSION, "kind": kind, "run": run, "seq": view.seq}


def static_snapshot(
    run: str, view: ViewModel, header: dict[str, Any], points: int
) -> dict[str, Any]:
    """A snapshot that is JSON alone, with about `points` points, for the output of a cell."""
    indices = thin(view.reports, points)
    reports = view.reports.rows(indices=indices)
    values = reports.lists()
    columns = [{**spec, "values": values[spec["name"]]} for spec in reports.describe()]
    return {
        **_frame("snapshot", run, view),
        "header": header,
        "trials": list(view.trials.values()),
        "reports": {
            "n": len(reports),
            "columns": columns,
            "thinned": len(indices) < len(view.reports),
        },
        "rungs": view.rungs.columns(),
        "flags": list(view.flags),
        "best": list(view.best),
    }
