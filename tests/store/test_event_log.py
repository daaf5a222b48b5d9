"""The event log: what was flushed is read back, and a torn tail costs the torn record only."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.errors import StoreError
from synetune_lab.store.event_log import (
    EVENT_LOG_FILENAME,
    EventLog,
    decode_record,
    encode_record,
    read_log,
)


def make_record(n: int, **more: object) -> dict:
    event = {"kind": "trial_reported", "trial_id": 0, "run": 0, "result": {"loss": n / 7}}
    return {"n": n, "t": n * 0.5, "w": 1e9 + n, "e": event, "a": [], **more}


def write(folder: Path, numbers: range) -> None:
    log = EventLog(folder)
    for n in numbers:
        log.append(make_record(n))
    log.close()


def test_records_are_read_back_in_order(tmp_path: Path) -> None:
    write(tmp_path, range(1, 8))
    assert list(read_log(tmp_path)) == [make_record(n) for n in range(1, 8)]
    assert [r["n"] for r in read_log(tmp_path, after=5)] == [6, 7]


def test_each_line_is_json_for_anybody(tmp_path: Path) -> None:
    write(tmp_path, range(1, 3))
    lines = (tmp_path / EVENT_LOG_FILENAME).read_text().splitlines()
    assert [json.loads(line)["n"] for line in lines] == [1, 2]


def test_a_missing_log_has_no_records(tmp_path: Path) -> None:
    assert list(read_log(tmp_path / "nowhere")) == []


def test_the_report_is_written_once_and_read_in_both_places(tmp_path: Path) -> None:
    result = {"loss": 0.25, "epoch": 3}
    record = make_record(1)
    record["e"]["result"] = result
    record["a"] = [{"kind": "decision", "trial_id": 0, "result": result, "decision": "STOP"}]
    line = encode_record(record)
    assert line.count(b'"loss"') == 1
    assert decode_record(line) == record


def test_not_numbers_infinities_and_numpy_survive() -> None:
    record = make_record(1)
    record["e"]["result"] = {
        "a": math.nan,
        "b": -math.inf,
        "c": np.float32(0.5),
        "d": np.int64(7),
        "e": np.array([1, 2]),
    }
    result = decode_record(encode_record(record))["e"]["result"]
    assert math.isnan(result["a"])
    assert (result["b"], result["c"], result["d"], result["e"]) == (-math.inf, 0.5, 7, [1, 2])


@given(cut=st.integers(min_value=1, max_value=400), n=st.integers(min_value=1, max_value=6))
def test_whatever_is_cut_off_the_rest_is_sound_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, n: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    write(folder, range(1, n + 1))
    path = folder / EVENT_LOG_FILENAME
    content = path.read_bytes()
    path.write_bytes(content[: max(0, len(content) - cut)])
    whole = path.read_bytes().count(b"\n")
    assert [r["n"] for r in read_log(folder)] == list(range(1, whole + 1))
    log = EventLog(folder)
    assert log.last_number == whole
    log.append(make_record(whole + 1))
    log.close()
    assert [r["n"] for r in read_log(folder)] == list(range(1, whole + 2))


def test_a_damaged_line_ends_the_log_before_it(tmp_path: Path, caplog: object) -> None:
    write(tmp_path, range(1, 5))
    path = tmp_path / EVENT_LOG_FILENAME
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"trial_id":0', b'"trial_id":9')  # valid JSON, wrong check sum
    path.write_bytes(b"".join(lines))
    assert [r["n"] for r in read_log(tmp_path)] == [1, 2]


def test_blocks_of_zeros_after_a_loss_of_power_are_cut(tmp_path: Path) -> None:
    write(tmp_path, range(1, 3))
    path = tmp_path / EVENT_LOG_FILENAME
    path.write_bytes(path.read_bytes() + b"\0" * 100_000)
    log = EventLog(tmp_path)
    assert (log.last_number, log.cut_bytes) == (2, 100_000)
    log.close()


def test_a_very_long_last_record_is_found(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(make_record(1))
    long = make_record(2)
    long["e"]["result"] = {"text": "x" * 500_000}
    log.append(long)
    log.close()
    assert EventLog(tmp_path).last_number == 2


def test_numbers_have_no_gap(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(make_record(1))
    with pytest.raises(StoreError, match="record 3 can't follow record 1"):
        log.append(make_record(3))
    log.close()


def test_a_line_without_check_sum_is_read(tmp_path: Path) -> None:
    (tmp_path / EVENT_LOG_FILENAME).write_text(json.dumps(make_record(1)) + "\n")
    assert [r["n"] for r in read_log(tmp_path)] == [1]
