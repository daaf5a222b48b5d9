"""What every backend has to hold to, as a pytest suite."""

from __future__ import annotations

# ruff: noqa: D102 - the name of a test says what it promises
import pickle
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from synetune_lab.engine.actions import DeleteCheckpoint
from synetune_lab.engine.events import TrialEnded, TrialReported, TrialStarted
from synetune_lab.errors import BackendError
from synetune_lab.testing.backend_driver import BackendDriver
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.backend.trial_backend import TrialBackend

__all__ = ["BackendContract"]


def config(behaviour: str, steps: int = 1) -> dict[str, Any]:
    """Configuration for a trial that behaves so (see `trial_bodies`)."""
    return {"behaviour": behaviour, "steps": steps}


class BackendContract(ABC):
    """Subclass it as `Test...` and make your backend, to have it tested.

    Its trials have to run `synetune_lab.testing.trial_bodies.trial_body`.
    """

    @abstractmethod
    def make_backend(self, **kwargs: Any) -> TrialBackend:
        """A new backend. `kwargs` are arguments of `TrialBackend`, and `grace_period_s`."""

    @pytest.fixture
    def driver(self, tmp_path: Path) -> Any:
        """A driver of a new backend."""
        with BackendDriver(self.make_backend(), tmp_path / "experiment") as driver:
            yield driver

    def test_a_trial_starts_reports_in_order_and_ends(self, driver: BackendDriver) -> None:
        driver.start(0, config("report", 5))
        assert driver.until_ended_one(0) == TrialEnded(0, 0, "exited", 0, None)
        assert isinstance(driver.events[0], TrialStarted)
        assert isinstance(driver.events[-1], TrialEnded)
        assert [report["step"] for report in driver.reports(0)] == [1, 2, 3, 4, 5]
        assert [report["st_worker_iter"] for report in driver.reports(0)] == [0, 1, 2, 3, 4]

    def test_a_batch_holds_one_event_of_a_trial_besides_its_start(
        self, driver: BackendDriver
    ) -> None:
        for trial_id in range(3):
            driver.start(trial_id, config("report", 20))
        driver.until_ended(0, 1, 2)
        for batch in driver.batches:
            told = [e.trial_id for e in batch if isinstance(e, (TrialReported, TrialEnded))]
            assert len(told) == len(set(told))

    def test_a_failure_is_told_with_the_end_of_the_error_log(self, driver: BackendDriver) -> None:
        driver.start(0, config("fail"))
        end = driver.until_ended_one(0)
        assert (end.cause, end.exit_code) == ("failed", 1)
        assert end.error is not None
        assert "the trial failed as it was told to" in end.error
        assert any("as it was told to" in line for line in driver.backend.stderr(0))

    def test_a_trial_that_never_asks_is_ended_at_once(self, driver: BackendDriver) -> None:
        for trial_id in (0, 1):
            driver.start(trial_id, config("hang"))
            driver.until_reported(trial_id)
        driver.pause(0)
        driver.stop(1)
        assert [end.cause for end in driver.until_ended(0, 1)] == ["paused", "stopped"]
        statuses, _ = driver.backend.fetch_status_results([0, 1])
        assert [statuses[trial_id][1] for trial_id in (0, 1)] == [Status.paused, Status.stopped]

    @pytest.mark.parametrize(("verb", "cause"), [("pause", "paused"), ("stop", "stopped")])
    def test_a_trial_that_asks_has_time_for_its_checkpoint(
        self, driver: BackendDriver, verb: str, cause: str
    ) -> None:
        driver.start(0, config("graceful"))
        driver.until_reported(0)
        getattr(driver, verb)(0)
        assert driver.until_ended_one(0).cause == cause
        checkpoints = driver.backend.checkpoint_trial_path(0)
        assert (checkpoints / "request").read_text() == verb
        assert (checkpoints / "state.json").exists()

    def test_a_paused_trial_goes_on_from_its_checkpoint(self, driver: BackendDriver) -> None:
        driver.start(0, config("graceful"))
        driver.until_reported(0)
        driver.pause(0)
        driver.until_ended_one(0)
        driver.resume(0, 1, config("report", 2))
        assert driver.until_ended_one(0, run=1).cause == "exited"
        assert [report["step"] for report in driver.reports(0, run=0)] == [1]
        assert [report["step"] for report in driver.reports(0, run=1)] == [2, 3]

    def test_a_trial_starts_from_the_checkpoint_of_another(self, driver: BackendDriver) -> None:
        driver.start(0, config("checkpoint", 4))
        driver.until_ended_one(0)
        driver.start(1, config("checkpoint", 1), checkpoint_trial_id=0)
        driver.until_ended_one(1)
        assert [report["step"] for report in driver.reports(1)] == [5]

    def test_a_warm_start_from_a_trial_without_checkpoint_starts_from_scratch(
        self, driver: BackendDriver
    ) -> None:
        driver.start(0, config("report", 2))
        driver.until_ended_one(0)
        driver.start(1, config("report", 1), checkpoint_trial_id=0)
        assert driver.until_ended_one(1).cause == "exited"

    def test_checkpoints_are_kept_by_default_and_deleted_on_demand(
        self, driver: BackendDriver
    ) -> None:
        driver.start(0, config("checkpoint", 1))
        driver.until_ended_one(0)
        folder = driver.backend.checkpoint_trial_path(0)
        assert folder.exists()
        driver.backend.execute(DeleteCheckpoint(0))
        assert not folder.exists()
        driver.backend.execute(DeleteCheckpoint(0))

    def test_delete_checkpoints_keeps_those_of_paused_trials_alone(self, tmp_path: Path) -> None:
        backend = self.make_backend(delete_checkpoints=True)
        with BackendDriver(backend, tmp_path / "experiment") as driver:
            driver.start(0, config("checkpoint", 1))
            for trial_id in (1, 2):
                driver.start(trial_id, config("graceful"))
                driver.until_reported(trial_id)
            driver.pause(1)
            driver.stop(2)
            driver.until_ended(0, 1, 2)
            kept = [backend.checkpoint_trial_path(trial_id).exists() for trial_id in range(3)]
            assert kept == [False, True, False]
            backend.stop_all()
            assert not backend.checkpoint_trial_path(1).exists()

    def test_a_pause_that_comes_after_the_last_report_makes_the_end_a_pause(
        self, tmp_path: Path
    ) -> None:
        # A trial whose configuration tells it to end at the rung does so by itself.
        backend = self.make_backend(delete_checkpoints=True)
        with BackendDriver(backend, tmp_path / "experiment") as driver:
            driver.start(0, config("checkpoint", 1))
            driver.until_reported(0)
            driver.pause(0)
            assert driver.until_ended_one(0).cause == "paused"
            assert backend.checkpoint_trial_path(0).exists()

    def test_actions_on_a_trial_that_has_ended_change_nothing(self, driver: BackendDriver) -> None:
        driver.start(0, config("report", 1))
        driver.until_ended_one(0)
        driver.pause(0)
        driver.stop(0)
        driver.stop(99)
        assert driver.backend.wait_events(0.0) == []

    def test_a_trial_that_can_not_be_started_has_failed(self, driver: BackendDriver) -> None:
        driver.start(0, {"behaviour": object(), "steps": 1})
        end = driver.until_ended_one(0)
        assert end.cause == "failed"
        assert end.error is not None
        assert "behaviour" in end.error

    def test_waiting_ends_with_its_time_and_by_a_wake_from_another_thread(
        self, driver: BackendDriver
    ) -> None:
        assert driver.backend.wait_events(0.0) == []
        assert driver.backend.wait_events(0.01) == []
        timer = threading.Timer(0.05, driver.backend.wake)
        timer.start()
        before = time.monotonic()
        assert driver.backend.wait_events(30.0) == []
        assert time.monotonic() - before < 25.0
        timer.join()

    def test_delivered_grows_with_each_report_and_stays_after_the_end(
        self, driver: BackendDriver
    ) -> None:
        driver.start(0, config("report", 3))
        seen = []
        for number in (1, 2, 3):
            driver.until_reported(0, number)
            seen.append(driver.backend.delivered(0))
        driver.until_ended_one(0)
        assert seen == sorted(set(seen))
        assert driver.backend.delivered(0) >= seen[-1]

    def test_logs_are_there_while_it_runs(self, driver: BackendDriver) -> None:
        driver.start(0, config("hang"))
        driver.until_reported(0)
        deadline = time.monotonic() + 30
        while not driver.backend.log_tail(0)["stderr"] and time.monotonic() < deadline:
            time.sleep(0.005)
        tail = driver.backend.log_tail(0, 1)
        assert tail["stderr"] == ["a line for the error log"]
        assert tail["stdout"][0].startswith("[tune-metric]: {")
        assert driver.backend.log_tail(0, 0) == {"stdout": [], "stderr": []}
        assert driver.backend.log_tail(7) == {"stdout": [], "stderr": []}
        assert driver.backend.stdout(0)[0].endswith("\n")

    def test_it_can_be_pickled_while_trials_run(self, driver: BackendDriver) -> None:
        driver.start(0, config("hang"))
        driver.until_reported(0)
        twin = pickle.loads(pickle.dumps(driver.backend))
        assert twin.busy_trial_ids() == [(0, Status.in_progress)]
        assert twin.checkpoint_trial_path(0) == driver.backend.checkpoint_trial_path(0)

    def test_another_backend_adopts_the_trials(self, driver: BackendDriver) -> None:
        for trial_id in (0, 1):
            driver.start(trial_id, config("hang"))
            driver.until_reported(trial_id)
        driver.start(2, config("report", 3))
        driver.until_reported(2, 1)
        offset = driver.backend.delivered(2)
        handles = {trial_id: (0, driver.handle(trial_id)) for trial_id in range(3)}
        driver.backend.close(leave_running=True)
        with BackendDriver(self.make_backend(), driver.folder) as other:
            for trial_id in (0, 1):
                other.backend.set_delivered(trial_id, 0, driver.backend.delivered(trial_id))
            other.backend.set_delivered(2, 0, offset)
            alive = other.backend.adopt(handles)
            assert {0: 0, 1: 0}.items() <= alive.items()
            assert other.until_ended_one(2).cause == "exited"
            assert [report["step"] for report in other.reports(2)] == [2, 3]
            other.stop(0)
            other.pause(1)
            assert [end.cause for end in other.until_ended(0, 1)] == ["stopped", "paused"]
            assert other.reports(0) == []

    def test_closing_ends_all_trials(self, driver: BackendDriver) -> None:
        driver.start(0, config("hang"))
        driver.until_reported(0)
        handles = {0: (0, driver.handle(0))}
        driver.backend.close()
        with BackendDriver(self.make_backend(), driver.folder) as other:
            assert other.backend.adopt(handles) == {}
            # Nobody asked for it, so it has to be started again.
            assert other.until_ended_one(0).cause == "lost"

    def test_the_documented_methods_work_without_a_session(self, driver: BackendDriver) -> None:
        backend = driver.backend
        first = backend.start_trial(config("graceful"))
        assert (first.trial_id, first.status) == (0, Status.in_progress)
        assert backend.busy_trial_ids() == [(0, Status.in_progress)]
        results = self._fetch_until(backend, 0, 1)
        assert results[0]["step"] == 1
        backend.pause_trial(0, result=results[0])
        self._fetch_until_status(backend, 0, Status.paused)
        with pytest.raises(BackendError, match="status is Paused"):
            backend.stop_trial(0)
        again = backend.resume_trial(0, config("report", 2))
        assert again.config == config("report", 2)
        assert [r["step"] for r in self._fetch_until(backend, 0, 2)] == [2, 3]
        self._fetch_until_status(backend, 0, Status.completed)
        assert backend.new_trial_id() == 1
        with pytest.raises(BackendError, match="trial 5 is not known"):
            backend.stop_trial(5)

    @staticmethod
    def _fetch_until(backend: TrialBackend, trial_id: int, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + 30
        while len(found) < number:
            assert time.monotonic() < deadline
            found += [result for _, result in backend.fetch_status_results([trial_id])[1]]
            time.sleep(0.005)
        return found

    @staticmethod
    def _fetch_until_status(backend: TrialBackend, trial_id: int, status: str) -> None:
        deadline = time.monotonic() + 30
        while backend.fetch_status_results([trial_id])[0][trial_id][1] != status:
            assert time.monotonic() < deadline
            time.sleep(0.005)
