"""All combinations of the values of a grid, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, overload

__all__ = ["GridPoints"]

Point = dict[str, Any]


class GridPoints(Sequence[Point]):
    """Combinations of values; the last name moves fastest.

    Args:
        values: The values of each name.
        counts: Says of a combination whether it is one; None if all are. Then nothing is made
            beforehand; else all of them are looked at once.
    """

    def __init__(
        self,
        values: Mapping[str, Sequence[Any]],
        counts: Callable[[Point], bool] | None = None,
    ) -> None:
        self._values = dict(values)
        size = prod(len(given) for given in self._values.values())
        self._numbers: Sequence[int] = range(size)
        if counts is not None:
            self._numbers = [number for number in range(size) if counts(self._point(number))]

    def _point(self, number: int) -> Point:
        """The combination with a number, whose digits are the places of the values."""
        point = {}
        for name, given in reversed(self._values.items()):
            number, place = divmod(number, len(given))
            point[name] = given[place]
        return {name: point[name] for name in self._values}

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> Point: ...

    @overload
    def __getitem__(self, index: slice) -> list[Point]: ...

    def __getitem__(self, index: int | slice) -> Point | list[Point]:
        if isinstance(index, slice):
            return [self._point(number) for number in self._numbers[index]]
        return self._point(self._numbers[index])
