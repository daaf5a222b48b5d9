"""What the folder of a run on this machine tells of the job that runs it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from synetune_lab.errors import StoreError
from synetune_lab.store.atomic import replace_file
from synetune_lab.store.lock import RunLock

__all__ = ["REMOTE_NOTE", "RemoteNote"]

REMOTE_NOTE: Final = "remote.json"


@dataclass(frozen=True)
class RemoteNote:
    """Where a run is.

    Attributes:
        name: Name of the tuner.
        job_name: Name of the training job.
        region: Its region.
        result_uri: Folder on S3 of its results.
        link_uri: Folder on S3 of its link.
        launched_at: Unix time.
        launch: Which launch of the run it is: what an earlier one left on S3 is told from it.
        profile: Profile of the credentials that launched it, None for the default.
        entry_point: The training script on the machine that launched it.
        keeps_logs: Whether the logs of local trials are kept on S3.
        is_over: Whether the job has ended and its results were fetched.
        state: How it ended, as the run's state.
        why: Why it ended.
    """

    name: str
    job_name: str
    region: str
    result_uri: str
    link_uri: str
    launched_at: float
    launch: str = ""
    profile: str | None = None
    entry_point: str | None = None
    keeps_logs: bool = False
    is_over: bool = False
    state: str | None = None
    why: str | None = None

    def write(self, folder: Path) -> None:
        """Replace the note in a folder, which nobody here may drive until the job has ended.

        Raises:
            ResumeError: If a process here drives the run.
        """
        folder.mkdir(parents=True, exist_ok=True)
        lock = RunLock(folder)
        if self.is_over:
            lock.take_back(self.job_name)
        else:
            lock.entrust(self.job_name)
        replace_file(folder / REMOTE_NOTE, json.dumps(asdict(self), indent=1).encode())

    def forget(self, folder: Path) -> None:
        """Remove the note from a folder: there is no such job."""
        (folder / REMOTE_NOTE).unlink(missing_ok=True)
        RunLock(folder).take_back(self.job_name)

    def is_of_same_job(self, other: RemoteNote) -> bool:
        """Whether another note tells of the same launch, by the same job."""
        return (self.job_name, self.launch) == (other.job_name, other.launch)

    @classmethod
    def read(cls, folder: Path) -> RemoteNote | None:
        """The note in a folder, None if there is none.

        Raises:
            StoreError: If there is one that can't be read.
        """
        try:
            text = (folder / REMOTE_NOTE).read_text(encoding="utf-8")
        except OSError:
            return None
        return cls.parse(text, folder / REMOTE_NOTE)

    @classmethod
    def parse(cls, text: str | bytes, where: str | os.PathLike[str]) -> RemoteNote:
        """From JSON.

        Raises:
            StoreError: If it is none.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            return cls(**{k: data[k] for k in cls.__dataclass_fields__ if k in data})
        except (ValueError, TypeError) as error:
            raise StoreError(f"{where} can't be read: {error}") from error

    def encode(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()

    def over(self, state: str, why: str | None) -> RemoteNote:
        """The same run after its end."""
        return replace(self, is_over=True, state=state, why=why)
