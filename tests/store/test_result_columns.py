"""Columns and the results file: what was appended is what pandas reads, however it was written."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.store.columns import ResultColumns
from synetune_lab.store.csv_zip import ResultsFile, read_results

ROWS = [
    {"epoch": 1, "loss": 0.5, "name": "a,b", "ok": True},
    {"epoch": 2, "loss": math.nan, "name": 'say "x"\n', "ok": False},
    {"epoch": 3, "loss": -math.inf, "name": "ü", "ok": True},
]


def filled(rows: list[dict[str, Any]]) -> ResultColumns:
    columns = ResultColumns()
    for row in rows:
        columns.append(row)
    return columns


def test_columns_keep_types_and_order() -> None:
    columns = filled(ROWS)
    assert columns.names == ["epoch", "loss", "name", "ok"]
    assert columns.kinds() == {"epoch": "q", "loss": "d", "name": "O", "ok": "O"}
    pd.testing.assert_frame_equal(columns.dataframe(), pd.DataFrame(ROWS), check_dtype=False)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    st.integers(-5, 5).map(np.int64),
    st.floats(width=32, allow_nan=False).map(np.float32),
)


@given(rows=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), max_size=12))
def test_every_value_comes_back_as_it_was_or_as_an_equal_number(rows: list[dict]) -> None:
    columns = filled(rows)
    assert len(columns) == len(rows)
    for name in columns.names:
        for row, value in zip(rows, columns.values(name), strict=True):
            if name in row and row[name] is not None:
                assert value == row[name]
            else:
                assert value is None or math.isnan(value)


def test_a_column_that_comes_late_is_missing_before() -> None:
    columns = filled([{"a": 1}, {"a": 2, "b": 3}, {"b": 4}])
    frame = columns.dataframe()
    assert frame["b"].isna().tolist() == [True, False, False]
    assert frame["a"].isna().tolist() == [False, False, True]


@given(cuts=st.lists(st.integers(0, 40), max_size=6))
def test_however_often_it_is_written_the_file_holds_the_rows(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    path = tmp_path_factory.mktemp("results") / "results.csv.zip"
    columns, file = ResultColumns(), ResultsFile(path)
    for k in range(41):
        columns.append(
            {"epoch": k, "loss": k / 3, "late": k} if k > 20 else {"epoch": k, "loss": 1.5}
        )
        if k in cuts:
            file.add(columns)
            file.write(columns)
            read = pd.read_csv(path, compression="zip")
            pd.testing.assert_frame_equal(read, columns.dataframe(), check_dtype=False)
    file.write(columns)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["results.csv"]
    assert len(pd.read_csv(path)) == 41


def test_only_new_rows_are_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, file = filled(ROWS * 100), ResultsFile(tmp_path / "results.csv.zip")
    file.write(columns)
    written = []
    rows = columns.rows
    monkeypatch.setattr(columns, "rows", lambda *a: written.append(a) or rows(*a))
    columns.append(ROWS[0])
    file.write(columns)
    assert written == [(300,)]


def test_a_file_that_somebody_removed_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "results.csv.zip"
    columns, file = filled(ROWS), ResultsFile(path)
    file.write(columns)
    path.unlink()
    columns.append(ROWS[0])
    file.write(columns)
    assert len(pd.read_csv(path)) == 4


def test_rows_are_read_back_with_their_types(tmp_path: Path) -> None:
    path = tmp_path / "results.csv.zip"
    rows = [
        {"epoch": 1, "loss": 0.1 + 0.2, "lr": 1e-300, "name": "NA", "ok": True, "gap": None},
        {"epoch": 2, "loss": math.inf, "lr": 5.0, "name": "7", "ok": False, "gap": "x"},
    ]
    columns = filled(rows)
    ResultsFile(path).write(columns)
    read = read_results(path, columns.kinds(), 2)
    assert read.kinds() == columns.kinds()
    assert list(read.rows()) == list(columns.rows())
    assert list(read_results(path, columns.kinds(), 1).rows()) == list(columns.rows(0, 1))
    assert read_results(path, columns.kinds(), 3) is None
    assert read_results(path, {"other": "q"}, 1) is None
    path.write_bytes(path.read_bytes()[:50])
    assert read_results(path, columns.kinds(), 2) is None
