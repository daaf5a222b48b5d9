"""A remote run in the panel: what is shown of it, and how it is steered from there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.dashboard import hub as hub_module
from synetune_lab.dashboard import requests, saved_feed
from synetune_lab.dashboard.hub import Hub
from synetune_lab.dashboard.live_feed import LiveFeed
from synetune_lab.dashboard.saved_feed import SavedFeed
from synetune_lab.remote import remote_run
from synetune_lab.remote.feed import RemoteFeed
from tests.dashboard.conftest import Wire
from tests.dashboard.test_protocol_examples import message
from tests.remote.test_remote_run import looked, reports_of, until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch, cloud: Any) -> Iterator[None]:
    """Look often, count on whoever looks for the length of a test, and end before the cloud."""
    monkeypatch.setattr(saved_feed, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(hub_module, "CREDIT_S", 100.0)
    monkeypatch.setattr(remote_run, "_FOLLOW_S", 1.0)
    yield
    monkeypatch.setattr(hub_module, "CREDIT_S", 0.0)
    until(lambda: not threads_of_ours(), threads_of_ours)


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """SageMaker has no instance for jobs before it is set."""
    from tests.backend.sagemaker.job_runner import FakeJob

    event, download = threading.Event(), FakeJob._download_source

    def wait(job: FakeJob) -> None:
        event.wait()
        download(job)

    monkeypatch.setattr(FakeJob, "_download_source", wait)
    yield event
    event.set()


@pytest.fixture
def hub() -> Hub:
    return Hub(requests.handle)


@pytest.fixture
def wire(hub: Hub) -> Wire:
    return Wire(hub)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Trials wait for it after two reports."""
    return tmp_path / "gate"


@pytest.fixture
def shown(hub: Hub, wire: Wire, launch: Any, gate: Path) -> Callable[..., Any]:
    """Launches a run whose trials wait at the gate, and looks at it."""

    def show(**options: Any) -> tuple[Any, dict[str, Any]]:
        run = launch(space={"gate": str(gate)}, **options)
        hub.add(RemoteFeed(run))
        return run, wire.look_at(str(run.path))

    return show


def ask(wire: Wire, run: Any, cmd: str, **args: Any) -> dict[str, Any]:
    return wire.ask("command", str(run.path), cmd=cmd, args=args)


def query(wire: Wire, run: Any, what: str, **args: Any) -> dict[str, Any]:
    return wire.ask("query", str(run.path), what=what, args=args)


def reports(wire: Wire) -> int:
    assert wire.client.state is not None
    return len(wire.client.state["reports"]["trial"])


def header(wire: Wire) -> dict[str, Any]:
    assert wire.client.state is not None
    found: dict[str, Any] = wire.client.state["header"]
    return found


def threads_of_ours() -> list[str]:
    ours = ("synetune-lab panel", "synetune-lab follows")
    return [t.name for t in threading.enumerate() if t.name.startswith(ours)]


def test_it_is_followed_from_its_launch_to_its_end(
    shown: Any, wire: Wire, gate: Path, begin: threading.Event
) -> None:
    run, state = shown()
    first = state["header"]
    assert (first["state"], first["controls"], first["read_only"]) == ("starting", True, False)
    words = "SageMaker waits for an instance"
    wire.wait(lambda: header(wire)["waits_for"] == words, "what SageMaker does")
    assert header(wire)["remote"]["heard_at"] is None
    assert first["remote"]["job"] == run.job_name
    assert first["remote"].keys() == message("delta_remote")["header"]["remote"].keys()
    assert run.job_name in first["remote"]["url"]
    assert first["config_space"]["epochs"] == 4
    begin.set()
    wire.wait(lambda: reports(wire) >= 4, "four reports")
    assert header(wire)["state"] == "running"
    assert header(wire)["remote"]["heard_at"] is not None
    gate.touch()
    wire.wait(lambda: header(wire)["state"] == "finished", "end")
    wire.wait(lambda: not header(wire)["controls"], "end of the controls")
    assert "3" in header(wire)["why"]
    assert wire.client.gaps == 0
    assert reports(wire) == len(reports_of(run.path)) >= 12
    assert header(wire)["counts"]["Completed"] >= 3
    answer = ask(wire, run, "pause_run")
    assert (answer["ok"], answer["error"]) == (False, requests.NOT_DRIVEN)


