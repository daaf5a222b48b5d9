"""A saved run, read from its log: for reading only, and without loading any pickle."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synetune_lab.dashboard.feed import RunFeed
from synetune_lab.dashboard.results_records import records_of_results
from synetune_lab.dashboard.view_model import ViewModel
from synetune_lab.errors import CommandRefused
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.store.lock import RunLock
from synetune_lab.store.run_files import read_run_file
from synetune_lab.store.run_files import to_json as plain
from synetune_lab.store.saved_runs import RemoteJob

LOOK_EVERY_S = 1.0
_NOT_FOLLOWED = (
    "The job is not followed, because boto3 is missing here: this is what was known of it last. "
    "pip install boto3, restart the kernel, and open the run again"
)
_TAIL_BYTES = 64 * 1024


class SavedFeed(RunFeed):
    """The run in a folder. One that another process drives right now is followed.

    Args:
        path: The folder.
        saved: What is known of the run, if its folder does not tell yet.

    Raises:
        CommandRefused: If there is no run in it.
    """

    def __init__(self, path: Path, saved: Mapping[str, Any] | None = None) -> None:
        saved = read_run_file(path) or saved
        if saved is None:
            raise CommandRefused(f"there is no saved run in {path}")
        super().__init__(str(path), saved, path)
        self._looked_at = 0.0
        self._is_of_results = False
        self._known: dict[str, Any] = {}

    def refresh(self) -> None:
        """Look at the files again, at most once a second."""
        with self.lock:
            if time.monotonic() - self._looked_at < LOOK_EVERY_S and self._looked_at:
                return
            self._look()
            self._looked_at = time.monotonic()

    def _look(self) -> None:
        log = self.path / EVENT_LOG_FILENAME
        size = log.stat().st_size if log.exists() else 0
        # Who drives the run now begins before what was seen, or writes the log that was missing.
        if size < self._log_size or (self._is_of_results and size):
            self._begin_again()
        self.fold_log()
        if not self.view.seq and self._may_lack_log():
            self.view.fold(records_of_results(self.path, self.view.header))
            self._is_of_results = True
        self._known = self._told_by_files()

    def _begin_again(self) -> None:
        """Forget what was folded. Whoever looks gets a snapshot instead of the next change."""
        self.view = ViewModel(read_run_file(self.path) or self.view.header)
        self._log_size = 0
        self._is_of_results = False

    def _may_lack_log(self) -> bool:
        """Whether results may be all there is: of a simulation that nobody watched."""
        return True

    def _told_by_files(self) -> dict[str, Any]:
        """What `run.json` and the lock tell beyond the log."""
        saved = read_run_file(self.path) or {}
        known: dict[str, Any] = {
            key: plain(saved[key]) for key in ("saved_at", "progress") if key in saved
        }
        job = RemoteJob.of(self.path)
        if job is not None:
            trouble = None if job.is_over else _NOT_FOLLOWED
            known["remote"] = {"job": job.name, "url": None, "heard_at": None, "trouble": trouble}
            if not job.is_over:
                return known
        if RunLock(self.path).owner() is not None:
            return known
        known["state"] = "failed" if saved.get("state") == "failed" else "finished"
        if saved.get("why"):
            known["why"] = plain(saved["why"])
        elif saved.get("state") != "finished":
            known["why"] = "the run was interrupted; it can be resumed"
        return known

    def _amend(self, header: dict[str, Any]) -> None:
        header.update(read_only=True, controls=False)
        header.update(self._known)
        if header["state"] in ("finished", "failed"):
            header["waits_for"] = None

    def log_tail(self, trial_id: int, lines: int) -> dict[str, list[str]] | None:
        """The last lines of a trial's logs, where its folder is inside the run's."""
        folder = self.path / str(trial_id)
        return {name: tail(folder / f"std.{name[3:]}", lines) for name in ("stdout", "stderr")}


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a text file; none if it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []
