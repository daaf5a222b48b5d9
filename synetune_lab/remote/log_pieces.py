"""The event log of a remote run, put together from the pieces on S3."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from synetune_lab.errors import StoreError
from synetune_lab.remote.link import LOG, Piece
from synetune_lab.store.event_log import EVENT_LOG_FILENAME, sound_length

if TYPE_CHECKING:
    from synetune_lab.remote.s3_folder import S3Folder

__all__ = ["join_pieces", "length_in", "restore_log"]


def length_in(folder: S3Folder) -> tuple[int, int]:
    """How many bytes of the log a link holds, and the newest generation (0 if there is none)."""
    length = generation = 0
    for entry in folder.entries(LOG):
        piece = Piece.named(entry.name)
        if piece is not None:
            length, generation = piece.offset + entry.size, piece.generation
    return length, generation


def join_pieces(
    folder: S3Folder,
    log: Path,
    seen: Piece | None,
    on_piece: Callable[[Piece, int], None] = lambda _piece, _length: None,
) -> Piece | None:
    """Bring a copy of the log up to date; what it has already is not fetched again.

    Args:
        folder: The link.
        log: The copy, made by calls of this function alone.
        seen: What the last call returned, None for the first one.
        on_piece: Told of each piece that was new or has grown, and how long the copy is with it.

    Returns:
        The newest piece.

    Raises:
        AwsError: If S3 can't be reached; what has come is kept.
    """
    with log.open("ab") as file:
        length = file.tell() if seen is not None else 0
        # The piece that was seen last may have grown, so that it is listed again.
        before = "" if seen is None else seen.name.removesuffix(".jsonl")
        for entry in folder.entries(LOG, before):
            piece = Piece.named(entry.name)
            if piece is None:
                continue
            if seen is None or piece.generation > seen.generation:
                length = min(length, piece.offset)  # another process goes on from there
            have = length - piece.offset
            if have < 0:
                break  # what is between is not to be seen yet
            file.truncate(length)
            body = folder.get(entry.name, have) if entry.size > have else b""
            if body:
                file.write(body)
                file.flush()
                length += len(body)
            if body or piece != seen:
                on_piece(piece, length)
            seen = piece
    return seen


def restore_log(folder: S3Folder, path: Path) -> int:
    """Complete the log of a run that goes on elsewhere.

    SageMaker keeps a run's folder in step with S3 at times of its own; the link has each record
    within seconds. Of the two the longer one stays.

    Args:
        folder: The link.
        path: Folder of the run.

    Returns:
        How many bytes were added.

    Raises:
        AwsError: If S3 can't be reached.
        StoreError: If the log can't be written.
    """
    log, draft = path / EVENT_LOG_FILENAME, path / f"{EVENT_LOG_FILENAME}.{os.getpid()}.link"
    try:
        draft.unlink(missing_ok=True)
        join_pieces(folder, draft, None)
        own = sound_length(log)[0] if log.exists() else 0
        linked = sound_length(draft)[0]
        if linked <= own:
            draft.unlink()
            return 0
        draft.replace(log)
    except OSError as error:
        raise StoreError(f"the event log {log} can't be restored: {error}") from error
    return linked - own
