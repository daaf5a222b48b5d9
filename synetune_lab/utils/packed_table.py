"""A table by number that keeps what is at rest as bytes: a run may have very many trials."""

from __future__ import annotations

import copy
import pickle
from abc import abstractmethod
from array import array
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["PackedTable", "pack_date", "unpack_date"]

T = TypeVar("T")

_KEPT = 4096
_BATCH = 1024
"""At least so many entries are packed in a row, in some milliseconds."""

_HEADS = 11
_LOOKS = 3
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class _Bundle:
    """Packed entries, one after the other.

    Attributes:
        data: Their bytes.
        numbers: Which ones they were when it was made.
        begins: Where each begins, and where the last one ends.
        at_rest: How many of them still are at rest here.
    """

    data: bytes
    numbers: array[int]
    begins: array[int]
    at_rest: int


class PackedTable(Mapping[int, T], Generic[T]):
    """Entries by number, of which only the latest used are objects; the others are bytes.

    The owner of the table may `wake` an entry to change it; it stays an object until `rest` packs
    it. Others, on another thread too, `peek`. A subclass says which of them `table[number]` does.
    """

    def __init__(self) -> None:
        self._awake: list[T | None] = []  # by number
        self._place = array("q")  # of those at rest: bundle << 32 | position; else -1
        self._bundles: dict[int, _Bundle] = {}
        self._next_bundle = 0
        self._sparse: list[int] = []  # bundles that are mostly out of date
        self._count = 0
        self._latest: list[int] = []  # who was put or woken, in that order
        self._limit = _KEPT + _BATCH  # of these, at which to look again
        self._common: list[tuple[Any, ...]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}

    @abstractmethod
    def _pack(self, entry: T) -> tuple[Any, ...]:
        """The entry as values that take little when pickled."""

    @abstractmethod
    def _unpack(self, number: int, packed: tuple[Any, ...]) -> T:
        """The entry of what `_pack` gave."""

    # Reading

    def wake(self, number: int) -> T:
        """The entry, which may be changed.

        Raises:
            KeyError: If there is none.
        """
        awake = self._awake
        entry = awake[number] if 0 <= number < len(awake) else None
        if entry is None:
            entry = self.peek(number)
            awake[number] = entry  # first, so that other threads find it at any time
            self._leave(number)
            self._latest.append(number)
        return entry

    def peek(self, number: int) -> T:
        """The entry, to be read only: nothing is kept of a change.

        Raises:
            KeyError: If there is none.
        """
        for _ in range(_LOOKS):
            entry = self._awake[number] if 0 <= number < len(self._awake) else None
            if entry is not None:
                return entry
            place = self._place[number] if 0 <= number < len(self._place) else -1
            bundle = self._bundles.get(place >> 32)
            if bundle is not None:
                begin = bundle.begins[place & 0xFFFFFFFF]
                return self._unpack(number, pickle.loads(memoryview(bundle.data)[begin:]))
            # The owner moves it, or there is none.
        raise KeyError(number)

    def look(self) -> Self:
        """A copy that stays as it is while the table goes on, but for entries that are awake."""
        look = copy.copy(self)
        look._awake, look._place = list(self._awake), self._place[:]
        look._bundles, look._latest = dict(self._bundles), list(self._latest)
        return look

    def peek_all(self) -> Iterator[tuple[int, T]]:
        """All entries with their numbers, to be read only."""
        for number in self:
            yield number, self.peek(number)

    def __iter__(self) -> Iterator[int]:
        return (number for number in range(len(self._awake)) if number in self)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: object) -> bool:
        return (
            isinstance(number, int)
            and 0 <= number < len(self._awake)
            and (self._awake[number] is not None or self._place[number] >= 0)
        )

    # Changing

    def put(self, number: int, entry: T) -> None:
        """Enter or replace an entry.

        Raises:
            ValueError: If `number` is negative.
        """
        missing = number - len(self._awake)
        if missing == 0:
            self._awake.append(entry)
            self._place.append(-1)
            self._latest.append(number)
            self._count += 1
            return
        if number < 0:
            raise ValueError(f"the number of a trial is at least 0, got {number}")
        if missing > 0:
            self._awake.extend([None] * (missing + 1))
            self._place.extend([-1] * (missing + 1))
        if self._awake[number] is None:
            if self._place[number] < 0:
                self._count += 1
            else:
                self._leave(number)
            self._latest.append(number)
        self._awake[number] = entry

    def drop(self, number: int) -> None:
        """Forget an entry; nothing happens if there is none."""
        if number in self:
            if self._place[number] >= 0:
                self._leave(number)
            self._awake[number] = None
            self._count -= 1

    def _leave(self, number: int) -> None:
        """The packed form of an entry is out of date."""
        key = self._place[number] >> 32
        self._place[number] = -1
        bundle = self._bundles[key]
        bundle.at_rest -= 1
        if not bundle.at_rest:
            del self._bundles[key]
        elif bundle.at_rest == len(bundle.numbers) // 4:
            self._sparse.append(key)

    def rest(self, busy: Container[int]) -> None:
        """Pack the entries that were objects longest, if there are many, but those in `busy`.

        Nobody may hold one of them to change it later. One that a plain pickle can't take to
        another process stays an object.
        """
        latest = self._latest
        if len(latest) < self._limit:
            return
        awake, kept = self._awake, []
        oldest = len(latest) - _KEPT
        packed: dict[int, bytes] = {}
        for number in latest[:oldest]:
            entry = awake[number]
            if entry is None:  # dropped
                continue
            if number in busy:
                kept.append(number)
                continue
            dumped = _dumped(self._pack(entry))
            if dumped is not None:
                packed[number] = dumped
        self._latest = latest[oldest:] + kept
        self._limit = len(self._latest) + _BATCH
        moved = {}
        for key in self._sparse:
            moved.update(self._left_in(key))
        # In this order: another thread finds each entry at any time.
        self._bundle({**packed, **moved})
        for number in packed:
            awake[number] = None
        for key in self._sparse:
            self._bundles.pop(key, None)
        self._sparse = []

    def _left_in(self, key: int) -> dict[int, bytes]:
        """What is still at rest in a bundle."""
        bundle = self._bundles.get(key)
        if bundle is None:
            return {}
        return {
            number: bundle.data[bundle.begins[at] : bundle.begins[at + 1]]
            for at, number in enumerate(bundle.numbers)
            if self._place[number] == key << 32 | at
        }

    def _bundle(self, packed: dict[int, bytes]) -> None:
        """Put packed entries into a new bundle."""
        if not packed:
            return
        key, self._next_bundle = self._next_bundle, self._next_bundle + 1
        begins = array("I", accumulate(map(len, packed.values()), initial=0))
        data = b"".join(packed.values())
        self._bundles[key] = _Bundle(data, array("I", packed), begins, len(packed))
        for position, number in enumerate(packed):
            self._place[number] = key << 32 | position

    # Help for subclasses

    def _split(self, values: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
        """A mapping as the number of its names and its values."""
        if values is None:
            return None
        return (self._number_of(tuple(values)), *values.values())

    def _joined(self, split: tuple[Any, ...] | None) -> dict[str, Any] | None:
        """What was split."""
        return None if split is None else dict(zip(self._common[split[0]], split[1:], strict=True))

    def _number_of(self, common: tuple[Any, ...]) -> int:
        """The number by which `self._common` has values that many entries have in common."""
        number = self._numbers.get(common)
        if number is None:
            number = self._numbers[common] = len(self._common)
            self._common.append(common)
        return number


def _dumped(packed: tuple[Any, ...]) -> bytes | None:
    """As a pickle; None for what has an object of a notebook's own class in it, or the like."""
    try:
        dumped = pickle.dumps(packed, 5)
    except Exception:
        return None
    if b"__main__" in dumped or b"__mp_main__" in dumped:
        return None
    # Without the heads of protocol and frame, which a reader can do without.
    return dumped[_HEADS if dumped[2:3] == b"\x95" else 0 :]


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
