"""Finds the reports in a growing log, in bounded steps, whatever else the log holds."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Any

from synetune_lab.report import REPORT_TAG, parse_report

__all__ = ["ReportTail", "last_lines", "read_lines"]

_TAG = REPORT_TAG.encode()
STEP_BYTES = 1 << 20
"""At most this much is read at a time, so that a flood does not hold up other trials."""
MAX_LINE_BYTES = STEP_BYTES // 2
"""A report line that is longer counts as broken."""
MAX_PENDING = 256
"""With so many reports waiting to be taken, the log is left alone."""


class ReportTail:
    """Reads the reports of a log that somebody else appends to.

    Between the reports there may be anything: progress bars, binary data, gigabytes of text. All
    bytes before `offset` are done with; memory is bounded by `STEP_BYTES`.

    Args:
        path: The log; it must exist.
        offset: Where to begin, in bytes.

    Attributes:
        bad_lines: Number of lines that had the tag of a report but were none.
        first_bad: The beginning of the first of them.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._pending: deque[tuple[dict[str, Any], int]] = deque()
        self.offset = offset
        self._taken = offset
        self.bad_lines = 0
        self.first_bad = b""

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @property
    def size(self) -> int:
        """Size of the log now, in bytes."""
        return os.fstat(self._descriptor).st_size

    @property
    def pending(self) -> int:
        """Number of reports that were read and not taken."""
        return len(self._pending)

    @property
    def delivered(self) -> int:
        """Offset up to which nothing is left to be taken: begin here to lose and double nothing."""
        return self._taken if self._pending else max(self._taken, self.offset)

    def take(self) -> dict[str, Any] | None:
        """The next report; None if none was read."""
        if not self._pending:
            return None
        report, self._taken = self._pending.popleft()
        return report

    def read(self) -> int:
        """Read on, one step at most.

        Returns:
            Number of bytes seen; less than `STEP_BYTES` if the end was reached, 0 also if enough
            reports are pending.
        """
        if len(self._pending) >= MAX_PENDING:
            return 0
        data = self._read_at_offset()
        done = 0
        while True:
            tag = data.find(_TAG, done)
            if tag < 0:
                # The last bytes may be the beginning of a tag.
                done = max(done, len(data) - len(_TAG) + 1)
                break
            end = data.find(b"\n", tag)
            if end < 0 and len(data) - tag <= MAX_LINE_BYTES:
                done = tag
                break
            if end < 0 or end - tag > MAX_LINE_BYTES:
                self._note_bad(data[tag:])
                done = tag + len(_TAG)
                continue
            self._parse(data[tag:end], self.offset + end + 1)
            done = end + 1
        self.offset += done
        return len(data)

    def finish(self) -> None:
        """Take what stands after the last line break for a line: nobody will write on."""
        data = self._read_at_offset()
        if data.startswith(_TAG):
            self._parse(data, self.offset + len(data))
        self.offset += len(data)

    def _read_at_offset(self) -> bytes:
        if os.name != "posix":
            os.lseek(self._descriptor, self.offset, os.SEEK_SET)
            return os.read(self._descriptor, STEP_BYTES)
        data = os.pread(self._descriptor, STEP_BYTES, self.offset)
        if not data and self.size < self.offset:
            # Somebody has cut the log; go on with what is written from now on.
            self.offset = self.size
        return data

    def _parse(self, line: bytes, end: int) -> None:
        try:
            report = parse_report(line.decode())
        except UnicodeDecodeError:
            report = None
        if report is None:
            self._note_bad(line)
        else:
            self._pending.append((report, end))

    def _note_bad(self, line: bytes) -> None:
        self.bad_lines += 1
        if self.bad_lines == 1:
            self.first_bad = line[:200]


def last_lines(path: Path, lines: int, max_bytes: int = 1 << 16) -> list[str]:
    """The last lines of a log, without line breaks; an empty list if there is no such file.

    Args:
        path: The log.
        lines: How many at most.
        max_bytes: Not more than this is read.
    """
    if lines <= 0:
        return []
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - max_bytes))
            data = file.read(max_bytes)
    except OSError:
        return []
    found = data.lstrip(b"\0").decode(errors="replace").splitlines()
    if size > max_bytes and len(found) > 1:
        found = found[1:]  # it was cut
    return found[-lines:]


def read_lines(path: Path) -> list[str]:
    """All lines of a log, with their line breaks; what was freed to limit its size is left out."""
    try:
        with path.open("rb") as file:
            data = b"".join(_kept_parts(file.fileno()))
    except OSError:
        return []
    return data.decode(errors="replace").splitlines(keepends=True)


def _kept_parts(descriptor: int) -> list[bytes]:
    """The parts of a file that are not holes."""
    size = os.fstat(descriptor).st_size
    parts: list[bytes] = []
    position = 0
    while position < size:
        end = size
        if hasattr(os, "SEEK_DATA"):
            try:
                position = os.lseek(descriptor, position, os.SEEK_DATA)
                end = os.lseek(descriptor, position, os.SEEK_HOLE)
            except OSError:
                break  # nothing but a hole is left
        os.lseek(descriptor, position, os.SEEK_SET)
        while position < end:
            part = os.read(descriptor, min(end - position, 1 << 24))
            if not part:
                return parts
            parts.append(part)
            position += len(part)
    return parts
