"""The view model: a fold of records that agrees with the engine, however they come."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.dashboard import messages
from synetune_lab.dashboard.run_header import describe_run
from synetune_lab.dashboard.view_model import ViewModel
from synetune_lab.store.event_log import EventLog, read_log
from synetune_lab.trial import Status
from tests.dashboard.client import Client, assert_same, snapshot_state
from tests.dashboard.histories import Drive

kinds = st.sampled_from(["promotion", "stopping", "random"])
drives = st.builds(
    Drive,
    kind=kinds,
    seed=st.integers(0, 10**6),
    odd=st.sampled_from([0.0, 0.2]),
    commands=st.sampled_from([0.0, 0.05, 0.3]),
)


def folded(drive: Drive) -> ViewModel:
    view = ViewModel(drive.header)
    view.fold(drive.records)
    return view


def state_of(view: ViewModel) -> dict[str, Any]:
    return snapshot_state(*messages.snapshot("run", view, describe_run(view)))


def batches(records: list[Any], cuts: list[int]) -> list[list[Any]]:
    ends = [0, *sorted(cut % (len(records) + 1) for cut in cuts), len(records)]
    return [records[a:b] for a, b in itertools.pairwise(ends)]


@given(drives, st.integers(0, 150))
def test_it_agrees_with_the_engine(drive: Drive, steps: int) -> None:
    engine, view = drive.run(steps).engine, folded(drive)
    assert view.seq == len(drive.records)
    assert {i: row["status"] for i, row in view.trials.items()} == {
        i: record.status for i, record in engine.trials.items()
    }
    for trial_id, record in engine.trials.items():
        row = view.trials[trial_id]
        assert row["paused_by"] == record.paused_by
        assert row["config"] == dict(record.config)
        reports = engine.status.trial_metric_statistics.get(trial_id)
        n_reports = reports.count if reports is not None else 0
        assert (row["run"], row["n_reports"]) == (record.run, n_reports)
        assert (row["space_version"], row["origin"]) == (record.space_version, record.origin)
        assert row["error"] == record.error
        assert (row["ended"] is None) == (record.ended is None)
        assert row["started"] == pytest.approx(record.created)
        assert view.history[trial_id][-1]["status"] == record.status
    assert {s: n for s, n in view.counts.items() if n} == {
        s: n for s, n in engine.status.counts.items() if n
    }
    assert view.time == pytest.approx(engine.status.tuner_time)
    assert view.state == engine.run_state
    assert view.n_workers == engine.n_workers
    assert view.space_version == engine.space_version
    assert view.space == engine.spaces[-1]
    assert view.stop_criterion == engine.stop_criterion.to_json()  # type: ignore[attr-defined]


@given(drives, st.integers(0, 150), st.lists(st.integers(0, 1000), max_size=5))
def test_batches_make_no_difference(drive: Drive, steps: int, cuts: list[int]) -> None:
    drive.run(steps)
    view = ViewModel(drive.header)
    for batch in batches(drive.records, cuts):
        view.fold(batch)
        view.fold(batch[-2:])  # what was seen before changes nothing
    assert_same(state_of(view), state_of(folded(drive)))
    assert view.history == folded(drive).history


@given(drives, st.integers(0, 150), st.lists(st.integers(0, 1000), min_size=1, max_size=6))
def test_a_snapshot_and_deltas_make_the_later_snapshot(
    drive: Drive, steps: int, cuts: list[int]
) -> None:
    drive.run(steps)
    view, client, header = ViewModel(drive.header), Client(), {}
    for i, batch in enumerate(batches(drive.records, cuts)):
        since = view.seq
        view.fold(batch)
        before, header = header, describe_run(view)
        if i == 0:
            view.mark_sent()
            client.take(*messages.snapshot("run", view, header))
        else:
            changed = {key: value for key, value in header.items() if before[key] != value}
            client.take(*messages.delta("run", view, since, changed))
    assert client.gaps == 0
    assert client.state is not None
    assert_same(client.state, state_of(view))


def test_the_log_on_disk_gives_the_same_as_live_records(tmp_path: Any) -> None:
    drive = Drive(odd=0.1, commands=0.1, seed=3).run(300)
    log = EventLog(tmp_path)
    for record in drive.records:
        log.append(record)
    log.close()
    view = ViewModel(drive.header)
    view.fold(read_log(tmp_path))
    assert len(view.trials) > 10
    assert_same(state_of(view), state_of(folded(drive)))


def judged(n: int, result: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The record of a report of trial 0."""
    action = {"kind": "decision", "trial_id": 0, "run": 0, "result": result, "reason": None, **more}
    return {"n": n, "t": float(n), "w": 1.8e9, "e": {"kind": "trial_reported"}, "a": [action]}


