"""A long column of numbers, in blocks: one that grows in one piece would be moved over and over."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Numbers"]

_BLOCK = 1 << 16


class Numbers:
    """A list of 64-bit integers (`q`) or floats (`d`).

    Raises:
        TypeError: On a value of another type; it changes nothing.
        OverflowError: On an integer of more than 64 bits; it changes nothing.
    """

    def __init__(self, typecode: str, numbers: Iterable[float] = ()) -> None:
        self.typecode = typecode
        self._full: list[array[Any]] = []  # of _BLOCK numbers each
        self._tail: array[Any] = array(typecode)
        self.extend(numbers)

    def append(self, number: float) -> None:
        """Add a number."""
        self._tail.append(number)
        if len(self._tail) == _BLOCK:
            self._full.append(self._tail)
            self._tail = array(self.typecode)

    def extend(self, numbers: Iterable[float]) -> None:
        """Add numbers. If one does not fit, those before it may have been added."""
        tail = self._tail
        tail.extend(numbers)
        if len(tail) >= _BLOCK:
            whole = len(tail) - len(tail) % _BLOCK
            self._full += [tail[at : at + _BLOCK] for at in range(0, whole, _BLOCK)]
            self._tail = tail[whole:]

    def __len__(self) -> int:
        return len(self._full) * _BLOCK + len(self._tail)

    def __iter__(self) -> Iterator[float]:
        return chain(*self._full, self._tail)

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> list[float]: ...
    def __getitem__(self, at: int | slice) -> float | list[float]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            found: list[float] = []
            for block in range(start // _BLOCK, -(-stop // _BLOCK)):
                begin = block * _BLOCK
                found += self._block(block)[max(0, start - begin) : stop - begin]
            return found[::step]
        place = at + len(self) if at < 0 else at
        if not 0 <= place < len(self):
            raise IndexError(at)
        number: float = self._block(place // _BLOCK)[place % _BLOCK]
        return number

    def _block(self, number: int) -> array[Any]:
        return self._full[number] if number < len(self._full) else self._tail

    def truncate(self, length: int) -> None:
        """Keep the first numbers only."""
        if length < len(self):
            block = length // _BLOCK
            self._tail = self._block(block)[: length % _BLOCK]
            del self._full[block:]

    def to_numpy(self) -> np.ndarray:
        """A new array."""
        import numpy as np

        dtype = np.int64 if self.typecode == "q" else np.float64
        return np.concatenate([np.array(part, dtype=dtype) for part in (*self._full, self._tail)])
