"""Runs of functions and classes, with real trials in processes of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.errors import BackendError, TuneError
from synetune_lab.tune.plan import plan_run
from synetune_lab.tune.request import Request
from synetune_lab.tune.stopper import CombinedStopper, MaximumIterationStopper
from synetune_lab.tune.stopper import TrialPlateauStopper as Plateau
from tests.tune import trainables

run: Callable[..., tune.ExperimentAnalysis] = functools.partial(
    tune.run, metric="score", mode="max", verbose=0
)
SPACE = {"a": tune.grid_search([1.0, 2.0])}


def last(analysis: tune.ExperimentAnalysis, name: str) -> list[Any]:
    return [trial.last_result[name] for trial in analysis.trials]


@pytest.mark.parametrize(
    ("function", "scores"),
    [
        (trainables.reports, [3.0, 6.0]),
        (trainables.returns, [1.0, 2.0]),
        (trainables.yields, [3.0, 6.0]),
    ],
)
def test_a_function_may_report_return_or_yield(function: Any, scores: list[float]) -> None:
    analysis = run(function, config=SPACE)
    assert last(analysis, "score") == scores
    assert {trial.status for trial in analysis.trials} == {"TERMINATED"}
    assert analysis.best_config == {"a": 2.0}


def test_a_plain_number_is_a_metric_too() -> None:
    analysis = tune.run(
        trainables.returns_number, config=SPACE, metric="_metric", mode="min", verbose=0
    )
    assert analysis.best_result["_metric"] == 2.0


def test_results_count_iterations_and_flatten_metrics() -> None:
    (trial,) = run(trainables.reports, config={"a": 1.0, "steps": 2}).trials
    assert [row["training_iteration"] for row in trial.history] == [1, 2]
    assert [row["eval/acc"] for row in trial.history] == [0.1, 0.2]
    times = [row["time_total_s"] for row in trial.history]
    assert 0 <= times[0] <= times[1]
    assert trial.last_result["config"] == {"a": 1.0, "steps": 2}
    assert trial.last_result["done"]


def test_without_a_metric_trials_just_run() -> None:
    analysis = tune.run(trainables.reports, config=SPACE, num_samples=2, verbose=0)
    assert len(analysis.trials) == 4
    with pytest.raises(TuneError, match="no metric"):
        _ = analysis.best_config
    assert analysis.get_best_config("score", "min") == {"a": 1.0}


def test_a_function_of_a_cell_is_sent_with_what_it_uses() -> None:
    factor = 3.0

    def local(config: dict[str, Any]) -> dict[str, Any]:
        return {"score": config["a"] * factor}

    assert run(local, config={"a": 2.0}).best_result["score"] == 6.0


def test_trials_know_who_they_are() -> None:
    analysis = run(trainables.says_who_it_is, config={}, resources_per_trial={"cpu": 0.5})
    (trial,) = analysis.trials
    result = trial.last_result
    assert (result["id"], result["name"]) == (trial.trial_id, trial.trial_name)
    assert result["cpu"] == 0.5
    assert result["enabled"]
    assert trial.trial_name == f"says_who_it_is_{trial.trial_id}"


@pytest.mark.parametrize("trainable", [trainables.adds_data, trainables.WithData])
def test_parameters_and_resources_come_along(trainable: Any) -> None:
    bound = tune.with_resources(tune.with_parameters(trainable, data=[1.0, 2.0]), {"cpu": 0.25})
    analysis = run(bound, config={"a": 1.0})
    assert analysis.best_result["score"] == 4.0
    assert analysis.best_trial.resources["cpu"] == 0.25


def test_a_registered_trainable_is_found_by_its_name() -> None:
    tune.register_trainable("my-function", trainables.returns)
    assert run("my-function", config={"a": 1.0}).best_trial.trainable_name == "my-function"
    with pytest.raises(TuneError, match="no trainable is registered"):
        run("nobody", config={})


# How many run at once


def test_resources_decide_how_many_trials_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synetune_lab.tune.resources.cpu_count", lambda: 4)
    for resources, workers in (({"cpu": 2}, 2), ({"CPU": 0.5}, 8), ({"cpu": 3}, 1), ({}, 4)):
        request = Request(
            trainables.returns, config={"a": 1.0}, num_samples=9, resources_per_trial=resources
        )
        assert plan_run(request, tune.CLIReporter()).tuner.n_workers == workers


def test_no_more_workers_than_trials_or_than_asked_for() -> None:
    kwargs = {"config": {"a": 1.0}, "resources_per_trial": {"cpu": 0.1}}
    few = run(trainables.returns, num_samples=2, **kwargs).tuner
    limited = run(trainables.returns, num_samples=4, max_concurrent_trials=1, **kwargs).tuner
    assert few is not None
    assert limited is not None
    assert (few.n_workers, limited.n_workers) == (2, 1)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"cpu": 10**6}, "this machine has"),
        ({"gpu": 10**6}, "this machine has"),
        ({"tpu": 1}, "tpu"),
    ],
)
def test_resources_that_are_not_there_are_told_before_a_trial_starts(
    resources: dict[str, Any], message: str, experiments_folder: Path
) -> None:
    with pytest.raises(TuneError, match=message):
        run(trainables.returns, config={"a": 1.0}, resources_per_trial=resources)
    assert not experiments_folder.exists()


# When a trial is done


def test_a_trial_is_done_when_a_metric_has_reached_its_value() -> None:
    analysis = run(trainables.endless, config=SPACE, stop={"score": 4.0, "training_iteration": 3})
    assert last(analysis, "training_iteration") == [3, 2]
    assert [len(trial.history) for trial in analysis.trials] == [3, 2]


def test_a_rule_on_a_metric_that_is_not_reported_fails_the_trial() -> None:
    with pytest.raises(TuneError, match=r"accuracy.*was not reported"):
        run(trainables.reports, config={"a": 1.0}, stop={"accuracy": 1})


def test_a_function_may_decide_when_a_trial_is_done() -> None:
    analysis = run(
        trainables.endless,
        config=SPACE,
        stop=lambda trial_id, result: result["score"] >= 4 and "_0000" in trial_id,
    )
    assert all(trial.history[-1]["score"] >= 4 for trial in analysis.trials)
    assert {trial.status for trial in analysis.trials} == {"TERMINATED"}


class _AllAfter(tune.Stopper):
    def __init__(self) -> None:
        self.over = False

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.over = self.over or result["training_iteration"] >= 3
        return False

    def stop_all(self) -> bool:
        return self.over


def test_a_stopper_may_end_the_whole_run() -> None:
    analysis = run(trainables.endless, config=SPACE, num_samples=50, stop=_AllAfter())
    assert len(analysis.trials) < 100
    assert {trial.status for trial in analysis.trials} == {"TERMINATED"}


def test_stoppers_count_by_trial() -> None:
    stopper = CombinedStopper(
        MaximumIterationStopper(6), Plateau("score", std=0.1, num_results=3, grace_period=4)
    )
    flat = [stopper("a", {"training_iteration": i, "score": 1.0}) for i in range(1, 5)]
    moving = [stopper("b", {"training_iteration": i, "score": float(i)}) for i in range(1, 7)]
    assert flat == [False, False, False, True]
    assert moving == [False] * 5 + [True]


def test_the_run_ends_when_its_time_is_over() -> None:
    analysis = run(trainables.endless, config={"a": 1.0}, num_samples=-1, time_budget_s=1.0)
    assert analysis.trials
    assert {trial.status for trial in analysis.trials} == {"TERMINATED"}


# Failures


def test_failed_trials_are_an_error_in_the_end_and_the_others_count() -> None:
    with pytest.raises(TuneError, match="told to fail") as caught:
        run(trainables.fails_if_told, config={"bad": tune.grid_search([True, False])})
    analysis: Any = caught.value.analysis
    assert [trial.status for trial in analysis.trials] == ["ERROR", "TERMINATED"]
    assert "told to fail" in analysis.trials[0].error


def test_failed_trials_may_be_no_error() -> None:
    analysis = run(
        trainables.fails_if_told,
        config={"bad": tune.grid_search([True, False])},
        raise_on_failed_trial=False,
    )
    assert len(analysis.errored_trials) == 1


def test_a_run_may_end_with_the_first_failure() -> None:
    analysis = run(
        trainables.fails_if_told,
        config={"bad": True},
        num_samples=20,
        max_concurrent_trials=1,
        fail_fast=True,
        raise_on_failed_trial=False,
    )
    assert len(analysis.trials) < 20


def test_a_tuner_may_raise_the_first_failure() -> None:
    tuner = tune.Tuner(
        trainables.fails_if_told,
        param_space={"bad": True},
        run_config=tune.RunConfig(verbose=0, failure_config=tune.FailureConfig(fail_fast="raise")),
    )
    with pytest.raises(TuneError, match="told to fail"):
        tuner.fit()


def test_a_failed_trial_begins_again_from_its_checkpoint() -> None:
    (trial,) = run(trainables.counts_with_checkpoints, config={"a": 1}, max_failures=1).trials
    assert [row["score"] for row in trial.history] == [1, 2, 3, 4]
    assert [row["training_iteration"] for row in trial.history] == [1, 2, 3, 4]
    assert [row["started_at"] for row in trial.history] == [0, 0, 2, 2]


# Classes


def test_a_class_runs_step_by_step_until_it_is_done_and_is_cleaned_up() -> None:
    analysis = run(trainables.Counter, config=SPACE, stop={"training_iteration": 3})
    assert last(analysis, "count") == [3, 3]
    cleaned = [(Path(trial.logdir) / "cleaned").read_text() for trial in analysis.trials]
    assert cleaned == ["3", "3"]


def test_a_class_may_say_itself_when_to_save_and_to_end() -> None:
    (trial,) = run(trainables.FileCounter, config={"a": 1.0}).trials
    assert trial.last_result["count"] == 3
    ((checkpoint, iteration),) = trial.checkpoints_by_iteration()
    assert iteration == 2
    assert (Path(checkpoint) / "count.txt").read_text() == "2"


def test_a_class_must_not_call_report() -> None:
    with pytest.raises(TuneError, match="return the metrics from step"):
        run(trainables.Reporting, config={})


def test_report_does_nothing_outside_of_a_trial() -> None:
    trainables.reports({"a": 1.0})
    assert tune.get_trial_id() is None
    with tune.checkpoint_dir(1) as folder:
        assert Path(folder).is_dir()


def test_a_class_can_be_used_by_itself(tmp_path: Path) -> None:
    first = trainables.FileCounter({"a": 1.0}, logdir=str(tmp_path))
    assert first.train()["training_iteration"] == 1
    first.train()
    second = trainables.FileCounter({"a": 2.0}, logdir=str(tmp_path))
    second.restore(first.save(tmp_path / "saved"))
    assert (second.iteration, second.count) == (2, 2)
    assert second.reset({"a": 5.0})
    assert second.train()["score"] == 15.0
    second.stop()
    assert (tmp_path / "cleaned").read_text() == "3"


# Names, and what is refused


def test_a_run_is_found_by_its_name(tmp_path: Path) -> None:
    analysis = run(trainables.returns, config=SPACE, name="my_run", local_dir=tmp_path)
    assert Path(analysis.experiment_path) == tmp_path / "my-run"
    with pytest.raises(TuneError, match="resume=True"):
        run(trainables.returns, config=SPACE, name="my_run", local_dir=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_samples": 0}, "num_samples"),
        ({"mode": None}, "mode"),
        ({"stop": 3}, "stop"),
        ({"stop": {"a": "b"}}, "stop"),
        ({"scheduler": "sha"}, "known are"),
        ({"search_alg": "magic"}, "known are"),
        ({"scheduler": 3}, "scheduler"),
        ({"search_alg": 3}, "search_alg"),
        ({"metric": None, "scheduler": "asha"}, "metric"),
        ({"metric": None, "search_alg": "bayesopt"}, "metric"),
        ({"resume": True}, "name"),
        ({"resume": True, "name": "nowhere"}, "no run"),
    ],
)
def test_impossible_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TuneError, match=message):
        run(trainables.returns, **{"config": {"a": 1.0}, **arguments})


@pytest.mark.parametrize(
    ("trainable", "message"), [(3, "function"), (dict, "subclass"), (lambda: 1, "configuration")]
)
def test_what_is_no_trainable_is_refused(trainable: Any, message: str) -> None:
    with pytest.raises(TuneError, match=message):
        run(trainable, config={})


def test_what_cannot_be_sent_to_a_trial_is_told_before_it_starts() -> None:
    running = (number for number in range(3))

    def bad(config: dict[str, Any]) -> dict[str, Any]:
        return {"score": next(running)}

    with pytest.raises(BackendError, match="self-contained"):
        run(bad, config={})
