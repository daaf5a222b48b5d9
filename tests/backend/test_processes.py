"""Processes are told apart, watched and ended, and strangers left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from synetune_lab.backend.local.best_watcher import make_watcher
from synetune_lab.backend.local.identity import ProcessHandle, session_members
from synetune_lab.backend.local.stragglers import Stragglers, kill_session
from synetune_lab.backend.local.watcher import Changes, Watcher


def wait_for(condition: Callable[[], object], patience: float = 30.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "100"], start_new_session=True) as process:
        yield process
        process.kill()


def handle_of(process: subprocess.Popen[bytes]) -> ProcessHandle:
    handle = ProcessHandle.of(process.pid)
    assert handle is not None
    return handle


def test_a_handle_stands_for_one_process_and_survives_json(
    sleeper: subprocess.Popen[bytes],
) -> None:
    handle = handle_of(sleeper)
    assert handle.is_alive()
    assert ProcessHandle.from_json(handle.to_json()) == handle
    sleeper.kill()
    wait_for(lambda: not handle.is_alive())
    assert handle.exists()  # a zombie keeps its number
    sleeper.wait()
    assert not handle.exists()


@pytest.mark.parametrize("data", [{}, {"pid": "x", "start": 1, "boot": 2}, {"pid": 3}])
def test_what_is_no_handle_gives_none(data: dict[str, object]) -> None:
    assert ProcessHandle.from_json(data) is None


@pytest.mark.parametrize("change", [{"start": "1"}, {"boot": "another boot"}])
def test_a_stranger_with_the_same_number_gets_no_signal(
    sleeper: subprocess.Popen[bytes], change: dict[str, str]
) -> None:
    old = replace(handle_of(sleeper), **change)
    assert not old.is_alive()
    assert not old.send(signal.SIGKILL)
    assert not old.send_to_group(signal.SIGKILL)
    assert session_members(old) == []
    kill_session(old)
    assert not Stragglers().add(old, 0.0)
    assert sleeper.poll() is None


def test_members_of_a_session_are_found_after_its_leader_and_its_groups() -> None:
    # `set -m` gives each job a group of its own.
    command = "set -m; sleep 100 & sleep 100 & echo ready; exit 0"
    with subprocess.Popen(
        ["sh", "-c", command], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        handle = handle_of(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.wait()
        members = session_members(handle)
        assert len(members) == 2
        stragglers = Stragglers()
        assert stragglers.add(handle, kill_at=0.0)
        stragglers.kill_all()
        wait_for(lambda: not session_members(handle))


def test_processes_that_ignore_the_signal_are_killed_when_it_is_time() -> None:
    command = "trap '' TERM; sleep 100 & echo ready; wait"
    with subprocess.Popen(
        ["sh", "-c", command], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        handle = handle_of(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        stragglers = Stragglers()
        assert stragglers.add(handle, kill_at=100.0)
        assert stragglers.next_deadline() == 100.0
        stragglers.kill_due(99.0)
        assert handle.is_alive()
        stragglers.kill_due(100.0)
        assert process.wait() == -signal.SIGKILL
        wait_for(lambda: not session_members(handle))
        assert stragglers.next_deadline() == float("inf")


def gather(watcher: Watcher, done: Callable[[Changes], object]) -> Changes:
    total = Changes()
    deadline = time.monotonic() + 30
    while not done(total):
        assert time.monotonic() < deadline
        changes = watcher.wait(deadline - time.monotonic())
        total.grown |= changes.grown
        total.ended |= changes.ended
        total.woken |= changes.woken
    return total


@pytest.fixture(params=[make_watcher, Watcher], ids=["told", "asking"])
def watcher(request: pytest.FixtureRequest) -> Iterator[Watcher]:
    watcher: Watcher = request.param()
    yield watcher
    watcher.close()


def test_a_watcher_tells_of_writes_ends_and_wakes(
    watcher: Watcher, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    log = tmp_path / "log"
    log.touch()
    watcher.watch(7, log, handle_of(sleeper))
    watcher.wait(0.0)
    with log.open("a") as file:
        file.write("x")
        file.flush()
        assert gather(watcher, lambda c: c.grown).ended == set()
    sleeper.kill()
    assert gather(watcher, lambda c: c.ended).ended == {7}
    watcher.wake()
    assert gather(watcher, lambda c: c.woken).woken
    watcher.unwatch(7)
    with log.open("a") as file:
        file.write("x")
    assert not watcher.wait(0.06)


def test_a_watcher_tells_of_a_process_that_had_ended_before(
    watcher: Watcher, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.touch()
    with subprocess.Popen(["true"]) as process:
        handle = handle_of(process)
    stranger = replace(ProcessHandle.of(os.getpid()) or handle, start="1")
    watcher.watch(1, log, handle)
    watcher.watch(2, log, stranger)
    assert gather(watcher, lambda c: c.ended == {1, 2}).ended == {1, 2}


def test_without_descriptors_the_watcher_asks(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        pytest.skip("needs pidfd")

    def no_descriptors(pid: int, flags: int = 0) -> int:
        raise OSError(24, "Too many open files")

    log = tmp_path / "log"
    log.touch()
    watcher = make_watcher()
    try:
        monkeypatch.setattr(os, "pidfd_open", no_descriptors)
        watcher.watch(1, log, handle_of(sleeper))
        watcher.wait(0.0)
        with log.open("a") as file:
            file.write("x")
        assert gather(watcher, lambda c: c.grown).grown == {1}
        sleeper.kill()
        assert gather(watcher, lambda c: c.ended).ended == {1}
    finally:
        watcher.close()


def test_a_closed_watcher_gave_all_descriptors_back(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")

    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    log = tmp_path / "log"
    log.touch()
    watcher = make_watcher()
    with subprocess.Popen(["sleep", "100"]) as process:
        watcher.watch(1, log, handle_of(process))
        watcher.close()
        process.kill()
    watcher.wake()  # harmless
    assert count() == before
