"""Checkpoints of trials: folders below the trial's checkpoint folder, and a list of them.

A checkpoint is written beside its place and moved there whole, so that a trial that is killed while
it writes leaves the one before. `index.json` names them in their order; a trial that is copied
from another one finds them there.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Checkpoint", "CheckpointFolder", "CheckpointNote"]

INDEX_FILENAME = "index.json"
NOTE_FILENAME = ".tune.json"
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
        """The newest one, to go on from, and the best or newest of the others."""
        if self.keep is None or len(notes) <= self.keep:
            return notes
        order = sorted(
            notes[:-1],
            key=lambda note: -float("inf") if note.score is None else note.score,
        )
        if all(note.score is None for note in notes):
            order = notes[:-1]
        others = order[len(order) - self.keep + 1 :] if self.keep > 1 else []
        return [note for note in notes if note in others or note is notes[-1]]
