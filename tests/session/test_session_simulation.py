"""Runs on simulated time: saved and resumed, watched, slowed down, steered."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend.simulator_backend import SimulatorCallback
from synetune_lab.blackbox_repository import UserBlackboxBackend
from synetune_lab.dashboard.live_feed import LiveFeed
from synetune_lab.dashboard.saved_feed import SavedFeed
from synetune_lab.errors import CommandRefused
from synetune_lab.experiments import load_experiment
from synetune_lab.optimizer.baselines import ASHA, BOHB, DEHB, PASHA, RandomSearch, SyncHyperband
from synetune_lab.session import simulation
from synetune_lab.store.event_log import EVENT_LOG_FILENAME, read_log
from synetune_lab.tuner_callback import TunerCallback
from tests.blackbox_repository.tables import small_table

SPACE = small_table().configuration_space_with_max_resource_attr("epochs")
ASHA_ARGUMENTS: dict[str, Any] = {
    "max_resource_attr": "epochs",
    "random_seed": 1,
    "search_options": {"allow_duplicates": True},
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path / "home"))
    return tmp_path


def asha(**kwargs: Any) -> ASHA:
    return ASHA(SPACE, "metric_loss", "epoch", **{**ASHA_ARGUMENTS, **kwargs})


def tuner_of(
    scheduler: Any, *callbacks: TunerCallback, speed: float | None = None, **criterion: Any
) -> Tuner:
    backend = UserBlackboxBackend(
        small_table(), "metric_time", max_resource_attr="epochs", speed=speed
    )
    return Tuner(
        backend,
        scheduler,
        StoppingCriterion(**(criterion or {"max_num_evaluations": 600})),
        n_workers=3,
        callbacks=[SimulatorCallback(), *callbacks],
        tuner_name="simulated",
        results_update_interval=3600,
    )


def frame_of(tuner: Tuner) -> pd.DataFrame:
    return tuner.callbacks[0].dataframe()  # type: ignore[attr-defined]


class SaveSometimes(TunerCallback):
    """Keeps copies of the tuner in the middle of its run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies: list[Path] = []
        self.tuner: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "copies": [], "tuner": None}

    def on_tuning_start(self, tuner: Any) -> None:
        self.tuner = tuner

    def on_loop_end(self) -> None:
        if len(self.copies) < 4 and self.tuner is not None:
            copy = self.folder / f"copy-{len(self.copies)}"
            self.tuner.callbacks[0].store_results()
            self.tuner.save(copy)
            self.copies.append(copy)


