"""Keeps the files of trials below an fsspec URL (`s3://`, `gs://`, `file://`).

Nodes work in a folder of their own, and what changed is sent after each report. A trial has, below
`{url}/{trial}/`:

- `checkpoints-{run}-{token}/`: its latest checkpoint, a new name each time
- `latest.json`: that name; written last, so that a checkpoint is whole or not there
- `std.out/{offset}`, `std.err/{offset}`: its logs in parts, each from that offset on; only the last
  part is written again when a log grows
- `ended.json`: how its latest run has ended
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from synetune_lab.backend.local.checkpoints import copy_folder
from synetune_lab.backend.local.folder import TrialFolder
from synetune_lab.backend.ray_backend.storage import ENDED_FILENAME, json_object
from synetune_lab.errors import BackendError
from synetune_lab.extras import require

__all__ = ["PART_BYTES", "UrlStorage"]

logger = logging.getLogger(__name__)

PART_BYTES = 1 << 16
"""A part of a log that has become so large is left alone."""
READ_ATTEMPTS = 50
"""So often its trial may replace a checkpoint while it is read."""
_LATEST_FILENAME = "latest.json"
_FETCHED_FILENAME = "fetched.json"

_fetching = threading.Lock()
"""Of the threads of this process."""


class UrlStorage:
    """A place that fsspec reaches.

    Args:
        url: URL of the experiment's folder.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._stored: dict[int, Any] = {}
        self._sent: dict[tuple[int, str], tuple[int, int]] = {}  # start of the last part, its end
        self._litter: dict[int, set[str]] = {}
        self._files: tuple[Any, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url, "_stored": {}, "_sent": {}, "_litter": {}, "_files": None}

    def trials_at(self, scratch: Path) -> Path:  # noqa: D102 - see `TrialStorage`
        return scratch / "trials"

    def fetch(self, folder: TrialFolder, trial_id: int) -> None:  # noqa: D102
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.path.mkdir(parents=True)
        for log in (folder.stdout, folder.stderr):
            size = self._fetch_log(trial_id, log)
            self._sent[trial_id, log.name] = (size, size)
        files, ended = self._at(trial_id, ENDED_FILENAME)
        with suppress(FileNotFoundError):
            files.rm(ended)
        self.fetch_checkpoint(folder, trial_id)
        self._stored[trial_id] = _fingerprint(folder.checkpoints)

    # Files.

    def _at(self, trial_id: int, *names: str) -> tuple[Any, str]:
        """The file system, and the path of a file of a trial there."""
        if self._files is None:
            fsspec = require("fsspec.core", extra="ray", purpose=f"storing trials at {self.url}")
            # What other machines write must show at once.
            self._files = fsspec.url_to_fs(self.url, use_listings_cache=False)
        files, root = self._files
        return files, "/".join([root.rstrip("/"), str(trial_id), *names])

    def _put(self, trial_id: int, name: str, data: bytes) -> None:
        files, path = self._at(trial_id, name)
        try:
            files.pipe_file(path, data)
        except FileNotFoundError:  # what keeps objects has no folders, and need not be asked
            files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            files.pipe_file(path, data)

    def _put_object(self, trial_id: int, name: str, value: dict[str, Any]) -> None:
        """Write a JSON object to a file, which at any time holds the old one or the new one."""
        files, path = self._at(trial_id, name)
        text = json.dumps(value)
        names = (files.protocol,) if isinstance(files.protocol, str) else files.protocol
        if "file" not in names:  # what keeps objects replaces them whole
            self._put(trial_id, name, text.encode())
            return
        goal = Path(path)
        goal.parent.mkdir(parents=True, exist_ok=True)
        draft = _beside(goal)
        draft.write_text(text)
        draft.replace(goal)

    def _text(self, trial_id: int, name: str) -> str | None:
        """What stands in a file; None if there is no such file.

        It is read, not looked for: fsspec takes what it can't reach for something that is not
        there, and a trial must not begin anew because of that.
        """
        files, path = self._at(trial_id, name)
        try:
            data: bytes = files.cat_file(path)
        except FileNotFoundError:
            return None
        return data.decode()

    # Logs.

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
        draft = _beside(goal)
        try:
            with draft.open("wb") as file:
                for part in sorted(files.find(path)):
                    file.seek(int(part.rsplit("/", 1)[1]))
                    file.truncate()
                    file.write(files.cat_file(part))
                size = file.tell()
            draft.replace(goal)  # somebody may be reading the one before
        finally:
            draft.unlink(missing_ok=True)
        return size

    def read_log(self, trial_id: int, scratch: Path) -> Path:  # noqa: D102
        folder = TrialFolder(scratch / str(trial_id))
        folder.path.mkdir(parents=True, exist_ok=True)
        for log in (folder.stdout, folder.stderr):
            self._fetch_log(trial_id, log)
        return folder.path

    def write_end(self, trial_id: int, end: dict[str, Any]) -> None:  # noqa: D102
        self._put_object(trial_id, ENDED_FILENAME, end)

    def read_end(self, trial_id: int) -> dict[str, Any] | None:  # noqa: D102
        return json_object(self._text(trial_id, ENDED_FILENAME) or "")

    # Checkpoints.

    def _latest(self, trial_id: int) -> str | None:
        text = self._text(trial_id, _LATEST_FILENAME)
        if text is None:
            return None
        found = (json_object(text) or {}).get("checkpoint")
        if not isinstance(found, str):
            _, path = self._at(trial_id, _LATEST_FILENAME)
            raise BackendError(f"{path} names no checkpoint, it holds {text!r:.100}")
        return found

    def _files_of(self, trial_id: int, name: str) -> Iterator[tuple[str, bytes]]:
        """The files of a checkpoint, by their paths in it."""
        files, path = self._at(trial_id, name)
        for found in files.find(path):
            yield found[found.rindex(f"{name}/") + len(name) + 1 :], files.cat_file(found)

    def _read_latest(self, trial_id: int, read: Callable[[str], None]) -> str | None:
        """Read the latest checkpoint, also while its trial replaces it.

        Args:
            trial_id: The trial.
            read: Reads that of a name; called again if it was replaced meanwhile.

        Returns:
            The name of what was read last; None if there is no checkpoint.
        """
        name = self._latest(trial_id)
        for _ in range(READ_ATTEMPTS):
            if name is None:
                return None
            gone: FileNotFoundError | None = None
            try:
                read(name)
            except FileNotFoundError as error:
                gone = error
            # A checkpoint loses its files only after another one is the latest.
            before, name = name, self._latest(trial_id)
            if name == before:
                if gone is not None:
                    raise gone
                return name
        raise BackendError(
            f"the checkpoint of trial {trial_id} at {self.url} was replaced {READ_ATTEMPTS} times "
            "while it was read"
        )

    def fetch_checkpoint(self, folder: TrialFolder, trial_id: int) -> None:  # noqa: D102
        with _fetching:
            note = folder.path / _FETCHED_FILENAME
            fetched = _fetched(note) if folder.checkpoints.is_dir() else None
            draft = _beside(folder.checkpoints)

            def read(name: str) -> None:
                shutil.rmtree(draft, ignore_errors=True)
                if name != fetched:
                    draft.mkdir(parents=True)
                    for path, data in self._files_of(trial_id, name):
                        goal = draft / path
                        goal.parent.mkdir(parents=True, exist_ok=True)
                        goal.write_bytes(data)

            try:
                name = self._read_latest(trial_id, read)
                if name is None:
                    if note.exists():  # else somebody else has put there what there is
                        shutil.rmtree(folder.checkpoints, ignore_errors=True)
                        note.unlink()
                elif name != fetched:
                    _swap(draft, folder.checkpoints)
                    note.write_text(json.dumps({"checkpoint": name}))
            finally:
                shutil.rmtree(draft, ignore_errors=True)

    def keep(self, folder: TrialFolder, trial_id: int, run: int) -> None:  # noqa: D102
        for log in (folder.stdout, folder.stderr):
            self._send_log(trial_id, log)
        now = _fingerprint(folder.checkpoints)
        if not now or now == self._stored.get(trial_id):
            return
        copy = folder.path / "sending"
        try:
            copy_folder(folder.checkpoints, copy)
            paths = [path for path in sorted(copy.rglob("*")) if path.is_file()]
            if paths:  # else what there was has gone meanwhile
                self._put_checkpoint(copy, paths, trial_id, run)
                self._stored[trial_id] = now
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def _put_checkpoint(self, source: Path, paths: list[Path], trial_id: int, run: int) -> None:
        before = self._latest(trial_id)
        if before is not None and _run_of(before) > run:
            return  # another node goes on with this trial
        name = _new_name(run)
        litter = self._litter.setdefault(trial_id, set())
        litter.add(name)
        for path in paths:
            self._put(trial_id, f"{name}/{path.relative_to(source).as_posix()}", path.read_bytes())
        self._point_to(trial_id, name)
        litter.discard(name)
        if before is not None:
            litter.add(before)
        self._tidy_up(trial_id)

    def _point_to(self, trial_id: int, name: str) -> None:
        self._put_object(trial_id, _LATEST_FILENAME, {"checkpoint": name})

    def _tidy_up(self, trial_id: int) -> None:
        """Remove checkpoints that are of no use; what can't be removed now is so the next time."""
        litter = self._litter.get(trial_id, set())
        for name in list(litter):
            files, path = self._at(trial_id, name)
            try:
                files.rm(path, recursive=True)
            except FileNotFoundError:
                pass
            except Exception:
                logger.info("%s could not be removed", path, exc_info=True)
                continue
            litter.discard(name)

    def copy_checkpoint(self, source: int, target: int) -> None:  # noqa: D102
        before = self._latest(target)
        litter = self._litter.setdefault(target, set())
        copies: list[str] = []

        def read(name: str) -> None:
            copies.append(_new_name(0))
            for path, data in self._files_of(source, name):
                self._put(target, f"{copies[-1]}/{path}", data)

        if self._read_latest(source, read) is not None:
            self._point_to(target, copies.pop())
            if before is not None:
                litter.add(before)
        litter.update(copies)
        self._tidy_up(target)

    def delete_checkpoint(self, trial_id: int) -> None:  # noqa: D102
        name = self._latest(trial_id)
        if name is None:
            return
        files, path = self._at(trial_id, _LATEST_FILENAME)
        with suppress(FileNotFoundError):
            files.rm(path)
        with suppress(FileNotFoundError):
            files.rm(self._at(trial_id, name)[1], recursive=True)


