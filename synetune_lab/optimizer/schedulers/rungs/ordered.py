"""Numbers in order, with the quantile at one fixed fraction, at a cost that hardly grows."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from math import inf, nextafter

__all__ = ["OrderedValues"]

# A block is split when it is longer. An insertion moves at most this many numbers in memory
# (some 0.3 µs), and 10^6 numbers make few enough blocks to add up their sizes in a µs.
_LONGEST_BLOCK = 4096
# Below this, the position of a quantile counts as a whole number: what is left is rounding.
_ROUNDING = 1e-9


class OrderedValues:
    """Numbers in ascending order with their quantile at `fraction`.

    The numbers sit in blocks. The block of the quantile is remembered and followed, since
    one more number moves the quantile by one place at most. Neither NaN nor anything but floats
    may go in; infinities may.

    Args:
        fraction: Where the quantile lies, in [0, 1].
    """

    __slots__ = ("_before", "_blocks", "_cursor", "_fraction", "_lasts", "_size", "_sizes")

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction
        self._fill(array("d"))

    def _fill(self, ascending: array[float]) -> None:
        step = _LONGEST_BLOCK // 2
        self._blocks = [ascending[k : k + step] for k in range(0, len(ascending), step)]
        self._lasts = [block[-1] for block in self._blocks]
        self._sizes = [len(block) for block in self._blocks]
        self._size = len(ascending)
        self._cursor = 0  # the block where the quantile was found last
        self._before = 0  # how many numbers lie in the blocks before it

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[float]:
        for block in self._blocks:
            yield from block

    def add(self, value: float) -> int:
        """Put a number in.

        Returns:
            How many smaller numbers there are.
        """
        if not self._size:
            self._fill(array("d", (value,)))
            return 0
        lasts, sizes = self._lasts, self._sizes
        i = bisect_left(lasts, value)
        if i == len(lasts):
            i -= 1
            lasts[i] = value
        block = self._blocks[i]
        k = bisect_left(block, value)
        block.insert(k, value)
        sizes[i] += 1
        self._size += 1
        if i < self._cursor:
            self._before += 1
        smaller = sum(sizes[:i]) + k
        if sizes[i] > _LONGEST_BLOCK:
            self._split(i)
        return smaller

    def remove(self, value: float) -> None:
        """Take one number out that is equal to `value`.

        Raises:
            KeyError: If there is none.
        """
        i = bisect_left(self._lasts, value)
        block = self._blocks[i] if i < len(self._lasts) else array("d")
        k = bisect_left(block, value)
        if k == len(block) or block[k] != value:
            raise KeyError(value)
        del block[k]
        self._size -= 1
        self._sizes[i] -= 1
        if i < self._cursor:
            self._before -= 1
        if block:
            self._lasts[i] = block[-1]
        else:
            del self._blocks[i], self._lasts[i], self._sizes[i]
            self._cursor = self._before = 0

    def count_smaller(self, value: float) -> int:
        """How many numbers are smaller than `value`."""
        i = bisect_left(self._lasts, value)
        if i == len(self._lasts):
            return self._size
        return sum(self._sizes[:i]) + bisect_left(self._blocks[i], value)

    def count_equal(self, value: float) -> int:
        """How many numbers are equal to `value`."""
        if value == inf:
            return self._size - self.count_smaller(value)
        return self.count_smaller(nextafter(value, inf)) - self.count_smaller(value)

    def quantile(self) -> float | None:
        """The quantile, as `numpy.quantile` interpolates it (linearly).

        Where the difference of the two neighbours is not finite, the smaller one is taken: there
        is nothing in between to be on either side of it.

        Returns:
            The quantile; None if there are fewer than two numbers.
        """
        if self._size < 2:
            return None
        position = (self._size - 1) * self._fraction
        lower = int(position)
        weight = position - lower
        if weight > 1 - _ROUNDING:
            lower, weight = lower + 1, 0.0
        sizes, i, before = self._sizes, self._cursor, self._before
        while lower < before:
            i -= 1
            before -= sizes[i]
        while lower >= before + sizes[i]:
            before += sizes[i]
            i += 1
        self._cursor, self._before = i, before
        k = lower - before
        low = self._blocks[i][k]
        if weight < _ROUNDING:
            return low
        high = self._blocks[i][k + 1] if k + 1 < sizes[i] else self._blocks[i + 1][0]
        return _between(low, high, weight)

    def _split(self, i: int) -> None:
        block = self._blocks[i]
        half = len(block) // 2
        self._blocks[i : i + 1] = [block[:half], block[half:]]
        self._lasts[i : i + 1] = [block[half - 1], block[-1]]
        self._sizes[i : i + 1] = [half, len(block) - half]
        if i < self._cursor:
            self._cursor += 1

    def __getstate__(self) -> tuple[float, bytes]:
        return self._fraction, b"".join(block.tobytes() for block in self._blocks)

    def __setstate__(self, state: tuple[float, bytes]) -> None:
        self._fraction, data = state
        ascending = array("d")
        ascending.frombytes(data)
        self._fill(ascending)


def _between(low: float, high: float, weight: float) -> float:
    """Linear interpolation that is exact at both ends and never decreases with `weight`."""
    difference = high - low
    if not difference < float("inf"):  # also where it is NaN
        return low
    if weight < 0.5:
        return low + difference * weight
    return high - difference * (1 - weight)
