"""A backend that overrides the documented methods alone is driven by the engine's side."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.time_keeper import RealTimeKeeper
from synetune_lab.backend.trial_backend import TrialBackend
from synetune_lab.engine.actions import DeleteCheckpoint, PauseTrial, ResumeTrial, StartTrial
from synetune_lab.engine.events import Event, TrialEnded, TrialReported, TrialStarted
from synetune_lab.errors import BackendError
from synetune_lab.trial import Status, TrialResult


class AskedBackend(TrialBackend):
    """Trials that report `steps` times, one report each time they are asked for."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sleep_time = 0.005
        self.jobs: dict[int, dict[str, Any]] = {}
        self.calls: list[tuple[Any, ...]] = []

    def _schedule(self, trial_id: int, config: dict[str, Any]) -> None:
        if config["steps"] < 0:
            raise RuntimeError("no such instance")
        job = self.jobs.setdefault(trial_id, {"metrics": []})
        job.update(status=Status.in_progress, left=config["steps"])

    def _resume_trial(self, trial_id: int) -> None:
        self.calls.append(("resume", trial_id))

    def _pause_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:
        self.jobs[trial_id]["status"] = Status.paused

    def _stop_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:
        self.jobs[trial_id]["status"] = Status.stopped

    def _all_trial_results(self, trial_ids: list[int]) -> list[TrialResult]:
        for trial_id in trial_ids:
            job = self.jobs[trial_id]
            if job["status"] == Status.in_progress:
                if job["left"] == 0:
                    job["status"] = Status.completed
                else:
                    job["left"] -= 1
                    job["metrics"].append({"n": len(job["metrics"]), "st_worker_timestamp": 1.0})
        return [
            self._ledger[trial_id].trial.add_results(
                list(self.jobs[trial_id]["metrics"]), self.jobs[trial_id]["status"], None
            )
            for trial_id in trial_ids
        ]

    def stdout(self, trial_id: int) -> list[str]:
        return ["one\n", "two\n"]

    def stderr(self, trial_id: int) -> list[str]:
        return []

    def copy_checkpoint(self, src_trial_id: int, tgt_trial_id: int) -> None:
        self.calls.append(("copy", src_trial_id, tgt_trial_id))

    def delete_checkpoint(self, trial_id: int) -> None:
        self.calls.append(("delete", trial_id))


def drain(backend: TrialBackend, done: Callable[[list[Event]], bool]) -> list[Event]:
    events: list[Event] = []
    deadline = time.monotonic() + 30
    while not done(events):
        assert time.monotonic() < deadline, events
        events += backend.wait_events(1.0)
    return events


def until_ended(backend: TrialBackend, trial_id: int = 0) -> list[Event]:
    return drain(
        backend,
        lambda events: any(isinstance(e, TrialEnded) and e.trial_id == trial_id for e in events),
    )


def test_reports_and_the_end_become_events(tmp_path: Path) -> None:
    backend = AskedBackend()
    backend.open(tmp_path, "t")
    backend.execute(StartTrial(0, 0, {"steps": 3}))
    assert until_ended(backend) == [
        TrialStarted(0, 0, {}),
        *[TrialReported(0, 0, {"n": n, "st_worker_timestamp": 1.0}) for n in range(3)],
        TrialEnded(0, 0, "exited"),
    ]
    assert backend.delivered(0) == 3
    assert backend.busy_trial_ids() == []


def test_a_pause_and_a_resume() -> None:
    backend = AskedBackend(delete_checkpoints=True)
    backend.execute(StartTrial(0, 0, {"steps": 100}, checkpoint_trial_id=7))
    drain(backend, lambda events: any(isinstance(e, TrialReported) for e in events))
    backend.execute(PauseTrial(0, 0))
    assert backend.busy_trial_ids() == [(0, Status.pausing)]
    assert until_ended(backend)[-1] == TrialEnded(0, 0, "paused")
    backend.execute(ResumeTrial(0, 1, {"steps": 0}))
    assert until_ended(backend)[-1] == TrialEnded(0, 1, "exited")
    assert backend.calls == [("copy", 7, 0), ("resume", 0), ("delete", 0)]


