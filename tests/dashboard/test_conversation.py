"""What a panel and the kernel say to each other about a run that runs."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest

from synetune_lab.config_space import config_space_to_json_dict, loguniform
from synetune_lab.dashboard import hub as hub_module
from synetune_lab.dashboard.hub import Hub
from synetune_lab.tuner import Tuner
from tests.dashboard.conftest import Wire


def reports(wire: Wire) -> int:
    state = wire.client.state
    return 0 if state is None else len(state["reports"]["trial"])


def test_a_newcomer_is_told_which_runs_there_are(wire: Wire, tuner: Tuner) -> None:
    wire.say("hello", run=None)
    welcome = wire.wait_for("welcome")
    assert welcome["runs"] == [{"run": "digits", "name": "digits", "state": "running"}]
    assert welcome["path"] == "control"
    assert wire.count("snapshot") == 0


def test_who_looks_hears_what_changes_and_misses_nothing(wire: Wire, tuner: Tuner) -> None:
    wire.look_at("digits")
    wire.wait(lambda: reports(wire) >= 20, "twenty reports")
    tuner.stop().result(30)
    tuner.wait(30)
    state = wire.client.state
    assert state is not None
    wire.wait(lambda: state["header"]["state"] == "finished", "end")
    assert wire.client.gaps == 0
    assert reports(wire) == tuner.tuning_status.overall_metric_statistics.count
    statuses = {i: row["status"] for i, row in state["trials"].items()}
    assert statuses == dict(tuner.tuning_status.statuses)
    assert state["header"]["controls"] is False


def test_two_who_look_see_the_same(hub: Hub, tuner: Tuner) -> None:
    early, late = Wire(hub, "early"), Wire(hub, "late")
    early.look_at("digits")
    early.wait(lambda: reports(early) >= 10, "ten reports")
    late.look_at("digits")
    tuner.stop().result(30)
    tuner.wait(30)
    for wire in (early, late):
        wire.wait(lambda w=wire: w.client.state["header"]["state"] == "finished", "end")
    assert early.client.state is not None
    assert late.client.state is not None
    for part in ("seq", "trials", "reports", "rungs", "flags", "best"):
        assert early.client.state[part] == late.client.state[part], part


def test_a_command_is_carried_out_and_seen(wire: Wire, tuner: Tuner) -> None:
    state = wire.look_at("digits")
    answer = wire.ask("command", "digits", cmd="pause_run", args={})
    assert (answer["ok"], answer["result"]) == (True, {"state": "paused"})
    wire.wait(lambda: state["header"]["state"] == "paused", "paused run")
    wire.wait(lambda: state["header"]["waits_for"] == "waits for you", "the end of all checkpoints")
    assert wire.ask("command", "digits", cmd="resume_run", args={})["ok"]
    wire.wait(lambda: state["header"]["state"] == "running", "running run")
    assert [flag["kind"] for flag in state["flags"]] == ["paused", "resumed"]
    assert {flag["origin"] for flag in state["flags"]} == {"panel"}


@pytest.mark.parametrize(
    ("cmd", "args", "error"),
    [
        ("pause_trial", {"trial_ids": [99]}, "there is no trial 99"),
        ("pause_tral", {}, "did you mean 'pause_trial'?"),
        ("set_workers", {"n_workers": 0}, "n_workers must be a whole number"),
        ("set_workers", [3], "args must be an object"),
    ],
)
def test_a_command_that_is_refused_says_why(
    wire: Wire, tuner: Tuner, cmd: str, args: Any, error: str
) -> None:
    answer = wire.ask("command", "digits", cmd=cmd, args=args)
    assert not answer["ok"]
    assert error in answer["error"]


def test_a_run_that_nobody_drives_takes_no_command(wire: Wire, hub: Hub, make_tuner: Any) -> None:
    waiting = make_tuner()
    hub.watch(waiting)
    state = wire.look_at("digits")
    assert state["header"]["state"] == "starting"
    assert state["header"]["controls"] is False
    answer = wire.ask("command", "digits", cmd="pause_run", args={})
    assert answer["error"] == "the run is not being driven: resume it first"
    waiting.start()
    hub.notify()
    wire.wait(lambda: state["header"]["state"] == "running", "start")
    assert state["header"]["controls"] is True


def test_the_run_is_saved_on_demand(wire: Wire, tuner: Tuner) -> None:
    assert wire.ask("command", "digits", cmd="save", args={})["ok"]
    assert (tuner.tuner_path / "tuner.dill").exists()


def test_nonsense_is_left_out_or_refused_and_the_conversation_goes_on(
    wire: Wire, hub: Hub, tuner: Tuner
) -> None:
    for nonsense in (None, 3, [], {}, {"v": 99, "kind": "hello"}, {"v": 1, "kind": "what"}):
        hub.receive(wire, nonsense, "control")
    assert wire.ask("query", "digits", what="everything", args={})["error"] == (
        "there is no query 'everything'"
    )
    assert "does not know the run" in wire.ask("query", "others", what="rungs")["error"]
    wire.say("hello", run="others")
    assert "does not know the run" in wire.wait_for("bye")["why"]
    assert wire.look_at("digits")["header"]["name"] == "digits"


def test_details_of_a_trial(wire: Wire, tuner: Tuner) -> None:
    wire.look_at("digits")
    wire.wait(lambda: reports(wire) >= 4, "reports")
    detail = wire.ask("query", "digits", what="trial", args={"trial_id": 0})["result"]
    assert detail["config"]["epochs"] >= 1
    assert detail["statuses"][0]["status"] == "InProgress"
    assert set(detail["reports"]["trial"]) == {0}
    assert detail["log"]["stdout"][0] == "<b>begins</b>"
    for bad in ("0", True, None):
        answer = wire.ask("query", "digits", what="trial", args={"trial_id": bad})
        assert "must be the number of a trial" in answer["error"]
    answer = wire.ask("query", "digits", what="trial", args={"trial_id": 999})
    assert answer["error"] == "there is no trial 999"


def test_an_edit_is_previewed_and_applied(wire: Wire, tuner: Tuner) -> None:
    state = wire.look_at("digits")
    edit = config_space_to_json_dict({"lr": loguniform(1e-4, 1e-3)})
    args = {"space": edit}
    told = wire.ask("query", "digits", what="preview_space", args=args)["result"]
    assert [change["name"] for change in told["changes"]] == ["lr"]
    assert state["header"]["space_version"] == 0
    assert wire.ask("command", "digits", cmd="edit_space", args=args)["ok"]
    wire.wait(lambda: state["header"]["space_version"] == 1, "the new space")
    assert state["header"]["config_space"]["lr"] == edit["lr"]
    answer = wire.ask("query", "digits", what="preview_space", args={"space": [1]})
    assert "space must be an object" in answer["error"]


def test_saved_runs_are_listed_and_opened_for_reading(
    wire: Wire, hub: Hub, make_tuner: Any
) -> None:
    kept = make_tuner("kept")
    kept.start()
    hub.watch(kept)
    wire.look_at("kept")
    wire.wait(lambda: reports(wire) >= 5, "reports")
    kept.stop().result(30)
    kept.wait(30)
    live = wire.client.state
    assert live is not None
    wire.wait(lambda: live["header"]["state"] == "finished", "end")
    runs = wire.ask("query", "", what="saved_runs")["result"]
    assert [run["name"] for run in runs] == ["kept"]

    other_kernel = Hub(hub._on_message)
    reader = Wire(other_kernel, "reader")
    path = str(kept.tuner_path)
    key = reader.ask("query", "", what="open_saved", args={"path": path})["result"]["run"]
    state = reader.look_at(key)
    assert state["header"]["read_only"] is True
    assert state["header"]["state"] == "finished"
    assert state["reports"] == live["reports"]
    assert state["trials"] == live["trials"]
    answer = reader.ask("query", "", what="open_saved", args={"path": path + "-not"})
    assert "there is no saved run in" in answer["error"]
    code = reader.ask("query", key, what="resume_code")["result"]["code"]
    assert f"Tuner.resume({path!r})" in code
    compile(code, "cell", "exec")


def test_nothing_is_sent_for_those_who_do_not_look_any_more(
    wire: Wire, hub: Hub, tuner: Tuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.look_at("digits")
    monkeypatch.setattr(hub_module, "CREDIT_S", -1.0)

    def look() -> int:
        """Have the hub send what is due; how many messages have come then."""
        done = threading.Event()
        hub.call(lambda: hub.publish(hub.feeds["digits"]))
        hub.call(done.set)
        assert done.wait(20)
        return len(wire.messages)

    before, reported = look(), tuner.tuning_status.overall_metric_statistics.count
    while tuner.tuning_status.overall_metric_statistics.count < reported + 5:
        assert look() == before
    monkeypatch.setattr(hub_module, "CREDIT_S", 5.0)
    snapshots = wire.count("snapshot")
    wire.say("seen", run="digits")
    wire.wait(lambda: wire.count("snapshot") == snapshots + 1, "a snapshot for who is back")


def test_a_tuner_that_is_gone_is_not_kept_alive_by_its_panel(
    wire: Wire, hub: Hub, make_tuner: Any
) -> None:
    from synetune_lab.backend import LocalBackend
    from synetune_lab.optimizer.baselines import RandomSearch
    from synetune_lab.stopping_criterion import StoppingCriterion
    from tests.dashboard.histories import SPACE

    lost = Tuner(
        LocalBackend(__file__),
        RandomSearch(SPACE, metric="acc"),
        StoppingCriterion(max_num_trials_started=1),
        n_workers=1,
        tuner_name="lost",
        suffix_tuner_name=False,
    )
    hub.watch(lost)
    wire.look_at("lost")
    del lost
    gc.collect()
    assert "its tuner is gone" in wire.wait_for("bye", run="lost")["why"]
    assert hub.feeds == {}


def test_a_run_resumed_under_the_same_name_takes_the_place_of_the_old_one(
    wire: Wire, hub: Hub, tuner: Tuner
) -> None:
    state = wire.look_at("digits")
    wire.wait(lambda: reports(wire) >= 5, "reports")
    tuner.stop(keep=True).result(30)
    tuner.wait(30)
    wire.wait(lambda: state["header"]["controls"] is False, "end")
    again = Tuner.resume(tuner.tuner_path)
    try:
        again.start()
        hub.watch(again)
        wire.say("seen", run="digits")
        wire.wait(
            lambda: (
                wire.client.state is not None
                and wire.client.state["header"]["controls"] is True
                and wire.client.state["header"]["state"] == "running"
            ),
            "the resumed run",
        )
        assert wire.ask("command", "digits", cmd="pause_run", args={})["ok"]
    finally:
        again.stop()
        again.wait(30)
