"""Only one living process drives a run; a dead one is in nobody's way."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from synetune_lab.errors import ResumeError
from synetune_lab.store.lock import LOCK_FILENAME, RunLock

HOLDER = """
import sys
from pathlib import Path
from synetune_lab.store.lock import RunLock
RunLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_is_dead(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ResumeError, match=f"driven by process {holder.pid}"):
            RunLock(tmp_path).acquire()
        assert RunLock(tmp_path).owner()["pid"] == holder.pid
        holder.kill()
        holder.wait()
        lock = RunLock(tmp_path)
        assert lock.owner() is None
        lock.acquire()
        lock.release()
    assert not (tmp_path / LOCK_FILENAME).exists()


def test_the_same_process_can_not_drive_a_run_twice(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    lock.acquire()
    other = RunLock(tmp_path)
    with pytest.raises(ResumeError, match="already being driven in this process"):
        other.acquire()
    other.release()  # gives nothing away that it does not have
    with pytest.raises(ResumeError, match="already being driven in this process"):
        RunLock(tmp_path).acquire()
    lock.release()
    RunLock(tmp_path).acquire()


def test_a_process_that_got_the_same_number_later_is_not_the_driver(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    lock.acquire()
    owner = json.loads((tmp_path / LOCK_FILENAME).read_text())
    lock.release()
    owner.update(pid=1, started=owner["started"] - 1000.0)
    (tmp_path / LOCK_FILENAME).write_text(json.dumps(owner))
    lock.acquire()


def test_a_driver_on_another_machine_is_not_taken_for_dead(tmp_path: Path) -> None:
    owner = {"pid": 1, "started": 0.0, "boot": 0.0, "host": "another"}
    (tmp_path / LOCK_FILENAME).write_text(json.dumps(owner))
    with pytest.raises(ResumeError, match="machine 'another'"):
        RunLock(tmp_path).acquire()


@pytest.mark.parametrize("content", ["", "null", "{}", "[1]", "{broken"])
def test_a_damaged_lock_is_nobodys(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK_FILENAME).write_text(content)
    RunLock(tmp_path).acquire()


def test_of_many_who_try_at_once_one_gets_it(tmp_path: Path) -> None:
    got, refused = [], []

    def attempt() -> None:
        try:
            RunLock(tmp_path).acquire()
            got.append(1)
        except ResumeError:
            refused.append(1)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)
