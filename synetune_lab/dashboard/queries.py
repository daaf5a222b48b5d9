"""What a panel may ask: about one trial, an edit of the space, the runs on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard.feed import RunFeed
from synetune_lab.engine.command_handlers import preview_space
from synetune_lab.errors import CommandRefused
from synetune_lab.store.run_files import read_run_file
from synetune_lab.store.run_files import to_json as plain
from synetune_lab.store.saved_runs import saved_runs
from synetune_lab.util import experiment_path

if TYPE_CHECKING:
    from synetune_lab.dashboard.hub import Hub

Reply = Callable[[dict[str, Any]], None]
Query = Callable[["Hub", Mapping[str, Any], dict[str, Any], Reply], None]
LOG_LINES = 80
_TAIL_BYTES = 64 * 1024


def _done(reply: Reply, result: Any) -> None:
    reply({"ok": True, "result": result})


def _trial(hub: Hub, content: Mapping[str, Any], args: dict[str, Any], reply: Reply) -> None:
    feed = hub.feed_of(content)
    trial_id = int(args["trial_id"])
    row = feed.view.trials.get(trial_id)
    if row is None:
        raise CommandRefused(f"there is no trial {trial_id}")
    columns = feed.view.reports
    indices = [i for i, trial in enumerate(columns.trial) if trial == trial_id]
    _done(
        reply,
        {
            "config": row["config"],
            "statuses": feed.view.history[trial_id],
            "reports": columns.rows(indices=indices).lists(),
            "log": _log(feed, trial_id),
        },
    )


def _log(feed: RunFeed, trial_id: int) -> dict[str, list[str]]:
    """The last lines of both logs, from the backend or, for a saved run, from its folder."""
    tuner = feed.tuner
    if tuner is not None:
        return tuner.trial_backend.log_tail(trial_id, LOG_LINES)
    folder = feed.path / str(trial_id)
    return {"stdout": tail(folder / "std.out"), "stderr": tail(folder / "std.err")}


def tail(path: Path) -> list[str]:
    """The last lines of a text file; none if it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
    except OSError:
        return []


def _preview(hub: Hub, content: Mapping[str, Any], args: dict[str, Any], reply: Reply) -> None:
    session = hub.feed_of(content).session
    if session is None or not session.is_alive:
        raise CommandRefused("the run is not being driven: resume it first")
    future = session.read(lambda engine: plain(preview_space(engine, args)))

    def told(done: Any) -> None:
        error = done.exception()
        reply(
            {"ok": False, "error": str(error)} if error else {"ok": True, "result": done.result()}
        )

    future.add_done_callback(told)


def _rungs(hub: Hub, content: Mapping[str, Any], _: dict[str, Any], reply: Reply) -> None:
    _done(reply, hub.feed_of(content).view.rungs.columns())


def _saved_runs(_hub: Hub, _content: Mapping[str, Any], _: dict[str, Any], reply: Reply) -> None:
    _done(reply, plain(saved_runs(Path(experiment_path()))))


def _open_saved(hub: Hub, _: Mapping[str, Any], args: dict[str, Any], reply: Reply) -> None:
    _done(reply, {"run": open_run(hub, Path(str(args["path"])).expanduser())})


def open_run(hub: Hub, path: Path) -> str:
    """Make a saved run known to panels, folded from its log; what messages call it.

    Raises:
        CommandRefused: If there is no run in the folder.
    """
    path = path.resolve()
    for key, feed in hub.feeds.items():
        if feed.path.resolve() == path and feed.tuner is not None:
            return key
    header = read_run_file(path)
    if header is None:
        raise CommandRefused(f"there is no saved run in {path}")
    feed = RunFeed(str(path), header, path)
    feed.fold_log()
    hub.feeds[feed.key] = feed
    return feed.key


def _resume_code(hub: Hub, content: Mapping[str, Any], args: dict[str, Any], reply: Reply) -> None:
    path = args.get("path") or str(hub.feed_of(content).path)
    code = (
        "from synetune_lab import Tuner\n\n"
        f"tuner = Tuner.resume({str(path)!r})  # runs code from the saved state\n"
        "tuner.start()\ntuner"
    )
    _done(reply, {"code": code})


QUERIES: dict[str, Query] = {
    "trial": _trial,
    "preview_space": _preview,
    "rungs": _rungs,
    "saved_runs": _saved_runs,
    "open_saved": _open_saved,
    "resume_code": _resume_code,
}
