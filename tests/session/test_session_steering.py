"""Commands from a cell while the run goes on, with real trials."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import CommandRefused
from synetune_lab.experiments import load_experiment
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.store import read_log
from synetune_lab.tuner import Tuner
from synetune_lab.tuner_callback import TunerCallback


@pytest.fixture
def running(make_tuner: Any, wait_until: Any, tmp_path: Path) -> Any:
    """A tuner with two long trials that have both reported."""
    tuner = make_tuner("long", completed=20)
    tuner.start()
    wait_until(lambda: statuses(tuner) == {0: "InProgress", 1: "InProgress"}, "two trials")
    wait_until(lambda: {0, 1} <= set(last_epochs(tuner)), "reports")
    yield tuner
    if tuner.is_running:
        tuner.session.abort("the test is over")
        tuner.session.wait(20)


def statuses(tuner: Tuner) -> dict[int, str]:
    return tuner.session.read(
        lambda engine: {i: record.status for i, record in engine.trials.items()}
    ).result(timeout=10)


def last_epochs(tuner: Tuner) -> dict[int, int]:
    return tuner.session.read(
        lambda engine: {
            i: statistics.last_metrics["epoch"]
            for i, statistics in engine.status.trial_metric_statistics.items()
        }
    ).result(timeout=10)


def test_a_trial_is_paused_and_goes_on_from_its_checkpoint(running: Any, wait_until: Any) -> None:
    running.pause_trial(0).result(timeout=10)
    wait_until(lambda: statuses(running)[0] == "Paused", "pause")
    wait_until(lambda: len(statuses(running)) == 3, "another trial in its place")
    at = last_epochs(running)[0]
    assert at >= 1
    running.resume_trial(0).result(timeout=10)  # takes the next free worker
    running.set_workers(3).result(timeout=10)
    wait_until(lambda: last_epochs(running)[0] > at, "report after the pause")
    folder = running.tuner_path / "0"
    epochs = [
        json.loads(line.split(": ", 1)[1])["epoch"]
        for line in (folder / "std.out").read_text().splitlines()
    ]
    assert epochs == sorted(set(epochs)), "it went back to an epoch that it had done"


def test_a_stopped_trial_makes_room_at_once(running: Any, wait_until: Any) -> None:
    running.stop_trial(0, 1).result(timeout=10)
    wait_until(lambda: len(statuses(running)) == 4, "two new trials")
    wait_until(lambda: statuses(running)[0] == statuses(running)[1] == "Stopped", "stop")


def test_the_run_pauses_and_goes_on(running: Any, wait_until: Any, trial_processes: Any) -> None:
    running.pause().result(timeout=10)
    wait_until(lambda: not trial_processes(), "end of the processes")
    assert running.is_running
    wait_until(lambda: running.session.summary.state == "paused", "state in the summary")
    paused_at = running.tuner_time
    running.resume_run().result(timeout=10)
    before = last_epochs(running)
    wait_until(lambda: all(last_epochs(running)[i] > before[i] for i in (0, 1)), "reports")
    assert running.tuner_time < paused_at + 60


def test_an_enqueued_configuration_is_next(running: Any, wait_until: Any) -> None:
    running.enqueue({"x": 0.123}).result(timeout=10)
    running.stop_trial(0).result(timeout=10)
    configs = wait_until(
        lambda: running.session.read(
            lambda e: e.trials[2].config if len(e.trials) > 2 else None
        ).result(),
        "third trial",
    )
    assert configs["x"] == 0.123


def test_an_edit_of_the_space_reaches_the_next_trials(running: Any, wait_until: Any) -> None:
    result = running.edit_space({"x": uniform(7.0, 8.0)}).result(timeout=10)
    assert result["version"] == 1
    running.stop_trial(0, 1).result(timeout=10)
    wait_until(lambda: len(statuses(running)) == 4, "new trials")
    new = running.session.read(lambda e: [e.trials[i].config["x"] for i in (2, 3)]).result()
    assert all(7.0 <= x <= 8.0 for x in new)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (lambda t: t.pause_trial(99), "99"),
        (lambda t: t.set_workers(0), "n_workers"),
        (lambda t: t.edit_space({"x": choice(["a", "b"])}), "different types"),
        (lambda t: t.edit_space({"x": uniform(0.0, 1.0)}), "changes nothing"),
        (lambda t: t.enqueue({"x": 5.0}), "x"),
        (lambda t: t.set_stop_criterion(max_walltime=3), "max_wallclock_time"),
    ],
)
def test_a_command_that_does_not_apply_is_refused_with_the_reason(
    running: Any, command: Any, message: str
) -> None:
    with pytest.raises(CommandRefused, match=message):
        command(running).result(timeout=10)


def test_another_criterion_ends_the_run(running: Any) -> None:
    running.set_stop_criterion(max_num_trials_started=1).result(timeout=10)
    assert running.wait(timeout=20)


def test_stop_with_keep_pauses_for_a_resume(running: Any) -> None:
    running.stop(keep=True).result(timeout=10)
    assert running.wait(timeout=20)
    assert running.engine.trials[0].status == "Paused"
    with pytest.raises(CommandRefused, match="not being driven any more"):
        running.pause().result(timeout=10)


def test_stop_with_wait_lets_trials_end(running: Any, tmp_path: Path, wait_until: Any) -> None:
    running.stop(wait=True).result(timeout=10)
    before = last_epochs(running)
    wait_until(lambda: last_epochs(running)[0] > before[0], "report after the stop")
    (tmp_path / "release").touch()
    assert running.wait(timeout=20)
    assert running.engine.trials[0].status == "Completed"


def test_commands_of_many_threads_are_all_answered(running: Any) -> None:
    answers: list[Any] = []

    def ask(n: int) -> None:
        answers.append(running.set_workers(1 + n % 2).result(timeout=20))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(answers) == 20


def test_commands_before_the_start_say_what_to_do(make_tuner: Any) -> None:
    with pytest.raises(CommandRefused, match=r"start\(\) or run\(\)"):
        make_tuner().pause()


class Stopper(TunerCallback):
    """Stops the run from a hook, and tries to wait for it there."""

    def __init__(self) -> None:
        self.refusals: list[str] = []
        self.seen: list[int] = []

    def on_tuning_start(self, tuner: Any) -> None:
        self.tuner = tuner

    def on_trial_complete(self, trial: Any, result: Any) -> None:
        self.seen.append(self.tuner.session.read(lambda e: len(e.trials)).result())
        future = self.tuner.stop()
        try:
            future.result(timeout=5)
        except CommandRefused as error:
            self.refusals.append(str(error))

    def __getstate__(self) -> dict[str, Any]:
        return {"refusals": self.refusals, "seen": self.seen}


def test_a_callback_may_command_and_does_not_hang(make_tuner: Any) -> None:
    stopper = Stopper()
    tuner = make_tuner(completed=50, callbacks=[stopper, StoreResultsCallback()])
    tuner.start()
    assert tuner.wait(timeout=20)
    assert "callback" in stopper.refusals[0]
    assert stopper.seen[0] >= 1
    assert tuner.tuning_status.num_trials_started < 50


def test_listeners_get_every_record_in_order_and_a_failing_one_is_dropped(make_tuner: Any) -> None:
    tuner = make_tuner(completed=2)
    seen: list[int] = []
    failures: list[int] = []

    def fail(records: Any) -> None:
        failures.append(len(records))
        raise ValueError("a broken view")

    class Listen(TunerCallback):
        def on_tuning_start(self, tuner: Any) -> None:
            tuner.session.add_listener(fail)
            tuner.session.add_listener(lambda records: seen.extend(r["n"] for r in records))

    tuner.callbacks.append(Listen())
    tuner.run()
    logged = [record["n"] for record in read_log(tuner.tuner_path)]
    assert seen == logged
    assert len(failures) == 1


def test_a_saved_tuner_in_the_middle_of_a_run(running: Any, tmp_path: Path) -> None:
    running.save()
    copy = Tuner.load(running.tuner_path)
    assert copy.tuning_status.num_trials_started >= 2
    running.save(tmp_path / "copy")
    assert Tuner.load(tmp_path / "copy").name == running.name


def test_results_can_be_looked_at_while_the_run_goes_on(running: Any, wait_until: Any) -> None:
    running.save()
    rows = len(load_experiment(running.name).results)
    assert rows > 0
    running.save()
    assert len(load_experiment(running.name).results) >= rows
    trial_id, config = running.best_config()
    assert config == running.engine.trials[trial_id].config
