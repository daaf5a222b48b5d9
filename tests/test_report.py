"""Reporting from a training script, and reading it back."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab import Reporter
from synetune_lab.errors import InvalidReportError
from synetune_lab.report import parse_report, retrieve


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_report_is_one_line_with_the_tag_and_the_added_entries(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = Reporter()
    report(epoch=1, loss=0.5, name="a")
    report(epoch=2, loss=0.25, name="b")
    lines = lines_of(capsys)
    assert len(lines) == 2
    assert all(line.startswith("[tune-metric]: {") for line in lines)
    first, second = (json.loads(line.removeprefix("[tune-metric]: ")) for line in lines)
    assert list(first) == [
        "epoch",
        "loss",
        "name",
        "st_worker_timestamp",
        "st_worker_time",
        "st_worker_iter",
    ]
    assert (first["st_worker_iter"], second["st_worker_iter"]) == (0, 1)
    assert 0 <= first["st_worker_time"] <= second["st_worker_time"]


def test_times_are_left_out_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter(add_time=False)(loss=1.0)
    (found,) = retrieve(lines_of(capsys))
    assert set(found) == {"loss", "st_worker_timestamp", "st_worker_iter"}


def test_cost_is_added_where_the_price_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SM_HP_ST_INSTANCE_TYPE", "ml.c5.xlarge")
    Reporter()(loss=1.0)
    monkeypatch.setenv("SM_HP_ST_INSTANCE_COUNT", "2")
    monkeypatch.setenv("SM_HP_ST_DOLLARS_PER_HOUR", "0.2")
    Reporter()(loss=1.0)
    Reporter(add_cost=False)(loss=1.0)
    without, having, declined = retrieve(lines_of(capsys))
    assert "st_worker_cost" not in without
    assert "st_worker_cost" not in declined
    assert having["st_worker_cost"] == pytest.approx(having["st_worker_time"] * 2 * 0.2 / 3600)


def test_numbers_of_numpy_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter()(a=np.float32(0.5), b=np.int64(3), c=np.array(2.0), d=[np.float64(1.0)])
    (found,) = retrieve(lines_of(capsys))
    assert (found["a"], found["b"], found["c"], found["d"]) == (0.5, 3, 2.0, [1.0])


def test_values_that_are_not_numbers_go_through(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter()(nan=math.nan, inf=-math.inf, text="t", flag=True, nested={"a": [1, None]})
    (found,) = retrieve(lines_of(capsys))
    assert math.isnan(found["nan"])
    assert found["inf"] == -math.inf
    assert (found["text"], found["flag"], found["nested"]) == ("t", True, {"a": [1, None]})


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ({"st_mine": 1}, ["st_mine", "st_"]),
        ({"good": 1, "loss": None}, ["loss", "None"]),
        ({"good": 1, "model": object()}, ["model", "object"]),
        ({"good": 1, "keys": {(1, 2): 3}}, ["keys"]),
        ({"vector": np.zeros(3)}, ["vector"]),
    ],
)
def test_what_can_not_be_reported_is_refused_by_name(
    metrics: dict[str, Any], names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    report = Reporter()
    with pytest.raises(InvalidReportError) as caught:
        report(**metrics)
    assert all(name in str(caught.value) for name in names)
    assert capsys.readouterr().out == ""
    report(fine=1)
    assert retrieve(lines_of(capsys))[0]["st_worker_iter"] == 0


@given(
    st.dictionaries(
        st.text().filter(lambda name: not name.startswith("st_")),
        st.one_of(st.floats(allow_nan=False), st.integers(), st.text(), st.booleans()),
    ),
    st.text(),
)
def test_what_is_printed_is_read_back(metrics: dict[str, Any], prefix: str) -> None:
    line = f"[tune-metric]: {json.dumps(metrics)}"
    assert parse_report(line) == metrics
    if "[tune-metric]:" not in prefix:
        assert parse_report(prefix + line + " trailing") == metrics


@pytest.mark.parametrize(
    "line",
    [
        "",
        "loss: 0.5",
        "[tune-metric]:",
        '[tune-metric]: {"a": 1',
        "[tune-metric]: [1, 2]",
        "[tune-metric]: 3",
        "[tune-metric]: {'a': 1}",
        '[tune-metric]: {"a": ' + "[" * 100_000,
        '[tune-metric]: {"a": ' + "9" * 100_000 + "}",
        "[tune-metric] {}",
    ],
)
def test_broken_lines_are_no_reports(line: str) -> None:
    assert parse_report(line) is None


def test_a_report_that_runs_into_a_cut_one_is_found() -> None:
    assert parse_report('[tune-metric]: {"a": 1, [tune-metric]: {"a": 2}') == {"a": 2}


def test_retrieve_keeps_order_and_skips_the_rest() -> None:
    lines = ["x", '[tune-metric]: {"a": 1}\n', "[tune-metric]: {", '[tune-metric]:{"a": 2}\r\n']
    assert retrieve(lines) == [{"a": 1}, {"a": 2}]


ASKS = """
import os, signal, sys
from synetune_lab import Reporter
report = Reporter()
answers = [report.stop_requested()]
os.kill(os.getpid(), signal.SIGTERM)
answers.append(report.stop_requested())
answers.append(report.stop_requested())
print(answers)
"""


def ask(folder: Path | None, script: str = ASKS) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    environment.pop("ST_TRIAL_FOLDER", None)
    if folder is not None:
        environment["ST_TRIAL_FOLDER"] = str(folder)
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("markers", "answer"),
    [(["pause"], "pause"), (["stop"], "stop"), (["pause", "stop"], "stop"), ([], "stop")],
)
def test_a_script_that_asks_survives_the_signal_and_learns_why(
    tmp_path: Path, markers: list[str], answer: str
) -> None:
    for marker in markers:
        (tmp_path / marker).touch()
    done = ask(tmp_path)
    # The request is there before the signal: the first question is answered with it.
    assert done.stdout.strip() == str([answer if markers else None, answer, answer])
    assert done.returncode == 0


def test_without_a_tuner_the_signal_is_a_stop() -> None:
    assert ask(None).stdout.strip() == "[None, 'stop', 'stop']"


def test_a_script_that_never_asks_is_ended_by_the_signal() -> None:
    script = "from synetune_lab import Reporter\nReporter()\n" + (
        "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nprint('alive')"
    )
    done = ask(None, script)
    assert done.returncode == -signal.SIGTERM
    assert done.stdout == ""


def test_a_handler_of_the_script_is_still_called() -> None:
    script = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('mine'))\n" + ASKS
    assert ask(None, script).stdout.splitlines() == ["mine", "[None, 'stop', 'stop']"]


def test_a_thread_that_asks_first_sees_the_request_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "pause").touch()
    script = """
import threading
from synetune_lab.report import stop_requested
answers = []
thread = threading.Thread(target=lambda: answers.append(stop_requested()))
thread.start(); thread.join()
print(answers)
"""
    assert ask(tmp_path, script).stdout.strip() == "['pause']"


def test_lines_of_several_threads_stay_whole(tmp_path: Path) -> None:
    script = """
import threading
from synetune_lab import Reporter
def work(n):
    report = Reporter()
    for i in range(200):
        report(n=n, i=i, filler='x' * 500)
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
"""
    with (tmp_path / "log").open("w") as log:
        subprocess.run([sys.executable, "-c", script], stdout=log, check=True)
    assert len(retrieve((tmp_path / "log").read_text().splitlines())) == 800


def test_no_thread_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    Reporter()(a=1)
    assert threading.active_count() == before
