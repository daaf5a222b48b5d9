"""Parts of the Ray backend that need no cluster, nor Ray."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.local.folder import TrialFolder
from synetune_lab.backend.ray_backend.cluster import check_fits, tidy_resources
from synetune_lab.backend.ray_backend.hosted import HostedScript
from synetune_lab.backend.ray_backend.storage import SharedFolder, reports_in
from synetune_lab.backend.ray_backend.url_storage import PART_BYTES, UrlStorage
from synetune_lab.backend.repeats import RepeatFilter
from synetune_lab.errors import BackendError


def reports(*epochs: int, **other: Any) -> list[dict[str, Any]]:
    return [
        {"epoch": epoch, "loss": 1.0 / epoch, "st_worker_iter": number, **other}
        for number, epoch in enumerate(epochs)
    ]


def new(repeats: RepeatFilter, told: list[dict[str, Any]]) -> list[int]:
    return [report["epoch"] for report in told if not repeats.is_repeat(0, report)]


@pytest.mark.parametrize("resource_attr", [None, "epoch"])
def test_reports_up_to_where_a_lost_trial_had_come_are_repeats(resource_attr: str | None) -> None:
    repeats = RepeatFilter(resource_attr)
    repeats.begin(0)
    assert new(repeats, reports(1, 2, 3, n_correct=5)) == [1, 2, 3]
    repeats.lose(0)
    repeats.begin(0)
    assert new(repeats, reports(2, 3, 4, 5, n_correct=5)) == [4, 5]


def test_a_trial_that_was_paused_may_begin_anew() -> None:
    repeats = RepeatFilter()
    repeats.begin(0)
    assert new(repeats, reports(1, 2)) == [1, 2]
    repeats.begin(0)
    assert new(repeats, reports(1, 2)) == [1, 2]


def test_without_a_metric_that_counts_nothing_is_left_out() -> None:
    repeats = RepeatFilter()
    for _ in range(2):
        repeats.begin(0)
        assert not repeats.is_repeat(0, {"loss": 0.5})
        assert not repeats.is_repeat(0, {"loss": 0.4, "flag": True})
        repeats.lose(0)


def test_the_log_tells_how_far_a_trial_had_come() -> None:
    repeats = RepeatFilter()
    repeats.rebuild(0, [*reports(1, 2, 3, 4, 5), *reports(4, 5), *reports(4)])
    repeats.lose(0)
    repeats.begin(0)
    assert new(repeats, reports(4, 5, 6)) == [6]


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX")
def test_a_trial_dies_with_the_process_that_looks_after_it(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys\n"
        "from synetune_lab.backend.ray_backend.leash import Leash\n"
        "leash = Leash()\n"
        "child = subprocess.Popen(['sh', '-c', 'read line; echo survived'],\n"
        "                         stdin=sys.stdin, start_new_session=True)\n"
        "leash.hold(child.pid)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    # Its end closes the pipe that it inherited; nothing was written there.
    done = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert done.stdout is not None
    assert done.stdout.read() == ""
    assert done.stdin is not None
    done.stdin.close()
    done.stdout.close()
    assert done.wait(30) == -9


def test_reports_are_read_from_any_offset_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "std.out"
    line = '[tune-metric]: {"loss": 1}\n'
    log.write_text(f"text\n{line}text\n{line}{line}[tune-metric]: {{")
    found = reports_in(log, 0)
    assert [report for _, report in found] == [{"loss": 1}] * 3
    assert [report for _, report in reports_in(log, found[0][0])] == [{"loss": 1}] * 2
    assert reports_in(tmp_path / "none", 0) == []


def test_an_end_that_is_broken_or_missing_is_none(tmp_path: Path) -> None:
    storage = SharedFolder(tmp_path)
    assert storage.read_end(0) is None
    (tmp_path / "0").mkdir()
    storage.write_end(0, {"cause": "exited", "run": 0})
    assert storage.read_end(0) == {"cause": "exited", "run": 0}
    storage.fetch(TrialFolder(tmp_path / "0"), 0)
    assert storage.read_end(0) is None


def test_a_log_at_a_url_is_sent_in_parts_of_which_only_the_last_grows(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    bucket = tmp_path / "bucket"
    storage = UrlStorage(f"file://{bucket}")
    folder = TrialFolder(tmp_path / "node" / "0")
    storage.fetch(folder, 0)
    text = b""
    for number in range(40):
        text += b"%05d" % number * 1000
        folder.stdout.write_bytes(text)
        storage.keep(folder, 0, 0)
    parts = sorted((bucket / "0" / "std.out").iterdir())
    assert b"".join(part.read_bytes() for part in parts) == text
    assert all(part.stat().st_size < 2 * PART_BYTES for part in parts)
    assert [int(part.name) for part in parts] == [0, 70_000, 140_000]
    assert not (bucket / "0" / "std.err").exists()
    # Another node goes on with it; the first one, cut off, still writes its last part.
    other = TrialFolder(tmp_path / "other" / "0")
    heir = UrlStorage(storage.url)
    heir.fetch(other, 0)
    assert other.stdout.read_bytes() == text
    other.stdout.write_bytes(text + b"heir")
    heir.keep(other, 0, 1)
    folder.stdout.write_bytes(text + b"a node that was cut off")
    storage.keep(folder, 0, 0)
    assert (heir.read_log(0, tmp_path / "driver") / "std.out").read_bytes() == text + b"heir"


def test_a_script_is_used_where_it_is_and_copied_where_it_is_not(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("text")
    hosted = HostedScript(script)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    hosted.settle(scratch)
    assert list(scratch.iterdir()) == []
    script.unlink()
    hosted.settle(scratch)
    assert (scratch / "train.py").read_text() == "text"


def test_resources_name_what_no_node_has() -> None:
    nodes = {"a": {"CPU": 4.0}, "b": {"CPU": 2.0, "GPU": 1.0}}
    check_fits({"CPU": 2, "GPU": 0.5}, nodes)
    with pytest.raises(BackendError, match=r"TPU 1 \(the most that a node has is 0\)"):
        check_fits({"TPU": 1}, nodes)
    with pytest.raises(BackendError, match="together on one node"):
        check_fits({"CPU": 4, "GPU": 1}, nodes)
    with pytest.raises(BackendError, match="Ray calls it 'CPU'"):
        tidy_resources({"cpu": 1})