def test_it_is_steered_as_if_it_were_here(shown: Any, wire: Wire, gate: Path) -> None:
    run, state = shown(trials=50)
    wire.wait(lambda: reports(wire) >= 4, "four reports")

    def status(trial: int) -> str:
        return str(state["trials"][trial]["status"])

    assert ask(wire, run, "pause_trial", trial_ids=[0])["ok"]
    wire.wait(lambda: status(0) == "Paused", "paused trial")
    assert ask(wire, run, "resume_trial", trial_ids=[0])["ok"]
    assert ask(wire, run, "stop_trial", trial_ids=[1])["ok"]
    wire.wait(lambda: status(1) == "Stopped", "stopped trial")
    for cmd, args, error in [
        ("stop_trial", {"trial_ids": [99]}, "there is no trial 99"),
        ("stop_tral", {}, "did you mean 'stop_trial'?"),
    ]:
        answer = ask(wire, run, cmd, **args)
        assert not answer["ok"]
        assert error in answer["error"]

    domain = dict(state["header"]["config_space"]["x"])
    domain["domain_kwargs"] = {"lower": 0.0, "upper": 0.5}
    preview = query(wire, run, "preview_space", space={"x": domain})
    assert preview["ok"], preview
    assert [change["name"] for change in preview["result"]["changes"]] == ["x"]
    edited = ask(wire, run, "edit_space", space={"x": domain}, base_version=0)
    assert edited["ok"], edited
    wire.wait(lambda: header(wire)["space_version"] == 1, "new space")
    assert ask(wire, run, "enqueue", config={"x": 0.125})["ok"]
    assert ask(wire, run, "set_workers", n_workers=3)["ok"]
    wire.wait(lambda: header(wire)["n_workers"] == 3, "third worker")
    assert ask(wire, run, "save")["ok"]
    assert ask(wire, run, "pause_run")["ok"]
    wire.wait(lambda: header(wire)["state"] == "paused", "paused run")
    assert ask(wire, run, "resume_run")["ok"]
    wire.wait(lambda: header(wire)["state"] == "running", "running run")
    assert {flag["origin"] for flag in state["flags"]} == {"panel"}
    gate.touch()
    wire.wait(
        lambda: any(row["config"].get("x") == 0.125 for row in state["trials"].values()),
        "the configuration that was added",
    )
    assert ask(wire, run, "stop_run", keep=False)["ok"]
    wire.wait(lambda: header(wire)["state"] == "finished", "end")
    assert wire.client.gaps == 0


def test_a_run_is_stopped_before_it_has_begun(
    shown: Any, wire: Wire, cloud: Any, begin: threading.Event
) -> None:
    run, _ = shown()
    answer = ask(wire, run, "stop_run", keep=True)
    assert answer["ok"], answer
    begin.set()
    wire.wait(lambda: not header(wire)["controls"], "end")
    assert header(wire)["state"] in ("finished", "failed")
    assert header(wire)["why"]
    assert cloud.calls["StopTrainingJob"] == 1


def test_the_log_of_a_trial_comes_from_the_job(shown: Any, wire: Wire, gate: Path) -> None:
    run, _ = shown()
    wire.wait(lambda: reports(wire) >= 4, "four reports")

    def log() -> Any:
        answer = query(wire, run, "trial", trial_id=0)
        assert answer["ok"], answer
        assert answer["result"]["config"]
        return answer["result"]["log"]

    assert log() is None  # on its way
    told = until(log)
    assert "epoch 1" in told["stdout"]
    gate.touch()
    wire.wait(lambda: not header(wire)["controls"], "end")
    assert "store_logs_localbackend" in "".join(log()["stderr"])