def test_a_pause_that_comes_when_it_has_ended_already_keeps_the_checkpoint() -> None:
    backend = AskedBackend(delete_checkpoints=True)
    backend.execute(StartTrial(0, 0, {"steps": 1}))
    drain(backend, lambda events: any(isinstance(e, TrialReported) for e in events))
    backend._all_trial_results([0])  # completed meanwhile
    assert backend.jobs[0]["status"] == Status.completed
    backend.execute(PauseTrial(0, 0))
    backend.jobs[0]["status"] = Status.completed
    assert until_ended(backend)[-1] == TrialEnded(0, 0, "paused")
    assert backend.calls == []


def test_a_trial_that_can_not_be_started_has_failed() -> None:
    backend = AskedBackend()
    backend.execute(StartTrial(0, 0, {"steps": -1}))
    assert until_ended(backend) == [TrialEnded(0, 0, "failed", None, "no such instance")]
    with pytest.raises(RuntimeError, match="no such instance"):
        backend.start_trial({"steps": -1})


def test_checkpoints_are_deleted_on_demand() -> None:
    backend = AskedBackend()
    backend.execute(DeleteCheckpoint(3))
    assert backend.calls == [("delete", 3)]


def test_a_wake_ends_the_waiting() -> None:
    backend = AskedBackend()
    backend.sleep_time = 100.0
    threading.Timer(0.02, backend.wake).start()
    assert backend.wait_events(None) == []
    assert backend.wait_events(0.01) == []


def test_a_pickled_backend_adopts_what_still_runs() -> None:
    backend = AskedBackend()
    for trial_id, steps in enumerate([100, 2]):
        backend.execute(StartTrial(trial_id, 0, {"steps": steps}))
    drain(backend, lambda events: sum(isinstance(e, TrialReported) for e in events) >= 4)
    twin = pickle.loads(pickle.dumps(backend))
    twin.set_delivered(0, 0, 1)
    twin.set_delivered(1, 0, 2)
    assert twin.adopt({0: (0, {}), 1: (0, {})}) == {0: 0}
    events = until_ended(twin, 1)
    told = [e.result["n"] for e in events if isinstance(e, TrialReported) and e.trial_id == 0]
    assert told[:2] == [1, 2]
    assert not any(isinstance(e, TrialReported) and e.trial_id == 1 for e in events)


def test_closing_stops_what_runs() -> None:
    backend = AskedBackend()
    backend.execute(StartTrial(0, 0, {"steps": 100}))
    backend.close(leave_running=True)
    assert backend.jobs[0]["status"] == Status.in_progress
    backend.close()
    assert backend.jobs[0]["status"] == Status.stopped


def test_the_documented_methods_check_the_status() -> None:
    backend = AskedBackend(delete_checkpoints=True)
    trial = backend.start_trial({"steps": 5}, checkpoint_trial_id=3)
    assert (trial.trial_id, trial.status, trial.config) == (0, Status.in_progress, {"steps": 5})
    assert backend.new_trial_id() == 1
    with pytest.raises(BackendError, match="cannot resume trial 0: its status is InProgress"):
        backend.resume_trial(0)
    statuses, news = backend.fetch_status_results([0])
    assert statuses[0][1] == Status.in_progress
    assert news == [(0, {"n": 0, "st_worker_timestamp": 1.0})]
    backend.stop_trial(0)
    with pytest.raises(BackendError, match="trial 9 is not known"):
        backend.pause_trial(9)
    backend.stop_all()
    assert backend.calls == [("copy", 3, 0), ("delete", 0)]


def test_logs_come_without_line_breaks() -> None:
    backend = AskedBackend()
    assert backend.log_tail(0, 1) == {"stdout": ["two"], "stderr": []}
    assert backend.log_tail(0, 0) == {"stdout": [], "stderr": []}


def test_the_clock_on_the_wall() -> None:
    clock = RealTimeKeeper()
    first, stamp = clock.time(), clock.time_stamp()
    clock.advance(0.01)
    assert clock.time() >= first + 0.01
    assert clock.time_stamp() > stamp
    clock.start_of_time()
    assert clock.time() < 10
    with pytest.raises(ValueError, match="time cannot go back"):
        clock.advance(-1)
