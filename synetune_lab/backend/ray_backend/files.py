"""Files of trials on a Ray cluster, as the driver reaches them."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synetune_lab.backend.event_backend import EventBackend
from synetune_lab.backend.local.folder import TrialFolder
from synetune_lab.backend.local.log_tail import read_lines
from synetune_lab.backend.ray_backend.hosted import HostedFunction, HostedScript
from synetune_lab.backend.ray_backend.stepping import SteppedTrainable
from synetune_lab.backend.ray_backend.storage import SharedFolder
from synetune_lab.backend.ray_backend.url_storage import UrlStorage
from synetune_lab.errors import BackendError

__all__ = ["Body", "FilesOfTrials"]

logger = logging.getLogger(__name__)

Body = HostedScript | HostedFunction | SteppedTrainable


class FilesOfTrials(EventBackend):
    """The documented methods of `RayBackend` that deal with files.

    Args:
        body: What trials run.
        storage_path: Where they keep their files; None for the folder of the experiment.
        delete_checkpoints: See `TrialBackend`.
        pass_args_as_json: See `TrialBackend`.
    """

    def __init__(
        self,
        body: Body,
        storage_path: str | None,
        delete_checkpoints: bool,
        pass_args_as_json: bool,
    ) -> None:
        super().__init__(delete_checkpoints, pass_args_as_json)
        self.body = body
        if storage_path is not None and "://" not in storage_path:
            # Whoever resumes the experiment may be in another current folder.
            storage_path = str(Path(storage_path).expanduser().absolute())
        self.storage_path = storage_path
        self.local_path: Path | None = None
        self.tuner_name: str | None = None
        self._version = 0  # of the body

    @property
    def storage(self) -> SharedFolder | UrlStorage:
        """Where trials keep their files."""
        name = self.tuner_name or self._root().name
        if self.storage_path is None:
            return SharedFolder(self._root().absolute())
        if "://" in self.storage_path:
            return UrlStorage(f"{self.storage_path.rstrip('/')}/{name}")
        return SharedFolder(Path(self.storage_path) / name)

    def trial_path(self, trial_id: int) -> Path:
        """Folder of a trial's files, as seen from this machine."""
        storage = self.storage
        root = storage.root if isinstance(storage, SharedFolder) else self._root()
        return root / str(trial_id)

    def checkpoint_trial_path(self, trial_id: int) -> Path:
        """Folder of a trial's latest checkpoint; from any thread, and also after the run.

        If it is kept at a URL, a copy is fetched, unless this one was before.

        Raises:
            BackendError: If it can't be fetched.
        """
        folder = TrialFolder(self.trial_path(trial_id))
        try:
            self.storage.fetch_checkpoint(folder, trial_id)
        except BackendError:
            raise
        except Exception as error:
            raise BackendError(
                f"the checkpoint of trial {trial_id} could not be fetched from "
                f"storage_path={self.storage_path!r}: {type(error).__name__}: {error}"
            ) from error
        return folder.checkpoints

    def set_path(self, results_root: str | None = None, tuner_name: str | None = None) -> None:
        """Where the experiment is kept; see `LocalBackend`."""
        if results_root is None:
            results_root = tempfile.mkdtemp(prefix="synetune-ray-")
        self.local_path = Path(results_root).expanduser()
        self.tuner_name = tuner_name

    def entrypoint_path(self) -> Path:
        """The training script, or what runs the function or class."""
        if isinstance(self.body, SteppedTrainable):
            return Path(self.body.name)
        return self.body.entrypoint_path()

    def set_entrypoint(self, entry_point: str | os.PathLike[str]) -> None:
        """Replace the training script, for trials that start from now on.

        Raises:
            BackendError: If trials don't run a script, or there is no such file.
        """
        if not isinstance(self.body, HostedScript):
            raise BackendError("trials of this backend run a function or a class, no script")
        self.body.set_entrypoint(entry_point)
        self._version += 1

    def save_tune_function(self, tune_function: Callable[..., Any]) -> None:
        """Replace the function, for trials that start from now on.

        Raises:
            BackendError: If trials don't run a function, or this one can't be sent or has arguments
                that are not in the configuration space.
        """
        if not isinstance(self.body, HostedFunction):
            raise BackendError("trials of this backend run a script or a class, no function")
        self.body.save_tune_function(tune_function)
        self._version += 1

    def copy_checkpoint(self, src_trial_id: int, tgt_trial_id: int) -> None:
        """Copy the checkpoint of a trial to another one; nothing happens if it has none."""
        self.storage.copy_checkpoint(src_trial_id, tgt_trial_id)

    def delete_checkpoint(self, trial_id: int) -> None:
        """Remove the checkpoint of a trial; harmless if it has none.

        One that can't be removed is left with a warning: no run has to end because of that.
        """
        storage = self.storage
        folder = TrialFolder(self.trial_path(trial_id))
        try:
            storage.delete_checkpoint(trial_id)
            if folder.checkpoints.exists():
                storage.fetch_checkpoint(folder, trial_id)  # a copy that was made goes, too
        except Exception:
            logger.warning("the checkpoint of trial %d was not removed", trial_id, exc_info=True)

    def stdout(self, trial_id: int) -> list[str]:
        """Lines that the trial wrote to its standard output."""
        return read_lines(self._log_folder(trial_id).stdout)

    def stderr(self, trial_id: int) -> list[str]:
        """Lines that the trial wrote to its standard error."""
        return read_lines(self._log_folder(trial_id).stderr)

    def _log_folder(self, trial_id: int) -> TrialFolder:
        return TrialFolder(self.storage.read_log(trial_id, self._root()))

    def _root(self) -> Path:
        if self.local_path is None:
            self.set_path()
        assert self.local_path is not None
        return self.local_path