def test_logs_that_were_kept_are_shown_after_the_end(shown: Any, wire: Wire, gate: Path) -> None:
    run, _ = shown(store_logs_localbackend=True)
    gate.touch()
    wire.wait(lambda: not header(wire)["controls"], "end")
    told = query(wire, run, "trial", trial_id=0)["result"]["log"]
    assert "fetch(trials=True)" in "".join(told["stderr"])
    run.fetch(trials=True)
    told = query(wire, run, "trial", trial_id=0)["result"]["log"]
    assert "epoch 1" in told["stdout"]


def test_aws_that_is_out_of_reach_is_told_and_what_was_asked_is_kept(
    shown: Any, wire: Wire, cloud: Any, gate: Path
) -> None:
    run, _ = shown()
    wire.wait(lambda: reports(wire) >= 4, "four reports")
    cloud.network_is_gone = True
    wire.wait(lambda: header(wire)["remote"]["trouble"], "word of the trouble")
    assert header(wire)["remote"]["trouble"] == (
        "AWS can't be reached from here. The job goes on; what it does is shown as soon as AWS "
        "answers."
    )
    assert header(wire)["state"] == "running"
    wire.say("command", run=str(run.path), id="kept", cmd="set_workers", args={"n_workers": 1})
    gate.touch()  # the job does not need us
    cloud.network_is_gone = False
    assert wire.wait_for("ack", id="kept")["ok"] in (True, False)
    wire.wait(lambda: header(wire)["state"] == "finished", "end")
    assert header(wire)["remote"]["trouble"] is None


def test_an_instance_that_is_taken_away_is_told(
    shown: Any, wire: Wire, cloud: Any, gate: Path
) -> None:
    run, _ = shown(use_spot_instances=True, store_logs_localbackend=True)
    wire.wait(lambda: reports(wire) >= 4, "four reports")
    cloud.jobs[run.job_name].interrupt()
    looked(run, lambda r: r.status.generation > 1)
    gate.touch()
    wire.wait(lambda: not header(wire)["controls"], "end")
    assert header(wire)["state"] == "finished"
    assert reports(wire) == len(reports_of(run.path))


