"""A whole run: what it leaves behind, which hooks it calls, and how it ends."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.config_space import uniform
from synetune_lab.errors import CommandRefused, StoreError, SynetuneLabError
from synetune_lab.experiments import load_experiment
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.optimizer.schedulers import PopulationBasedTraining
from synetune_lab.results_callback import ExtraResultsComposer, StoreResultsCallback
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.store import read_log, read_run_file
from synetune_lab.tuner_callback import TunerCallback


def test_a_run_leaves_the_documented_files(make_tuner: Any) -> None:
    tuner = make_tuner(completed=3, metadata={"tag": "mine"})
    tuner.run()
    folder = tuner.tuner_path
    names = {path.name for path in folder.iterdir()}
    assert {"metadata.json", "results.csv.zip", "tuner.dill", "events.jsonl", "run.json"} <= names
    assert not [name for name in names if name.endswith(".tmp") or name == "run.lock"]
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["metric_names"] == ["loss"]
    assert metadata["metric_mode"] == "min"
    assert metadata["entrypoint"] == "train"
    assert metadata["backend"] == "LocalBackend"
    assert metadata["scheduler_name"] == "RandomSearch"
    assert metadata["tag"] == "mine"
    assert metadata["st_tuner_creation_timestamp"] <= metadata["st_tuner_start_timestamp"]
    assert json.loads(metadata["config_space"])["x"]["domain_cls"] == "Float"
    header = read_run_file(folder)
    assert header["state"] == "finished"
    assert header["num_reports"] == len(load_experiment(tuner.name).results)
    assert header["best"]["trial_id"] == tuner.best_config()[0]


def test_results_have_the_documented_columns_and_every_report(make_tuner: Any) -> None:
    tuner = make_tuner(completed=4)
    tuner.run()
    results = load_experiment(tuner.name).results
    assert list(results.columns) == [
        "epoch", "loss", "st_worker_timestamp", "st_worker_time", "st_worker_iter",
        "st_decision", "st_status", "trial_id", "config_x", "st_tuner_time",
    ]  # fmt: skip
    printed = {
        (int(path.parent.name), json.loads(line.split(": ", 1)[1])["epoch"])
        for path in tuner.tuner_path.glob("*/std.out")
        for line in path.read_text().splitlines()
    }
    completed = {i for i, r in tuner.engine.trials.items() if r.status == "Completed"}
    assert {pair for pair in printed if pair[0] in completed} <= set(
        zip(results["trial_id"], results["epoch"], strict=True)
    )
    assert not results.duplicated(["trial_id", "epoch"]).any()
    assert results["st_tuner_time"].is_monotonic_increasing
    assert (results["loss"] == results["config_x"] / results["epoch"]).all()


class Recorder(TunerCallback):
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.threads: set[str] = set()

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        self.threads.add(threading.current_thread().name)

    def on_tuning_start(self, tuner: Any) -> None:
        self._note("tuning_start", tuner.name)

    def on_tuning_end(self) -> None:
        self._note("tuning_end")

    def on_loop_start(self) -> None:
        self._note("loop_start")

    def on_loop_end(self) -> None:
        self._note("loop_end")

    def on_fetch_status_results(self, trial_status_dict: Any, new_results: Any) -> None:
        self._note("fetch", trial_status_dict, new_results)

    def on_start_trial(self, trial: Any) -> None:
        self._note("start", trial.trial_id)

    def on_trial_result(self, trial: Any, status: str, result: Any, decision: str) -> None:
        self._note("result", trial.trial_id, status, result["epoch"], decision)

    def on_trial_complete(self, trial: Any, result: Any) -> None:
        self._note("complete", trial.trial_id, result["epoch"])


def test_hooks_come_in_the_documented_order(make_tuner: Any) -> None:
    recorder = Recorder()
    tuner = make_tuner(completed=2, n_workers=1, callbacks=[recorder])
    tuner.run()
    calls = recorder.calls
    names = [call[0] for call in calls]
    assert names[0] == "tuning_start"
    assert names.count("tuning_end") == 1
    assert names.count("loop_start") >= names.count("loop_end") > 3
    of_first = [c for c in calls if c[0] in ("start", "result", "complete") and c[1] == 0]
    assert of_first == [
        ("start", 0),
        ("result", 0, "InProgress", 1, "CONTINUE"),
        ("result", 0, "InProgress", 2, "CONTINUE"),
        ("result", 0, "InProgress", 3, "CONTINUE"),
        ("complete", 0, 3),
    ]
    fetched = [pair for call in calls if call[0] == "fetch" for pair in call[2]]
    assert [(i, r["epoch"]) for i, r in fetched if i == 0] == [(0, 1), (0, 2), (0, 3)]
    status = next(call[1] for call in calls if call[0] == "fetch" and call[2])
    assert status[0][0].trial_id == 0
    assert len(recorder.threads) == 1
    # A given list replaces the default: nobody stores results.
    assert not (tuner.tuner_path / "results.csv.zip").exists()


class Counter(ExtraResultsComposer):
    def __call__(self, tuner: Any) -> dict[str, Any]:
        return {"started": tuner.tuning_status.num_trials_started}

    def keys(self) -> list[str]:
        return ["started"]


def test_a_composer_adds_columns(make_tuner: Any) -> None:
    callback = StoreResultsCallback(extra_results_composer=Counter())
    tuner = make_tuner(completed=2, callbacks=[callback])
    tuner.run()
    assert load_experiment(tuner.name).results["started"].min() >= 1


class Broken(TunerCallback):
    def on_trial_result(self, trial: Any, status: str, result: Any, decision: str) -> None:
        raise KeyError("my_column")


def test_a_failing_callback_does_not_end_the_run_and_is_not_forgotten(
    make_tuner: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tuner = make_tuner(completed=2, callbacks=[Broken(), StoreResultsCallback()])
    with pytest.raises(SynetuneLabError, match=r"Broken\.on_trial_result raised KeyError") as info:
        tuner.run()
    assert isinstance(info.value.__cause__, KeyError)
    assert tuner.tuning_status.num_trials_completed > 2
    assert len(load_experiment(tuner.name).results) >= 9
    assert "my_column" in caplog.text


class Refusing(TunerCallback):
    def on_tuning_start(self, tuner: Any) -> None:
        raise RuntimeError("no server")


def test_a_callback_that_can_not_start_keeps_the_run_from_starting(make_tuner: Any) -> None:
    tuner = make_tuner(callbacks=[Refusing()])
    with pytest.raises(RuntimeError, match="no server"):
        tuner.start()
    assert not (tuner.tuner_path / "run.lock").exists()
    assert not list(tuner.tuner_path.glob("[0-9]*"))


class Unsaveable(TunerCallback):
    def __init__(self) -> None:
        self.rows = (n for n in range(3))


def test_a_callback_that_can_not_be_saved_is_named_and_the_run_goes_on(
    make_tuner: Any, caplog: Any
) -> None:
    tuner = make_tuner(completed=1, callbacks=[StoreResultsCallback(), Unsaveable()])
    tuner.run()
    assert "callback Unsaveable" in caplog.text
    assert caplog.text.count("can't be saved") == 1
    assert len(load_experiment(tuner.name).results) >= 6


def test_saving_by_hand_says_what_went_wrong(
    make_tuner: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner = make_tuner("long", completed=1, callbacks=[Unsaveable()])
    tuner.start()
    with pytest.raises(StoreError, match="callback Unsaveable"):
        tuner.save()
    tuner.callbacks.clear()
    tuner.save()

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(StoreError, match="No space left"):
            tuner.save()
    tuner.save()
    (tmp_path / "release").touch()
    assert tuner.wait(20)


class Dying(RandomSearch):
    def on_trial_result(self, trial: Any, result: dict[str, Any]) -> str:
        if result["epoch"] == 3:
            raise ZeroDivisionError("in the scheduler")
        return super().on_trial_result(trial, result)


def test_an_error_of_the_scheduler_ends_all_and_is_raised(
    make_tuner: Any, trial_processes: Any
) -> None:
    scheduler = Dying({"x": uniform(0.0, 1.0)}, metric="loss", random_seed=1)
    tuner = make_tuner("long", scheduler=scheduler)
    with pytest.raises(ZeroDivisionError, match="in the scheduler"):
        tuner.run()
    assert trial_processes() == []
    header = read_run_file(tuner.tuner_path)
    assert header["state"] == "failed"
    assert "in the scheduler" in header["why"]
    assert (tuner.tuner_path / "tuner.dill").exists()
    assert len(load_experiment(tuner.name).results) >= 2


def test_more_failures_than_allowed_end_the_run(make_tuner: Any, caplog: Any) -> None:
    tuner = make_tuner("failing", max_failures=2)
    tuner.run()
    assert tuner.tuning_status.num_trials_failed == 3
    assert "the data are gone" in caplog.text
    assert read_run_file(tuner.tuner_path)["why"]


def test_start_returns_at_once_and_wait_waits(make_tuner: Any, tmp_path: Path) -> None:
    tuner = make_tuner("long", completed=1)
    assert tuner.start() is tuner
    assert tuner.is_running
    assert not tuner.wait(timeout=0.05)
    with pytest.raises(CommandRefused, match="running already"):
        tuner.run()
    (tmp_path / "release").touch()
    assert tuner.wait(timeout=20)
    assert not tuner.is_running


def test_run_works_in_a_thread_of_the_users(make_tuner: Any) -> None:
    tuner = make_tuner(completed=2)
    thread = threading.Thread(target=tuner.run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert tuner.tuning_status.num_trials_completed > 2


def test_without_save_tuner_no_state_is_written(make_tuner: Any) -> None:
    tuner = make_tuner(completed=1, save_tuner=False)
    tuner.run()
    assert not list(tuner.tuner_path.glob("tuner*"))
    assert len(load_experiment(tuner.name).results) >= 6


def test_the_log_replays_the_whole_run(make_tuner: Any) -> None:
    tuner = make_tuner(completed=3)
    tuner.run()
    records = list(read_log(tuner.tuner_path))
    assert [record["n"] for record in records] == list(range(1, len(records) + 1))
    opened = records[0]["e"]
    assert opened["kind"] == "run_opened"
    assert not opened["resumed"]
    assert records[-1]["a"][-1]["kind"] == "finish_run"
    times = [record["t"] for record in records]
    assert times == sorted(times)


def test_the_status_table_goes_to_the_log(make_tuner: Any, caplog: Any) -> None:
    tuner = make_tuner(completed=8, print_update_interval=0.01)
    with caplog.at_level(logging.INFO, logger="synetune_lab.session.saving"):
        tuner.run()
    assert any(r.name == "synetune_lab.session.saving" for r in caplog.records)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_workers": 0}, "n_workers=0"),
        ({"n_workers": 1.5}, "n_workers=1.5"),
        ({"sleep_time": -1}, "sleep_time=-1"),
        ({"results_update_interval": 0}, "results_update_interval=0"),
        ({"tuner_name": "my run!"}, "my run!"),
    ],
)
def test_impossible_arguments_are_named(make_tuner: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_tuner(**arguments)


def test_names(make_tuner: Any) -> None:
    assert make_tuner(tuner_name=None).name.startswith("train-20")
    assert make_tuner(tuner_name="exact", suffix_tuner_name=False).name == "exact"
    assert make_tuner(tuner_name="with-date").name.startswith("with-date-20")


def test_files_of_trials_go_where_they_are_sent(make_tuner: Any, tmp_path: Path) -> None:
    tuner = make_tuner(completed=1, trial_backend_path=str(tmp_path / "scratch"))
    tuner.run()
    assert list((tmp_path / "scratch").glob("**/std.out"))
    assert not list(tuner.tuner_path.glob("**/std.out"))
    assert (tuner.tuner_path / "results.csv.zip").exists()


def test_a_criterion_of_ones_own(make_tuner: Any) -> None:
    tuner = make_tuner(stop_criterion=lambda status: status.num_trials_started >= 5)
    tuner.run()
    assert tuner.tuning_status.num_trials_started >= 5
    assert (tuner.tuner_path / "tuner.dill").exists()


def test_max_wallclock_time_ends_a_run_in_which_nothing_happens(make_tuner: Any) -> None:
    tuner = make_tuner("time.sleep(60)", stop_criterion=StoppingCriterion(max_wallclock_time=0.3))
    tuner.start()
    assert tuner.wait(timeout=20)


def test_failures_are_told_in_a_line_each_and_not_all_of_them(make_tuner: Any, caplog: Any) -> None:
    tuner = make_tuner("failing", max_failures=7)
    with caplog.at_level(logging.WARNING, logger="synetune_lab.session"):
        tuner.run()
    told = [r.message for r in caplog.records if "failed" in r.message]
    assert len(told) == 5
    assert all(line.endswith("failed: ValueError: the data are gone") for line in told)
    assert "Further failures" in caplog.text


PBT_SCRIPT = """
folder = Path(args.st_checkpoint_dir)
state = folder / "state.json"
level, first = json.loads(state.read_text()) if state.exists() else (0.0, 1)
for epoch in range(first, 41):
    level += args.x
    folder.mkdir(parents=True, exist_ok=True)
    state.with_suffix(".new").write_text(json.dumps([level, epoch + 1]))
    state.with_suffix(".new").replace(state)
    report(epoch=epoch, level=level)
    time.sleep(0.01)
