"""The source of a training job: one archive, the same bytes for the same files."""

from __future__ import annotations

import fnmatch
import gzip
import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from synetune_lab.errors import BackendError

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.description import JobDescription

__all__ = ["LIBRARY", "SourceArchive", "pack_source"]

_NEVER: Final = (
    "__pycache__",
    "*.pyc",
    ".git",
    ".ipynb_checkpoints",
    ".DS_Store",
    ".venv",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
)
# What the training script may import of us; the panel stays at home.
_OUR_SUFFIXES: Final = (".py", ".json", ".typed")
_LEVEL: Final = 1
"""Of compression: a higher one saves a tenth of the bytes, and takes longer than it saves."""
LIBRARY: Final = Path(__file__).resolve().parents[2]
"""Folder of this library."""


class SourceArchive:
    """A packed source folder.

    Attributes:
        program: Path of the script inside it.
        body: The archive, a `tar.gz`.
        digest: Names its content.
    """

    def __init__(self, program: str, body: bytes) -> None:
        self.program = program
        self.body = body
        self.digest = hashlib.sha256(body).hexdigest()[:20]


def pack_source(job: JobDescription) -> SourceArchive:
    """Pack script, source folder, dependencies and this library.

    Raises:
        BackendError: If two of them would have the same name, or the script is not in the folder.
    """
    files: dict[str, Path] = {}
    program = _own_files(job, files)
    for given in job.dependencies:
        path = Path(given).expanduser().resolve()
        for name, file in _files_below(path, job.ignore_patterns):
            files.setdefault(f"{path.name}/{name}" if path.is_dir() else path.name, file)
    if not any(name.split("/")[0] == LIBRARY.name for name in files):
        for name, file in _files_below(LIBRARY, ()):
            if file.suffix in _OUR_SUFFIXES:
                files[f"{LIBRARY.name}/{name}"] = file
    if job.requirements is not None:
        files["requirements.txt"] = Path(job.requirements).expanduser()
    return SourceArchive(program, _tar(files))


def _own_files(job: JobDescription, files: dict[str, Path]) -> str:
    """Take in the script and its folder; returns the path of the script."""
    script = job.script.resolve()
    if job.source_dir is None:
        files[script.name] = script
        requirements = script.with_name("requirements.txt")
        if requirements.is_file():
            files[requirements.name] = requirements
        return script.name
    root = Path(job.source_dir).expanduser().resolve()
    if not script.is_relative_to(root):
        raise BackendError(f"entry_point {job.entry_point!r} is not below source_dir {str(root)!r}")
    files.update(_files_below(root, job.ignore_patterns))
    program = script.relative_to(root).as_posix()
    files[program] = script
    return program


def _files_below(path: Path, ignored: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Files of a folder with their relative names, or a file itself."""
    if path.is_file():
        yield path.name, path
        return
    is_ignored = re.compile("|".join(map(fnmatch.translate, [*_NEVER, *ignored]))).match
    for folder, below, names in os.walk(path):
        # Not entered at all: an environment holds more files than everything else.
        below[:] = [name for name in below if not is_ignored(name)]
        for name in names:
            file = Path(folder, name)
            if not is_ignored(name) and file.is_file():
                yield file.relative_to(path).as_posix(), file


def _tar(files: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=_LEVEL) as packed:  # noqa: SIM117
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name in sorted(files):
                body = files[name].read_bytes()
                entry = tarfile.TarInfo(name)
                entry.size = len(body)
                entry.mode = 0o755 if files[name].stat().st_mode & 0o100 else 0o644
                archive.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()
