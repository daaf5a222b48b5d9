"""A saved run, read from its log: for reading only, and without loading any pickle."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from synetune_lab.dashboard.feed import RunFeed
from synetune_lab.dashboard.results_records import records_of_results
from synetune_lab.errors import CommandRefused
from synetune_lab.store.lock import RunLock
from synetune_lab.store.run_files import read_run_file
from synetune_lab.store.run_files import to_json as plain

LOOK_EVERY_S = 1.0
_TAIL_BYTES = 64 * 1024


class SavedFeed(RunFeed):
    """The run in a folder. One that another process drives right now is followed.

    Args:
        path: The folder.

    Raises:
        CommandRefused: If there is no run in it.
    """

    def __init__(self, path: Path) -> None:
        saved = read_run_file(path)
        if saved is None:
            raise CommandRefused(f"there is no saved run in {path}")
        super().__init__(str(path), saved, path)
        self._looked_at = 0.0
        self._known: dict[str, Any] = {}

    def refresh(self) -> None:
        """Look at the files again, at most once a second."""
        with self.lock:
            if time.monotonic() - self._looked_at < LOOK_EVERY_S and self._looked_at:
                return
            self.fold_log()
            if not self.view.seq:  # a simulation that nobody watched
                self.view.fold(records_of_results(self.path, self.view.header))
            self._known = self._told_by_files()
            self._looked_at = time.monotonic()

    def _told_by_files(self) -> dict[str, Any]:
        """What `run.json` and the lock tell beyond the log."""
        saved = read_run_file(self.path) or {}
        known: dict[str, Any] = {
            key: plain(saved[key]) for key in ("saved_at", "progress") if key in saved
        }
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

    def log_tail(self, trial_id: int, lines: int) -> dict[str, list[str]]:
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