"""


def test_population_based_training_goes_on_from_the_checkpoints_of_the_best(
    make_tuner: Any,
) -> None:
    scheduler = PopulationBasedTraining(
        {"x": uniform(0.0, 1.0)},
        metric="level",
        mode="max",
        resource_attr="epoch",
        max_t=40,
        population_size=4,
        perturbation_interval=5,
        random_seed=1,
    )
    tuner = make_tuner(
        PBT_SCRIPT,
        scheduler=scheduler,
        n_workers=4,
        stop_criterion=StoppingCriterion(max_num_trials_started=12),
    )
    tuner.run()
    records = list(read_log(tuner.tuner_path))
    starts = [a for r in records for a in r["a"] if a["kind"] == "start_trial"]
    copies = [a for a in starts if a["checkpoint_trial_id"] is not None]
    assert copies
    results = load_experiment(tuner.name).results
    for action in copies:
        mine = results[results.trial_id == action["trial_id"]]
        if len(mine):  # it goes on where its donor was, not at the beginning
            assert mine.epoch.iloc[0] > 1
            assert action["reason"]["kind"] == "exploit"


def test_a_session_sleeps_between_events(make_tuner: Any, tmp_path: Path) -> None:
    class Counting(TunerCallback):
        passes = reports = 0

        def on_loop_end(self) -> None:
            self.passes += 1

        def on_trial_result(self, *_: Any) -> None:
            self.reports += 1
            if self.reports == 150:
                (tmp_path / "release").touch()

    counting = Counting()
    make_tuner("long", completed=1, n_workers=1, callbacks=[counting]).run()
    # One pass for a report, and a few a second to save and to sum up.
    assert counting.passes < 4 * counting.reports
