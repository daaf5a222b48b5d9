"""Tunes a Python function, from a notebook cell or a module, instead of a script."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.local.process import spawn, trial_environment
from synetune_lab.backend.local_backend import LocalBackend
from synetune_lab.backend.python_backend.nursery import Nursery
from synetune_lab.backend.python_backend.stored_function import (
    StoredFunction,
    check_arguments,
    file_md5,
)
from synetune_lab.constants import ST_CHECKPOINT_DIR, ST_CONFIG_JSON_FNAME_ARG

if TYPE_CHECKING:
    from synetune_lab.backend.local.folder import TrialFolder
    from synetune_lab.backend.local.identity import ProcessHandle
    from synetune_lab.engine.events import Event

__all__ = ["PythonBackend", "file_md5"]

_ENTRY_POINT = Path(__file__).with_name("python_entrypoint.py")


class PythonBackend(LocalBackend):
    """Runs a Python function as the trials of an experiment, each in a process of its own.

    The function is sent by value. It should be self-contained: import what it needs inside its
    body (also `from synetune_lab import Reporter`, which it calls itself) and get all else as
    arguments. Variables of its notebook that it uses are copied along if they can be; what one
    trial changes in them, no other sees. What it prints and its exceptions go to the trial's logs.

    On Linux trials are split off a process that was started beforehand. The first trial starts
    like any program; what it imports (packages, not modules beside the notebook) is then imported
    in that process once, and later trials start within milliseconds.

    Args:
        tune_function: The function. Its arguments must be a subset of the names in `config_space`;
            one with a default may also be missing there. An argument `st_checkpoint_dir` gets the
            folder for checkpoints.
        config_space: The configuration space.
        rotate_gpus: See `LocalBackend`.
        delete_checkpoints: See `TrialBackend`.
        num_gpus_per_trial: See `LocalBackend`.
        gpus_to_use: See `LocalBackend`.
        grace_period_s: See `LocalBackend`.
        env: See `LocalBackend`.
        max_log_bytes: See `LocalBackend`.
        prestart: Start a process beforehand from which trials are split off.

    Raises:
        BackendError: If the function has arguments that are not in the configuration space, or
            can't be serialized.
    """

    def __init__(
        self,
        tune_function: Callable[..., Any],
        config_space: Mapping[str, Any],
        rotate_gpus: bool = True,
        delete_checkpoints: bool = False,
        *,
        num_gpus_per_trial: int = 1,
        gpus_to_use: Sequence[int] | None = None,
        grace_period_s: float = 10.0,
        env: Mapping[str, str] | None = None,
        max_log_bytes: int | None = 256 * 2**20,
        prestart: bool = True,
    ) -> None:
        super().__init__(
            _ENTRY_POINT,
            delete_checkpoints=delete_checkpoints,
            pass_args_as_json=True,
            rotate_gpus=rotate_gpus,
            num_gpus_per_trial=num_gpus_per_trial,
            gpus_to_use=gpus_to_use,
            grace_period_s=grace_period_s,
            env=env,
            max_log_bytes=max_log_bytes,
        )
        check_arguments(tune_function, config_space)
        self.config_space = dict(config_space)
        self.prestart = prestart
        self._function = StoredFunction(tune_function)
        self._is_written = False
        self._nursery: Nursery | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_nursery": None, "_is_written": False}

    @property
    def tune_function_path(self) -> Path:
        """Folder where the function is stored."""
        return self._root() / "tune_function"

    @property
    def is_warm(self) -> bool:
        """Whether the next trial finds what it imports imported already."""
        return self._nursery is not None and self._nursery.is_warm

    @property
    def prestarted_pid(self) -> int | None:
        """The process that the next trial is split off; None if it starts like a program."""
        return None if self._nursery is None else self._nursery.pid

    def open(self, results_root: Path, tuner_name: str) -> None:
        """Get ready to run trials, with a process to split them off from."""
        super().open(results_root, tuner_name)
        self._prepare()

    def set_path(self, results_root: str | None = None, tuner_name: str | None = None) -> None:
        """Where trials and the function are kept; see `LocalBackend`."""
        super().set_path(results_root, tuner_name)
        self._is_written = False

    def save_tune_function(self, tune_function: Callable[..., Any]) -> None:
        """Replace the function, for trials that start from now on."""
        check_arguments(tune_function, self.config_space)
        self._function = StoredFunction(tune_function)
        self._is_written = False

    def wait_events(self, timeout: float | None) -> list[Event]:
        """Wait until a trial reports or ends, or `wake` is called. See `TrialBackend`."""
        events = super().wait_events(timeout)
        if events and self._nursery is not None:
            self._nursery.refresh()
        return events

    def close(self, *, leave_running: bool = False) -> None:
        """Stop watching; end all trials, waiting for them, unless `leave_running`."""
        try:
            super().close(leave_running=leave_running)
        finally:
            nursery, self._nursery = self._nursery, None
            if nursery is not None:
                nursery.close()

    def _prepare(self) -> None:
        if not self._is_written:
            self._function.write(self.tune_function_path)
            self._is_written = True
        if self._nursery is None and self.prestart and sys.platform == "linux":
            self._nursery = Nursery(self.tune_function_path, self.env)

    def _spawn(
        self,
        folder: TrialFolder,
        run: int,
        config: dict[str, Any],  # noqa: ARG002 - the trial reads the file in its folder
        environment: Mapping[str, str],
        details: Mapping[str, Any],
    ) -> ProcessHandle:
        self._prepare()
        settings = trial_environment(folder, environment)
        root = self.tune_function_path.absolute()
        if self._nursery is not None:
            process = self._nursery.fork(
                {
                    "folder": str(folder.path.absolute()),
                    "run": run,
                    "handle": dict(details),
                    "environment": settings,
                    "cwd": str(Path.cwd()),
                    "argv0": str(_ENTRY_POINT),
                    "root": str(root),
                    "md5": self._function.md5,
                    "checkpoints": str(folder.checkpoints.absolute()),
                }
            )
            if process is not None:
                return process
            noted = folder.read_process()
            if noted is not None and noted[0] == run:
                return noted[2]  # it was started, and we were not told
        command = [sys.executable, os.fspath(_ENTRY_POINT)]
        command += ["--tune_function_root", str(root), "--tune_function_hash", self._function.md5]
        command += [f"--{ST_CONFIG_JSON_FNAME_ARG}", str(folder.config.absolute())]
        command += [f"--{ST_CHECKPOINT_DIR}", str(folder.checkpoints.absolute())]
        return spawn(command, folder, run, settings)
