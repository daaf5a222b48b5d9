"""Runs that a job drives, over real HTTP, with jobs that really run."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.errors import CommandRefused, ResumeError, StoreError, UntrustedFileError
from synetune_lab.store.event_log import read_log

pytestmark = pytest.mark.timeout(120)


def until(condition: Callable[[], Any], why: Callable[[], Any] = lambda: "") -> Any:
    """Look again and again, for as long as the test may take."""
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)
    return found


def looked(run: Any, condition: Callable[[Any], Any]) -> Any:
    """Follow a run until something holds."""

    def check() -> Any:
        run.follow()
        return condition(run)

    return until(check, lambda: (run, run.status, run.log()))


def reports_of(path: Path) -> list[tuple[int, int]]:
    """Trial and epoch of each report in a run's log."""
    records = [record["e"] for record in read_log(path)]
    return [(e["trial_id"], e["result"]["epoch"]) for e in records if e["kind"] == "trial_reported"]


def test_a_run_is_launched_followed_and_fetched(launch: Any, home: Path) -> None:
    run = launch()
    assert run.wait(90)
    assert run.note.state == "finished", run.log()
    assert "3" in run.note.why
    experiment = run.load_experiment()
    assert experiment.metadata["metric_names"] == ["loss"]
    assert 12 <= len(experiment.results) <= len(reports_of(run.path))
    assert run.summary().counts["Completed"] >= 3
    assert run.path == home / run.name
    assert not (run.path / "0").exists()  # logs of trials are kept only if asked for
    assert any("trials" in line for line in run.log())
    with pytest.raises(CommandRefused, match="over"):
        run.pause().result(1)


