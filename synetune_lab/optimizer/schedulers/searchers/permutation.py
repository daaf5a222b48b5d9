"""Shuffled orders of huge lists, without writing them down."""

from __future__ import annotations

__all__ = ["Permutation"]

_MASK = 2**64 - 1
_ROUNDS = 6


class Permutation:
    """A pseudo-random order of 0, ..., size - 1 that takes no memory.

    A Feistel network permutes the numbers of an even number of bits; those beyond the size are
    permuted again until they fall inside (cycle walking).

    Args:
        size: Number of entries, at least 1.
        seed: Seed of the order.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        half = max(1, ((size - 1).bit_length() + 1) // 2)
        self._half = half
        self._low = (1 << half) - 1
        self._keys = tuple(_mix(seed * _ROUNDS + i + 1) for i in range(_ROUNDS))

    def __getitem__(self, position: int) -> int:
        """The entry at a position."""
        if not 0 <= position < self.size:
            raise IndexError(f"position {position} of a permutation of {self.size}")
        value = position
        while True:
            value = self._network(value)
            if value < self.size:
                return value

    def _network(self, value: int) -> int:
        left, right = value >> self._half, value & self._low
        for key in self._keys:
            left, right = right, left ^ (_mix(right ^ key) & self._low)
        return left << self._half | right


def _mix(x: int) -> int:
    """The finaliser of the splitmix64 generator: every input bit moves every output bit."""
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & _MASK
    return x ^ (x >> 31)
