"""What is sent with a tuner: the tuner itself, the training script, this library, requirements."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from synetune_lab.constants import ST_REMOTE_UPLOAD_DIR_NAME
from synetune_lab.errors import BackendError
from synetune_lab.remote.settings import SETTINGS_FILENAME
from synetune_lab.store.event_log import EVENT_LOG_FILENAME

if TYPE_CHECKING:
    from synetune_lab.tuner import Tuner

__all__ = ["PROGRAM", "requirements_text", "write_upload"]

logger = logging.getLogger(__name__)

PROGRAM: Final = "run_tuning.py"
_STUB: Final = """import sys

from synetune_lab.remote.remote_main import main

sys.exit(main())
"""
_PACKAGE: Final = "synetune_lab"
_LIBRARY: Final = Path(__file__).resolve().parents[1]
_STAYS: Final = ("__pycache__", "static", "labextension", "*.pyc")
# What tuning needs of our dependencies; the notebook's stay at home.
_NEEDED: Final = (
    "numpy",
    "scipy",
    "autograd",
    "pandas",
    "dill",
    "psutil",
    "tqdm",
    "scikit-learn",
    "threadpoolctl",
)
_LARGE: Final = 50 * 2**20
_NEVER: Final = ("__pycache__", ".ipynb_checkpoints", ".git", ".venv")


def write_upload(
    tuner: Tuner,
    folder: Path,
    source: Path | None,
    script: Path | None,
    ignored: Sequence[str] = (),
    requirements: str | None = None,
) -> str | None:
    """Fill a folder with what the job needs.

    Args:
        tuner: The tuner; what its run has on disk already goes with it.
        folder: The folder, empty.
        source: The folder of the training script that is to be sent as a whole.
        script: The training script; without `source` it is sent with the modules, packages and
            `requirements.txt` beside it. None if trials get theirs in another way.
        ignored: Names of files and folders that are not sent.
        requirements: File that is sent as `requirements.txt`, in the place of the script's.

    Returns:
        The script's path below the folder.

    Raises:
        BackendError: If two things would have the same name, or too much would be sent.
        StoreError: If the tuner can't be saved.
    """
    state = folder / ST_REMOTE_UPLOAD_DIR_NAME
    state.mkdir(parents=True)
    tuner.save(state)
    log = Path(tuner.tuner_path) / EVENT_LOG_FILENAME
    if log.exists():
        shutil.copy2(log, state)
    (folder / PROGRAM).write_text(_STUB)
    shutil.copytree(_LIBRARY, folder / _PACKAGE, ignore=shutil.ignore_patterns(*_STAYS))
    program = None
    if source is not None or script is not None:
        files = {
            name: path
            for name, path in _files(source, script)
            if not any(fnmatch(part, p) for part in Path(name).parts for p in ignored)
        }
        _check_size(files, source or script)
        for name, path in files.items():
            target = folder / name
            if target.exists() or name == SETTINGS_FILENAME:
                raise BackendError(
                    f"{path} would be sent as {name!r}, which is a name of ours; rename it"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    if script is not None:
        program = (script.relative_to(source) if source else Path(script.name)).as_posix()
    own = folder / "requirements.txt"
    theirs = own if requirements is None else Path(requirements).expanduser()
    own.write_text(requirements_text(theirs.read_text() if theirs.exists() else ""))
    return program


def _files(source: Path | None, script: Path | None) -> Iterator[tuple[str, Path]]:
    """What is sent of the script's folder, by its name in the source of the job."""
    if source is not None:
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source)
            if path.is_file() and not any(part in _NEVER for part in name.parts):
                yield name.as_posix(), path
        return
    assert script is not None
    yield script.name, script
    for path in sorted(script.parent.iterdir()):
        if path.is_dir() and (path / "__init__.py").exists() and path.name != _PACKAGE:
            for module in sorted(path.rglob("*")):
                name = module.relative_to(script.parent)
                if module.is_file() and not any(part in _NEVER for part in name.parts):
                    yield name.as_posix(), module
        elif path.is_file() and (path.suffix == ".py" or path.name == "requirements.txt"):
            yield path.name, path


def _check_size(files: dict[str, Path], what: Path | None) -> None:
    size = sum(path.stat().st_size for path in files.values())
    if size > _LARGE:
        largest = max(files, key=lambda name: files[name].stat().st_size)
        raise BackendError(
            f"the source of {what} has {size / 2**20:.0f} MB ({largest} alone "
            f"{files[largest].stat().st_size / 2**20:.0f}); at most {_LARGE // 2**20} are sent. "
            "Move data out of the folder and pass it as inputs={'train': 's3://...'}, or name a "
            "smaller folder with source_dir=..."
        )


def requirements_text(theirs: str = "") -> str:
    """The text of `requirements.txt`: what tuning needs, and what the training script needs.

    Args:
        theirs: The training script's.
    """
    try:
        declared = requires(_PACKAGE) or []
    except PackageNotFoundError:  # the library runs from its source
        declared = []
    ranges = {_name(line): line.split(";")[0].strip() for line in declared if "extra" not in line}
    named = {_name(line) for line in theirs.splitlines() if line.strip()}
    lines = [ranges.get(name, name) for name in _NEEDED if name not in named]
    if "dill" not in named:  # it wrote what is to be read
        lines = [f"dill=={version('dill')}" if _name(line) == "dill" else line for line in lines]
    lines.append("boto3>=1.28")
    return "\n".join([*lines, *theirs.splitlines()]) + "\n"


def _name(requirement: str) -> str:
    return re.split(r"[\s<>=!~;\[@]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")
