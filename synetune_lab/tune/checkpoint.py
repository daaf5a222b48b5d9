"""Checkpoints of trials: folders below the trial's checkpoint folder, and a list of them.

A checkpoint is written beside its place and moved there whole, so that a trial that is killed while
it writes leaves the one before. `index.json` names them in their order; a trial that is copied
from another one finds them there.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synetune_lab.errors import TuneError

__all__ = ["Checkpoint", "CheckpointFolder", "CheckpointNote"]

INDEX_FILENAME = "index.json"
NOTE_FILENAME = ".tune.json"
DICT_FILENAME = "checkpoint.pkl"
_METADATA_FILENAME = ".metadata.json"
_DRAFT = ".draft-"


class Checkpoint(os.PathLike[str]):
    """A folder with what a trial saved.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)

    @classmethod
    def from_directory(cls, path: str | os.PathLike[str]) -> Checkpoint:
        """The checkpoint in a folder."""
        return cls(path)

    def to_directory(self, path: str | os.PathLike[str] | None = None) -> str:
        """Copy it.

        Args:
            path: Where to; None for a new temporary folder.

        Returns:
            The folder of the copy.
        """
        target = tempfile.mkdtemp(prefix="checkpoint-") if path is None else os.fspath(path)
        shutil.copytree(self.path, target, dirs_exist_ok=True)
        return target

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Checkpoint:
        """A checkpoint with a dictionary, in a new temporary folder."""
        folder = Path(tempfile.mkdtemp(prefix="checkpoint-"))
        (folder / DICT_FILENAME).write_bytes(pickle.dumps(dict(data)))
        return cls(folder)

    def to_dict(self) -> dict[str, Any]:
        """The dictionary of `from_dict`, or that `save_checkpoint` returned.

        It is read by `pickle`, which runs what it is told to: do this with your own files only.

        Raises:
            TuneError: If the checkpoint holds none.
        """
        path = Path(self.path, DICT_FILENAME)
        if not path.is_file():
            raise TuneError(
                f"{self.path} holds files, not a dictionary; read them with as_directory()"
            )
        found: dict[str, Any] = pickle.loads(path.read_bytes())
        return found

    def get_metadata(self) -> dict[str, Any]:
        """What was noted beside its files."""
        try:
            noted: dict[str, Any] = json.loads(Path(self.path, _METADATA_FILENAME).read_text())
        except FileNotFoundError:
            return {}
        return noted

    def set_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Note something beside its files, as JSON."""
        Path(self.path, _METADATA_FILENAME).write_text(json.dumps(dict(metadata)))

    def update_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Note more."""
        self.set_metadata({**self.get_metadata(), **metadata})

    @contextmanager
    def as_directory(self) -> Iterator[str]:
        """The folder, to be read in a `with` block."""
        yield self.path

    def __fspath__(self) -> str:
        return self.path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Checkpoint) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"Checkpoint({self.path!r})"


@dataclass
class CheckpointNote:
    """What is known of a checkpoint.

    Attributes:
        name: Name of its folder.
        iteration: Training iterations done.
        time_total_s: Seconds of training up to it.
        score: What it is kept by, more is better; None to be kept by age.
        kind: What a class trainable returned: `dir`, `path` or `dict`.
        relative: For `path`, where in the folder.
        config: The flat configuration that it was trained with.
    """

    name: str
    iteration: int = 0
    time_total_s: float = 0.0
    score: float | None = None
    kind: str = "dir"
    relative: str = ""
    config: dict[str, Any] | None = None

    def write(self, folder: Path) -> None:
        """Leave the note in the checkpoint's folder."""
        (folder / NOTE_FILENAME).write_text(json.dumps(vars(self)))

    @classmethod
    def read(cls, folder: Path) -> CheckpointNote:
        """The note in a checkpoint's folder; an empty one if there is none."""
        try:
            return cls(**json.loads((folder / NOTE_FILENAME).read_text()))
        except (OSError, ValueError, TypeError):
            return cls(folder.name)


class CheckpointFolder:
    """The checkpoints of one trial.

    Args:
        root: Folder of all of them; it is made when the first is written.
        keep: So many are kept; None for all.
    """

    def __init__(self, root: str | os.PathLike[str], keep: int | None = None) -> None:
        self.root = Path(root)
        self.keep = keep

    def notes(self) -> list[CheckpointNote]:
        """Those that are there, the oldest first."""
        try:
            names = json.loads((self.root / INDEX_FILENAME).read_text())
        except (OSError, ValueError):
            return []
        return [CheckpointNote.read(self.root / n) for n in names if (self.root / n).is_dir()]

    def latest(self) -> tuple[Path, CheckpointNote] | None:
        """Folder and note of the newest one."""
        notes = self.notes()
        return (self.root / notes[-1].name, notes[-1]) if notes else None

    def remove_drafts(self) -> None:
        """Remove what an earlier process left half written."""
        for path in self.root.glob(f"{_DRAFT}*"):
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def writing(self, note: CheckpointNote) -> Iterator[Path]:
        """Write a checkpoint in a `with` block; it counts when the block ends without an error."""
        self.root.mkdir(parents=True, exist_ok=True)
        draft = self.root / f"{_DRAFT}{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        try:
            yield draft
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        self._enter(draft, note)

    def add(self, source: str | os.PathLike[str], note: CheckpointNote) -> None:
        """Take a copy of a folder in as a checkpoint."""
        with self.writing(note) as draft:
            shutil.copytree(source, draft, dirs_exist_ok=True)

    def _enter(self, draft: Path, note: CheckpointNote) -> None:
        note.write(draft)
        target = self.root / note.name
        if target.exists():  # again, after a restart from an older one
            shutil.rmtree(target)
        draft.rename(target)
        notes = [known for known in self.notes() if known.name != note.name] + [note]
        kept = self._kept(notes)
        index = self.root / f".{INDEX_FILENAME}.{os.getpid()}"
        index.write_text(json.dumps([known.name for known in kept]))
        index.replace(self.root / INDEX_FILENAME)
        for known in notes:
            if known not in kept:
                shutil.rmtree(self.root / known.name, ignore_errors=True)

    def _kept(self, notes: list[CheckpointNote]) -> list[CheckpointNote]:
        """The best ones (without scores, the newest), and the newest, to go on from."""
        if self.keep is None or len(notes) <= self.keep:
            return notes
        # Of equal scores the newer one is better.
        order = sorted(enumerate(notes), key=lambda pair: (_score(pair[1]), pair[0]), reverse=True)
        kept = {position for position, _ in order[: self.keep]} | {len(notes) - 1}
        return [note for position, note in enumerate(notes) if position in kept]


def _score(note: CheckpointNote) -> float:
    return -float("inf") if note.score is None else note.score