def test_odd_values_stay_in_the_buffers() -> None:
    view = ViewModel({"metric_names": ["acc"], "metric_modes": ["max"]})
    values = [0.5, math.nan, math.inf, -math.inf, 0.4]
    view.fold(judged(n, {"acc": value}) for n, value in enumerate(values, start=1))
    client = Client()
    client.take(*messages.snapshot("run", view, describe_run(view)))
    assert client.state is not None
    assert_same(client.state["reports"]["acc"], values)
    assert client.state["trials"][0]["best"] == 0.5
    assert [point[2] for point in client.state["best"]] == [0.5]


def test_what_is_no_number_is_missing() -> None:
    view = ViewModel({"metric_names": "acc", "scheduler": {"resource_attr": "epoch"}})
    results = [{"acc": "high", "epoch": 4}, {"acc": True, "epoch": "five"}, {"acc": 1}]
    view.fold(judged(n, result) for n, result in enumerate(results, start=1))
    state = state_of(view)
    assert_same(state["reports"]["acc"], [math.nan, math.nan, 1.0])
    assert state["reports"]["resource"] == [4.0, 2.0, 3.0], "else the reports are counted"
    assert state["trials"][0]["last"] == {"acc": 1.0}


def test_time_stands_still_while_the_run_is_paused() -> None:
    drive = Drive(commands=0.0).run(20)
    drive.ask("pause_run", {})
    paused_at = drive.engine.status.tuner_time
    while drive.ending:
        drive.now += 100.0
        drive.end(*next(iter(drive.ending.items())))
    drive.now += 1000.0
    drive.ask("resume_run", {})
    drive.now += 1.0
    drive.report(next(iter(drive.alive)), 9)
    view = folded(drive)
    assert view.time == pytest.approx(paused_at + 1.0)
    assert view.reports.time[-1] == pytest.approx(paused_at + 1.0)
    assert [flag["kind"] for flag in view.flags] == ["paused", "resumed"]
    assert all(flag["t"] == pytest.approx(paused_at) for flag in view.flags)


def test_rungs_tell_who_is_where_and_why() -> None:
    view = folded(Drive(seed=5, commands=0.0).run(400))
    rungs = {rung["level"]: rung for rung in view.rungs.columns()}
    assert list(rungs) == [1, 3, 9]
    for level in (1, 3):
        entries = rungs[level]["entries"]
        reached = [row for row in view.trials.values() if (row["rung"] or 0) >= level]
        assert sorted(e["trial"] for e in entries) == sorted(row["id"] for row in reached)
        up = [e for e in entries if e["promoted"]]
        assert up
        for entry in up:
            assert entry["promoted_at"] >= entry["at"]
            assert entry["value"] >= entry["cutoff"]
            assert view.trials[entry["trial"]]["run"] > 0
        cutoffs = [e["cutoff"] for e in entries if e["cutoff"] is not None]
        assert rungs[level]["cutoff"] in cutoffs
    assert all(entry["goes_on"] is None for entry in rungs[9]["entries"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "all 3 workers are busy"),
        ({"n_workers": 1}, "the worker is busy"),
        ({"n_workers": 2}, "both workers are busy"),
        ({"n_workers": 4}, None),
        ({"waiting_configs": 2}, "2 of yours next, when a worker is free"),
        ({"state": "stopping"}, "waits for 3 trials to end"),
        ({"state": "paused"}, "waits for 3 trials to write a checkpoint"),
        ({"state": "finished"}, None),
    ],
)
def test_it_says_what_the_run_waits_for(change: dict[str, Any], sentence: str | None) -> None:
    view = folded(Drive(commands=0.0).run(0))
    assert view.counts[Status.in_progress] == 3
    for name, value in change.items():
        setattr(view, name, value)
    assert describe_run(view)["waits_for"] == sentence


def test_it_says_that_a_trial_that_the_user_paused_is_waited_for() -> None:
    view = folded(Drive(commands=0.0).run(0))
    for row in view.trials.values():
        row["status"] = Status.completed
    view.trials[0].update(status=Status.paused, paused_by="user")
    view.counts[Status.in_progress] = 0
    assert describe_run(view)["waits_for"] == "waits for you to resume a trial"


def test_added_configurations_wait_until_they_start() -> None:
    drive = Drive(commands=0.0).run(0)
    drive.ask("enqueue", {"config": {"lr": 0.01, "units": 5, "act": "relu"}})
    assert folded(drive).waiting_configs == 1
    drive.end(0, "exited")
    view = folded(drive)
    assert view.waiting_configs == 0
    added = [row for row in view.trials.values() if row["origin"] == "user"]
    assert [row["config"]["units"] for row in added] == [5]


def test_a_worker_that_is_given_free_counts_once() -> None:
    drive = Drive(commands=0.0).run(0)
    drive.ask("stop_trial", {"trial_ids": [0]})
    view = folded(drive)
    assert view.counts[Status.stopping] == 1
    assert view.counts[Status.in_progress] == 3
    assert describe_run(view)["busy_workers"] == 3
