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
from ast import literal_eval
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias
from uuid import uuid4

from synetune_lab.errors import StoreError
from synetune_lab.store.columns import CODE, ResultColumns
from synetune_lab.store.numbers import Numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from synetune_lab.store.columns import ColumnType

MEMBER = b"results.csv"
_LEVEL = 1
_ZERO = "\\x00"
"""Stands for a zero in a text; readers of text files take that for an end, or refuse it."""
_LIMIT = 0xFFFFFFFF
_VERSION = 20
_DATA_DESCRIPTOR_FLAG = 0x08
_DATE, _TIME = 0x21, 0  # 1980-01-01: the same rows give the same bytes

_LOCAL_HEADER = struct.pack(
    "<IHHHHHIIIHH", 0x04034B50, _VERSION, _DATA_DESCRIPTOR_FLAG, 8, _TIME, _DATE, 0, 0, 0,
    len(MEMBER), 0,
) + MEMBER  # fmt: skip


class _Lines(list[str]):
    """A file to write to that keeps its lines."""

    write = list[str].append


def _as_lines(rows: list[tuple[Any, ...]]) -> str:
    """Rows some of whose texts hold a carriage return or a zero.

    Up to Python 3.12 the writer quotes a text with an end of line in it only if its own end of line
    has the same characters. So it gets both, and each row the plain one afterwards.
    """
    lines = _Lines()
    write = csv.writer(lines, lineterminator="\r\n").writerow
    for row in rows:
        try:
            write(row)
        except csv.Error:
            write([v.replace("\0", _ZERO) if isinstance(v, str) else v for v in row])
    return "".join([f"{line[:-2]}\n" for line in lines]).replace("\0", _ZERO)


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
        block = list(rows)
        buffer = io.StringIO()
        try:
            csv.writer(buffer, lineterminator="\n").writerows(block)
            text = buffer.getvalue()
        except csv.Error:  # Python 3.10, of a zero in a text
            text = "\0"
        if "\r" in text or "\0" in text:
            text = _as_lines(block)
        # Half of a surrogate pair has no bytes; the file stays one of UTF-8.
        plain = text.encode(errors="backslashreplace")
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


def count_rows(path: Path) -> int:
    """How many rows a results file has, its first line not counted; 0 if it can't be read."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(MEMBER.decode()) as file:
            lines = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
            return max(0, sum(1 for _ in lines) - 1)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, csv.Error):
        return 0


def read_results(path: Path, types: Mapping[str, ColumnType], rows: int) -> ResultColumns | None:
    """The first `rows` rows of a results file as columns, with the types that they had.

    The file may have been written before or after the types were taken: it may have fewer columns
    than they (those that came with later rows) or more, which are left out.

    Args:
        path: The file.
        types: `ResultColumns.types()` of columns that had at least so many rows. `kinds()` will
            do where columns of objects hold texts other than "", "True" and "False", booleans
            and None only.
        rows: How many rows to read.

    Returns:
        None if the file lacks rows or columns, or can't be read.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(MEMBER.decode()) as file:
            lines = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
            columns = _read(lines, types, rows)
    except _UNREADABLE:
        return None
    return ResultColumns.from_columns(columns)


def _read(lines: Iterator[list[str]], types: Mapping[str, ColumnType], rows: int) -> dict[str, Any]:
    """Columns with the first rows of a file. A ValueError tells that it does not have them."""
    there = next(lines, [])
    names = list(types)
    width = min(len(there), len(names))
    if not width or there[:width] != names[:width]:
        raise ValueError("other columns")
    columns: dict[str, Any] = {
        name: Numbers(kind) if kind in ("q", "d") else [] for name, kind in types.items()
    }
    readers = {name: _reader(kind) for name, kind in types.items()}
    done = 0
    while done < rows:
        # In blocks: a text for each value of a long run would take more than the run does.
        block = list(islice(lines, min(rows - done, _BLOCK)))
        if not block or len(block[0]) != len(there):
            raise ValueError("fewer rows or values")
        for name, texts in zip(names, zip(*block, strict=True), strict=False):
            columns[name].extend(readers[name](texts, done))
        done += len(block)
    for name in names[width:]:
        columns[name].extend(_missing(types[name], rows))
    return columns


_BLOCK = 1000
_UNREADABLE = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
    ValueError,  # the file, or a value, is not what the types say
    TypeError,
    LookupError,
    OverflowError,
    SyntaxError,
    RecursionError,
)
_WORDS = {"": None, "True": True, "False": False}
_Reader: TypeAlias = "Callable[[Sequence[str], int], Iterable[Any]]"
"""Makes values of the texts of some rows, given the first row's number."""


def _reader(kind: ColumnType) -> _Reader:
    if isinstance(kind, str):
        return _READERS[kind]
    blocks, odd = kind
    codes = b"".join(map(zlib.decompress, blocks))

    def read(texts: Sequence[str], start: int) -> Iterable[Any]:
        present = codes[start : start + len(texts)]
        if len(set(present)) == 1 and CODE["odd"] not in present and len(present) == len(texts):
            return map(_VALUE[present[0]], texts)
        return [
            odd[row] if code == CODE["odd"] else _VALUE[code](text)
            for row, (code, text) in enumerate(zip(present, texts, strict=True), start)
        ]

    return read


def _missing(kind: ColumnType, rows: int) -> list[None] | list[float]:
    """Values of a column that the file does not have, as none had one yet."""
    if kind == "d":
        return [math.nan] * rows
    if isinstance(kind, tuple):
        codes = b"".join(map(zlib.decompress, kind[0]))[:rows]
        if codes.count(CODE["none"]) == rows:
            return [None] * rows
    raise ValueError("fewer columns")


def _integers(texts: Sequence[str], _: int) -> Iterable[int]:
    try:
        return list(map(int, texts))
    except ValueError:  # the column became one of floats afterwards; here they are whole
        numbers = list(map(float, texts))
        if not all(map(float.is_integer, numbers)):
            raise
        return list(map(int, numbers))


def _floats(texts: Sequence[str], _: int) -> Iterable[float]:
    return [float(text) if text else math.nan for text in texts]


def _untyped(texts: Sequence[str], _: int) -> Iterable[Any]:
    return [_WORDS.get(text, text) for text in texts]


_READERS: dict[str, _Reader] = {
    "q": _integers,
    "d": _floats,
    "T": lambda texts, _: texts,
    "O": _untyped,
}

_VALUE: dict[int, Callable[[str], Any]] = {
    CODE["none"]: lambda _: None,
    CODE["bool"]: lambda text: text == "True",
    CODE["int"]: int,
    CODE["float"]: float,
    CODE["text"]: str,
    CODE["literal"]: literal_eval,
}
