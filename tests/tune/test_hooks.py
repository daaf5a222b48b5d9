"""Hooks and rules of users: what they are given, and what becomes of their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.errors import TuneError
from synetune_lab.tune.follower import RunFollower
from synetune_lab.tune.places import Places
from synetune_lab.tune.resources import Needs, Resources
from synetune_lab.tune.template import ConfigTemplate
from synetune_lab.tune.trial_settings import TrialSettings
from synetune_lab.tune.trials import TrialBook
from synetune_lab.tuner_callback import TunerCallback
from tests.tune import trainables

CONFIG = {"a": tune.grid_search([1.0, 2.0]), "m": {"inner": [3, 4]}, "steps": 3}


def run(**arguments: Any) -> tune.ExperimentAnalysis:
    common: dict[str, Any] = {"metric": "score", "mode": "max", "config": CONFIG, "verbose": 0}
    return tune.run(trainables.reports, **{**common, **arguments})


def failing(**arguments: Any) -> tuple[str, Any]:
    """What a run failed with, and its analysis."""
    with pytest.raises(TuneError) as caught:
        run(**arguments)
    return str(caught.value), caught.value.analysis


class Counting(tune.Callback):
    """Counts what it is told, and may fail at some of it."""

    def __init__(self, *bad: str) -> None:
        self.bad = bad
        self.told: list[str] = []
        self.trials: list[list[int]] = []

    def _tell(self, hook: str) -> None:
        self.told.append(hook)
        if hook in self.bad:
            raise ValueError("my own mistake")

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.trials.append([one.number for one in trials])
        self._tell("start")

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: Any, **info: Any
    ) -> None:
        self._tell("result")

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self._tell("complete")

    def on_experiment_end(self, trials: Any, **info: Any) -> None:
        self._tell("end")


EVERYTHING = {"start": 2, "result": 6, "complete": 2, "end": 1}


def counts(callback: Counting) -> dict[str, int]:
    return {hook: callback.told.count(hook) for hook in EVERYTHING}


def test_a_hook_that_raises_keeps_nothing_from_others_and_is_named() -> None:
    bad, good = Counting("start", "result"), Counting()
    message, analysis = failing(callbacks=[bad, good], max_concurrent_trials=1)
    assert "Counting.on_trial_start failed: ValueError: my own mistake" in message
    assert "8 failures" in message
    assert counts(bad) == counts(good) == EVERYTHING
    assert good.trials == [[0], [0, 1]]
    assert [len(trial.history) for trial in analysis.trials] == [3, 3]


def test_a_hook_that_raises_at_the_end_is_named_too() -> None:
    message, analysis = failing(callbacks=[Counting("end")])
    assert "Counting.on_experiment_end failed" in message
    assert analysis.best_config["a"] == 2.0


class _Late(TunerCallback):
    def on_tuning_end(self) -> None:
        raise ValueError("too late")


def test_an_analysis_comes_with_whatever_ended_the_run() -> None:
    with pytest.raises(Exception, match=r"_Late\.on_tuning_end") as caught:
        run(callbacks=[_Late()])
    analysis: Any = vars(caught.value)["analysis"]
    assert len(analysis.trials) == 2


class _NotSetUp(tune.Callback):
    def setup(self, **info: Any) -> None:
        raise ValueError("no key")


def test_a_callback_that_can_not_be_set_up_is_named() -> None:
    with pytest.raises(TuneError, match=r"_NotSetUp.setup failed: ValueError: no key"):
        run(callbacks=[_NotSetUp()])


class _Broken(tune.CLIReporter):
    def show(self, status: Any) -> None:
        raise OSError("no screen")


def test_a_reporter_that_raises_keeps_hooks_from_nothing() -> None:
    good = Counting()
    message, _ = failing(progress_reporter=_Broken(), verbose=1, callbacks=[good])
    assert "_Broken.show failed: OSError: no screen" in message
    assert counts(good) == EVERYTHING


def test_names_that_can_not_be_made_are_the_usual_ones() -> None:
    good = Counting()
    message, analysis = failing(trial_name_creator=lambda trial: 1 / 0, callbacks=[good])
    assert "trial_name_creator failed: ZeroDivisionError" in message
    assert [trial.trial_name for trial in analysis.trials] == [
        f"reports_{trial.trial_id}" for trial in analysis.trials
    ]
    assert counts(good) == EVERYTHING


# Rules


def test_a_rule_that_raises_is_named_with_the_trial() -> None:
    message, analysis = failing(stop=lambda trial_id, result: result["nope"] > 1)
    assert message.startswith("stop: the function failed at result 1 of ")
    assert message.endswith("KeyError: 'nope'")
    assert any(trial.trial_id in message for trial in analysis.trials)


class _Unsound(tune.Stopper):
    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        raise ValueError("undecided")


def test_a_stopper_that_raises_is_named() -> None:
    message, _ = failing(stop=_Unsound())
    assert "stop: _Unsound failed in stop_all(): ValueError: undecided" in message


def test_rules_see_the_configuration_and_the_results_as_users_write_them() -> None:
    config = {"a": tune.choice([1.0]), "m": {"inner": [tune.choice([3]), 4]}, "steps": 3}

    def rule(trial_id: str, result: dict[str, Any]) -> bool:
        shown = {name: result["config"][name] for name in ("a", "m", "steps")}
        assert shown == {"a": 1.0, "m": {"inner": [3, 4]}, "steps": 3}
        assert len(result["config"]) == 3
        assert result["eval"]["acc"] == result["eval/acc"]
        assert result["trial_id"] == trial_id
        assert not any(name.startswith("st_") for name in result)
        return bool(result["score"] >= 2)

    (trial,) = run(config=config, stop=rule).trials
    assert trial.status == "TERMINATED"
    assert trial.history[-1]["score"] >= 2


# What following a run costs


class _Looked(list[Any]):
    """A list that counts how often it was gone through."""

    looks = 0

    def __iter__(self) -> Iterator[Any]:
        self.looks += 1
        return super().__iter__()


@pytest.fixture
def following(tmp_path: Path) -> Callable[..., tuple[RunFollower, _Looked]]:
    def make(*callbacks: tune.Callback) -> tuple[RunFollower, _Looked]:
        settings = TrialSettings("f", "abcde", ConfigTemplate())
        quiet: Any = SimpleNamespace(is_due=lambda: False)
        follower = RunFollower(
            settings,
            [],
            scheduler="FIFO",
            metric="score",
            mode="max",
            resources=Resources(Needs(), 1, 0, 1),
            total=None,
            verbose=1,
            callbacks=callbacks,
            reporter=quiet,
        )
        book = follower._book = TrialBook(settings, Places(tmp_path), [], keep=False)
        rows = book.rows = _Looked()
        return follower, rows

    return make


def happen(follower: RunFollower, trials: int) -> None:
    for number in range(trials):
        about = {"trial_id": number}
        for action in (
            {"kind": "status", "status": "InProgress", **about},
            {"kind": "start_trial", "config": {}, **about},
            {"kind": "decision", "result": {"score": 1.0}, **about},
            {"kind": "decision", "result": {"score": 2.0}, **about},
            {"kind": "status", "status": "Completed", **about},
        ):
            follower._records.append({"a": [action]})
            follower.on_loop_end()


def test_a_record_costs_the_same_however_many_trials_there_are(following: Any) -> None:
    follower, rows = following()
    happen(follower, 50)
    assert len(follower.trials) == 50
    assert rows.looks == 1  # just now


def test_callbacks_cost_a_list_of_the_trials_for_each_new_one(following: Any) -> None:
    callback = Counting()
    follower, rows = following(callback)
    happen(follower, 50)
    assert callback.trials[-1] == list(range(50))
    assert rows.looks <= 50


def test_running_trials_are_counted(following: Any) -> None:
    follower, _ = following()
    book = follower._book
    seen = []
    for status in ("InProgress", "Pausing", "Paused", "InProgress", "Stopping", "Stopped"):
        kind = {"kind": "status", "trial_id": 0, "status": status}
        start = {"kind": "start_trial", "trial_id": 0, "config": {}}
        follower._records.append({"a": [start, kind] if not seen else [kind]})
        follower.on_loop_end()
        seen.append(book.num_running)
        assert seen[-1] == sum(trial.status == "RUNNING" for trial in book.rows)
    assert seen == [1, 1, 0, 1, 1, 0]
