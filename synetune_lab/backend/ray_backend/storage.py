"""Where trials keep their files, so that whichever node goes on with one finds its checkpoint.

Either in a folder that every node sees (a network file system, or one machine), where trials work
in place; or below an fsspec URL (`s3://`, `gs://`, `file://`), where nodes work in a folder of
their own, and what changed is sent after each report. There a trial has, below `{url}/{trial}/`:

- `checkpoints-{run}-{number}/`: its latest checkpoint, a new name each time
- `latest.json`: that name; written last, so that a checkpoint is whole or not there
- `std.out/{offset}`, `std.err/{offset}`: its logs in parts, each from that offset on; only the last
  part is written again when a log grows
- `ended.json`: how its latest run has ended
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Protocol

from synetune_lab.backend.local.checkpoints import copy_folder
from synetune_lab.backend.local.folder import TrialFolder
from synetune_lab.backend.local.log_tail import ReportTail
from synetune_lab.extras import require

__all__ = ["ENDED_FILENAME", "SharedFolder", "TrialStorage", "UrlStorage", "reports_in"]

ENDED_FILENAME = "ended.json"
"""Beside the logs of a trial: how its latest run has ended."""
_LATEST_FILENAME = "latest.json"
PART_BYTES = 1 << 16
"""A part of a log that has become so large is left alone."""


class TrialStorage(Protocol):
    """What hosts and driver ask of a place for files."""

    def trials_at(self, scratch: Path) -> Path:
        """Folder on this machine that holds those of trials; `scratch` is this process's own."""

    def fetch(self, folder: TrialFolder, trial_id: int) -> None:
        """Bring what a trial left to its folder on this machine."""

    def keep(self, folder: TrialFolder, trial_id: int, run: int) -> None:
        """Store what is new in a trial's folder."""

    def write_end(self, trial_id: int, end: dict[str, Any]) -> None:
        """Note how a run has ended."""

    def read_end(self, trial_id: int) -> dict[str, Any] | None:
        """How the latest run has ended, if it has."""

    def read_log(self, trial_id: int, scratch: Path) -> Path:
        """The folder with the logs of a trial, on this machine."""

    def fetch_checkpoint(self, folder: TrialFolder, trial_id: int) -> None:
        """Bring the latest checkpoint to the trial's folder on this machine."""

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
            return _object((self.root / str(trial_id) / ENDED_FILENAME).read_text())
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


