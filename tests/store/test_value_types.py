"""Rows read back from `results.csv.zip` have the values and types that were written."""

from __future__ import annotations

import enum
import math
import pickle
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.store import columns as columns_module
from synetune_lab.store import csv_zip as csv_zip_module
from synetune_lab.store.columns import ResultColumns
from synetune_lab.store.csv_zip import ResultsFile, read_results


class Level(enum.IntEnum):
    LOW = 7


def filled(rows: list[dict[str, Any]]) -> ResultColumns:
    columns = ResultColumns()
    for row in rows:
        columns.append(row)
    return columns


def told(value: Any) -> Any:
    """Something that is equal only for values that are the same, of the same type."""
    if isinstance(value, (list, tuple)):
        return type(value), [told(part) for part in value]
    if isinstance(value, dict):
        return type(value), [(told(key), told(part)) for key, part in value.items()]
    return type(value), repr(value)


def told_rows(columns: ResultColumns) -> list[Any]:
    return [told(row) for row in columns.rows()]


def read_back(columns: ResultColumns, folder: Path) -> ResultColumns:
    path = folder / "results.csv.zip"
    ResultsFile(path).write(columns)
    types = pickle.loads(pickle.dumps(columns.types()))
    read = read_results(path, types, len(columns))
    assert read is not None
    assert read.kinds() == columns.kinds()
    return read


@pytest.mark.parametrize(
    "values",
    [
        ["True", "False"],
        ["", "a", None],
        ["None", None, "nan", math.nan],
        ["z\r", "\r\n", "\n", "\ra", 'say "x", and', "'", " a "],
        [1, "1", 1.5, "1.5", True],
        [2**100, -(2**64), 0],
        ["x", math.inf, -math.inf, -0.0, 1e-320],
        [[1, 2.5, None, "a\r,b"], (), (1,), {"a": [True, {}]}, {2: ("x",)}],
        [[math.nan], [[1e999]], {math.inf: 1}],
        ["x", np.float32(0.1), np.int64(3), np.str_("s"), np.bool_(True), 1 + 2j, b"raw", {1}],
        ["\ud800", "\\ud800", "é", "a\0b", "a\\x00b"],
        ["x", Level.LOW, Path("a/b"), range(3)],
        [None, None],
        [""],
    ],
)
@pytest.mark.parametrize("other", [{}, {"n": 1}])
def test_values_come_back_with_their_types(values: Any, other: Any, tmp_path: Path) -> None:
    columns = filled([{"v": value, **other} for value in values])
    read = read_back(columns, tmp_path)
    assert told(list(read.values("v"))) == told(values)
    assert told_rows(read) == told_rows(columns)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=3),
    st.text("\r\n,\"' \x00a\ud800", max_size=4),
    st.sampled_from(["", "True", "False", "None", "1", "1.0", "nan", "[]"]),
)
VALUES = st.one_of(
    SCALARS,
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.tuples(inner)),
    st.dictionaries(st.text(max_size=1), SCALARS, max_size=2),
    st.floats(width=32).map(np.float32),
    st.integers(0, 2**64 - 1).map(np.uint64),
    st.complex_numbers(),
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1), min_size=1)


def same(value: Any, kept: Any) -> bool:
    """Whether a value was kept: as it is, or an equal number, or as missing."""
    if value is None or value != value:  # NaN is missing among numbers
        return kept is None or kept != kept
    if told(value) == told(kept):
        return True
    numbers = (int, float, np.number)
    return (
        isinstance(value, numbers)
        and type(value) is not bool
        and type(kept) in (int, float)
        and value == kept
    )


@given(rows=ROWS, cut=st.integers(0, 30), by_block=st.booleans())
def test_any_rows_are_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict], cut: int, by_block: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns_module, "_CODE_BLOCK", 4)
        patch.setattr(csv_zip_module, "_BLOCK", 3)
        if by_block:
            rows = [{name: row.get(name) for name in "abc"} for row in rows]
            columns = ResultColumns()
            for part in (rows[:cut], rows[cut:]):
                if part:
                    columns.extend({name: [row[name] for row in part] for name in "abc"})
                    columns.types()
        else:
            columns = filled(rows[:cut])
            columns.types()
            for row in rows[cut:]:
                columns.append(row)
        for name in columns.names:
            for row, kept in zip(rows, columns.values(name), strict=True):
                assert same(row.get(name), kept)
        read = read_back(columns, tmp_path_factory.mktemp("results"))
        assert told_rows(read) == told_rows(columns)


def test_floats_stay_floats_after_one_value_of_another_type(tmp_path: Path) -> None:
    columns = ResultColumns()
    columns.extend({"x": [k / 10 for k in range(70_000)]})
    columns.append({"x": True})
    read = read_back(columns, tmp_path)
    assert set(map(type, read.values("x")[:70_000])) == {float}
    assert read.values("x")[-1] is True
    blocks, odd = columns.types()["x"]
    assert sum(map(len, blocks)) < 1000
    assert not odd


@pytest.mark.parametrize("step", ["append", "extend"])
@pytest.mark.parametrize("first", [1.5, 3])
@pytest.mark.parametrize(
    "large", [2**60 + 1, -(2**60) - 1, 2**63, np.int64(2**60 + 1), np.uint64(2**64 - 1)]
)
def test_no_digit_of_a_large_integer_is_lost(step: str, first: Any, large: Any) -> None:
    columns = filled([{"n": first}])
    if step == "append":
        columns.append({"n": large})
        columns.append({"n": 0.5})
    else:
        columns.extend({"n": [large, 0.5]})
    assert [int(v) for v in columns.values("n")] == [int(first), int(large), 0]


