"""Runs a stored function as a trial, in a process that is there for nothing else."""

from __future__ import annotations

import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from synetune_lab import report
from synetune_lab.backend.python_backend.stored_function import StoredFunction
from synetune_lab.constants import ST_CHECKPOINT_DIR

__all__ = ["IMPORTED_FILENAME", "run_stored_function"]

IMPORTED_FILENAME = "imported.json"
"""Names of the modules that the first trial imported, in order."""


def run_stored_function(root: Path, md5: str, config_file: Path, checkpoint_dir: str) -> int:
    """Run a function with the hyperparameters that it takes.

    Args:
        root: Where the function is stored.
        md5: Its MD5 sum.
        config_file: The configuration as JSON.
        checkpoint_dir: Passed if the function has an argument `st_checkpoint_dir`.

    Returns:
        Exit code of the process: 0, what the function gave to `sys.exit`, or 1 after an exception,
        whose traceback goes to standard error.
    """
    before = set(sys.modules)
    note = _ImportNote(root, before)
    report.after_first_report.append(note.write)
    try:
        function = StoredFunction.read(root, md5)
        config = json.loads(config_file.read_text())
        function(**_arguments(function, {**config, ST_CHECKPOINT_DIR: checkpoint_dir}))
    except SystemExit as error:
        return _exit_code(error)
    except BaseException as error:
        # Without our own frame, which says nothing to the author of the function.
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, frames)
        return 1
    finally:
        note.write()
    return 0


def _arguments(function: Callable[..., Any], values: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        wants_checkpoints = ST_CHECKPOINT_DIR in parameters
        return {k: v for k, v in values.items() if k != ST_CHECKPOINT_DIR or wants_checkpoints}
    return {name: value for name, value in values.items() if name in parameters}


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    sys.stderr.write(f"{error.code}\n")
    return 1


class _ImportNote:
    """Notes what a trial imported, so that later trials find it imported."""

    def __init__(self, root: Path, before: set[str]) -> None:
        self._file = root / IMPORTED_FILENAME
        self._before = before

    def write(self) -> None:
        """Write the note, unless another trial has. Whatever goes wrong, the trial goes on."""
        with suppress(Exception):
            if not self._file.exists():
                homes = _package_folders()
                imported = [name for name in list(sys.modules) if name not in self._before]
                names = [name for name in imported if _is_installed(name, homes)]
                draft = self._file.with_name(f"{IMPORTED_FILENAME}.{os.getpid()}")
                draft.write_text(json.dumps(names))
                draft.replace(self._file)


def _package_folders() -> tuple[str, ...]:
    """Where the modules of Python and of installed packages are."""
    import site
    import sysconfig

    homes = {path for key, path in sysconfig.get_paths().items() if key.endswith("lib")}
    if site.ENABLE_USER_SITE:
        homes.add(site.getusersitepackages())
    return tuple(f"{home}{os.sep}" for home in homes)


def _is_installed(name: str, homes: tuple[str, ...]) -> bool:
    """Whether a module is Python's or a package's: the user's own may change meanwhile."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if spec is None or spec.name != name:
        return False
    origin = spec.origin or ""
    return origin in ("built-in", "frozen") or origin.startswith(homes)
