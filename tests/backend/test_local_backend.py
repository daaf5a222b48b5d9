"""Trials as processes: how they are started, and what they may do without harming others."""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import num_gpu
from synetune_lab.backend import LocalBackend
from synetune_lab.backend.local.folder import command_line_arguments
from synetune_lab.backend.local.identity import ProcessHandle, session_members
from synetune_lab.errors import BackendError
from synetune_lab.testing.backend_driver import BackendDriver

MakeDriver = Callable[..., BackendDriver]

ARGUMENTS = """
import json, os, sys
from synetune_lab import Reporter
Reporter()(argv=sys.argv[1:], environment=dict(os.environ), cwd=os.getcwd())
"""
REPORT_AND_SLEEP = """
import time
from synetune_lab import Reporter
Reporter()(pid=__import__("os").getpid())
time.sleep(100)
"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def make_driver(tmp_path: Path, script: Callable[[str], Path]) -> Any:
    drivers: list[BackendDriver] = []

    def make(text: str, **kwargs: Any) -> BackendDriver:
        folder = tmp_path / f"experiment-{len(drivers)}"
        drivers.append(BackendDriver(LocalBackend(script(text), **kwargs), folder))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.backend.close()


def wait_for(condition: Callable[[], object], patience: float = 30.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def first_report(driver: BackendDriver, config: dict[str, Any] | None = None) -> dict[str, Any]:
    driver.start(0, config or {})
    return driver.until_reported(0)[0]


# What a trial gets.


def test_arguments_are_names_and_values(make_driver: MakeDriver) -> None:
    config = {"lr": 1e-5, "units": 3, "kind": "a b", "flag": True, "neg": -1e-5, "opt": "-x"}
    driver = make_driver(ARGUMENTS)
    argv = first_report(driver, config)["argv"]
    folder = driver.folder / "0"
    assert argv == [
        *["--lr", "1e-05", "--units", "3", "--kind", "a b", "--flag", "True"],
        *["--neg", "-0.00001", "--opt=-x", "--st_checkpoint_dir", str(folder / "checkpoints")],
    ]
    assert json.loads((folder / "config.json").read_text()) == config
    assert not (folder / "checkpoints").exists()


def test_argparse_understands_every_argument() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    config = {"a": -1e-300, "b": -math.inf, "c": -3, "d": -0.5, "e": "-1e5", "f": -1.5e300}
    for name, value in config.items():
        parser.add_argument(f"--{name}", type=type(value))
    assert vars(parser.parse_args(command_line_arguments(config))) == config


def test_the_configuration_as_a_file(make_driver: MakeDriver) -> None:
    config = {"layers": [1, 2], "nested": {"a": None}}
    driver = make_driver(ARGUMENTS, pass_args_as_json=True)
    name, file, *_ = first_report(driver, config)["argv"]
    assert name == "--st_config_json_filename"
    assert json.loads(Path(file).read_text()) == config


def test_lists_need_the_file(make_driver: MakeDriver) -> None:
    driver = make_driver(ARGUMENTS)
    driver.start(0, {"layers": [1, 2]})
    error = driver.until_ended_one(0).error
    assert error is not None
    assert "layers" in error
    assert "pass_args_as_json=True" in error


def test_environment_and_folder(
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INHERITED", "1")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.chdir(tmp_path)
    report = first_report(make_driver(ARGUMENTS, env={"ADDED": "2"}))
    assert report["environment"]["INHERITED"] == "1"
    assert report["environment"]["ADDED"] == "2"
    assert "MPLBACKEND" not in report["environment"]
    assert report["cwd"] == str(tmp_path)


def test_a_relative_script_is_found_from_another_folder(
    tmp_path: Path, script: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    script("pass")
    monkeypatch.chdir(tmp_path)
    backend = LocalBackend("script.py")
    monkeypatch.chdir("/")
    with BackendDriver(backend, tmp_path / "experiment") as driver:
        driver.start(0, {})
        assert driver.until_ended_one(0).cause == "exited"
    assert backend.entrypoint_path() == Path("script.py")


def test_another_program_is_run_by_itself(tmp_path: Path) -> None:
    program = tmp_path / "train.sh"
    program.write_text('#!/bin/sh\necho "[tune-metric]: {\\"args\\": \\"$1 $2\\"}"\n')
    with pytest.raises(BackendError, match=r"chmod \+x"):
        LocalBackend(program)
    program.chmod(0o755)
    with BackendDriver(LocalBackend(str(program)), tmp_path / "experiment") as driver:
        assert first_report(driver, {"x": 1})["args"] == "--x 1"


@pytest.mark.parametrize(
    ("kwargs", "name"),
    [
        ({"entry_point": "nowhere.py"}, "nowhere.py"),
        ({"num_gpus_per_trial": 0}, "num_gpus_per_trial"),
        ({"grace_period_s": -1}, "grace_period_s"),
        ({"max_log_bytes": 10}, "max_log_bytes"),
    ],
)
def test_arguments_out_of_range_are_named(kwargs: dict[str, Any], name: str) -> None:
    with pytest.raises(BackendError, match=name):
        LocalBackend(**{"entry_point": __file__, **kwargs})


def test_the_default_folder_is_that_of_experiments(
    experiments_folder: Path, script: Callable[[str], Path]
) -> None:
    backend = LocalBackend(script("pass"))
    backend.set_path(tuner_name="mine")
    assert backend.trial_path(3) == experiments_folder / "mine" / "3"


def test_the_script_can_be_replaced(make_driver: MakeDriver, tmp_path: Path) -> None:
    driver = make_driver("raise SystemExit(1)")
    other = tmp_path / "other.py"
    other.write_text("pass")
    driver.backend.set_entrypoint(str(other))
    assert driver.backend.entrypoint_path() == other
    driver.start(0, {})
    assert driver.until_ended_one(0).cause == "exited"


# How a trial ends.


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("import os; os._exit(200)", 200),
    ],
)
def test_exit_codes_and_signals(make_driver: MakeDriver, text: str, code: int) -> None:
    driver = make_driver(text)
    driver.start(0, {})
    end = driver.until_ended_one(0)
    assert (end.cause, end.exit_code) == ("failed", code)
    assert end.error


def test_the_exit_code_is_known_also_without_the_folder(make_driver: MakeDriver) -> None:
    driver = make_driver(
        """
        import os, shutil, sys
        shutil.rmtree(os.environ["ST_TRIAL_FOLDER"])
        sys.exit(0)
        """
    )
    driver.start(0, {})
    assert driver.until_ended_one(0).cause == "exited"


def test_a_trial_without_its_folder_can_be_stopped(make_driver: MakeDriver) -> None:
    driver = make_driver(
        """
        import os, shutil, time
        from synetune_lab import Reporter
        shutil.rmtree(os.environ["ST_TRIAL_FOLDER"])
        Reporter()(a=1)
        time.sleep(100)
        """
    )
    first_report(driver)
    driver.stop(0)
    assert driver.until_ended_one(0).cause == "stopped"


def test_a_group_that_somebody_killed_is_lost(make_driver: MakeDriver) -> None:
    driver = make_driver(REPORT_AND_SLEEP)
    first_report(driver)
    os.killpg(driver.handle(0)["pid"], signal.SIGKILL)
    end = driver.until_ended_one(0)
    assert (end.cause, end.exit_code) == ("lost", None)


def test_a_trial_that_ignores_the_signal_is_killed_with_its_children(
    make_driver: MakeDriver,
) -> None:
    driver = make_driver(
        """
        import os, signal, time
        from synetune_lab import Reporter
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        children = [os.fork() for _ in range(2)]
        if 0 in children:
            if children[0] == 0:
                os.setpgid(0, 0)
            time.sleep(100)
        Reporter()(a=1)
        time.sleep(100)
        """,
        grace_period_s=0.2,
    )
    first_report(driver)
    leader = ProcessHandle.from_json(driver.handle(0))
    assert leader is not None
    wait_for(lambda: len(session_members(leader)) >= 3)
    driver.stop(0)
    assert driver.until_ended_one(0).cause == "stopped"
    driver.pump(lambda: driver.backend.wait_events(0.01) or not session_members(leader))
    assert not leader.is_alive()


def test_children_that_outlive_a_trial_are_ended(make_driver: MakeDriver) -> None:
    driver = make_driver(
        """
        import os, time
        from synetune_lab import Reporter
        if os.fork() == 0:
            time.sleep(100)
            os._exit(0)
        Reporter()(a=1)
        """
    )
    first_report(driver)
    assert driver.until_ended_one(0).cause == "exited"
    leader = ProcessHandle.from_json(driver.handle(0))
    assert leader is not None
    wait_for(lambda: not session_members(leader))


def test_nothing_waits_for_a_trial_in_its_grace(make_driver: MakeDriver) -> None:
    driver = make_driver(
        """
        import argparse, signal, time
        from synetune_lab import Reporter
        parser = argparse.ArgumentParser()
        parser.add_argument("--deaf", type=int)
        if parser.parse_known_args()[0].deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Reporter()(a=1)
        time.sleep(100)
        """,
        grace_period_s=1000.0,
    )
    driver.start(0, {"deaf": 1})
    driver.start(1, {"deaf": 0})
    driver.until_reported(0)
    driver.until_reported(1)
    driver.stop(0)
    driver.stop(1)
    driver.until_ended_one(1)
    driver.start(2, {"deaf": 0})
    driver.until_reported(2)
    assert [status for _, status in driver.backend.busy_trial_ids()] == ["Stopping", "InProgress"]
    os.killpg(driver.handle(0)["pid"], signal.SIGKILL)
    driver.until_ended_one(0)


def test_a_stop_after_a_pause_is_a_stop(make_driver: MakeDriver) -> None:
    driver = make_driver(
        """
        import time
        from synetune_lab import Reporter
        report = Reporter()
        report.stop_requested()
        report(a=1)
        while report.stop_requested() != "stop":
            time.sleep(0.005)
        """
    )
    first_report(driver)
    driver.pause(0)
    driver.stop(0)
    assert driver.until_ended_one(0).cause == "stopped"


def test_a_new_run_does_not_see_the_requests_of_the_last(make_driver: MakeDriver) -> None:
    driver = make_driver(REPORT_AND_SLEEP)
    first_report(driver)
    driver.pause(0)
    driver.until_ended_one(0)
    assert (driver.folder / "0" / "pause").exists()
    driver.resume(0, 1, {})
    driver.until_reported(0, run=1)
    assert not (driver.folder / "0" / "pause").exists()
    assert not (driver.folder / "0" / "end").exists()
    driver.stop(0, run=0)  # of a run that is over
    assert driver.backend.busy_trial_ids() == [(0, "InProgress")]


def test_a_trial_whose_run_has_not_ended_is_not_started_again(make_driver: MakeDriver) -> None:
    driver = make_driver(REPORT_AND_SLEEP)
    first_report(driver)
    driver.resume(0, 1, {})
    assert "has not ended" in (driver.until_ended_one(0, run=1).error or "")
    assert len(driver.reports(0)) == 1


# What a trial may write.


def test_broken_reports_harm_nobody(
    make_driver: MakeDriver, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make_driver(
        """
        import os
        from synetune_lab import Reporter
        tag = b"[tune-metric]: "
        os.write(1, tag + b'{"a": 1\\n' + tag + b"[1, 2]\\n" + tag + b"\\xff\\x00\\n")
        os.write(1, b"\\x00" * 1000 + tag + b'{"loss": ' + b"x" * 3_000_000 + b"}\\n")
        os.write(1, b"50%|###   \\r" + tag + b'{"loss": NaN, "inf": -Infinity, "text": "abc"}\\n')
        Reporter()(loss=2.0)
        os.write(1, tag + b'{"cut": 1')
        """
    )
    driver.start(0, {})
    assert driver.until_ended_one(0).cause == "exited"
    first, second = driver.reports(0)
    assert math.isnan(first["loss"])
    assert first["inf"] == -math.inf
    assert first["text"] == "abc"
    assert second["loss"] == 2.0
    warnings = [r for r in caplog.records if "looks like a report" in r.message]
    assert len(warnings) == 1


def test_reports_from_a_script_of_syne_tune_are_understood(make_driver: MakeDriver) -> None:
    driver = make_driver(
        """
        import json, sys, time
        for i in range(3):
            line = {"epoch": i, "st_worker_timestamp": time.time(), "st_worker_iter": i}
            sys.stdout.write(f"[tune-metric]: {json.dumps(line)}\\n")
            sys.stdout.flush()
        """
    )
    driver.start(0, {})
    driver.until_ended_one(0)
    assert [report["epoch"] for report in driver.reports(0)] == [0, 1, 2]


def test_a_flood_neither_fills_the_disk_nor_holds_up_others(make_driver: MakeDriver) -> None:
    limit = 4 << 20
    driver = make_driver(
        """
        import argparse, os, time
        from synetune_lab import Reporter
        parser = argparse.ArgumentParser()
        parser.add_argument("--flood", type=int)
        report = Reporter()
        if parser.parse_known_args()[0].flood:
            report(begun=1)
            for _ in range(300):
                os.write(1, b"x" * 99 + b"\\n" * 400_000)
                os.write(2, b"y" * 100_000)
            report(done=1)
        else:
            for i in range(20):
                time.sleep(0.01)
                report(i=i)
        """,
        max_log_bytes=limit,
    )
    driver.start(0, {"flood": 1})
    driver.until_reported(0)
    driver.start(1, {"flood": 0})
    driver.until_ended(0, 1)
    assert [report["i"] for report in driver.reports(1)] == list(range(20))
    assert driver.reports(0)[-1]["done"] == 1
    log = driver.folder / "0" / "std.out"
    assert log.stat().st_size > 100 << 20
    os.sync()
    if log.stat().st_blocks * 512 >= log.stat().st_size:
        pytest.skip("this file system can't free parts of a file")
    assert log.stat().st_blocks * 512 < limit + (2 << 20)


def test_a_hundred_trials_at_once(make_driver: MakeDriver) -> None:
    driver = make_driver(
        """
        import time
        from synetune_lab import Reporter
        report = Reporter()
        for i in range(5):
            report(i=i)
            time.sleep(0.02)
        """
    )
    for trial_id in range(100):
        driver.start(trial_id, {})
    assert {end.cause for end in driver.until_ended(*range(100))} == {"exited"}
    for trial_id in range(100):
        assert [report["i"] for report in driver.reports(trial_id)] == list(range(5))


def test_nothing_is_done_while_nothing_happens(make_driver: MakeDriver) -> None:
    driver = make_driver(REPORT_AND_SLEEP)
    for trial_id in range(5):
        driver.start(trial_id, {})
    for trial_id in range(5):
        driver.until_reported(trial_id)
    before = time.process_time()
    assert driver.backend.wait_events(2.5) == []
    assert time.process_time() - before < 0.1


# GPUs.


def visible(driver: BackendDriver, trial_id: int) -> str | None:
    driver.start(trial_id, {})
    environment: dict[str, str] = driver.until_reported(trial_id)[0]["environment"]
    return environment.get("CUDA_VISIBLE_DEVICES")


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def have(number: int) -> None:
        monkeypatch.setattr(num_gpu, "get_num_gpus", lambda: number)

    have(0)
    return have


HOLD_GPU = ARGUMENTS + "\nimport time\ntime.sleep(100)"


def test_trials_get_the_least_busy_gpus(
    make_driver: MakeDriver, gpus: Callable[[int], None]
) -> None:
    gpus(3)
    driver = make_driver(HOLD_GPU)
    assert [visible(driver, trial_id) for trial_id in range(4)] == ["0", "1", "2", "0"]
    driver.stop(1)
    driver.until_ended_one(1)
    assert visible(driver, 4) == "1"
    driver.stop(2)
    driver.stop(4)
    driver.until_ended(2, 4)
    # Both are free; 2 was given out less often.
    assert visible(driver, 5) == "2"


def test_several_gpus_a_trial_out_of_some(
    make_driver: MakeDriver, gpus: Callable[[int], None]
) -> None:
    gpus(8)
    driver = make_driver(HOLD_GPU, num_gpus_per_trial=2, gpus_to_use=[4, 5, 6, 7])
    assert [visible(driver, trial_id) for trial_id in range(3)] == ["4,5", "6,7", "4,5"]


def test_the_gpus_of_this_process_are_those_of_the_trials(
    make_driver: MakeDriver, gpus: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-abc")
    driver = make_driver(HOLD_GPU)
    assert [visible(driver, trial_id) for trial_id in range(2)] == ["3", "GPU-abc"]


def test_without_rotation_or_gpus_nothing_is_set(
    make_driver: MakeDriver, gpus: Callable[[int], None]
) -> None:
    assert visible(make_driver(ARGUMENTS), 0) is None
    gpus(2)
    assert visible(make_driver(ARGUMENTS, rotate_gpus=False), 0) is None


def test_gpus_that_are_not_there_are_refused(
    make_driver: MakeDriver, gpus: Callable[[int], None]
) -> None:
    gpus(2)
    with pytest.raises(BackendError, match="num_gpus_per_trial is 3"):
        make_driver(ARGUMENTS, num_gpus_per_trial=3)
    with pytest.raises(BackendError, match=r"gpus_to_use contains \[2\]"):
        make_driver(ARGUMENTS, gpus_to_use=[1, 2])


def test_gpus_are_counted_by_the_tool_of_their_maker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert num_gpu.get_num_gpus() == 0
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: a)'\necho 'GPU 1: B (UUID: b)'\n")
    tool.chmod(0o755)
    assert num_gpu.get_num_gpus() == 2
    tool.write_text("#!/bin/sh\necho 'GPU 0: driver not loaded'\nexit 9\n")
    assert num_gpu.get_num_gpus() == 0


# An interrupt and the death of the tuner.


OWNER = """
import json, os, sys, time
from pathlib import Path
from synetune_lab.backend import LocalBackend
from synetune_lab.testing.backend_driver import BackendDriver

