"""Results as columns: every report is a row, every entry a typed column.

A report costs eight bytes an entry; dictionaries are not kept. A column holds 64-bit integers as
long as all its values are integers and no row lacks it, then floats, then any objects: it widens
rather than lose a digit. A long column of few different texts takes a byte a row.
"""

from __future__ import annotations

import math
import pickle
import zlib
from contextlib import suppress
from types import NoneType
from typing import TYPE_CHECKING, Any

from synetune_lab.store.numbers import Numbers
from synetune_lab.store.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

_INT64 = range(-(2**63), 2**63)
_EXACT = 2**53
"""Integers beyond it do not survive as floats."""

_KIND: dict[str, Any] = {"q": int, "d": float}
"""What `Numbers` of a type code take as it is."""

_LONG = 1 << 16
"""Rows from which on it is worth while to look for columns of few different texts."""

Values = Any
"""`Numbers`, a list or `Words`."""

ColumnType = str | tuple[list[bytes], dict[int, Any]]
"""What a column's texts in a CSV do not say: `q` (integers), `d` (floats), `T` (texts), or a code
for each value (`CODE`, in compressed blocks) and the values, by row, that no text tells. `O` says
nothing of an object."""

CODE = {
    name: ord(letter)
    for name, letter in {
        "none": "N", "bool": "B", "int": "I", "float": "F", "text": "T", "literal": "L", "odd": "X",
    }.items()
}  # fmt: skip
"""Types of values in a column of objects. A literal is a list, tuple or dictionary that `repr`
tells exactly; odd is everything else."""

_CODE_BLOCK = 1 << 16
_DEEPEST = 20
"""Levels of a literal that is told by its text; the interpreter's parser takes some more."""


class ResultColumns:
    """Rows of mappings, kept as columns. A missing entry is None (NaN among numbers)."""

    def __init__(self) -> None:
        self._columns: dict[str, Values] = {}
        self._rows = 0
        self._next_look = _LONG
        self._types: dict[str, _ValueTypes] = {}

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
            elif type(column) is Numbers and type(value) is _KIND[column.typecode]:
                try:
                    column.append(value)
                except OverflowError:
                    self._widen(name, value)
            else:
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
        if columns.keys() == block.keys():
            for name, values in block.items():
                if _takes(columns[name], values):
                    columns[name].extend(values)
                else:
                    for value in values:
                        self._widen(name, value)
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
        """Append a value; if the column's type does not take it, by giving it a wider one."""
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
        if column.typecode == "q" and _is_int(value):
            column.append(int(value))
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

    def types(self) -> dict[str, ColumnType]:
        """What `read_results` needs to give back every value with its type.

        Unlike `kinds` it may change with every row. Only rows that came since the last call are
        looked at. It can be pickled, with the values in it that a text does not tell.
        """
        found: dict[str, ColumnType] = {}
        for name, column in self._columns.items():
            if type(column) is Numbers:
                found[name] = column.typecode
            else:
                types = self._types.setdefault(name, _ValueTypes())
                types.look(column)
                found[name] = types.found()
        return found

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[Any, ...]]:
        """Rows as tuples in the order of `names`."""
        stop = self._rows if stop is None else stop
        return zip(*(column[start:stop] for column in self._columns.values()), strict=True)

    def after(self, start: int) -> ResultColumns:
        """The rows from `start` on, as columns of their own."""
        later = ResultColumns()
        for row in self.rows(start):
            later.append(dict(zip(self._columns, row, strict=True)))
        return later

    def truncate(self, rows: int) -> None:
        """Keep the first `rows` rows only."""
        if rows < self._rows:
            for column in self._columns.values():
                if type(column) is list:
                    del column[rows:]
                else:
                    column.truncate(rows)
            self._rows = rows
            self._types = {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_types"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._types = {}

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
    dtype = getattr(value, "dtype", None)
    exact = getattr(dtype, "kind", None) == "f" and getattr(dtype, "itemsize", 16) <= 8
    return exact and getattr(value, "ndim", 1) == 0


def _is_int(value: Any) -> bool:
    """Whether it is an integer of 64 bits."""
    if not isinstance(value, int):
        kind = getattr(getattr(value, "dtype", None), "kind", None)
        if kind not in ("i", "u") or getattr(value, "ndim", 1) != 0:
            return False
    # A range looks through all it has for what is not a plain int.
    return type(value) is not bool and int(value) in _INT64


class _CodeOfType(dict[type, int]):
    def __missing__(self, kind: type) -> int:
        return CODE["odd"]


_CODE_OF_TYPE = _CodeOfType(
    {
        NoneType: CODE["none"],
        bool: CODE["bool"],
        int: CODE["int"],
        float: CODE["float"],
        str: CODE["text"],
    }
)


class _ValueTypes:
    """The types of the values in one column of objects, learned as it grows."""

    def __init__(self) -> None:
        self._full: list[bytes] = []  # compressed, of _CODE_BLOCK values each
        self._tail = b""
        self._odd: dict[int, Any] = {}
        self._only_text = True

    def look(self, column: Values) -> None:
        """Learn the types of the values that came since the last look."""
        at = len(self._full) * _CODE_BLOCK + len(self._tail)
        while at < len(column):
            stop = at - at % _CODE_BLOCK + _CODE_BLOCK
            codes = self._codes_of(column[at:stop], at)
            self._only_text = self._only_text and codes.count(CODE["text"]) == len(codes)
            self._tail += codes
            if len(self._tail) == _CODE_BLOCK:
                self._full.append(zlib.compress(self._tail, 1))
                self._tail = b""
            at += len(codes)

    def found(self) -> ColumnType:
        """The types so far."""
        if self._only_text:
            return "T"
        return [*self._full, zlib.compress(self._tail, 1)], dict(self._odd)

    def _codes_of(self, values: list[Any], start: int) -> bytes:
        codes = bytearray(map(_CODE_OF_TYPE.__getitem__, map(type, values)))
        if CODE["odd"] not in codes and _in_text_files(v for v in values if type(v) is str):
            return bytes(codes)
        for at, (code, value) in enumerate(zip(codes, values, strict=True)):
            if code == CODE["odd"] or (code == CODE["text"] and not _in_text_files((value,))):
                codes[at] = self._code_of_odd(value, start + at)
        return bytes(codes)

    def _code_of_odd(self, value: Any, row: int) -> int:
        if type(value) is not str and _is_literal(value):
            return CODE["literal"]
        try:
            pickle.dumps(value, protocol=5)
        except Exception:  # of any class; better its text than a state that can't be saved
            return CODE["text"]
        self._odd[row] = value
        return CODE["odd"]


def _in_text_files(texts: Iterable[str]) -> bool:
    """Whether all have a place there, unlike a zero or half of a surrogate pair."""
    joined = "".join(texts)
    try:
        joined.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in joined


def _is_literal(value: Any, levels: int = _DEEPEST) -> bool:
    """Whether `ast.literal_eval` makes of its `repr` the same again."""
    kind = type(value)
    if kind is float:
        return math.isfinite(value)
    if kind in _CODE_OF_TYPE:
        return True
    if not levels:
        return False
    if kind is list or kind is tuple:
        return all(_is_literal(part, levels - 1) for part in value)
    return kind is dict and all(
        _is_literal(key, levels - 1) and _is_literal(part, levels - 1)
        for key, part in value.items()
    )
