"""What a panel may ask: about one trial, an edit of the space, the runs on disk."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard.columns import thin
from synetune_lab.dashboard.saved_feed import SavedFeed
from synetune_lab.errors import CommandRefused
from synetune_lab.store.saved_runs import RemoteJob, saved_runs
from synetune_lab.util import experiment_path

if TYPE_CHECKING:
    from synetune_lab.dashboard.feed import RunFeed
    from synetune_lab.dashboard.hub import Hub

logger = logging.getLogger(__name__)

Query = Callable[["Hub", Any, dict[str, Any]], "Future[Any]"]
LOG_LINES = 80
MOST_POINTS_OF_A_TRIAL = 5000
OPENERS = {"remote.json": "synetune_lab.remote.opener.open_feed"}
"""By a file in a run's folder: a function that makes the feed of such a run, or None."""


def _trial(hub: Hub, run: Any, args: dict[str, Any]) -> Future[Any]:
    feed = hub.feed_of(run)
    trial_id = _number_of_trial(args)
    with feed.lock:
        row = feed.view.trials.get(trial_id)
        if row is None:
            raise CommandRefused(f"there is no trial {trial_id}")
        reports = feed.view.reports
        mine = reports.rows(indices=[i for i, t in enumerate(reports.trial) if t == trial_id])
        detail = {"config": row["config"], "statuses": list(feed.view.history[trial_id])}
    if len(mine) > MOST_POINTS_OF_A_TRIAL:
        mine = mine.rows(indices=thin(mine, MOST_POINTS_OF_A_TRIAL))
    detail["reports"] = mine.lists()
    return _aside(lambda: {**detail, "log": _log(feed, trial_id)})


def _number_of_trial(args: dict[str, Any]) -> int:
    trial_id = args.get("trial_id")
    if not isinstance(trial_id, int) or isinstance(trial_id, bool):
        raise CommandRefused(f"trial_id must be the number of a trial, got {trial_id!r}")
    return trial_id


def _log(feed: RunFeed, trial_id: int) -> dict[str, list[str]] | None:
    try:
        return feed.log_tail(trial_id, LOG_LINES)
    except Exception as error:  # a backend of the user's own, a folder that is gone
        logger.debug("no log of trial %d", trial_id, exc_info=True)
        return {"stdout": [], "stderr": [f"(the log can't be read: {error})"]}


def _preview(hub: Hub, run: Any, args: dict[str, Any]) -> Future[Any]:
    session = hub.feed_of(run).session
    if session is None:
        raise CommandRefused("the run is not being driven: resume it first")
    if not isinstance(args.get("space"), dict):
        raise CommandRefused(f"space must be an object, got {args.get('space')!r}")
    return session.preview_space(args["space"])


def _rungs(hub: Hub, run: Any, _: dict[str, Any]) -> Future[Any]:
    feed = hub.feed_of(run)
    with feed.lock:
        return _done(feed.view.rungs.columns())


def _saved_runs(_hub: Hub, _run: Any, _args: dict[str, Any]) -> Future[Any]:
    return _aside(lambda: saved_runs(Path(experiment_path())))


def _open_saved(hub: Hub, _: Any, args: dict[str, Any]) -> Future[Any]:
    path = args.get("path")
    if not isinstance(path, str) or not path.strip():
        raise CommandRefused(f"path must be the folder of a run, got {path!r}")
    return _aside(lambda: {"run": open_run(hub, Path(path).expanduser()).key})


def open_run(hub: Hub, path: Path) -> RunFeed:
    """Make a saved run known to panels, folded from its log.

    Returns:
        Its feed, or that of the tuner of this process whose run it is.

    Raises:
        CommandRefused: If there is no run in the folder.
    """
    path = path.resolve()
    known = [feed for feed in list(hub.feeds.values()) if feed.path.resolve() == path]
    driven = next((feed for feed in known if feed.session is not None), None)
    if driven is not None:
        return driven
    # Though a tuner of this process has the folder, something else may drive the run.
    opened = _opened_elsewhere(path)
    if opened is None:
        if known:
            return min(known, key=lambda feed: isinstance(feed, SavedFeed))
        opened = SavedFeed(path)
    opened.refresh()
    hub.add(opened)
    return opened


def _opened_elsewhere(path: Path) -> RunFeed | None:
    """The feed of a run that something above the panel knows how to follow."""
    for note, opener in OPENERS.items():
        if (path / note).exists():
            module, _, function = opener.rpartition(".")
            feed: RunFeed | None = getattr(import_module(module), function)(path)
            if feed is not None:
                return feed
    return None


def _resume_code(hub: Hub, run: Any, args: dict[str, Any]) -> Future[Any]:
    path = Path(args.get("path") or hub.feed_of(run).path)
    job = RemoteJob.of(path)
    if job is None:
        return _done({"kind": "resume", "code": _RESUME.format(path=str(path))})
    # A run is known by its name where it lies in the usual folder.
    is_usual = path.resolve() == Path(experiment_path(tuner_name=path.name)).resolve()
    kind, code = ("resume_job", _RESUME_JOB) if job.is_over else ("find", _FIND)
    return _done({"kind": kind, "code": code.format(run=path.name if is_usual else str(path))})


_RESUME = """from synetune_lab import Tuner

tuner = Tuner.resume({path!r})  # runs code from the saved state
tuner.start()
tuner"""

_FIND = """from synetune_lab.remote import RemoteRun

RemoteRun.attach({run!r})"""

_RESUME_JOB = """from synetune_lab.remote import RemoteRun

run = RemoteRun.attach({run!r})
tuner = run.load_tuner(trust=True)  # runs code of the saved state
tuner.start()  # or as a job: RemoteLauncher(tuner, ...).run()
tuner"""


def _done(result: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(result)
    return future


def _aside(function: Callable[[], Any]) -> Future[Any]:
    """Have something done that may take long, so that the other panels need not wait for it."""
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=work, name="synetune-lab panel query", daemon=True).start()
    return future


QUERIES: dict[str, Query] = {
    "trial": _trial,
    "preview_space": _preview,
    "rungs": _rungs,
    "saved_runs": _saved_runs,
    "open_saved": _open_saved,
    "resume_code": _resume_code,
}