def _new_name(run: int) -> str:
    """A name that no other checkpoint of the trial ever had, on whichever machine it was made."""
    return f"checkpoints-{run}-{uuid.uuid4().hex[:12]}"


def _run_of(checkpoint: str) -> int:
    return int(checkpoint.split("-")[1])


def _fetched(note: Path) -> str | None:
    """Which checkpoint was fetched."""
    try:
        return str((json_object(note.read_text()) or {}).get("checkpoint"))
    except OSError:
        return None


def _beside(path: Path) -> Path:
    """A new name for a draft of a file or folder, in the same folder."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}")


def _swap(draft: Path, goal: Path) -> None:
    """Put a folder in the place of another."""
    while True:
        old = _beside(goal)
        with suppress(FileNotFoundError):
            goal.rename(old)
        try:
            draft.rename(goal)
        except OSError:
            if not goal.exists():
                raise
            continue  # another process was faster
        finally:
            shutil.rmtree(old, ignore_errors=True)
        return


def _fingerprint(folder: Path) -> list[tuple[str, int, int]]:
    """Changes when a file in the folder does, and if one vanished while we looked."""
    found: list[tuple[str, int, int]] = []
    if folder.is_dir():
        _look_into(folder, found)
    return sorted(found)


def _look_into(folder: Path, found: list[tuple[str, int, int]]) -> None:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        found.append((str(folder), -1, -1))
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                _look_into(Path(entry.path), found)
            elif entry.is_file():
                status = entry.stat()
                found.append((entry.path, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append((entry.path, -1, -1))
