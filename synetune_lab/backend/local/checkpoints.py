"""Copies checkpoint folders, also of a trial that is writing to its own right now."""

from __future__ import annotations

import shutil
from pathlib import Path

from synetune_lab.errors import BackendError

__all__ = ["copy_folder"]

ATTEMPTS = 5


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder; what the target held is replaced, and it is whole or not there at all.

    Nothing happens if there is no source.

    Raises:
        BackendError: If files kept vanishing while they were copied.
    """
    if not source.is_dir():
        return
    draft = target.with_name(target.name + ".copy")
    problem: Exception | None = None
    for _ in range(ATTEMPTS):
        shutil.rmtree(draft, ignore_errors=True)
        try:
            shutil.copytree(source, draft, symlinks=True)
        except (shutil.Error, FileNotFoundError) as error:
            # The trial replaced a file between our listing and our copying it.
            problem = error
            continue
        shutil.rmtree(target, ignore_errors=True)
        draft.replace(target)
        return
    shutil.rmtree(draft, ignore_errors=True)
    raise BackendError(f"checkpoint {source} could not be copied to {target}: {problem}")
