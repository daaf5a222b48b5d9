"""A table by number that keeps what is at rest as bytes: a run may have very many trials."""

from __future__ import annotations

import copy
import pickle
from abc import abstractmethod
from array import array
from collections.abc import Container, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["PackedTable", "pack_date", "unpack_date"]

T = TypeVar("T")

_KEPT = 4096
_BATCH = 1024
"""At least so many entries are packed in a row, in some milliseconds."""

_HEADS = 11
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


class PackedTable(Mapping[int, T], Generic[T]):
    """Entries by number, of which only the latest used are objects; the others are bytes.

    The owner of the table may `wake` an entry to change it; it stays an object until `rest` packs
    it. Others, on another thread too, `peek`. A subclass says which of them `table[number]` does.
    """

    def __init__(self) -> None:
        self._entries: list[T | bytes | None] = []  # None where there is no entry
        self._count = 0
        self._live: list[int] = []
        self._common: list[tuple[Any, ...]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}

    @abstractmethod
    def _pack(self, entry: T) -> tuple[Any, ...]:
        """The entry as values that take little when pickled."""

    @abstractmethod
    def _unpack(self, number: int, packed: tuple[Any, ...]) -> T:
        """The entry of what `_pack` gave."""

    def wake(self, number: int) -> T:
        """The entry, which may be changed.

        Raises:
            KeyError: If there is none.
        """
        entry = self._entry(number)
        if type(entry) is bytes:
            entry = self._entries[number] = self._unpack(number, pickle.loads(entry))
            self._live.append(number)
        return entry  # type: ignore[return-value]

    def peek(self, number: int) -> T:
        """The entry, to be read only: nothing is kept of a change.

        Raises:
            KeyError: If there is none.
        """
        entry = self._entry(number)
        if type(entry) is bytes:
            return self._unpack(number, pickle.loads(entry))
        return entry  # type: ignore[return-value]

    def _entry(self, number: int) -> T | bytes:
        entry = self._entries[number] if 0 <= number < len(self._entries) else None
        if entry is None:
            raise KeyError(number)
        return entry

    def look(self) -> Self:
        """A copy whose entries stay the same objects or bytes while the table goes on."""
        look = copy.copy(self)
        look._entries, look._live = list(self._entries), list(self._live)
        return look

    def peek_all(self) -> Iterator[tuple[int, T]]:
        """All entries with their numbers, to be read only."""
        for number in self:
            yield number, self.peek(number)

    def __iter__(self) -> Iterator[int]:
        return (number for number, entry in enumerate(self._entries) if entry is not None)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: object) -> bool:
        entries = self._entries
        return (
            isinstance(number, int) and 0 <= number < len(entries) and entries[number] is not None
        )

    def put(self, number: int, entry: T) -> None:
        """Enter or replace an entry.

        Raises:
            ValueError: If `number` is negative.
        """
        if number < 0:
            raise ValueError(f"the number of a trial is at least 0, got {number}")
        entries = self._entries
        if number >= len(entries):
            entries.extend([None] * (number + 1 - len(entries)))
        before = entries[number]
        if before is None:
            self._count += 1
        if before is None or type(before) is bytes:
            self._live.append(number)
        entries[number] = entry

    def rest(self, busy: Container[int]) -> None:
        """Pack the entries that were objects longest, if there are many, but those in `busy`.

        Nobody may hold one of them to change it later. One that a plain pickle can't take to
        another process stays an object.
        """
        live = self._live
        if len(live) < _KEPT + _BATCH:
            return
        entries, kept = self._entries, []
        oldest = len(live) - _KEPT
        for number in live[:oldest]:
            if number in busy:
                kept.append(number)
                continue
            packed = _dumped(self._pack(entries[number]))  # type: ignore[arg-type]
            if packed is not None:
                entries[number] = packed
        self._live = live[oldest:] + kept

    # Saving: bytes in one piece, since a pickler would look at each of them

    def __getstate__(self) -> dict[str, Any]:
        entries = self._entries
        state = dict(vars(self))
        state["_entries"] = [None if type(entry) is bytes else entry for entry in entries]
        packed = [entry for entry in entries if type(entry) is bytes]
        state["_lengths"] = array("I", map(len, packed))
        state["_where"] = array("I", [n for n, e in enumerate(entries) if type(e) is bytes])
        state["_bytes"] = b"".join(packed)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        lengths, where, joined = (state.pop(name) for name in ("_lengths", "_where", "_bytes"))
        vars(self).update(state)
        begin = 0
        for number, length in zip(where, lengths, strict=True):
            self._entries[number] = joined[begin : begin + length]
            begin += length

    # Help for subclasses

    def _split(self, values: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
        """A mapping as the number of its names and its values."""
        if values is None:
            return None
        return (self._number_of(tuple(values)), *values.values())

    def _number_of(self, common: tuple[Any, ...]) -> int:
        """The number by which `self._common` has values that many entries have in common."""
        number = self._numbers.get(common)
        if number is None:
            number = self._numbers[common] = len(self._common)
            self._common.append(common)
        return number

    def _joined(self, split: tuple[Any, ...] | None) -> dict[str, Any] | None:
        """What was split."""
        return None if split is None else dict(zip(self._common[split[0]], split[1:], strict=True))


def _dumped(packed: tuple[Any, ...]) -> bytes | None:
    """As a pickle; None for what has an object of a notebook's own class in it, or the like."""
    try:
        dumped = pickle.dumps(packed, 5)
    except Exception:
        return None
    if b"__main__" in dumped or b"__mp_main__" in dumped:
        return None
    # Copied, since what the pickler gives lies in a block of several kilobytes; without the
    # heads of protocol and frame, which a reader can do without.
    return bytes(memoryview(dumped)[_HEADS if dumped[2:3] == b"\x95" else 0 :])


def pack_date(date: datetime | None) -> int | float | datetime | None:
    """A date in few bytes, exact to the microsecond: a whole number if it has no time zone."""
    if date is None:
        return None
    if date.tzinfo is None:
        return (date - _EPOCH) // _MICROSECOND
    return date.timestamp() if date.tzinfo is timezone.utc else date


def unpack_date(packed: int | float | datetime | None) -> datetime | None:
    """The date that `pack_date` packed."""
    if isinstance(packed, int):
        return _EPOCH + packed * _MICROSECOND
    return datetime.fromtimestamp(packed, tz=timezone.utc) if isinstance(packed, float) else packed