def test_numbers_that_are_no_plain_ones_are_numbers_too() -> None:
    columns = filled([{"q": 1, "d": 0.5}, {"q": Level.LOW, "d": Level.LOW}])
    columns.append({"q": np.int32(2), "d": np.float16(0.25)})
    assert columns.kinds() == {"q": "q", "d": "d"}
    assert list(columns.rows()) == [(1, 0.5), (7, 7.0), (2, 0.25)]
    columns.append({"q": 3, "d": np.bool_(True)})
    assert columns.kinds() == {"q": "q", "d": "O"}
    assert filled([{"u": np.uint64(2**64 - 1)}]).kinds() == {"u": "O"}


def test_a_carriage_return_in_a_text_ends_no_row_for_pandas(tmp_path: Path) -> None:
    path = tmp_path / "results.csv.zip"
    ResultsFile(path).write(filled([{"t": "a\rb", "n": 1}, {"t": "plain", "n": 2}]))
    assert pd.read_csv(path)["t"].tolist() == ["a\rb", "plain"]
    with zipfile.ZipFile(path) as archive:
        assert archive.read("results.csv") == b't,n\n"a\rb",1\nplain,2\n'


def test_texts_of_any_kind_leave_the_file_readable(tmp_path: Path) -> None:
    path = tmp_path / "results.csv.zip"
    ResultsFile(path).write(filled([{"t": "\ud800", "n": 1}, {"t": "a\0b", "n": 2}]))
    assert pd.read_csv(path)["t"].tolist() == ["\\ud800", "a\\x00b"]


def test_a_value_that_cannot_be_saved_comes_back_as_its_text(tmp_path: Path) -> None:
    lock = threading.Lock()
    columns = filled([{"v": lock}, {"v": {"a": 1}}])
    assert list(read_back(columns, tmp_path).values("v")) == [str(lock), {"a": 1}]


def test_types_take_the_room_of_what_texts_do_not_tell() -> None:
    columns = filled([{"t": "True", "l": [k], "m": k if k % 2 else None} for k in range(1000)])
    columns.append({"t": "", "l": {1}, "m": "x"})
    types = columns.types()
    assert types["t"] == "T"
    assert types["l"][1] == {1000: {1}}
    assert not types["m"][1]
    assert len(pickle.dumps(types)) < 500


def test_types_look_at_new_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    literal = columns_module._is_literal
    monkeypatch.setattr(
        columns_module, "_is_literal", lambda *a: looked.append(a[0]) or literal(*a)
    )
    columns = filled([{"v": (k,)} for k in range(3)])
    columns.types()
    columns.append({"v": (3,)})
    looked.clear()
    columns.types()
    assert [value for value in looked if type(value) is tuple] == [(3,)]


def test_types_follow_when_rows_are_dropped_and_others_come(tmp_path: Path) -> None:
    columns = filled([{"v": "a"}, {"v": {1}}, {"v": None}])
    columns.types()
    columns.truncate(1)
    columns.append({"v": 5})
    assert list(read_back(columns, tmp_path).values("v")) == ["a", 5]
    copy = pickle.loads(pickle.dumps(columns))
    assert copy.types() == columns.types()


def test_the_file_goes_on_when_types_change(tmp_path: Path) -> None:
    columns, file = filled([{"v": "a"}]), ResultsFile(tmp_path / "results.csv.zip")
    file.write(columns)
    before = columns.types()
    columns.append({"v": ["list"]})
    file.add(columns)
    assert columns.types() != before
    assert file._rows == 2
    assert file._stored > 0  # not begun anew


def test_a_file_from_before_or_after_has_the_rows_too(tmp_path: Path) -> None:
    early, late = tmp_path / "early.zip", tmp_path / "late.zip"
    columns = filled([{"n": k, "x": 0.5, "t": ""} for k in range(3)])
    ResultsFile(early).write(columns)
    early_types = columns.types()
    rows = told_rows(columns)
    columns.append({"n": 0.25, "x": "text", "t": 1, "new": 1.5, "odd": {1}})
    ResultsFile(late).write(columns)
    assert told_rows(read_results(late, early_types, 3)) == rows
    read = read_results(early, columns.types(), 3)
    assert told_rows(read) == [told(row) for row in columns.rows(0, 3)]
    assert read.kinds() == columns.kinds()
    assert read_results(early, columns.types(), 4) is None
    assert read_results(early, {**early_types, "gone": "T"}, 3) is None
    assert read_results(early, {}, 3) is None


@pytest.mark.parametrize("text", ["[1", "{[]: 1}", "(" * 300, "x y", ""])
def test_a_file_with_other_values_than_the_types_say_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results.csv.zip"
    types = filled([{"v": [1], "n": 1}]).types()
    ResultsFile(path).write(filled([{"v": text, "n": 1}]))
    assert read_results(path, types, 1) is None
    ResultsFile(path).write(filled([{"v": [1], "n": 2**70}]))
    assert read_results(path, types, 1) is None
    ResultsFile(path).write(filled([{"v": [1], "n": 1.5}]))
    assert read_results(path, types, 1) is None


def test_kinds_alone_will_do_for_plain_columns(tmp_path: Path) -> None:
    path = tmp_path / "results.csv.zip"
    columns = filled(
        [{"n": 1, "x": 0.5, "t": "a", "o": None}, {"n": 2, "x": 1.5, "t": "", "o": True}]
    )
    ResultsFile(path).write(columns)
    read = read_results(path, columns.kinds(), 2)
    assert list(read.rows()) == [(1, 0.5, "a", None), (2, 1.5, None, True)]