def test_trials_are_steered_through_the_inbox(launch: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    run = launch(space={"gate": str(gate)}, trials=4)
    looked(run, lambda r: len(reports_of(r.path)) >= 4 if r.status else False)
    paused = run.pause_trial(0).result(30)
    assert paused["trials"] if isinstance(paused, dict) and "trials" in paused else True
    looked(run, lambda r: r.summary().counts.get("Paused") == 1)
    with pytest.raises(CommandRefused, match="99"):
        run.stop_trial(99).result(30)
    run.stop_trial(1).result(30)
    run.enqueue({"x": 0.25}).result(30)
    run.set_workers(1).result(30)
    run.resume_trial(0).result(30)
    gate.touch()
    assert run.wait(90)
    statuses = run.summary().counts
    assert statuses["Stopped"] == 1
    results = run.load_experiment().results
    assert 0.25 in set(results["config_x"])
    # What a paused trial had reported is there once.
    assert sorted(set(reports_of(run.path))) == sorted(reports_of(run.path))


def test_the_run_is_stopped_with_what_it_started(launch: Any, cloud: Any, tmp_path: Path) -> None:
    run = launch(space={"gate": str(tmp_path / "gate")}, trials=50)
    looked(run, lambda r: r.status is not None and reports_of(r.path))
    run.stop().result(30)
    assert run.wait(60)
    assert cloud.running() == []
    assert run.note.state == "finished"
    assert not run.summary().counts.get("InProgress")


def test_a_job_that_has_not_begun_is_stopped_by_sagemaker(launch: Any, cloud: Any) -> None:
    run = launch()
    future = run.stop()  # nothing was heard of the run yet
    assert future.result(30) == {"job": run.job_name}
    assert run.wait(60)
    assert run.note.state in ("interrupted", "finished")
    assert cloud.calls["StopTrainingJob"] == 1


def test_a_spot_instance_that_is_taken_away_loses_no_report(
    launch: Any, cloud: Any, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    run = launch(
        space={"gate": str(gate)}, trials=3, use_spot_instances=True, store_logs_localbackend=True
    )
    looked(run, lambda r: r.status is not None and len(reports_of(r.path)) >= 4)
    seen = reports_of(run.path)
    first = run.status.generation
    cloud.jobs[run.job_name].interrupt()
    looked(run, lambda r: r.status.generation > first)
    gate.touch()
    assert run.wait(90)
    assert run.note.state == "finished", run.log()
    found = reports_of(run.path)
    assert set(seen) <= set(found)
    # Trials went on from their checkpoints: none began anew.
    assert found.count((0, 1)) == 1
    assert cloud.running() == []


def test_a_network_that_is_gone_delays_only(launch: Any, cloud: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    run = launch(space={"gate": str(gate)})
    looked(run, lambda r: r.status is not None and reports_of(r.path))
    cloud.network_is_gone = True
    looked(run, lambda r: r.trouble)
    assert "can't be asked" in run.trouble
    future = run.set_workers(3)
    assert not future.done()
    cloud.network_is_gone = False
    future.result(60)  # it was kept
    looked(run, lambda r: r.trouble is None)
    gate.touch()
    assert run.wait(90)
    assert run.summary().n_workers == 3


def test_two_followers_share_a_folder(launch: Any, tmp_path: Path) -> None:
    from synetune_lab.remote import RemoteRun

    gate = tmp_path / "gate"
    run = launch(space={"gate": str(gate)})
    other = RemoteRun.attach(run.name)
    other.look_every_s = 0.05
    looked(run, lambda r: r.status is not None)
    looked(other, lambda r: r.status is not None)
    gate.touch()
    results = []
    threads = [
        threading.Thread(target=lambda r=r: results.append(r.wait(90))) for r in (run, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True, True]
    found = reports_of(run.path)
    assert len(found) == len(set(found)) >= 12


def test_a_run_is_found_again_from_another_machine(
    launch: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from synetune_lab.experiments import load_experiment
    from synetune_lab.remote import RemoteRun

    run = launch(wait=True)
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "elsewhere"))
    with pytest.raises(StoreError, match="s3_path"):
        RemoteRun.attach(run.name)
    with pytest.raises(StoreError, match="no remote run"):
        RemoteRun.attach("nothing-2026", s3_path=f"s3://{bucket}/experiments")
    found = RemoteRun.attach(run.name, s3_path=f"s3://{bucket}/experiments")
    assert found.wait(60)
    assert found.path == tmp_path / "elsewhere" / run.name
    assert len(found.load_experiment().results) == len(run.load_experiment().results)
    assert len(load_experiment(run.name).results) == len(run.load_experiment().results)


def test_load_experiment_fetches_what_is_not_here(
    launch: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from synetune_lab.experiments import load_experiment

    run = launch(wait=True)
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "elsewhere"))
    with pytest.raises(StoreError, match="no experiment"):
        load_experiment(run.name, download_if_not_found=False)
    with pytest.raises(StoreError, match="nor on S3"):
        load_experiment("nothing-2026", s3_path=f"s3://{bucket}/experiments")
    experiment = load_experiment(run.name, s3_path=f"s3://{bucket}/experiments")
    assert len(experiment.results) >= 12
    assert experiment.path == tmp_path / "elsewhere" / run.name


def test_the_tuner_goes_on_here(launch: Any, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synetune_lab import StoppingCriterion

    run = launch()
    with pytest.raises(CommandRefused, match="not over"):
        run.load_tuner(trust=True)
    assert run.wait(90)
    # The job's machine has a key of its own; here it is the same machine.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(script.parent / "config"))
    with pytest.raises(UntrustedFileError):
        run.load_tuner()
    tuner = run.load_tuner(trust=True)
    before = len(reports_of(run.path))
    tuner.stop_criterion = StoppingCriterion(max_num_trials_finished=6)
    tuner.run()
    assert len(reports_of(run.path)) > before
    assert tuner.trial_backend.entrypoint_path() == script


def test_a_run_goes_on_as_another_job(launch: Any) -> None:
    from synetune_lab import StoppingCriterion

    run = launch(wait=True)
    before = reports_of(run.path)
    tuner = run.load_tuner(trust=True)
    tuner.stop_criterion = StoppingCriterion(max_num_trials_finished=5)
    again = launch(tuner=tuner)
    assert again.name == run.name
    assert again.job_name != run.job_name
    assert again.wait(90)
    assert again.note.state == "finished", again.log()
    found = reports_of(again.path)
    assert found[: len(before)] == before
    assert len(found) > len(before)
    counts = again.summary().counts
    assert counts["Completed"] + counts.get("Stopped", 0) >= 5


def test_what_went_wrong_is_told(launch: Any, script: Path) -> None:
    script.write_text("raise SystemExit('no data here')\n")
    run = launch()
    assert run.wait(90)
    assert run.note.state in ("finished", "failed")
    assert run.summary().counts["Failed"] >= 2
    assert "fail" in run.note.why


def test_a_job_that_fails_to_start_is_told(launch: Any, cloud: Any) -> None:
    cloud.jobs_without_capacity = 1
    run = launch()
    assert run.wait(60)
    assert run.note.state == "failed"
    assert "CapacityError" in run.note.why


def test_metrics_of_the_best_are_reported_for_sagemakers_charts(launch: Any, cloud: Any) -> None:
    run = launch(wait=True)
    request = cloud.jobs[run.job_name].request
    names = [d["Name"] for d in request["AlgorithmSpecification"]["MetricDefinitions"]]
    assert names == ["best_metric_value", "best_trial_id", "best_hp_x"]
    told = [json.loads(line.split(": ", 1)[1]) for line in run.log() if "best_metric_value" in line]
    values = [entry["best_metric_value"] for entry in told]
    assert values == sorted(values, reverse=True)
    assert values[-1] == run.load_experiment().results["loss"].min()
    assert {"best_trial_id", "best_hp_x"} <= set(told[-1])


def test_logs_and_checkpoints_are_kept_on_request(launch: Any) -> None:
    run = launch(store_logs_localbackend=True, wait=True)
    run.fetch(trials=True)
    assert "epoch 1" in (run.path / "0" / "std.out").read_text()
    assert (run.path / "0" / "checkpoints" / "epoch").read_text() == "4"


def test_trials_as_jobs_of_their_own(
    launch: Any, cloud: Any, bucket: str, make_backend: Any, script: Path
) -> None:
    from synetune_lab import StoppingCriterion, Tuner
    from synetune_lab.config_space import uniform
    from synetune_lab.optimizer.baselines import RandomSearch

    cloud.jobs_see_us = True
    backend = make_backend(entry_point="train.py", source_dir=str(script.parent))
    tuner = Tuner(
        trial_backend=backend,
        scheduler=RandomSearch({"x": uniform(0.0, 1.0), "epochs": 2}, metric="loss"),
        stop_criterion=StoppingCriterion(max_num_trials_finished=2),
        n_workers=2,
        sleep_time=0.1,
    )
    run = launch(tuner=tuner)
    assert run.wait(100)
    assert run.note.state == "finished", run.log()
    assert len(cloud.jobs) >= 3  # the tuner's, and one for each trial
    assert cloud.running() == []
    assert run.summary().counts.get("Completed", 0) >= 2, run.note.why


def test_nobody_drives_a_run_that_a_job_drives(launch: Any, tmp_path: Path) -> None:
    from synetune_lab import Tuner

    gate = tmp_path / "gate"
    run = launch(space={"gate": str(gate)})
    looked(run, lambda r: r.status is not None and reports_of(r.path))
    run.fetch()
    for name in ("tuner.dill", "tuner.json"):
        until(lambda name=name: run.fetch() and (run.path / name).exists())
    with pytest.raises(ResumeError, match="job"):
        Tuner.resume(run.path, trust=True)
    tuner = Tuner.load(run.path, trust=True)
    with pytest.raises(ResumeError, match=r"RemoteRun\.attach"):
        tuner.run()
    with pytest.raises(ResumeError, match="job"):
        launch(tuner=tuner)
    gate.touch()
    assert run.wait(90)
    assert Tuner.resume(run.path, trust=True).name == run.name


def test_what_an_earlier_job_left_is_not_taken_for_this_one(launch: Any, cloud: Any) -> None:
    from synetune_lab import StoppingCriterion

    first = launch(wait=True)
    before = reports_of(first.path)
    tuner = first.load_tuner(trust=True)
    tuner.stop_criterion = StoppingCriterion(max_num_trials_finished=9)
    cloud.jobs_without_capacity = 1
    again = launch(tuner=tuner)
    assert again.status is None
    assert again.wait(60)
    assert again.note.state == "failed"
    assert "CapacityError" in again.note.why
    assert reports_of(again.path) == before
