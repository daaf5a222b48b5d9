"""What a trial runs, ready to be sent to a node: a script or a function, in a process there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from synetune_lab.backend.local_backend import LocalBackend
from synetune_lab.backend.python_backend import PythonBackend

__all__ = ["HostedFunction", "HostedScript"]


class HostedScript(LocalBackend):
    """A training script. A node that has no such file gets a copy of it.

    Args:
        entry_point: The script.
        options: See `LocalBackend`.

    Attributes:
        trials_at: Folder of all trials on this machine.
    """

    def __init__(self, entry_point: str | os.PathLike[str], **options: Any) -> None:
        super().__init__(entry_point, rotate_gpus=False, **options)
        self.trials_at: Path | None = None

    def set_entrypoint(self, entry_point: str | os.PathLike[str]) -> None:
        """Replace the training script; see `LocalBackend`."""
        super().set_entrypoint(entry_point)
        self._text = (self._entry_folder / self._entry_point).read_bytes()

    def trial_path(self, trial_id: int) -> Path:
        """Folder of a trial's files."""
        return self._root() / str(trial_id) if self.trials_at is None else _at(self, trial_id)

    def settle(self, scratch: Path) -> None:
        """Find the script on this machine, or put it there.

        Args:
            scratch: A folder of this process alone.
        """
        path = self._entry_folder / self._entry_point
        here = Path.cwd() / self._entry_point
        if path.is_file():
            return
        if here.is_file():
            self._entry_folder = Path.cwd()
            return
        copy = scratch / path.name
        copy.write_bytes(self._text)
        copy.chmod(0o700)
        self._entry_folder, self._entry_point = scratch, Path(path.name)


class HostedFunction(PythonBackend):
    """A Python function, sent by value.

    Args:
        function: The function.
        config_space: The configuration space.
        options: See `PythonBackend`.

    Attributes:
        trials_at: Folder of all trials on this machine. The function itself is elsewhere, so that
            machines which share that folder do not write to the same files.
    """

    def __init__(
        self, function: Callable[..., Any], config_space: Mapping[str, Any], **options: Any
    ) -> None:
        super().__init__(function, config_space, rotate_gpus=False, **options)
        self.trials_at: Path | None = None

    def trial_path(self, trial_id: int) -> Path:
        """Folder of a trial's files."""
        return self._root() / str(trial_id) if self.trials_at is None else _at(self, trial_id)

    def settle(self, scratch: Path) -> None:
        """Nothing is to be found beforehand."""


def _at(backend: HostedScript | HostedFunction, trial_id: int) -> Path:
    assert backend.trials_at is not None
    return backend.trials_at / str(trial_id)
