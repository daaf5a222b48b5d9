"""The durable log of a run, `events.jsonl`: one JSON object a line, only ever appended to.

A record is `{"n": number from 1, "t": tuner time in seconds, "w": Unix time, "e": event,
"a": [action, ...], "o": offset}`; `o` (bytes of the trial's log that were delivered) is there for
reports only. On disk each line ends with a check sum `c` of what stands before it, and a decision
leaves out the report that its event holds already; `read_log` puts both right.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from synetune_lab.errors import StoreError
from synetune_lab.store.atomic import write_all

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

EVENT_LOG_FILENAME = "events.jsonl"
Record = dict[str, Any]
"""What the log holds, see the module."""

_CHECK = b',"c":'


def _plain(value: Any) -> Any:
    """What `json` can't write by itself: numpy scalars and arrays, sets, paths."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "items"):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def plain_json(value: Any) -> Any:
    """`value` as it comes back from the log."""
    return json.loads(_encode(value))


def encode_record(record: Record) -> bytes:
    """The record as a line of the log."""
    result = record["e"].get("result")
    if result is not None:
        record = {
            **record,
            "a": [
                {k: v for k, v in action.items() if k != "result"}
                if action["kind"] == "decision" and action.get("result") == result
                else action
                for action in record["a"]
            ],
        }
    body = _encode(record).encode()[:-1]
    return body + b"%b%d}\n" % (_CHECK, crc32(body))


def decode_record(line: bytes) -> Record | None:
    """The record that a line holds, None if the line is damaged or incomplete."""
    if not line.endswith(b"\n"):
        return None
    head, found, tail = line.rpartition(_CHECK)
    if found and tail.rstrip(b"}\n").isdigit():
        if crc32(head) != int(tail.rstrip(b"}\n")):
            return None
        line = head + b"}"
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict) or "n" not in record or "e" not in record:
        return None
    result = record["e"].get("result")
    for action in record.setdefault("a", []):
        if action.get("kind") == "decision" and "result" not in action:
            action["result"] = result
    return record


def read_log(folder: Path | str, after: int = 0, position: int = 0) -> Iterator[Record]:
    """The records of a run in their order; a torn tail is left out. Loads no pickle.

    Args:
        folder: The folder of the run (a missing log has no records).
        after: Leave out the records up to this number.
        position: Bytes of the log up to the end of record `after`, where they are known: saves
            reading the rest. If they turn out wrong, all is read.
    """
    path = Path(folder) / EVENT_LOG_FILENAME
    if not path.exists():
        return
    with path.open("rb") as file:
        if position:
            file.seek(position)
            first = decode_record(file.readline())
            is_next = first is not None and first["n"] == after + 1
            file.seek(position if is_next or _ends_at(path, position) else 0)
        for line in file:
            record = decode_record(line)
            if record is None:
                # A writer may be in the middle of the last line right now; that is no damage.
                if file.readline():
                    logger.warning("%s: a damaged line; what follows it is left out", path)
                return
            if record["n"] > after:
                yield record


def _ends_at(path: Path, position: int) -> bool:
    return path.stat().st_size == position


def sound_length(path: Path) -> tuple[int, int]:
    """Bytes up to the end of the last sound record, and that record's number (0 if there is none).

    Reads from the end, so that the cost does not grow with the log.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        end, window = size, 1 << 16
        while end > 0:
            start = max(0, end - window)
            file.seek(start)
            block = file.read(end - start)
            lines = block.splitlines(keepends=True)
            # The first piece of the window may be the tail of a longer line.
            whole = lines if start == 0 else lines[1:]
            position = end
            for line in reversed(whole):
                record = decode_record(line)
                if record is not None:
                    return position, int(record["n"])
                position -= len(line)
            if start == 0:
                return 0, 0
            if whole:
                end = position
            else:
                window *= 4
    return 0, 0


class EventLog:
    """Appends records to the log of a run.

    Opening cuts a torn tail off. `append` only collects; `flush` hands the collected lines to the
    operating system (from then on a killed process loses nothing), `sync` waits for the disk.

    Args:
        folder: The folder of the run, which must exist.

    Raises:
        StoreError: If the log can't be opened for writing.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / EVENT_LOG_FILENAME
        self.cut_bytes = 0
        self.last_number = 0
        self._lines: list[bytes] = []
        try:
            if self.path.exists():
                length, self.last_number = sound_length(self.path)
                self.cut_bytes = self.path.stat().st_size - length
                if self.cut_bytes:
                    os.truncate(self.path, length)
            self._descriptor: int | None = os.open(
                self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644
            )
            self._length = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise StoreError(f"the event log {self.path} can't be opened: {error}") from error

    def append(self, record: Record) -> None:
        """Take in the next record; its number must be one more than the last.

        Raises:
            StoreError: If it is not.
        """
        if record["n"] != self.last_number + 1:
            raise StoreError(f"record {record['n']} can't follow record {self.last_number}")
        self._lines.append(encode_record(record))
        self.last_number = record["n"]

    def flush(self) -> bool:
        """Write what was collected; True if there was anything."""
        if not self._lines or self._descriptor is None:
            return False
        content = b"".join(self._lines)
        try:
            write_all(self._descriptor, content)
        except OSError as error:
            # The lines are kept for another try; half a line of them must not stay before it.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._length)
            raise StoreError(f"the event log {self.path} can't be written: {error}") from error
        self._length += len(content)
        self._lines.clear()
        return True

    def cut(self, number: int) -> None:
        """Drop the records after `number`.

        Raises:
            StoreError: If the file can't be changed.
        """
        if self.last_number <= number or self._descriptor is None:
            return
        try:
            with self.path.open("rb") as file:
                end = 0
                for line in file:
                    record = decode_record(line)
                    if record is None or record["n"] > number:
                        break
                    end += len(line)
            os.ftruncate(self._descriptor, end)
        except OSError as error:
            raise StoreError(f"the event log {self.path} can't be cut: {error}") from error
        self._length, self.last_number = end, number

    @property
    def length(self) -> int:
        """Bytes that were flushed."""
        return self._length

    def sync(self) -> None:
        """Wait until the disk has what was flushed. May be called from another thread."""
        descriptor = self._descriptor
        if descriptor is not None:
            os.fsync(descriptor)

    def close(self) -> None:
        """Write and sync the rest."""
        self.flush()
        if self._descriptor is not None:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
