"""Files that are replaced as a whole: a reader sees the old content or the new, never a part."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING
from uuid import uuid4

from synetune_lab.store.content import Content

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(path: Path, content: bytes, *, durable: bool = True, mode: int = 0o644) -> None:
    """Write `content` to `path` by way of a temporary file beside it.

    Args:
        path: The file.
        content: All of its new content.
        durable: Whether to wait until the disk has it, so that it survives a loss of power. Files
            that can be derived again need not.
        mode: Permission bits of a new file.
    """
    temporary = write_beside(path, content, durable=durable, mode=mode)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_beside(
    path: Path, content: bytes | Content, *, durable: bool = True, mode: int = 0o644
) -> Path:
    """Write `content` to a new temporary file in the folder of `path` and return its path."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        write_all(descriptor, content)
        if durable:
            os.fsync(descriptor)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return temporary


def write_all(descriptor: int, content: bytes | Content) -> None:
    """Write every byte: a single `os.write` may stop half-way at a signal or a full disk."""
    for piece in content.pieces if isinstance(content, Content) else (content,):
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a loss of power, where the file system can tell."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_temporary_files(folder: Path) -> None:
    """Remove what a crash in the middle of `replace_file` may have left in `folder`."""
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            path.unlink()