class UrlStorage:
    """A place that fsspec reaches.

    Args:
        url: URL of the experiment's folder.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._stored: dict[int, Any] = {}
        self._sent: dict[tuple[int, str], tuple[int, int]] = {}  # start of the last part, its end
        self._number = 0
        self._files: tuple[Any, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url, "_stored": {}, "_sent": {}, "_number": 0, "_files": None}

    def _at(self, trial_id: int, *names: str) -> tuple[Any, str]:
        """The file system, and the path of a file of a trial there."""
        if self._files is None:
            fsspec = require("fsspec.core", extra="ray", purpose=f"storing trials at {self.url}")
            # What other machines write must show at once.
            self._files = fsspec.url_to_fs(self.url, use_listings_cache=False)
        files, root = self._files
        return files, "/".join([root.rstrip("/"), str(trial_id), *names])

    def trials_at(self, scratch: Path) -> Path:  # noqa: D102 - see `TrialStorage`
        return scratch / "trials"

    def fetch(self, folder: TrialFolder, trial_id: int) -> None:  # noqa: D102
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.path.mkdir(parents=True)
        for log in (folder.stdout, folder.stderr):
            size = self._fetch_log(trial_id, log)
            self._sent[trial_id, log.name] = (size, size)
        files, ended = self._at(trial_id, ENDED_FILENAME)
        if files.exists(ended):
            files.rm(ended)
        self.fetch_checkpoint(folder, trial_id)
        self._stored[trial_id] = _fingerprint(folder.checkpoints)

    def _put(self, trial_id: int, name: str, data: bytes) -> None:
        files, path = self._at(trial_id, name)
        try:
            files.pipe_file(path, data)
        except FileNotFoundError:  # what keeps objects has no folders, and need not be asked
            files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            files.pipe_file(path, data)

    def _send_log(self, trial_id: int, log: Path) -> None:
        """Send what a log has grown by, together with the rest of its last part."""
        start, sent = self._sent.get((trial_id, log.name), (0, 0))
        size = log.stat().st_size if log.exists() else 0
        if size <= sent:
            return
        with log.open("rb") as file:
            file.seek(start)
            data = file.read(size - start)
        self._put(trial_id, f"{log.name}/{start:015d}", data)
        self._sent[trial_id, log.name] = (size if size - start >= PART_BYTES else start, size)

    def _fetch_log(self, trial_id: int, goal: Path) -> int:
        """Put a log together; returns its size. Where parts overlap, the later one counts."""
        files, path = self._at(trial_id, goal.name)
        with goal.open("wb") as file:
            for part in sorted(files.find(path)):
                file.seek(int(part.rsplit("/", 1)[1]))
                file.truncate()
                file.write(files.cat_file(part))
            return file.tell()

    def _latest(self, trial_id: int) -> str | None:
        files, path = self._at(trial_id, _LATEST_FILENAME)
        if not files.exists(path):
            return None
        found = (_object(files.cat_file(path).decode()) or {}).get("checkpoint")
        return found if isinstance(found, str) else None

    def fetch_checkpoint(self, folder: TrialFolder, trial_id: int) -> None:  # noqa: D102
        name = self._latest(trial_id)
        shutil.rmtree(folder.checkpoints, ignore_errors=True)
        if name is None:
            return
        files, path = self._at(trial_id, name)
        for found in files.find(path):
            goal = folder.checkpoints / _below(found, name)
            goal.parent.mkdir(parents=True, exist_ok=True)
            goal.write_bytes(files.cat_file(found))

    def keep(self, folder: TrialFolder, trial_id: int, run: int) -> None:  # noqa: D102
        for log in (folder.stdout, folder.stderr):
            self._send_log(trial_id, log)
        now = _fingerprint(folder.checkpoints)
        if not now or now == self._stored.get(trial_id):
            return
        copy = folder.path / "sending"
        copy_folder(folder.checkpoints, copy)
        self._put_checkpoint(copy, trial_id, run)
        shutil.rmtree(copy, ignore_errors=True)
        self._stored[trial_id] = now

    def _put_checkpoint(self, source: Path, trial_id: int, run: int) -> None:
        before = self._latest(trial_id)
        if before is not None and _run_of(before) > run:
            return  # another node goes on with this trial
        self._number += 1
        name = f"checkpoints-{run}-{self._number}"
        for path in sorted(source.rglob("*")):
            if path.is_file():
                relative = path.relative_to(source).as_posix()
                self._put(trial_id, f"{name}/{relative}", path.read_bytes())
        self._point_to(trial_id, name)
        if before is not None and before != name:
            files, old = self._at(trial_id, before)
            files.rm(old, recursive=True)

    def _point_to(self, trial_id: int, name: str) -> None:
        self._put(trial_id, _LATEST_FILENAME, json.dumps({"checkpoint": name}).encode())

    def write_end(self, trial_id: int, end: dict[str, Any]) -> None:  # noqa: D102
        self._put(trial_id, ENDED_FILENAME, json.dumps(end).encode())

    def read_end(self, trial_id: int) -> dict[str, Any] | None:  # noqa: D102
        files, path = self._at(trial_id, ENDED_FILENAME)
        return _object(files.cat_file(path).decode()) if files.exists(path) else None

    def read_log(self, trial_id: int, scratch: Path) -> Path:  # noqa: D102
        folder = TrialFolder(scratch / str(trial_id))
        folder.path.mkdir(parents=True, exist_ok=True)
        for log in (folder.stdout, folder.stderr):
            self._fetch_log(trial_id, log)
        return folder.path

    def copy_checkpoint(self, source: int, target: int) -> None:  # noqa: D102
        name = self._latest(source)
        if name is None:
            return
        files, path = self._at(source, name)
        self.delete_checkpoint(target)
        for found in files.find(path):
            self._put(target, f"checkpoints-0-0/{_below(found, name)}", files.cat_file(found))
        self._point_to(target, "checkpoints-0-0")

    def delete_checkpoint(self, trial_id: int) -> None:  # noqa: D102
        name = self._latest(trial_id)
        if name is None:
            return
        files, path = self._at(trial_id, _LATEST_FILENAME)
        files.rm(path)
        files.rm(self._at(trial_id, name)[1], recursive=True)


def _below(path: str, folder: str) -> str:
    return path[path.rindex(f"{folder}/") + len(folder) + 1 :]


def _run_of(checkpoint: str) -> int:
    return int(checkpoint.split("-")[1])


def _fingerprint(folder: Path) -> list[tuple[str, int, int]]:
    """Changes when a file in the folder does."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file():
                status = path.stat()
                found.append((str(path), status.st_size, status.st_mtime_ns))
        except OSError:
            continue  # it was replaced meanwhile
    return found


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
