"""Reports are found in a growing log, whatever else it holds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.backend.local import log_tail
from synetune_lab.backend.local.log_cap import KEPT_HEAD_BYTES, LogCap
from synetune_lab.backend.local.log_tail import ReportTail, last_lines, read_lines

TAG = b"[tune-metric]: "


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "std.out"
    path.touch()
    return path


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_tail, "STEP_BYTES", 256)
    monkeypatch.setattr(log_tail, "MAX_LINE_BYTES", 128)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def read_all(tail: ReportTail) -> Iterator[dict[str, Any]]:
    while True:
        while (report := tail.take()) is not None:
            yield report
        before = tail.offset
        tail.read()
        if tail.offset == before and not tail.pending:
            return


reports = st.dictionaries(
    st.text(max_size=5), st.integers() | st.floats(allow_nan=False), max_size=3
)
noise = st.binary(max_size=400).map(lambda data: data.replace(b"[tune-metric]:", b"") + b"\n")


@given(
    st.lists(st.tuples(noise, reports), max_size=12),
    st.lists(st.integers(1, 300), min_size=1, max_size=8),
    st.integers(0, 5),
)
def test_reports_are_found_in_order_however_the_log_grows_and_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[tuple[bytes, dict[str, Any]]],
    cuts: list[int],
    reopen_at: int,
) -> None:
    path = tmp_path_factory.mktemp("log") / "std.out"
    path.touch()
    data = b"".join(junk + TAG + json.dumps(report).encode() + b"\n" for junk, report in pieces)
    found: list[dict[str, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_tail, "STEP_BYTES", 512)
        patch.setattr(log_tail, "MAX_LINE_BYTES", 400)
        tail = ReportTail(path)
        position = step = 0
        while position < len(data):
            cut = cuts[step % len(cuts)]
            append(path, data[position : position + cut])
            position += cut
            step += 1
            if step == reopen_at:
                # A crash: another reader goes on where this one had delivered.
                tail.read()
                report = tail.take()
                found += [] if report is None else [report]
                offset = tail.delivered
                tail.close()
                tail = ReportTail(path, offset)
            found += read_all(tail)
        found += read_all(tail)
        tail.close()
    assert found == [report for _, report in pieces]


def test_broken_lines_are_counted_and_the_rest_goes_on(log: Path) -> None:
    bad = [b'{"a": 1', b"[1]", b"\xff\xfe{}", b"{" * 5000, b"nonsense", b""]
    append(log, b"".join(TAG + line + b"\n" for line in bad) + TAG + b'{"a": 1}\n')
    tail = ReportTail(log)
    assert list(read_all(tail)) == [{"a": 1}]
    assert tail.bad_lines == len(bad)
    assert tail.first_bad.startswith(TAG)
    tail.close()


@pytest.mark.usefixtures("small_steps")
def test_a_huge_line_is_skipped_in_bounded_memory(log: Path) -> None:
    append(log, TAG + b'{"a": "' + b"x" * 5000)
    tail = ReportTail(log)
    assert list(read_all(tail)) == []
    append(log, b'"}\n' + TAG + b'{"b": 2}\n')
    assert list(read_all(tail)) == [{"b": 2}]
    assert tail.bad_lines == 1
    tail.close()


def test_a_last_line_without_break_counts_once_nobody_writes_on(log: Path) -> None:
    append(log, b"progress 10%\r" + TAG + b'{"a": 1}')
    tail = ReportTail(log)
    tail.read()
    assert tail.take() is None
    tail.finish()
    assert tail.take() == {"a": 1}
    assert tail.delivered == log.stat().st_size
    tail.close()


def test_delivered_points_behind_what_was_taken(log: Path) -> None:
    lines = [TAG + json.dumps({"i": i}).encode() + b"\n" for i in range(3)]
    append(log, b"".join(lines))
    tail = ReportTail(log)
    tail.read()
    assert tail.delivered == 0
    tail.take()
    assert tail.delivered == len(lines[0])
    tail.take()
    tail.take()
    append(log, b"noise " * 100)
    tail.read()
    assert tail.delivered > sum(map(len, lines))
    tail.close()


def test_a_log_that_was_cut_is_read_from_its_new_end(log: Path) -> None:
    append(log, b"x" * 1000)
    tail = ReportTail(log)
    list(read_all(tail))
    os.truncate(log, 10)
    list(read_all(tail))
    append(log, b"\n" + TAG + b'{"a": 1}\n')
    assert list(read_all(tail)) == [{"a": 1}]
    tail.close()


def test_the_last_lines_of_a_log(log: Path, tmp_path: Path) -> None:
    append(log, b"".join(b"line %d\n" % i for i in range(1000)))
    assert last_lines(log, 2) == ["line 998", "line 999"]
    assert last_lines(log, 3, max_bytes=20) == ["line 998", "line 999"]
    assert last_lines(tmp_path / "none", 3) == []
    assert read_lines(tmp_path / "none") == []
    assert read_lines(log)[0] == "line 0\n"


def space_taken(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_a_limited_log_keeps_its_beginning_and_its_end(log: Path) -> None:
    line = b"%07d" + b"." * 92 + b"\n"
    for begin in range(0, 60_000, 20_000):
        append(log, b"".join(line % i for i in range(begin, begin + 20_000)))
    os.sync()
    before = space_taken(log)
    size = log.stat().st_size
    cap = LogCap(1 << 20)
    freed = cap.limit(log, size)
    if freed == KEPT_HEAD_BYTES:
        pytest.skip("this file system can't free parts of a file")
    os.sync()
    assert log.stat().st_size == size
    assert space_taken(log) < before / 2
    kept = read_lines(log)
    assert kept[0].startswith("0000000")
    assert kept[-1].startswith("0059999")
    assert len(kept) < 30_000
    assert cap.limit(log, size) == freed


def test_what_was_not_read_is_not_freed(log: Path) -> None:
    append(log, b"x" * (4 << 20))
    assert LogCap(1 << 20).limit(log, read=200_000) <= 200_000
    assert log.read_bytes()[200_000:].count(b"x") == (4 << 20) - 200_000


def test_without_a_limit_nothing_is_freed(log: Path) -> None:
    append(log, b"x" * (4 << 20))
    LogCap(None).limit(log, 4 << 20)
    assert log.read_bytes() == b"x" * (4 << 20)
