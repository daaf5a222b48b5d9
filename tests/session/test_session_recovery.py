"""A run whose driver was killed goes on: nothing lost, nothing twice, nobody orphaned."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import CommandRefused, ResumeError, UntrustedFileError
from synetune_lab.experiments import load_experiment
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.store import read_log, read_run_file
from synetune_lab.store.trust import key_path
from synetune_lab.tuner import Tuner

RUN = "make().run(progress=False)"


def folder_of(tmp_path: Path) -> Path:
    return tmp_path / "syne-tune" / "run"


def reported(folder: Path) -> Counter[tuple[int, int]]:
    """(trial, epoch) of each report, as the trials wrote them into their logs."""
    lines = [
        (int(path.parent.name), json.loads(line.split(": ", 1)[1]))
        for path in folder.glob("*/std.out")
        for line in path.read_text().splitlines()
        if line.startswith("[tune-metric]")
    ]
    return Counter((trial_id, report["epoch"]) for trial_id, report in lines)


def logged(folder: Path) -> list[tuple[int, int]]:
    """(trial, epoch) of each report that was judged, as the event log has them."""
    return [
        (action["trial_id"], action["result"]["epoch"])
        for record in read_log(folder)
        for action in record["a"]
        if action["kind"] == "decision"
    ]


def started_run(tmp_path: Path, drive: Any, script: Any, wait_until: Any, code: str = RUN) -> Any:
    """A run in another process, with two trials that have reported some epochs."""
    driver = drive(script("long"), code)
    folder = folder_of(tmp_path)
    wait_until(lambda: _has_come_far(driver, folder), "report of both trials")
    return driver, folder


def _has_come_far(driver: Any, folder: Path) -> bool:
    assert driver.poll() is None, driver.communicate()[1]
    seen = logged(folder)
    return (folder / "tuner.dill").exists() and {(0, 15), (1, 15)} <= set(seen)


def finish(tuner: Tuner, tmp_path: Path) -> None:
    (tmp_path / "release").touch()
    assert tuner.wait(timeout=30)


def assert_nothing_lost_or_twice(folder: Path) -> None:
    seen = logged(folder)
    counts = Counter(seen)
    assert max(counts.values()) == 1, [pair for pair, n in counts.items() if n > 1]
    completed = {
        action["trial_id"]
        for record in read_log(folder)
        for action in record["a"]
        if action["kind"] == "status" and action["status"] == "Completed"
    }
    # What a trial reports while it is told to end is in the log and not judged.
    late = {
        (record["e"]["trial_id"], record["e"]["result"]["epoch"])
        for record in read_log(folder)
        if record["e"]["kind"] == "trial_reported"
        and not any(action["kind"] == "decision" for action in record["a"])
    }
    missing = [
        pair
        for pair in reported(folder)
        if pair[0] in completed and pair not in counts and pair not in late
    ]
    assert not missing
    results = load_experiment(folder.name).results
    assert list(zip(results["trial_id"], results["epoch"], strict=True)) == seen


def test_after_kill_9_trials_that_live_are_adopted(
    tmp_path: Path, drive: Any, script: Any, wait_until: Any, trial_processes: Any
) -> None:
    driver, folder = started_run(tmp_path, drive, script, wait_until)
    driver.kill()
    driver.wait()
    alive = {process.pid for process in trial_processes()}
    assert len(alive) == 2
    before = len(logged(folder))
    wait_until(lambda: sum(reported(folder).values()) > before + 10, "reports without a driver")

    tuner = Tuner.resume(folder)
    assert tuner.resume_report.disagreement is None
    tuner.start()
    assert tuner.resume_report.adopted == [0, 1]
    assert {process.pid for process in trial_processes()} == alive
    assert "adopted: 0, 1" in str(tuner.resume_report)
    at = max(epoch for trial_id, epoch in logged(folder) if trial_id == 0)
    wait_until(lambda: (0, at + 5) in logged(folder), "reports of adopted trials")
    finish(tuner, tmp_path)
    assert_nothing_lost_or_twice(folder)
    assert tuner.tuning_status.num_trials_completed > 3
    assert trial_processes() == []


def test_after_kill_9_of_all_trials_go_on_from_their_checkpoints(
    tmp_path: Path, drive: Any, script: Any, wait_until: Any, trial_processes: Any
) -> None:
    driver, folder = started_run(tmp_path, drive, script, wait_until)
    driver.kill()
    driver.wait()
    for process in trial_processes():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(os.getpgid(process.pid), signal.SIGKILL)
    wait_until(lambda: not trial_processes(), "end of the trials")
    checkpoints = {i: int((folder / str(i) / "checkpoints" / "epoch").read_text()) for i in (0, 1)}
    tuner = Tuner.resume(folder).start()
    for i in (0, 1):
        wait_until(lambda i=i: (i, checkpoints[i] + 3) in logged(folder), f"report of trial {i}")
    runs = {
        i: record.run for i, record in tuner.session.read(lambda e: dict(e.trials)).result().items()
    }
    assert (runs[0], runs[1]) == (1, 1)
    finish(tuner, tmp_path)
    # The epoch after the last checkpoint may have been reported before the kill, and again.
    assert max(Counter(logged(folder)).values()) <= 2
    assert {record["n"] for record in read_log(folder)} == set(
        range(1, 1 + sum(1 for _ in read_log(folder)))
    )


def test_a_trial_that_ended_without_a_driver_is_completed_with_all_it_reported(
    tmp_path: Path, drive: Any, script: Any, wait_until: Any, trial_processes: Any
) -> None:
    driver, folder = started_run(tmp_path, drive, script, wait_until)
    driver.kill()
    driver.wait()
    (tmp_path / "release").touch()
    wait_until(lambda: not trial_processes(), "end of the trials")
    tuner = Tuner.resume(folder)
    tuner.run(progress=False)
    assert tuner.resume_report.ended == [0, 1]
    assert [tuner.engine.trials[i].status for i in (0, 1)] == ["Completed", "Completed"]
    assert [tuner.engine.trials[i].run for i in (0, 1)] == [0, 0]
    assert_nothing_lost_or_twice(folder)


@pytest.mark.parametrize("damage", ["torn log", "truncated state", "missing state", "both"])
def test_after_a_crash_in_the_middle_of_a_write(
    damage: str, tmp_path: Path, drive: Any, script: Any, wait_until: Any
) -> None:
    driver, folder = started_run(tmp_path, drive, script, wait_until)
    driver.kill()
    driver.wait()
    log, state = folder / "events.jsonl", folder / "tuner.dill"
    if damage in ("torn log", "both"):
        with log.open("ab") as file:
            file.write(b'{"n":99999,"t":1.5,"e":{"kind":"trial_rep')
    if damage in ("truncated state", "both"):
        state.write_bytes(state.read_bytes()[:1000])
    if damage == "missing state":
        state.unlink()
    tuner = Tuner.resume(folder).start()
    finish(tuner, tmp_path)
    report = tuner.resume_report
    if damage == "torn log":
        assert report.file == "tuner.dill"
    else:
        assert report.file == "tuner.prev.dill"
        assert "tuner.dill" in str(report)
        assert report.replayed > 0
    assert_nothing_lost_or_twice(folder)


def test_a_run_that_is_driven_is_not_resumed_elsewhere(
    tmp_path: Path, drive: Any, script: Any, wait_until: Any
) -> None:
    driver, folder = started_run(tmp_path, drive, script, wait_until)
    with pytest.raises(ResumeError, match=f"driven by process {driver.pid}"):
        Tuner.resume(folder)
    looked_at = Tuner.load(folder)  # looking is allowed
    assert looked_at.tuning_status.num_trials_started >= 2
    with pytest.raises(ResumeError, match=f"driven by process {driver.pid}"):
        looked_at.run(progress=False)
    assert driver.poll() is None


def test_an_interrupt_keeps_trials_at_their_checkpoints(
    tmp_path: Path, drive: Any, script: Any, wait_until: Any, trial_processes: Any
) -> None:
    driver, folder = started_run(tmp_path, drive, script, wait_until)
    driver.send_signal(signal.SIGINT)
    _, errors = driver.communicate(timeout=20)
    assert driver.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert f"Tuner.resume('{folder}').run()" in errors
    assert trial_processes() == []
    tuner = Tuner.load(folder)
    assert {tuner.engine.trials[i].status for i in (0, 1)} == {"Paused"}
    assert_nothing_lost_or_twice(folder)
    last = {i: max(e for t, e in logged(folder) if t == i) for i in (0, 1)}

    resumed = Tuner.resume(folder, stop_criterion=StoppingCriterion(max_num_trials_completed=1))
    resumed.start()
    for i in (0, 1):
        wait_until(lambda i=i: (i, last[i] + 2) in logged(folder), f"report of trial {i}")
    finish(resumed, tmp_path)
    assert_nothing_lost_or_twice(folder)


STUBBORN = """
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for epoch in range(1, 2000):
        report(epoch=epoch, loss=args.x)
        time.sleep(0.05)
    """


def test_a_second_interrupt_ends_stubborn_trials_at_once(
    tmp_path: Path, drive: Any, script: Any, wait_until: Any, trial_processes: Any
) -> None:
    code = "tuner = make()\ntuner.trial_backend.grace_period_s = 50.0\ntuner.run(progress=False)"
    driver = drive(script(STUBBORN), code)
    folder = folder_of(tmp_path)
    wait_until(lambda: {(0, 3), (1, 3)} <= set(logged(folder)), "reports")
    driver.send_signal(signal.SIGINT)
    wait_until(lambda: "Interrupted: " in driver.stderr.readline(), "answer to the interrupt")
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=20)
    assert trial_processes() == []
    assert read_run_file(folder)["state"] == "interrupted"
    assert Tuner.resume(folder).tuning_status.num_trials_started == 2


def test_a_process_that_exits_leaves_a_resumable_run_and_no_orphans(
    tmp_path: Path, drive: Any, script: Any, wait_until: Any, trial_processes: Any
) -> None:
    code = """
        tuner = make().start()
        while tuner.run_state.n_reports < 40:
            tuner.wait(0.02)
        """
    driver = drive(script("long"), code)
    _, errors = driver.communicate(timeout=30)
    assert driver.returncode == 0, errors
    assert trial_processes() == []
    folder = folder_of(tmp_path)
    tuner = Tuner.resume(folder)
    assert {tuner.engine.trials[i].status for i in (0, 1)} == {"Paused"}
    tuner.start()
    finish(tuner, tmp_path)
    assert_nothing_lost_or_twice(folder)


def test_a_session_that_can_not_begin_leaves_adopted_trials_alone(
    tmp_path: Path, drive: Any, script: Any, wait_until: Any, trial_processes: Any
) -> None:
    driver, folder = started_run(tmp_path, drive, script, wait_until)
    driver.kill()
    driver.wait()
    alive = {process.pid for process in trial_processes()}
    tuner = Tuner.resume(folder, config_space={"x": choice(["a"])})
    with pytest.raises(CommandRefused, match="edit_space was refused"):
        tuner.start()
    assert {process.pid for process in trial_processes()} == alive
    tuner = Tuner.resume(folder, config_space={"x": uniform(2.0, 3.0)}, n_workers=3).start()
    assert tuner.resume_report.adopted == [0, 1]
    third = wait_until(
        lambda: tuner.session.read(
            lambda e: e.trials[2].config["x"] if len(e.trials) > 2 else None
        ).result(),
        "third trial",
    )
    assert third >= 2.0
    finish(tuner, tmp_path)
    assert_nothing_lost_or_twice(folder)


def test_a_space_that_is_assigned_as_documented_is_used(make_tuner: Any) -> None:
    tuner = make_tuner(completed=2)
    tuner.run()
    loaded = load_experiment(tuner.name, load_tuner=True).tuner
    old = len(loaded.engine.trials)
    loaded.stop_criterion = StoppingCriterion(max_num_trials_completed=6)
    loaded.scheduler.config_space = {"x": uniform(5.0, 6.0)}
    loaded.run()
    new = [r.config["x"] for i, r in loaded.engine.trials.items() if i >= old]
    assert new
    assert min(new) >= 5.0
    assert loaded.engine.space_version == 1


def test_what_was_changed_at_rest_survives_the_loss_of_the_newest_state(make_tuner: Any) -> None:
    tuner = make_tuner(completed=2)
    tuner.run()
    resumed = Tuner.resume(
        tuner.tuner_path, stop_criterion=StoppingCriterion(max_num_trials_completed=5), n_workers=1
    )
    resumed.run()
    for name in ("tuner.dill", "tuner.prev.dill"):
        (tuner.tuner_path / name).unlink()
    # All that is left is a state from before the resume.
    tuner.save()
    again = Tuner.resume(tuner.tuner_path)
    assert again.resume_report.replayed > 0
    assert again.resume_report.disagreement is None
    assert again.n_workers == 1
    assert again.stop_criterion == StoppingCriterion(max_num_trials_completed=5)
    assert again.tuning_status.counts == resumed.tuning_status.counts
    assert again.run_state.n_reports == resumed.run_state.n_reports
    frames = [t.callbacks[0].dataframe() for t in (again, resumed)]
    assert frames[0].drop(columns="st_tuner_time").equals(frames[1].drop(columns="st_tuner_time"))


def test_a_finished_run_goes_on_with_another_criterion(make_tuner: Any) -> None:
    tuner = make_tuner(completed=2)
    tuner.run()
    rows = len(load_experiment(tuner.name).results)
    loaded = load_experiment(tuner.name, load_tuner=True).tuner
    loaded.stop_criterion = StoppingCriterion(max_num_trials_completed=5)
    loaded.run()
    assert loaded.tuning_status.num_trials_completed > 5
    assert len(load_experiment(tuner.name).results) > rows
    assert loaded.tuner_time > tuner.tuner_time
    assert_nothing_lost_or_twice(tuner.tuner_path)


def test_the_same_tuner_runs_again(make_tuner: Any) -> None:
    tuner = make_tuner(completed=1)
    tuner.run()
    tuner.stop_criterion = StoppingCriterion(max_num_trials_completed=3)
    tuner.run()
    assert tuner.tuning_status.num_trials_completed > 3
    assert_nothing_lost_or_twice(tuner.tuner_path)


def test_more_workers_and_another_space_from_the_resume_on(make_tuner: Any) -> None:
    tuner = make_tuner(completed=2)
    tuner.run()
    resumed = Tuner.resume(
        tuner.tuner_path,
        config_space={"x": uniform(10.0, 11.0)},
        stop_criterion=StoppingCriterion(max_num_trials_completed=8),
        n_workers=3,
    )
    old = len(resumed.engine.trials)
    resumed.run()
    assert resumed.n_workers == 3
    new = [r.config["x"] for i, r in resumed.engine.trials.items() if i >= old]
    assert len(new) > 3
    assert min(new) >= 10.0


def test_a_moved_folder_is_resumed_where_it_is(make_tuner: Any, tmp_path: Path) -> None:
    tuner = make_tuner(completed=2)
    tuner.run()
    rows = len(load_experiment(tuner.name).results)
    moved = tmp_path / "elsewhere" / tuner.name
    moved.parent.mkdir()
    tuner.tuner_path.rename(moved)
    resumed = Tuner.resume(moved, stop_criterion=StoppingCriterion(max_num_trials_completed=4))
    resumed.run()
    assert not tuner.tuner_path.exists()
    results = load_experiment(tuner.name, local_path=moved.parent).results
    assert len(results) > rows
    assert results["trial_id"].iloc[0] == 0 or 0 in set(results["trial_id"])


def test_a_run_of_somebody_else_is_refused_until_trusted(make_tuner: Any) -> None:
    tuner = make_tuner(completed=1)
    tuner.run()
    key_path().unlink()
    with pytest.raises(UntrustedFileError, match="trust=True"):
        Tuner.resume(tuner.tuner_path)
    with pytest.raises(UntrustedFileError):
        load_experiment(tuner.name, load_tuner=True)
    assert len(load_experiment(tuner.name).results) >= 6  # results run no code
    assert Tuner.resume(tuner.tuner_path, trust=True).name == tuner.name


def test_a_folder_without_a_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match="no folder"):
        Tuner.resume(tmp_path / "nowhere")
    with pytest.raises(ResumeError, match="nothing was saved"):
        Tuner.resume(tmp_path)


def test_a_saved_copy_elsewhere_has_state_and_results(make_tuner: Any, tmp_path: Path) -> None:
    tuner = make_tuner(completed=2)
    tuner.run()
    tuner.save(tmp_path / "copy")
    copy = Tuner.load(tmp_path / "copy")
    assert copy.best_config() == tuner.best_config()
    assert len(copy.callbacks[0].dataframe()) == len(tuner.callbacks[0].dataframe())
