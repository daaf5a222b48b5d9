"""Where trials keep their files, so that whichever node goes on with one finds its checkpoint.

Either in a folder that every node sees (a network file system, or one machine), where trials work
in place; or below a URL, see `url_storage`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Protocol

from synetune_lab.backend.local.checkpoints import copy_folder
from synetune_lab.backend.local.folder import TrialFolder
from synetune_lab.backend.local.log_tail import ReportTail

__all__ = ["ENDED_FILENAME", "SharedFolder", "TrialStorage", "json_object", "reports_in"]

ENDED_FILENAME = "ended.json"
"""Beside the logs of a trial: how its latest run has ended."""


class TrialStorage(Protocol):
    """What hosts and driver ask of a place for files."""

    def trials_at(self, scratch: Path) -> Path:
        """Folder on this machine that holds those of trials; `scratch` is this process's own."""

    def fetch(self, folder: TrialFolder, trial_id: int) -> None:
        """Bring what a trial left to its folder on this machine."""

    def keep(self, folder: TrialFolder, trial_id: int, run: int) -> None:
        """Store what is new in a trial's folder; what fails is done by the next call."""

    def write_end(self, trial_id: int, end: dict[str, Any]) -> None:
        """Note how a run has ended."""

    def read_end(self, trial_id: int) -> dict[str, Any] | None:
        """How the latest run has ended, if it has."""

    def read_log(self, trial_id: int, scratch: Path) -> Path:
        """The folder with the logs of a trial, on this machine."""

    def fetch_checkpoint(self, folder: TrialFolder, trial_id: int) -> None:
        """Bring the latest checkpoint to the trial's folder on this machine; from any thread."""

    def copy_checkpoint(self, source: int, target: int) -> None:
        """Copy the checkpoint of a trial to another."""

    def delete_checkpoint(self, trial_id: int) -> None:
        """Remove the checkpoint of a trial."""


def reports_in(log: Path, offset: int) -> list[tuple[int, dict[str, Any]]]:
    """The reports of a log from an offset on, each with the offset behind it."""
    if not log.exists():
        return []
    tail = ReportTail(log, offset)
    found: list[tuple[int, dict[str, Any]]] = []
    try:
        while True:
            before = tail.offset
            tail.read()
            while (report := tail.take()) is not None:
                found.append((tail.delivered, report))
            if tail.offset == before:
                return found
    finally:
        tail.close()


class SharedFolder:
    """A folder that all nodes and the driver see under the same name.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def trials_at(self, scratch: Path) -> Path:  # noqa: ARG002, D102 - see `TrialStorage`
        return self.root

    def fetch(self, folder: TrialFolder, trial_id: int) -> None:  # noqa: ARG002, D102
        (folder.path / ENDED_FILENAME).unlink(missing_ok=True)

    def keep(self, folder: TrialFolder, trial_id: int, run: int) -> None:
        """Nothing is to be done: trials work in place."""

    def write_end(self, trial_id: int, end: dict[str, Any]) -> None:  # noqa: D102
        path = self.root / str(trial_id) / ENDED_FILENAME
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(end))
        draft.replace(path)

    def read_end(self, trial_id: int) -> dict[str, Any] | None:  # noqa: D102
        try:
            return json_object((self.root / str(trial_id) / ENDED_FILENAME).read_text())
        except OSError:
            return None

    def read_log(self, trial_id: int, scratch: Path) -> Path:  # noqa: ARG002, D102
        return self.root / str(trial_id)

    def fetch_checkpoint(self, folder: TrialFolder, trial_id: int) -> None:
        """Nothing is to be done: it is there."""

    def copy_checkpoint(self, source: int, target: int) -> None:  # noqa: D102
        goal = TrialFolder(self.root / str(target)).checkpoints
        goal.parent.mkdir(parents=True, exist_ok=True)
        copy_folder(TrialFolder(self.root / str(source)).checkpoints, goal)

    def delete_checkpoint(self, trial_id: int) -> None:  # noqa: D102
        shutil.rmtree(TrialFolder(self.root / str(trial_id)).checkpoints, ignore_errors=True)


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object in a text; None if it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
