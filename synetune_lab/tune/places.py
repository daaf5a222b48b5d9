"""Where the files of a run's trials are, as this process reaches them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.ray_backend.files import FilesOfTrials
from synetune_lab.constants import TRIAL_CHECKPOINTS_DIRNAME
from synetune_lab.store.event_log import EVENT_LOG_FILENAME
from synetune_lab.util import experiment_path, sanitize_sagemaker_name

if TYPE_CHECKING:
    from synetune_lab.backend.trial_backend import TrialBackend

__all__ = ["Places", "named_folder", "saved_folder"]


def saved_folder(given: str | os.PathLike[str]) -> Path:
    """The folder of a run that was saved.

    Args:
        given: Its path, which may end with the name as the user gave it.
    """
    path = Path(given).expanduser()
    if not (path / EVENT_LOG_FILENAME).exists():
        # Not for `..`, which has no letter to make a name of.
        with suppress(ValueError):
            valid = path.with_name(sanitize_sagemaker_name(path.name))
            if (valid / EVENT_LOG_FILENAME).exists():
                return valid
    return path


def named_folder(given: str | os.PathLike[str]) -> Path:
    """As `saved_folder`, for a run in the folder of all runs also by its name alone."""
    path = saved_folder(given)
    if not (path / EVENT_LOG_FILENAME).exists() and len(path.parts) == 1:
        return saved_folder(experiment_path(tuner_name=os.fspath(given)))
    return path


class Places:
    """Where the files of trials are: the backend is asked, for it may keep them elsewhere.

    Args:
        root: Folder of the run, which has a folder a trial where no backend says otherwise.
        backend: The backend, or what stands for it; None if there is none in this process.
    """

    def __init__(self, root: Path, backend: Any = None) -> None:
        self.root = root
        self._backend = backend

    @classmethod
    def of_saved(cls, root: Path, storage: str | None) -> Places:
        """Those of a run that is read from its files.

        Args:
            root: Folder of the run.
            storage: What `storage_of` told when it began.
        """
        if storage is None:
            return cls(root)
        # Knows where a Ray cluster's trials keep their files, without a cluster.
        nothing_to_run: Any = None
        files = FilesOfTrials(nothing_to_run, storage, False, False)
        files.set_path(str(root), root.name)
        return cls(root, files)

    @staticmethod
    def storage_of(backend: TrialBackend) -> str | None:
        """What is to be noted of a backend, for `of_saved`."""
        return backend.storage_path if isinstance(backend, FilesOfTrials) else None

    def folder(self, number: int) -> Path:
        """Folder of a trial."""
        find = getattr(self._backend, "trial_path", None)
        return self.root / str(number) if find is None else Path(find(number))

    def checkpoints(self, number: int) -> Path:
        """Folder of a trial's checkpoints on this machine; what is elsewhere is fetched.

        Raises:
            BackendError: If the place where they are can't be reached.
        """
        if self._backend is not None:
            try:
                return Path(self._backend.checkpoint_trial_path(number))
            except NotImplementedError:
                pass  # a backend of a user's own, which leaves them where they are
        return self.root / str(number) / TRIAL_CHECKPOINTS_DIRNAME
