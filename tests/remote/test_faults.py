"""What goes wrong around a remote run: nothing is lost by it, and no job is left running unseen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import StoppingCriterion
from synetune_lab.errors import BackendError, CommandRefused
from tests.remote.test_remote_run import looked, reports_of, until

pytestmark = pytest.mark.timeout(120)


def go_on_here(run: Any, finished: int) -> list[tuple[int, int]]:
    """Run some more trials on this machine; returns all reports."""
    tuner = run.load_tuner(trust=True)
    tuner.stop_criterion = StoppingCriterion(max_num_trials_finished=finished)
    tuner.run(progress=False)
    return reports_of(run.path)


def test_an_idle_follower_leaves_alone_what_went_on_here(launch: Any) -> None:
    from synetune_lab.remote import RemoteRun

    run = launch()
    again = RemoteRun.attach(run.name)
    again.look_every_s = 0.05
    assert again.wait(60)
    found = go_on_here(again, 7)
    assert not run.is_over
    run.refresh()  # it did not look meanwhile
    assert run.is_over
    assert reports_of(run.path) == found
    assert len(run.load_experiment().results) >= len(found) - 4


def test_a_job_that_never_began_deletes_nothing(launch: Any, cloud: Any) -> None:
    run = launch(wait=True)
    found = go_on_here(run, 7)
    tuner = run.load_tuner(trust=True)
    tuner.stop_criterion = StoppingCriterion(max_num_trials_finished=20)
    rows = len(run.load_experiment().results)
    cloud.jobs_without_capacity = 1
    again = launch(tuner=tuner)
    assert again.wait(60)
    assert again.note.state == "failed"
    assert reports_of(run.path) == found
    assert len(run.load_experiment().results) == rows


def test_a_follower_of_the_former_job_keeps_out(launch: Any, tmp_path: Path) -> None:
    from synetune_lab.remote import RemoteRun
    from synetune_lab.remote.note import RemoteNote

    run = launch()
    former = RemoteRun.attach(run.name)
    assert run.wait(60)
    tuner = run.load_tuner(trust=True)
    tuner.stop_criterion = StoppingCriterion(max_num_trials_finished=6)
    again = launch(tuner=tuner)
    former.refresh()
    assert former.is_over
    assert again.job_name in former.note.why
    note = RemoteNote.read(run.path)
    assert note is not None
    assert note.job_name == again.job_name
    assert (run.path / "run.lock").exists() == (not note.is_over)
    with pytest.raises(CommandRefused, match="over"):
        former.pause().result(5)
    assert again.wait(60)


@pytest.mark.parametrize("code", ["Cut", "ThrottlingException", "InternalFailure"])
def test_a_lost_answer_makes_no_second_job(launch: Any, cloud: Any, code: str) -> None:
    cloud.fail("CreateTrainingJob", code, after_doing_it=True)
    run = launch()
    assert list(cloud.jobs) == [run.job_name]
    assert run.wait(60)


def test_a_job_that_can_not_be_made_leaves_no_note(launch: Any, cloud: Any, home: Path) -> None:
    cloud.fail("CreateTrainingJob", "ValidationException", times=5)
    with pytest.raises(BackendError, match="ValidationException"):
        launch()
    assert not list(home.glob("*/remote.json"))
    assert not list(home.glob("*/run.lock"))


def test_jobs_of_trials_do_not_outlive_the_tuners(
    launch: Any, cloud: Any, make_backend: Any, script: Path, tmp_path: Path
) -> None:
    from synetune_lab import Tuner
    from synetune_lab.config_space import uniform
    from synetune_lab.optimizer.baselines import RandomSearch

    cloud.jobs_see_us = True
    backend = make_backend(entry_point="train.py", source_dir=str(script.parent))
    space = {"x": uniform(0.0, 1.0), "epochs": 4, "gate": str(tmp_path / "gate")}
    tuner = Tuner(
        trial_backend=backend,
        scheduler=RandomSearch(space, metric="loss"),
        stop_criterion=StoppingCriterion(max_num_trials_finished=20),
        n_workers=2,
        sleep_time=0.1,
    )
    run = launch(tuner=tuner)
    looked(run, lambda r: r.status is not None and len(cloud.running()) == 3)
    cloud.jobs[run.job_name].kill()  # out of memory, say
    assert run.wait(60)
    assert run.note.state == "failed"
    assert "2 jobs of its trials" in run.note.why
    until(lambda: cloud.running() == [])


def test_a_stop_needs_no_signal(
    launch: Any, cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.backend.sagemaker.job_runner import FakeJob

    # Script mode of some images does not hand SageMaker's signal on.
    monkeypatch.setattr(FakeJob, "_hand_on_stop", lambda self, process: None)
    run = launch(space={"gate": str(tmp_path / "gate")}, trials=50)
    looked(run, lambda r: r.status is not None and reports_of(r.path))
    run.stop_job()
    assert run.wait(60)
    assert cloud.running() == []
    assert run.note.state == "interrupted"
    assert "resumed" in run.note.why


def test_commands_for_one_launch_are_not_done_by_the_next(launch: Any, cloud: Any) -> None:
    from synetune_lab.remote.link import Request
    from synetune_lab.remote.s3_folder import S3Folder

    run = launch(wait=True)
    with pytest.raises(CommandRefused, match="over"):
        run.stop().result(5)
    stale = Request("stale", "command", "stop_run", {}, "cell", run.note.launch)
    folder: S3Folder = run._follower._mirror._folder
    folder.put(stale.file_name(1), stale.encode())
    tuner = run.load_tuner(trust=True)
    before = len(reports_of(run.path))
    tuner.stop_criterion = StoppingCriterion(max_num_trials_finished=7)
    again = launch(tuner=tuner, wait=True)
    assert len(reports_of(again.path)) > before
    assert "finished" in again.note.why or "ended" in again.note.why


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        json.dumps({"id": ["a"], "kind": "command", "name": "save", "args": {}}).encode(),
        json.dumps({"id": "a", "kind": "command", "name": "enqueue", "args": [1]}).encode(),
        json.dumps({"id": "a", "kind": "command", "name": "no_such", "args": {}}).encode(),
        json.dumps({"id": "a", "kind": "query", "name": "log_tail", "args": {}}).encode(),
        json.dumps(
            {"id": "a", "kind": "command", "name": "set_workers", "args": {"x": 1}}
        ).encode(),
    ],
)
def test_what_is_no_request_harms_nobody(launch: Any, tmp_path: Path, body: bytes) -> None:
    gate = tmp_path / "gate"
    run = launch(space={"gate": str(gate)})
    looked(run, lambda r: r.status is not None and reports_of(r.path))
    run._follower._mirror._folder.put("inbox/0-odd.json", body)
    run.set_workers(1).result(30)  # the job still listens
    gate.touch()
    assert run.wait(60)
    assert run.note.state == "finished"


def test_who_may_not_write_still_sees(launch: Any, cloud: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    run = launch(space={"gate": str(gate)})
    looked(run, lambda r: r.status is not None and reports_of(r.path))
    cloud.fail("PUT s3", "AccessDenied", times=10)
    with pytest.raises(CommandRefused, match="could not be sent"):
        run.set_workers(1).result(30)
    gate.touch()
    assert run.wait(60)
    assert run.note.state == "finished"


def test_the_newest_results_are_loaded_while_the_job_goes_on(launch: Any, tmp_path: Path) -> None:
    from synetune_lab.experiments import load_experiment

    gate = tmp_path / "gate"
    run = launch(space={"gate": str(gate)})
    looked(run, lambda r: r.status is not None and len(reports_of(r.path)) >= 4)

    def rows() -> int:
        results = load_experiment(run.name).results
        return 0 if results is None else len(results)

    until(lambda: rows() >= 4)
    gate.touch()
    until(lambda: rows() >= 12)
    assert run.wait(60)


def test_a_wrong_name_makes_no_bucket(cloud: Any) -> None:
    from synetune_lab.errors import StoreError
    from synetune_lab.experiments import load_experiment

    before = cloud.s3.list_buckets()["Buckets"]
    with pytest.raises(StoreError, match="no experiment"):
        load_experiment("no-such-experiment")
    assert cloud.s3.list_buckets()["Buckets"] == before
