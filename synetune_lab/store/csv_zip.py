"""`results.csv.zip`, written by adding to it: the compressor's state is kept between writes.

A zip file is: header of its member, the compressed stream, a directory at the end. New rows
continue the stream; each write copies the unchanged part within the kernel, adds what is new and a
fresh end, and takes the file's place at once, so that a reader never sees half a file. All is
written again only when a column was added or changed its type.
"""

from __future__ import annotations

import csv
import io
import math
import os
import struct
import zipfile
import zlib
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import uuid4

from synetune_lab.errors import StoreError
from synetune_lab.store.columns import ResultColumns
from synetune_lab.store.numbers import Numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

MEMBER = b"results.csv"
_LEVEL = 2
_LIMIT = 0xFFFFFFFF
_VERSION = 20
_DATA_DESCRIPTOR_FLAG = 0x08
_DATE, _TIME = 0x21, 0  # 1980-01-01: the same rows give the same bytes

_LOCAL_HEADER = struct.pack(
    "<IHHHHHIIIHH", 0x04034B50, _VERSION, _DATA_DESCRIPTOR_FLAG, 8, _TIME, _DATE, 0, 0, 0,
    len(MEMBER), 0,
) + MEMBER  # fmt: skip


class ResultsFile:
    """The results file of a run.

    Args:
        path: Where to write it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._restart([])

    def _restart(self, shape: list[tuple[str, str]]) -> None:
        self._shape = shape
        self._rows = 0
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
        self._crc = 0
        self._plain_size = 0
        self._fresh: list[bytes] = []  # compressed, not in the file yet
        self._stored = 0  # bytes of the stream that the file has
        self._in_file: tuple[int, int] | None = None  # device and inode of the file we wrote

    def add(self, columns: ResultColumns) -> None:
        """Compress the rows that came since the last call; writes nothing."""
        shape = list(columns.kinds().items())
        if shape != self._shape or len(columns) < self._rows:
            self._restart(shape)
            self._compress([tuple(columns.names)])
        if self._rows < len(columns):
            self._compress(columns.rows(self._rows))
            self._rows = len(columns)

    @property
    def waiting(self) -> int:
        """Bytes that were compressed and not written yet."""
        return sum(map(len, self._fresh))

    def _compress(self, rows: Iterable[tuple[Any, ...]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        plain = text.getvalue().encode()
        self._crc = zlib.crc32(plain, self._crc)
        self._plain_size += len(plain)
        self._fresh.append(self._compressor.compress(plain))

    def write(self, columns: ResultColumns) -> None:
        """Bring the file up to date with `columns`.

        Raises:
            StoreError: If it can't be written.
        """
        if not self._file_is_ours():
            self._restart([])
        self.add(columns)
        self._fresh.append(self._compressor.flush(zlib.Z_SYNC_FLUSH))
        fresh = b"".join(self._fresh)
        end = self._compressor.copy().flush(zlib.Z_FINISH)
        size = self._stored + len(fresh) + len(end)
        if max(size, self._plain_size) > _LIMIT:
            raise StoreError(f"{self.path} would exceed 4 GB, which this format can't hold")
        draft = self.path.with_name(f".{self.path.name}.{uuid4().hex[:8]}.tmp")
        try:
            with draft.open("wb") as file:
                self._copy_stored(file)
                file.write(fresh)
                file.write(end)
                file.write(_ending(self._crc, size, self._plain_size))
                file.flush()
                status = os.fstat(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise StoreError(f"{self.path} can't be written: {error}") from error
        self._stored += len(fresh)
        self._fresh = []
        self._in_file = (status.st_dev, status.st_ino)

    def _file_is_ours(self) -> bool:
        """Whether the file on disk is the one that the stream so far went into."""
        if not self._stored:
            return True
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._in_file

    def _copy_stored(self, target: BinaryIO) -> None:
        """Copy the header and what the file has of the stream, within the kernel if it can."""
        if not self._stored:
            target.write(_LOCAL_HEADER)
            return
        with self.path.open("rb") as source:
            left = len(_LOCAL_HEADER) + self._stored
            if hasattr(os, "copy_file_range"):
                try:
                    left -= _copy_in_kernel(source.fileno(), target.fileno(), left)
                except OSError:  # not on this file system
                    left = len(_LOCAL_HEADER) + self._stored
                    target.truncate(0)
            source.seek(len(_LOCAL_HEADER) + self._stored - left)
            target.seek(0, os.SEEK_END)
            while left:
                block = source.read(min(left, 1 << 20))
                if not block:
                    raise OSError(f"{self.path} is shorter than it was written")
                left -= len(block)
                target.write(block)


def _copy_in_kernel(source: int, target: int, count: int) -> int:
    done = 0
    while done < count:
        copied = os.copy_file_range(source, target, count - done)
        if not copied:
            break
        done += copied
    return done


def _ending(crc: int, size: int, plain_size: int) -> bytes:
    """What follows the stream: the sizes, the directory with its one entry, the end mark."""
    descriptor = struct.pack("<IIII", 0x08074B50, crc, size, plain_size)
    entry = struct.pack(
        "<IHHHHHHIIIHHHHHII", 0x02014B50, _VERSION, _VERSION, _DATA_DESCRIPTOR_FLAG, 8, _TIME,
        _DATE, crc, size, plain_size, len(MEMBER), 0, 0, 0, 0, 0o644 << 16, 0,
    ) + MEMBER  # fmt: skip
    offset = len(_LOCAL_HEADER) + size + len(descriptor)
    return (
        descriptor + entry + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(entry), offset, 0)
    )


def read_results(path: Path, kinds: dict[str, str], rows: int) -> ResultColumns | None:
    """The first `rows` rows of a results file as columns, with the types that they had.

    Returns:
        None if the file lacks rows or columns, or can't be read.
    """
    columns: list[Any] = [[] if kind == "O" else Numbers(kind) for kind in kinds.values()]
    read = [_READERS[kind] for kind in kinds.values()]
    try:
        with zipfile.ZipFile(path) as archive, archive.open(MEMBER.decode()) as file:
            lines = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
            if next(lines, None) != list(kinds):
                return None
            left = rows
            while left:
                # In blocks: a text for each value of a long run would take more than the run does.
                block = list(islice(lines, min(left, _BLOCK)))
                if not block:
                    return None
                for column, reader, texts in zip(
                    columns, read, zip(*block, strict=True), strict=True
                ):
                    column.extend(map(reader, texts))
                left -= len(block)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, csv.Error):
        return None
    return ResultColumns.from_columns(dict(zip(kinds, columns, strict=True)))


_BLOCK = 1000
_WORDS = {"": None, "True": True, "False": False}


def _untyped(text: str) -> Any:
    return _WORDS.get(text, text)


_READERS: dict[str, Callable[[str], Any]] = {
    "q": int,
    "d": lambda text: float(text) if text else math.nan,
    "O": _untyped,
}