METHODS: dict[str, Callable[[], Any]] = {
    "random": lambda: RandomSearch(
        SPACE, "metric_loss", random_seed=1, search_options={"allow_duplicates": True}
    ),
    "stopping": asha,
    "promotion": lambda: asha(type="promotion"),
    "pasha": lambda: PASHA(SPACE, "metric_loss", "epoch", **ASHA_ARGUMENTS),
    "bohb": lambda: BOHB(SPACE, "metric_loss", "epoch", **ASHA_ARGUMENTS),
    "synchronous": lambda: SyncHyperband(SPACE, "metric_loss", "epoch", **ASHA_ARGUMENTS),
    "dehb": lambda: DEHB(SPACE, "metric_loss", "epoch", **ASHA_ARGUMENTS),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_saved_run_goes_on_as_if_nothing_had_happened(
    name: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "_PASS_S", 0.0003)
    monkeypatch.setattr(simulation, "_LOOK_EVERY", 8)
    saver = SaveSometimes(home)
    tuner = tuner_of(METHODS[name](), saver)
    tuner.run(progress=False)
    whole = frame_of(tuner)
    lengths = []
    for copy in saver.copies:
        resumed = Tuner.load(copy)
        lengths.append(len(frame_of(resumed)))
        resumed.run(progress=False)
        pd.testing.assert_frame_equal(frame_of(resumed), whole)
    assert 0 < lengths[0] < len(whole)


def test_an_unwatched_run_keeps_no_log_but_all_results() -> None:
    tuner = tuner_of(asha())
    tuner.run(progress=False)
    assert not list(read_log(tuner.tuner_path))
    experiment = load_experiment(tuner.name)
    assert len(experiment.results) == len(frame_of(tuner)) == tuner.tuning_status.num_reports
    assert experiment.best_config()["config_a"] == 1


def test_a_finished_run_can_be_resumed_with_another_criterion() -> None:
    tuner = tuner_of(asha(), max_num_evaluations=100)
    tuner.run(progress=False)
    longer = tuner_of(asha(), max_num_evaluations=300)
    longer.run(progress=False)
    resumed = Tuner.resume(
        tuner.tuner_path, stop_criterion=StoppingCriterion(max_num_evaluations=300)
    )
    resumed.run(progress=False)
    frame = frame_of(resumed)
    assert len(frame) > 290
    # The first run stopped its trials when it ended; up to there both are the same.
    pd.testing.assert_frame_equal(frame[:100], frame_of(longer)[:100])


def test_who_begins_to_watch_sees_all_from_the_beginning() -> None:
    tuner = tuner_of(asha(), speed=0, max_num_evaluations=60)
    tuner.start()
    tuner.step(25).result(10)
    wait_until(lambda: tuner.tuning_status.num_reports >= 10)
    feed = LiveFeed(tuner, lambda: None, lambda _: None)
    feed.refresh()
    status = tuner.tuning_status
    assert len(feed.view.reports) == status.num_reports
    assert set(feed.view.trials) == set(range(status.num_trials_started))
    assert feed.view.counts["InProgress"] == status.num_trials_running
    tuner.set_speed(None).result(10)
    assert tuner.wait(30)
    feed.refresh()
    assert len(feed.view.reports) == len(frame_of(tuner))
    assert feed.view.state == "finished"
    assert (tuner.tuner_path / EVENT_LOG_FILENAME).exists()
    numbers = [record["n"] for record in read_log(tuner.tuner_path)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_finished_run_that_nobody_watched_can_be_looked_at() -> None:
    tuner = tuner_of(asha(), max_num_evaluations=80)
    tuner.run(progress=False)
    feed = LiveFeed(tuner, lambda: None, lambda _: None)
    feed.refresh()
    assert len(feed.view.reports) == 81
    assert feed.view.state == "finished"
    assert feed.view.counts["InProgress"] == 0
    again = Tuner.load(tuner.tuner_path)
    assert len(frame_of(again)) == 81


def test_a_large_table_is_kept_once_beside_the_runs(home: Path) -> None:
    table = small_table(epochs=9000, seeds=2)
    frames = []
    for _ in range(2):
        backend = UserBlackboxBackend(table, "metric_time")
        scheduler = RandomSearch(table.configuration_space, "metric_loss", random_seed=1)
        tuner = Tuner(
            backend,
            scheduler,
            StoppingCriterion(max_num_evaluations=50),
            n_workers=2,
            callbacks=[SimulatorCallback()],
        )
        tuner.run(progress=False)
        assert (tuner.tuner_path / "tuner.dill").stat().st_size < 300_000
        frames.append(frame_of(tuner))
    assert len(list(home.glob("home/blackbox-tables/*.npz"))) == 1
    resumed = Tuner.resume(
        tuner.tuner_path, stop_criterion=StoppingCriterion(max_num_evaluations=100)
    )
    resumed.run(progress=False)
    assert len(frame_of(resumed)) > 90


def test_the_results_of_an_unwatched_run_can_be_looked_at_later() -> None:
    tuner = tuner_of(asha(), max_num_evaluations=80)
    tuner.run(progress=False)
    feed = SavedFeed(tuner.tuner_path)
    feed.refresh()
    status = tuner.tuning_status
    assert len(feed.view.reports) == 81
    reported = [i for i, s in status.trial_metric_statistics.items() if s.count]
    assert set(feed.view.trials) == set(reported)
    assert feed.view.best[-1][2] == tuner.run_state.best.value  # type: ignore[union-attr]
    assert feed.view.trials[0]["config"]["b"] in ("x", "y")
    assert feed.header()["state"] == "finished"


def test_a_watched_run_that_was_killed_goes_on_from_its_last_save(home: Path) -> None:
    whole = tuner_of(asha())
    whole.run(progress=False)
    tuner = tuner_of(asha(), speed=0)
    tuner.start()
    tuner.session.watch()
    tuner.step(60).result(10)
    wait_until(lambda: tuner.trial_backend.pace.steps == 0)  # type: ignore[attr-defined]
    tuner.session.save().result(10)
    tuner.step(40).result(10)
    wait_until(lambda: tuner.trial_backend.pace.steps == 0)  # type: ignore[attr-defined]
    tuner.session.read(lambda _: None).result(10)
    copy = home / "killed"
    shutil.copytree(tuner.tuner_path, copy)  # as a kill leaves it: the log is ahead of the state
    tuner.stop()
    tuner.set_speed(None)
    assert tuner.wait(20)
    ahead = sum(1 for _ in read_log(copy))
    resumed = Tuner.load(copy)
    assert resumed.run_state.seq < ahead
    resumed.trial_backend.set_speed(None)  # type: ignore[attr-defined]
    resumed.run(progress=False)
    pd.testing.assert_frame_equal(frame_of(resumed), frame_of(whole))
    numbers = [record["n"] for record in read_log(copy)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_watched_run_comes_out_as_an_unwatched_one() -> None:
    plain = tuner_of(asha())
    plain.run(progress=False)
    watched = tuner_of(asha(), speed=0)
    watched.start()
    watched.session.watch()
    watched.set_speed(None)
    assert watched.wait(60)
    pd.testing.assert_frame_equal(frame_of(watched), frame_of(plain))


def test_a_run_that_stands_still_goes_step_by_step() -> None:
    tuner = tuner_of(asha(), speed=0)
    tuner.start()
    assert tuner.tuning_status.num_reports == 0
    for count in (1, 2, 5):
        tuner.step().result(10)
        wanted = count
        tuner.step(count).result(10)
        wait_until(lambda: tuner.trial_backend.pace.steps == 0)  # type: ignore[attr-defined]
        assert wanted
    reports, time_now = tuner.tuning_status.num_reports, tuner.tuner_time
    assert reports > 3
    time.sleep(0.3)
    assert (tuner.tuning_status.num_reports, tuner.tuner_time) == (reports, time_now)
    tuner.stop().result(10)
    assert tuner.wait(20), "it ends, though time stands still"


def test_at_a_speed_simulated_time_keeps_pace_with_real_time() -> None:
    tuner = tuner_of(asha(), speed=200.0, max_wallclock_time=100.0)
    began = time.monotonic()
    tuner.start()
    assert tuner.wait(30)
    took = time.monotonic() - began
    assert tuner.tuner_time == pytest.approx(100.0, abs=1.0)
    assert took >= 0.45


def test_steering_works_on_simulated_time() -> None:
    tuner = tuner_of(asha(), speed=20.0, max_num_trials_started=500)
    tuner.start()
    wait_until(lambda: tuner.tuning_status.num_trials_running == 3)
    tuner.pause_trial(0).result(10)
    wait_until(lambda: tuner.tuning_status.statuses[0] == "Paused")
    tuner.resume_trial(0).result(10)
    tuner.enqueue({"a": 3, "b": "y"}).result(10)
    tuner.pause().result(10)
    wait_until(lambda: tuner.tuning_status.num_trials_running == 0)
    tuner.resume_run().result(10)
    tuner.set_workers(1).result(10)
    tuner.stop().result(10)
    tuner.set_speed(None)
    assert tuner.wait(20)
    configs = [record.config for record in tuner.engine.trials.values()]
    assert any(config["a"] == 3 and config["b"] == "y" for config in configs)


@pytest.mark.parametrize("speed", [-1.0, float("nan"), "fast"])
def test_wrong_speeds_are_refused(speed: Any) -> None:
    tuner = tuner_of(asha(), speed=0)
    tuner.start()
    with pytest.raises(CommandRefused, match="speed"):
        tuner.set_speed(speed).result(10)
    tuner.stop()
    tuner.set_speed(None)
    assert tuner.wait(20)


def test_a_criterion_of_ones_own_is_asked() -> None:
    backend = UserBlackboxBackend(small_table(), "metric_time", max_resource_attr="epochs")
    tuner = Tuner(backend, asha(), lambda status: status.num_trials_started > 20, n_workers=2)
    tuner.run(progress=False)
    assert tuner.tuning_status.num_trials_started == 21


def test_when_all_was_tried_the_run_ends() -> None:
    tuner = tuner_of(asha(search_options={}), max_num_trials_started=100)
    tuner.run(progress=False)
    assert tuner.tuning_status.num_trials_started == 6


def wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)