if __name__ == "__main__":
    script, folder = sys.argv[1:]
    driver = BackendDriver(LocalBackend(script), Path(folder))
    for trial_id, steps in enumerate([0, 40, 100000]):
        driver.start(trial_id, {"steps": steps})
    driver.until_reported(1, 3)
    driver.until_reported(2, 3)
    driver.until_ended_one(0)
    known = {str(t): [driver.handle(t), driver.backend.delivered(t), len(driver.reports(t))]
             for t in (1, 2)}
    driver.start(3, {"steps": 100000})  # nobody will be told of this one
    print(json.dumps(known), flush=True)
    time.sleep(100)
"""
COUNTING = """
import argparse, time
from synetune_lab import Reporter
parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int)
report = Reporter()
for step in range(parser.parse_known_args()[0].steps):
    report(step=step)
    time.sleep(0.01)
"""


def test_trials_outlive_the_tuner_and_are_adopted(
    tmp_path: Path, script: Callable[[str], Path]
) -> None:
    owner = tmp_path / "owner.py"
    owner.write_text(OWNER)
    counting = script(COUNTING)
    folder = tmp_path / "experiment"
    with subprocess.Popen(
        [sys.executable, str(owner), str(counting), str(folder)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        known = json.loads(process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)  # an interrupt is not theirs
        os.killpg(process.pid, signal.SIGKILL)
    orphan = json.loads((folder / "3" / "process.json").read_text())
    assert ProcessHandle.from_json(orphan).is_alive()  # type: ignore[union-attr]
    wait_for((folder / "1" / "end").exists)  # this one ends on its own
    with BackendDriver(LocalBackend(counting), folder) as driver:
        for trial_id, (_, offset, _) in known.items():
            driver.backend.set_delivered(int(trial_id), 0, offset)
        handles = {int(trial_id): (0, handle) for trial_id, (handle, *_) in known.items()}
        handles[7] = (0, {})  # was to be started, and never was
        assert driver.backend.adopt(handles) == {2: 0}
        assert driver.until_ended_one(1).cause == "exited"
        assert [r["step"] for r in driver.reports(1)] == list(range(known["1"][2], 40))
        assert driver.until_ended_one(7).cause == "lost"
        seen = known["2"][2]
        driver.until_reported(2, 5)
        assert [r["step"] for r in driver.reports(2)] == list(
            range(seen, seen + len(driver.reports(2)))
        )
        wait_for(lambda: not ProcessHandle.from_json(orphan).is_alive())  # type: ignore[union-attr]
        driver.stop(2)
        assert driver.until_ended_one(2).cause == "stopped"


def test_a_trial_that_was_started_and_not_told_is_adopted_by_its_folder(
    make_driver: MakeDriver, script: Callable[[str], Path]
) -> None:
    driver = make_driver(REPORT_AND_SLEEP)
    first_report(driver)
    driver.backend.close(leave_running=True)
    with BackendDriver(LocalBackend(script(REPORT_AND_SLEEP)), driver.folder) as other:
        assert other.backend.adopt({0: (0, {})}) == {0: 0}
        assert other.until_reported(0) == driver.reports(0)


def test_a_state_saved_while_a_trial_ran_does_not_keep_it_from_being_resumed(
    make_driver: MakeDriver,
) -> None:
    driver = make_driver(REPORT_AND_SLEEP)
    first_report(driver)
    saved = pickle.dumps(driver.backend)  # the last state before a crash
    driver.pause(0)
    driver.until_ended_one(0)
    driver.backend.close()
    with BackendDriver(pickle.loads(saved), driver.folder) as other:
        assert other.backend.adopt({}) == {}  # as the log tells, it is paused
        other.resume(0, 1, {})
        other.until_reported(0, run=1)
        other.stop(0, run=1)
        other.until_ended_one(0, run=1)


def test_what_an_older_run_reported_is_not_told_again(
    make_driver: MakeDriver, script: Callable[[str], Path]
) -> None:
    driver = make_driver(REPORT_AND_SLEEP)
    first_report(driver)
    delivered = driver.backend.delivered(0)
    driver.pause(0)
    driver.until_ended_one(0)
    driver.resume(0, 1, {})
    driver.until_reported(0, run=1)
    handle = driver.handle(0, run=1)
    driver.backend.close(leave_running=True)
    with BackendDriver(LocalBackend(script(REPORT_AND_SLEEP)), driver.folder) as other:
        other.backend.set_delivered(0, 0, delivered - 5)
        assert other.backend.adopt({0: (1, handle)}) == {0: 1}
        assert other.until_reported(0, run=1) == driver.reports(0, run=1)
        other.stop(0, run=1)
        other.until_ended_one(0, run=1)
        assert len(other.reports(0)) == 1


def test_a_request_that_was_left_behind_is_carried_through(
    make_driver: MakeDriver, script: Callable[[str], Path]
) -> None:
    text = """
        import signal, time
        from synetune_lab import Reporter
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Reporter()(a=1)
        time.sleep(100)
    """
    driver = make_driver(text, grace_period_s=1000.0)
    first_report(driver)
    driver.pause(0)
    handle = driver.handle(0)
    driver.backend.close(leave_running=True)
    backend = LocalBackend(script(text), grace_period_s=0.1)
    with BackendDriver(backend, driver.folder) as other:
        assert other.backend.adopt({0: (0, handle)}) == {0: 0}
        assert other.until_ended_one(0).cause == "lost"


def test_a_number_that_went_to_a_stranger_is_not_adopted(
    make_driver: MakeDriver, tmp_path: Path
) -> None:
    driver = make_driver(REPORT_AND_SLEEP)
    first_report(driver)
    handle = driver.handle(0)
    os.killpg(handle["pid"], signal.SIGKILL)
    driver.until_ended_one(0)
    driver.backend.close()
    (driver.folder / "0" / "process.json").unlink()
    with BackendDriver(LocalBackend(tmp_path / "script.py"), driver.folder) as other:
        forged = {**handle, "pid": os.getpid()}
        assert other.backend.adopt({0: (0, forged)}) == {}
        assert other.until_ended_one(0).cause == "lost"
