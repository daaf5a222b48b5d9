"""Results as columns: every report is a row, every entry a typed column.

A report costs eight bytes an entry; dictionaries are not kept. A column holds 64-bit integers as
long as all its values are integers and no row lacks it, then floats, then any objects. A long
column of few different texts takes a byte a row.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from synetune_lab.store.numbers import Numbers
from synetune_lab.store.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

_INT64 = range(-(2**63), 2**63)
_EXACT = 2**53
"""Integers beyond it do not survive as floats."""

_LONG = 1 << 16
"""Rows from which on it is worth while to look for columns of few different texts."""

Values = Any
"""`Numbers`, a list or `Words`."""


class ResultColumns:
    """Rows of mappings, kept as columns. A missing entry is None (NaN among numbers)."""

    def __init__(self) -> None:
        self._columns: dict[str, Values] = {}
        self._rows = 0
        self._next_look = _LONG

    def __len__(self) -> int:
        return self._rows

    @property
    def names(self) -> list[str]:
        """Names of the columns, in the order in which they were first seen."""
        return list(self._columns)

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        columns = self._columns
        for name, value in row.items():
            column = columns.get(name)
            if column is None:
                columns[name] = self._new_column(value)
            elif type(column) is list:
                column.append(value)
            elif (
                type(column) is Words
                or value is None
                or type(value) is bool
                or isinstance(value, str)
            ):
                self._widen(name, value)
            else:
                try:
                    column.append(value)
                except (TypeError, OverflowError, ValueError):
                    self._widen(name, value)
        self._rows += 1
        if len(row) != len(columns):
            for name in columns:
                if len(columns[name]) < self._rows:
                    self._widen(name, None)

    def extend(self, block: Mapping[str, list[Any]]) -> None:
        """Add rows given as columns of equal length."""
        columns = self._columns
        count = len(next(iter(block.values())))
        if self._rows >= self._next_look:
            self._look_for_words()
        if columns.keys() == block.keys() and all(
            _takes(columns[name], values) for name, values in block.items()
        ):
            for name, values in block.items():
                columns[name].extend(values)
            self._rows += count
            return
        names = list(block)
        for row in zip(*block.values(), strict=True):
            self.append(dict(zip(names, row, strict=True)))

    def _look_for_words(self) -> None:
        self._next_look = 2 * max(self._rows, _LONG)
        for name, column in self._columns.items():
            if type(column) is list:
                with suppress(ValueError):
                    self._columns[name] = Words(column)

    def _new_column(self, value: Any) -> Values:
        missing = self._rows
        if type(value) is float or _is_float(value):
            return Numbers("d", [math.nan] * missing + [float(value)])
        if _is_int(value) and not missing:
            return Numbers("q", [int(value)])
        if _is_int(value) and abs(int(value)) <= _EXACT:
            return Numbers("d", [math.nan] * missing + [float(value)])
        return [None] * missing + [value]

    def _widen(self, name: str, value: Any) -> None:
        """Append a value that the column's type does not take, by giving it a wider one."""
        column = self._columns[name]
        if type(column) is Words:
            try:
                column.append(value)
            except ValueError:
                column = self._columns[name] = list(column)
        if type(column) is list:
            column.append(value)
        if type(column) in (list, Words):
            return
        number = math.nan if value is None else value
        as_float = _is_float(number) or (_is_int(number) and abs(int(number)) <= _EXACT)
        if as_float and column.typecode == "q" and any(abs(v) > _EXACT for v in column):
            as_float = False
        if as_float:
            wide: Values = column if column.typecode == "d" else Numbers("d", column)
            wide.append(float(number))
        else:
            wide = [None if v != v else v for v in column]
            wide.append(value)
        self._columns[name] = wide

    def values(self, name: str) -> Values:
        """The column itself; not to be changed."""
        return self._columns[name]

    def kinds(self) -> dict[str, str]:
        """`q` (integers), `d` (floats) or `O` (anything) for each column."""
        return {
            name: column.typecode if type(column) is Numbers else "O"
            for name, column in self._columns.items()
        }

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[Any, ...]]:
        """Rows as tuples in the order of `names`."""
        stop = self._rows if stop is None else stop
        return zip(*(column[start:stop] for column in self._columns.values()), strict=True)

    def truncate(self, rows: int) -> None:
        """Keep the first `rows` rows only."""
        if rows < self._rows:
            for column in self._columns.values():
                if type(column) is list:
                    del column[rows:]
                else:
                    column.truncate(rows)
            self._rows = rows

    def dataframe(self) -> pd.DataFrame:
        """A new data frame with the columns."""
        import pandas as pd

        data = {
            name: column.to_numpy() if type(column) is Numbers else list(column)
            for name, column in self._columns.items()
        }
        frame: pd.DataFrame = pd.DataFrame(data, columns=self.names)
        return frame

    @classmethod
    def from_columns(cls, columns: Mapping[str, Values]) -> ResultColumns:
        """Columns of equal length, taken over as they are."""
        self = cls()
        self._columns = dict(columns)
        self._rows = len(next(iter(self._columns.values()))) if self._columns else 0
        if self._rows >= self._next_look:
            self._look_for_words()
        return self


def _takes(column: Values, values: list[Any]) -> bool:
    """Whether a column takes values as they are."""
    if type(column) is list:
        return True
    if type(column) is Words:
        return column.takes(values)
    kinds = set(map(type, values))
    if column.typecode == "d":
        return kinds == {float}
    return kinds == {int} and max(map(abs, values)) < _INT64.stop


def _is_float(value: Any) -> bool:
    if isinstance(value, float):
        return True
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return kind == "f" and getattr(value, "ndim", 1) == 0


def _is_int(value: Any) -> bool:
    if isinstance(value, int):
        return type(value) is not bool and value in _INT64
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return kind in ("i", "u") and getattr(value, "ndim", 1) == 0
