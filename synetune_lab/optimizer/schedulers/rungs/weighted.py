"""Keys in order, each with a weight, and the sum of weights up to a key."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import Any

__all__ = ["WeightedOrder"]

_LONGEST_BLOCK = 1024

Key = tuple[float, int]


class WeightedOrder:
    """Distinct keys in ascending order, with weights of at least 0.

    Keys and weights sit in blocks whose weights are added up, so that a sum over any number of
    them takes microseconds.
    """

    def __init__(self) -> None:
        self._keys: list[list[Key]] = []
        self._weights: list[list[float]] = []
        self._sums: list[float] = []

    def __len__(self) -> int:
        return sum(len(block) for block in self._keys)

    @property
    def total(self) -> float:
        """The sum of all weights."""
        return sum(self._sums)

    def add(self, key: Key, weight: float) -> None:
        """Put a key in that is not there."""
        if not self._keys:
            self._keys, self._weights, self._sums = [[key]], [[weight]], [weight]
            return
        i = self._block_of(key)
        k = bisect_left(self._keys[i], key)
        self._keys[i].insert(k, key)
        self._weights[i].insert(k, weight)
        self._sums[i] += weight
        if len(self._keys[i]) > _LONGEST_BLOCK:
            self._split(i)

    def remove(self, key: Key) -> None:
        """Take a key out.

        Raises:
            KeyError: If it is not there.
        """
        i = self._block_of(key) if self._keys else 0
        block = self._keys[i] if self._keys else []
        k = bisect_left(block, key)
        if k == len(block) or block[k] != key:
            raise KeyError(key)
        del block[k], self._weights[i][k]
        if block:
            self._sums[i] = sum(self._weights[i])
        else:
            del self._keys[i], self._weights[i], self._sums[i]

    def sum_up_to(self, key: Key) -> float:
        """The sum of the weights of all keys up to and with `key`."""
        if not self._keys:
            return 0.0
        i = self._block_of(key)
        k = bisect_right(self._keys[i], key)
        return sum(self._sums[:i]) + sum(self._weights[i][:k])

    def last_within(self, limit: float) -> Key | None:
        """The last key up to which the weights sum up to at most `limit`; None if there is none."""
        before, found = 0.0, None
        for keys, weights, block_sum in zip(self._keys, self._weights, self._sums, strict=True):
            if before + block_sum <= limit:
                before, found = before + block_sum, keys[-1]
                continue
            sums = list(accumulate(weights, initial=before))
            k = bisect_right(sums, limit) - 1
            return keys[k - 1] if k > 0 else found
        return found

    def _block_of(self, key: Key) -> int:
        """The block where the key is, or belongs."""
        low, high = 0, len(self._keys) - 1
        while low < high:
            middle = (low + high) // 2
            if self._keys[middle][-1] < key:
                low = middle + 1
            else:
                high = middle
        return low

    def _split(self, i: int) -> None:
        half = len(self._keys[i]) // 2
        for blocks in (self._keys, self._weights):
            parts: list[Any] = [blocks[i][:half], blocks[i][half:]]
            blocks[i : i + 1] = parts
        self._sums[i : i + 1] = [sum(self._weights[i]), sum(self._weights[i + 1])]