def test_it_is_found_in_the_list_and_opened_after_a_restart(
    launch: Any, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = launch(space={"gate": str(gate)})
    looked(run, lambda r: r.status is not None and len(reports_of(r.path)) >= 4)
    path = str(run.path)
    wire = Wire(Hub(requests.handle))  # the kernel was restarted: it knows no run

    def listed() -> dict[str, Any]:
        found = wire.ask("query", path, what="saved_runs", args={})["result"]
        assert [entry["path"] for entry in found] == [path]
        entry: dict[str, Any] = found[0]
        return entry

    until(lambda: listed()["state"] == "running")
    entry = listed()
    assert entry["remote"]["job"] == run.job_name
    assert not entry["remote"]["is_over"]
    assert not entry["resumable"]
    code = wire.ask("query", path, what="resume_code", args={"path": path})["result"]["code"]
    assert f"RemoteRun.attach({run.name!r})" in code
    opened = wire.ask("query", path, what="open_saved", args={"path": path})
    assert opened["result"] == {"run": path}
    again = wire.hub.feeds[path].run  # type: ignore[attr-defined]
    again.look_every_s = 0.05
    state = wire.look_at(path)
    assert state["header"]["state"] == "running"  # not "starting": trials are known
    assert state["header"]["controls"]
    wire.wait(lambda: header(wire)["remote"]["heard_at"], "word of the run")
    gate.touch()
    wire.wait(lambda: not header(wire)["controls"], "end")

    # Once it is over, its files tell all.
    wire = Wire(Hub(requests.handle))
    assert listed()["state"] == "finished"
    assert listed()["remote"]["is_over"]
    wire.ask("query", path, what="open_saved", args={"path": path})
    assert type(wire.hub.feeds[path]) is SavedFeed
    told = wire.look_at(path)["header"]
    assert (told["read_only"], told["controls"]) == (True, False)
    assert told["remote"] == {
        "job": run.job_name, "url": None, "heard_at": None, "trouble": None,
    }  # fmt: skip
    code = wire.ask("query", path, what="resume_code", args={"path": path})["result"]["code"]
    assert "load_tuner(trust=True)" in code


def test_without_boto3_it_is_read_and_not_called_interrupted(
    launch: Any, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synetune_lab.errors import MissingDependencyError
    from synetune_lab.remote import opener

    def missing(*_: Any, **__: Any) -> None:
        raise MissingDependencyError("boto3 is missing")

    run = launch(space={"gate": str(gate)})
    looked(run, lambda r: r.status is not None and len(reports_of(r.path)) >= 4)
    monkeypatch.setattr(opener, "require", missing)
    wire = Wire(Hub(requests.handle))
    wire.ask("query", str(run.path), what="open_saved", args={"path": str(run.path)})
    told = wire.look_at(str(run.path))["header"]
    assert (told["state"], told["read_only"], told["why"]) == ("running", True, None)
    assert "pip install boto3" in told["remote"]["trouble"]
    gate.touch()
    assert run.wait(60)


def test_the_tuner_that_was_sent_is_not_taken_for_the_run(
    launch: Any, hub: Hub, wire: Wire, gate: Path
) -> None:
    from synetune_lab import StoppingCriterion, Tuner
    from synetune_lab.backend import PythonBackend
    from synetune_lab.optimizer.baselines import RandomSearch

    backend = PythonBackend(_train, {"x": 1})
    scheduler = RandomSearch({"x": 1}, metric="loss")
    rules = StoppingCriterion(max_num_trials_finished=1)
    tuner = Tuner(backend, scheduler, rules, n_workers=1)
    hub.watch(tuner)
    run = launch(tuner=tuner)
    opened = wire.ask("query", "", what="open_saved", args={"path": str(run.path)})["result"]["run"]
    assert isinstance(hub.feeds[tuner.name], LiveFeed)
    assert isinstance(hub.feeds[opened], RemoteFeed)
    run.stop().result(30)
    assert run.wait(60)


def _train(x: int) -> None:
    from synetune_lab import Reporter

    Reporter()(loss=float(x))


def test_nothing_is_left_running_when_nobody_looks(
    shown: Any, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "CREDIT_S", 0.2)
    monkeypatch.setattr(remote_run, "_FOLLOW_S", 0.2)
    run, _ = shown()
    until(lambda: not threads_of_ours(), threads_of_ours)
    # A command alone is seen through, and leaves nothing either.
    assert run.stop().result(30) is not None
    until(lambda: not threads_of_ours(), threads_of_ours)
    assert run.wait(60)


class Link:
    """The job's end of a link, written by hand.

    Args:
        cloud: The cloud; the job need not exist.
        bucket: Where the link is.
        path: The run's folder here.
    """

    def __init__(self, cloud: Any, bucket: str, path: Path) -> None:
        from synetune_lab.remote.note import RemoteNote
        from synetune_lab.remote.remote_run import RemoteRun

        self.s3, self.bucket = cloud.s3, bucket
        uri = f"s3://{bucket}/_link/{path.name}"
        note = RemoteNote(
            path.name,
            "job-1",
            "us-east-1",
            f"s3://{bucket}/{path.name}",
            uri,
            launched_at=time.time(),
        )
        note.write(path)
        self.run = RemoteRun(note, path)
        self.run.look_every_s = 0.02

    def put(self, name: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"_link/{self.run.name}/{name}", Body=body)

    def tell(self, generation: int, offset: int, lines: list[bytes], head: dict[str, Any]) -> None:
        """What a process has written of the log from a byte on."""
        from synetune_lab.remote.link import Piece, Status

        body = b"".join(lines)
        self.put(Piece(generation, offset).name, body)
        self.put(
            "status.json",
            Status(generation, time.time(), offset + len(body), 0.05, header=head).encode(),
        )

    def inbox(self) -> int:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"_link/{self.run.name}/inbox/")
        return int(found["KeyCount"])


@pytest.fixture
def link(cloud: Any, bucket: str, home: Path) -> Iterator[Link]:
    made = Link(cloud, bucket, home / "digits")
    yield made
    made.run.session.close("the test is over")


def test_a_process_that_knows_less_begins_the_picture_again(
    link: Link, hub: Hub, wire: Wire
) -> None:
    from synetune_lab.store.event_log import encode_record
    from tests.dashboard.histories import Drive

    common = Drive()
    common.run(30)
    lost, kept = Drive(), Drive()
    lost.run(120)
    kept.run(60)
    n = len(common.records)
    before = [encode_record(record) for record in lost.records]
    offset = sum(len(line) for line in before[:n])

    hub.add(RemoteFeed(link.run))
    path = str(link.run.path)
    state = wire.look_at(path)  # nothing is known of it: its folder has a note only
    assert state["header"]["name"] == "digits"
    link.tell(1, 0, before, {**lost.header, "name": "digits", "state": "running"})
    wire.wait(lambda: wire.client.seq == len(lost.records), "all that the first process wrote")
    assert header(wire)["metric_names"] == lost.header["metric_names"]
    told = reports(wire)

    after = [encode_record(record) for record in kept.records[n:]]
    link.tell(2, offset, after, {**kept.header, "name": "digits", "state": "running"})
    wire.wait(lambda: wire.client.seq == len(kept.records), "the second process")
    assert reports(wire) < told
    fresh = Wire(Hub(requests.handle))
    fresh.hub.add(RemoteFeed(link.run))
    other = fresh.look_at(path)
    assert wire.client.state is not None
    for part in ("seq", "trials", "reports", "rungs", "flags", "best"):
        assert repr(wire.client.state[part]) == repr(other[part]), part
    assert wire.client.gaps == 0


def test_a_job_that_never_speaks_is_said_to_have_a_log(link: Link) -> None:
    from synetune_lab.remote.job import JobState

    feed = RemoteFeed(link.run)
    link.run._follower.note = replace(link.run.note, launched_at=0.0)
    link.run._follower.job_state = JobState("InProgress", "Training")
    told = feed.header()
    assert told["state"] == "starting"
    assert "run.log()" in told["waits_for"]


def test_a_job_that_does_not_answer_is_asked_once_for_a_log(
    link: Link, hub: Hub, wire: Wire
) -> None:
    from synetune_lab.store.event_log import encode_record
    from tests.dashboard.histories import Drive

    drive = Drive()
    drive.run(30)
    lines = [encode_record(record) for record in drive.records]
    link.tell(1, 0, lines, {**drive.header, "name": "digits", "state": "running"})
    hub.add(RemoteFeed(link.run))
    wire.look_at(str(link.run.path))
    wire.wait(lambda: wire.client.seq == len(drive.records), "the log")
    for _ in range(5):
        assert query(wire, link.run, "trial", trial_id=0)["result"]["log"] is None
    until(lambda: link.inbox() == 1)
    query(wire, link.run, "trial", trial_id=0)
    assert link.inbox() == 1


def test_the_time_never_goes_back_between_news(link: Link, hub: Hub, wire: Wire) -> None:
    from synetune_lab.store.event_log import encode_record
    from tests.dashboard.histories import Drive

    drive = Drive()
    drive.run(30)
    lines = [encode_record(record) for record in drive.records]
    head = {**drive.header, "name": "digits", "state": "running", "tuner_time": 1000.0}
    feed = RemoteFeed(link.run)
    hub.add(feed)
    wire.look_at(str(link.run.path))
    link.tell(1, 0, lines, head)
    wire.wait(lambda: header(wire)["tuner_time"] >= 1000.0, "time")
    times = [feed.header()["tuner_time"] for _ in range(5)]
    link.tell(1, 0, lines, head)  # the same once more: a sign of life
    times += [feed.header()["tuner_time"] for _ in range(5)]
    assert times == sorted(times)
    assert times[-1] > times[0]
