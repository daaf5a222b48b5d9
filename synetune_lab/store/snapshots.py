"""Generations of a run's saved state: `tuner.dill`, `tuner.prev.dill` and `tuner.json`.

The order of a save lets a crash at any moment leave at least one sound generation: the new state
is written beside and synced, `tuner.json` learns its digest, the present generation becomes the
previous one, the new one takes its place. A generation is sound if its digest is in `tuner.json`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_TUNER_DILL_FILENAME
from synetune_lab.errors import ResumeError, StoreError, UntrustedFileError
from synetune_lab.store.atomic import replace_file, sync_folder, write_beside
from synetune_lab.store.pickling import loads
from synetune_lab.store.trust import digest, is_signed, sign

if TYPE_CHECKING:
    from pathlib import Path

    from synetune_lab.store.content import Content

logger = logging.getLogger(__name__)

PREVIOUS_FILENAME = "tuner.prev.dill"
INDEX_FILENAME = "tuner.json"
_FORMAT = 1
_KEPT_ENTRIES = 3


@dataclass(frozen=True)
class Generation:
    """What `tuner.json` says of one saved state.

    Attributes:
        generation: Counted from 1.
        seq: Number of the last record of the event log that the state has in it.
        sha256: Digest of the file.
        signature: Keyed hash of the four others, see `synetune_lab.store.trust`.
        size: Bytes.
        saved_at: Unix time.
    """

    generation: int
    seq: int
    sha256: str
    size: int
    saved_at: float
    signature: str = ""

    def statement(self) -> str:
        """What is signed."""
        return f"{self.generation} {self.seq} {self.sha256} {self.size}"


@dataclass
class LoadedState:
    """A state that was loaded, and how it was chosen.

    Attributes:
        value: The object.
        file: The file that it came from.
        generation: What is known of it; None for a file without an entry in `tuner.json`.
        notes: Why a newer file was passed over, one sentence each.
        trusted_by: `signature`, or `user` if it was loaded because the user said so.
    """

    value: Any
    file: Path
    generation: Generation | None
    notes: list[str] = field(default_factory=list)
    trusted_by: str = "signature"


class SnapshotStore:
    """The generations in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.current = folder / ST_TUNER_DILL_FILENAME
        self.previous = folder / PREVIOUS_FILENAME
        self.index = folder / INDEX_FILENAME
        self._entries = self._read_index()

    def _read_index(self) -> list[Generation]:
        try:
            data = json.loads(self.index.read_text())
            return [Generation(**entry) for entry in data["generations"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    @property
    def newest(self) -> Generation | None:
        """The newest generation that was ever written, sound or not."""
        return self._entries[0] if self._entries else None

    def exists(self) -> bool:
        """Whether there is any state to load."""
        return self.current.exists() or self.previous.exists()

    def save(self, content: bytes | Content, seq: int) -> Generation:
        """Keep a new generation; returns once the disk has it.

        Raises:
            StoreError: If it can't be written. The generations before are still there.
        """
        number = self._entries[0].generation + 1 if self._entries else 1
        entry = Generation(number, seq, digest(content), len(content), time.time())
        try:
            entry = Generation(**{**asdict(entry), "signature": sign(entry.statement())})
            draft = write_beside(self.current, content)
            try:
                entries = [entry, *self._entries][:_KEPT_ENTRIES]
                replace_file(self.index, _index_text(entries))
                self._keep_current()
                draft.replace(self.current)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
            sync_folder(self.folder)
        except OSError as error:
            raise StoreError(f"the tuner could not be saved to {self.folder}: {error}") from error
        self._entries = entries
        return entry

    def _keep_current(self) -> None:
        """Let the previous name point to the current file, without a moment that has none."""
        if not self.current.exists():
            return
        link = self.previous.with_name(f".{PREVIOUS_FILENAME}.{os.getpid()}.tmp")
        with contextlib.suppress(FileNotFoundError):
            link.unlink()
        try:
            os.link(self.current, link)
            link.replace(self.previous)
        except OSError:  # a file system without links
            self.current.replace(self.previous)

    def load(self, *, trust: bool = False, newest_only: bool = False) -> LoadedState:
        """The newest sound generation.

        Args:
            trust: Load also what this user's key did not sign. Loading runs code that the
                file's writer chose.
            newest_only: Don't fall back to the previous generation.

        Raises:
            UntrustedFileError: If the file was not signed by this user, and `trust` is False.
            ResumeError: If no generation is sound.
        """
        notes: list[str] = []
        files = [self.current] if newest_only else [self.current, self.previous]
        for file in files:
            state = self._try(file, trust, notes)
            if state is not None:
                return state
        if not self.exists():
            raise ResumeError(
                f"{self.folder} holds no {ST_TUNER_DILL_FILENAME}: nothing was saved there (or "
                "the tuner was made with save_tuner=False)"
            )
        raise ResumeError(f"no saved state in {self.folder} can be used: " + "; ".join(notes))

    def _try(self, file: Path, trust: bool, notes: list[str]) -> LoadedState | None:
        try:
            content = file.read_bytes()
        except OSError as error:
            notes.append(f"{file.name} can't be read ({error.strerror or error})")
            return None
        found = digest(content)
        entry = next((e for e in self._entries if e.sha256 == found), None)
        signed = entry is not None and is_signed(entry.statement(), entry.signature)
        if entry is None and self._entries and not trust:
            notes.append(
                f"{file.name} ({len(content)} bytes) has none of the digests in {INDEX_FILENAME}: "
                "it was cut short or changed after it was written"
            )
            if self._is_ours():
                return None
        if not signed and not trust:
            raise UntrustedFileError(_refusal(file))
        return self._load(file, content, entry, "signature" if signed else "user", notes)

    def _is_ours(self) -> bool:
        return any(is_signed(e.statement(), e.signature) for e in self._entries)

    def _load(
        self,
        file: Path,
        content: bytes,
        entry: Generation | None,
        trusted_by: str,
        notes: list[str],
    ) -> LoadedState | None:
        try:
            value = loads(content)
        except Exception as error:
            notes.append(f"{file.name} can't be loaded ({type(error).__name__}: {error})")
            logger.warning("%s can't be loaded", file, exc_info=True)
            return None
        return LoadedState(value, file, entry, notes, trusted_by)


def _index_text(entries: list[Generation]) -> bytes:
    from synetune_lab import __version__

    data = {
        "format": _FORMAT,
        "synetune_lab": __version__,
        "python": platform.python_version(),
        "generations": [asdict(entry) for entry in entries],
    }
    return json.dumps(data, indent=1).encode()


def _refusal(file: Path) -> str:
    return (
        f"{file} was not written by you on this machine (it carries no signature made with your "
        "key). Loading it runs whatever code its writer put into it. If you know where it comes "
        "from, load it with trust=True"
    )
