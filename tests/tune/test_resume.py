"""Runs that were interrupted go on, and `tune.Tuner`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.backend import LocalBackend, PythonBackend
from synetune_lab.errors import BackendError, TuneError
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.tune.convert import SearchSpace
from synetune_lab.tune.schedulers import ASHAScheduler
from synetune_lab.tune.stopper import MaximumIterationStopper
from synetune_lab.tuner_callback import TunerCallback
from tests.tune import trainables


class InterruptAfter(TunerCallback):
    """Interrupts the run, once, when a trial has reported so often."""

    def __init__(self, reports: int) -> None:
        self.reports = reports
        self.seen: dict[int, int] = {}
        self.is_over = False
        self.tuner: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "tuner": None}

    def on_tuning_start(self, tuner: Any) -> None:
        self.tuner = tuner

    def on_trial_result(self, trial: Any, status: str, result: Any, decision: str) -> None:
        count = self.seen[trial.trial_id] = self.seen.get(trial.trial_id, 0) + 1
        if count == self.reports and not self.is_over:
            self.is_over = True
            self.tuner.session.interrupt()


def interrupted(tmp_path: Path) -> dict[str, Any]:
    """Arguments of a run that was interrupted after two steps of its first trial."""
    arguments: dict[str, Any] = {
        "name": "long",
        "local_dir": tmp_path,
        "config": {"a": tune.grid_search([3.0, 2.0]), "release": str(tmp_path / "release")},
        "metric": "score",
        "mode": "max",
        "stop": {"training_iteration": 5},
        "max_concurrent_trials": 1,
        "verbose": 0,
    }
    half = tune.run(trainables.WaitsForRelease, **arguments, callbacks=[InterruptAfter(2)])
    assert [trial.status for trial in half.trials] == ["PAUSED"]
    (tmp_path / "release").touch()
    return arguments


def test_an_interrupted_run_goes_on_from_the_checkpoints(tmp_path: Path) -> None:
    arguments = interrupted(tmp_path)
    analysis = tune.run(trainables.WaitsForRelease, **arguments, resume=True)
    assert [trial.config["a"] for trial in analysis.trials] == [3.0, 2.0]
    for trial in analysis.trials:
        assert trial.status == "TERMINATED"
        assert [row["count"] for row in trial.history] == [1, 2, 3, 4, 5]
        assert [row["training_iteration"] for row in trial.history] == [1, 2, 3, 4, 5]
    assert analysis.trials[0].last_result["came"] == "setup+load"
    assert analysis.trials[1].last_result["came"] == "setup"


def test_a_run_that_is_over_gives_its_results_again(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {
        "name": "short",
        "local_dir": tmp_path,
        "config": {"a": 1.0},
        "metric": "score",
        "mode": "max",
        "verbose": 0,
        "resume": "AUTO",
    }
    first = tune.run(trainables.returns, **arguments)
    again = tune.run(trainables.returns, **arguments)
    assert [trial.trial_id for trial in again.trials] == [first.trials[0].trial_id]


def test_a_tuner_restores_a_run(tmp_path: Path) -> None:
    interrupted(tmp_path)
    folder = tmp_path / "long"
    assert tune.Tuner.can_restore(folder)
    assert not tune.Tuner.can_restore(tmp_path)
    restored = tune.Tuner.restore(folder, verbose=0)
    assert [result.error for result in restored.get_results()] == [None]
    results = restored.fit()
    assert [result.metrics["count"] for result in results] == [5, 5]


def test_a_tuner_fits_and_gives_the_results(tmp_path: Path) -> None:
    tuner = tune.Tuner(
        trainables.Counter,
        param_space={"a": tune.grid_search([1.0, 2.0])},
        tune_config=tune.TuneConfig(metric="score", mode="max", num_samples=2),
        run_config=tune.RunConfig(
            name="grid",
            storage_path=tmp_path,
            stop={"training_iteration": 3},
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(
                num_to_keep=1,
                checkpoint_score_attribute="score",
                checkpoint_score_order="min",
                checkpoint_at_end=True,
            ),
        ),
    )
    results = tuner.fit()
    assert len(results) == 4
    assert results.num_errors == 0
    assert results.num_terminated == 4
    best = results.get_best_result()
    assert best.config == {"a": 2.0}
    assert best.metrics["score"] == 6.0
    assert best.error is None
    assert list(best.metrics_dataframe["count"]) == [1, 2, 3]
    assert [row["count"] for _, row in best.best_checkpoints] == [3]
    assert best.get_best_checkpoint("count", "max") == best.checkpoint
    assert best.get_best_checkpoint("nothing", "max") is None
    assert best.log_dir == Path(best.path)
    assert tuner.get_results() is results
    assert list(results.get_dataframe()["score"]) == [3.0, 6.0, 3.0, 6.0]
    assert Path(results.experiment_path) == tmp_path / "grid"
    with pytest.raises(TuneError, match="no trial"):
        results.get_best_result("nothing", "max")


def test_a_tuner_tells_failures_as_results() -> None:
    results = tune.Tuner(
        trainables.fails_if_told,
        param_space={"bad": tune.grid_search([False, True])},
        run_config=tune.RunConfig(verbose=0, failure_config=tune.FailureConfig(max_failures=1)),
    ).fit()
    assert [result.error is None for result in results] == [True, False]
    assert "told to fail" in str(results.errors[0])
    assert len(results[1].metrics_dataframe) == 2


# Trials that failed


def failed_run(tmp_path: Path) -> dict[str, Any]:
    """Arguments of a run whose second trial failed, at its third step."""
    arguments: dict[str, Any] = {
        "name": "failing",
        "local_dir": tmp_path,
        "config": {"a": tune.grid_search([1.0, 2.0, 3.0]), "release": str(tmp_path / "release")},
        "metric": "score",
        "mode": "max",
        "verbose": 0,
    }
    with pytest.raises(TuneError, match="not yet"):
        tune.run(trainables.fails_until_released, **arguments)
    (tmp_path / "release").touch()
    return arguments


@pytest.mark.parametrize(
    ("resume", "began"),
    [("ERRORED_ONLY", 2), ("AUTO+ERRORED", 2), ("AUTO+RESTART_ERRORED", 0)],
)
def test_a_failed_trial_is_tried_again_by_a_later_call(
    resume: str, began: int, tmp_path: Path
) -> None:
    arguments = failed_run(tmp_path)
    with pytest.raises(TuneError, match="not yet"):
        tune.run(trainables.fails_until_released, **arguments, resume=True)
    analysis = tune.run(trainables.fails_until_released, **arguments, resume=resume)
    for found in (analysis, tune.ExperimentAnalysis(tmp_path / "failing")):
        assert [trial.config["a"] for trial in found.trials] == [1.0, 2.0, 3.0]
        assert {trial.status for trial in found.trials} == {"TERMINATED"}
        again = found.trials[1]
        assert [row["training_iteration"] for row in again.history] == [1, 2, 3, 4]
        assert again.history[-1]["began"] == began
    over = tune.run(trainables.fails_until_released, **arguments, resume=resume)
    assert len(over.trials) == 3


def test_a_tuner_restores_what_failed(tmp_path: Path) -> None:
    failed_run(tmp_path)
    folder = tmp_path / "failing"
    results = tune.Tuner.restore(
        folder, trainables.fails_until_released, resume_errored=True, verbose=0
    ).fit()
    assert results.num_errors == 0
    with pytest.raises(TuneError, match="not both"):
        tune.Tuner.restore(folder, resume_errored=True, restart_errored=True)
    with pytest.raises(TuneError, match="no run"):
        tune.Tuner.restore(tmp_path)


def test_failed_trials_may_be_the_only_ones_that_go_on(tmp_path: Path) -> None:
    arguments = interrupted(tmp_path)
    before = tune.ExperimentAnalysis(tmp_path / "long").trials[0].history
    analysis = tune.run(trainables.WaitsForRelease, **arguments, resume="ERRORED_ONLY")
    assert analysis.trials[0].history == before


# What another call says


def call_again(tmp_path: Path, caplog: pytest.LogCaptureFixture, **changes: Any) -> list[str]:
    """What is told of a second call of a run that is over."""
    arguments: dict[str, Any] = {
        "name": "told",
        "local_dir": tmp_path,
        "config": {"a": tune.uniform(0, 1), "f": len},
        "metric": "score",
        "mode": "max",
        "stop": lambda trial_id, result: False,
        "scheduler": ASHAScheduler(max_t=9),
        "num_samples": 2,
        "verbose": 0,
        "resume": "AUTO",
    }
    if not (tmp_path / "told").exists():
        tune.run(trainables.returns, **arguments)
    caplog.clear()
    tune.run(trainables.returns, **{**arguments, **changes})
    return [record.getMessage() for record in caplog.records]


def test_what_a_resumed_run_does_not_take_over_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert call_again(tmp_path, caplog) == []
    changes: list[dict[str, Any]] = [
        {"num_samples": 5},
        {"stop": {"nonsense": 1}},
        {"scheduler": ASHAScheduler(max_t=27)},
        {"scheduler": "hyperband"},
        {"search_alg": "kde"},
        {"resources_per_trial": {"cpu": 0.5}},
        {"max_failures": 3},
        {"backend": PythonBackend},
        {"config": {"a": tune.uniform(0, 2), "f": len}},
        {"metric": "other"},
        {"time_budget_s": 7},
    ]
    for change in changes:
        (name,) = change
        (message,) = call_again(tmp_path, caplog, **change)
        assert message.startswith(f"resume: {name}=")
        assert "is not taken over: the run goes on with" in message
    two = call_again(tmp_path, caplog, num_samples=5, max_failures=1)
    assert sorted(message.split("=")[0] for message in two) == [
        "resume: max_failures",
        "resume: num_samples",
    ]
    (message,) = call_again(tmp_path, caplog, num_samples=5)
    assert "num_samples=5 is not taken over: the run goes on with 2," in message


def test_what_another_call_leaves_out_or_says_in_other_words_is_no_difference(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    same: list[dict[str, Any]] = [
        {"num_samples": 1, "stop": None, "scheduler": None, "config": None, "metric": None},
        {"verbose": 1, "callbacks": [tune.Callback()], "raise_on_failed_trial": False},
    ]
    for change in same:
        assert call_again(tmp_path, caplog, **change) == []
    tune.Tuner.restore(tmp_path / "told", trainables.returns, verbose=0).fit()
    assert caplog.records == []


def test_a_scheduler_of_the_package_itself_is_compared_by_what_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    space = {"a": tune.uniform(0, 1), "b": [object()] * 1000, "c": tune.choice([len, max])}
    for attempt in range(2):
        arguments: dict[str, Any] = {
            "name": "own",
            "local_dir": tmp_path,
            "config": space,
            "scheduler": RandomSearch(SearchSpace.of(space).config_space, metric="score"),
            "stop": [MaximumIterationStopper(3)],
            "time_budget_s": timedelta(hours=1) if attempt else 3600.0,
            "verbose": 0,
        }
        tune.run(trainables.returns, **arguments, resume="AUTO")
    assert caplog.records == []
    tune.run(trainables.returns, **{**arguments, "stop": MaximumIterationStopper(4)}, resume=True)
    (record,) = caplog.records
    assert "stop={'MaximumIterationStopper': {'max_iter': 4}}" in record.getMessage()


def test_a_script_is_written_anew_when_a_run_goes_on(tmp_path: Path) -> None:
    def jobs(function: Any, space: dict[str, Any]) -> LocalBackend:
        return LocalBackend(tune.as_script(function, tmp_path / "job"), pass_args_as_json=True)

    def bad(config: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("not yet")

    def good(config: dict[str, Any]) -> dict[str, Any]:
        return {"score": 1.0}

    arguments: dict[str, Any] = {"name": "script", "local_dir": tmp_path, "verbose": 0}
    with pytest.raises(TuneError, match="not yet"):
        tune.run(bad, **arguments, backend=jobs)
    analysis = tune.run(good, **arguments, backend=jobs, resume="AUTO+ERRORED")
    assert analysis.trials[0].last_result["score"] == 1.0


def test_a_trainable_that_can_not_be_replaced_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def jobs(function: Any, space: dict[str, Any]) -> LocalBackend:
        return LocalBackend(tune.as_script(function, tmp_path / "job"), pass_args_as_json=True)

    arguments: dict[str, Any] = {"name": "script", "local_dir": tmp_path, "verbose": 0}
    tune.run(trainables.reports, **arguments, backend=jobs, config={"a": 1.0})
    tune.run(trainables.reports, **arguments, resume=True)
    assert "the trainable as it was when the run began" in caplog.text


def test_a_trainable_that_can_not_be_sent_is_refused_also_when_a_run_goes_on(
    tmp_path: Path,
) -> None:
    def jobs(function: Any, space: dict[str, Any]) -> LocalBackend:
        return LocalBackend(tune.as_script(function, tmp_path / "job"), pass_args_as_json=True)

    running = (number for number in range(3))

    def bad(config: dict[str, Any]) -> dict[str, Any]:
        return {"score": next(running)}

    for name, backend in (("python", None), ("script", jobs)):
        arguments: dict[str, Any] = {"name": name, "local_dir": tmp_path, "verbose": 0}
        tune.run(trainables.returns, **arguments, backend=backend, config={"a": 1.0})
        with pytest.raises(BackendError, match="self-contained"):
            tune.run(bad, **arguments, backend=backend, resume=True)


def test_a_run_is_found_by_the_name_that_it_was_given(
    tmp_path: Path, experiments_folder: Path
) -> None:
    for folder in (tmp_path / "mine", None):
        tune.run(trainables.returns, name="my_exp", local_dir=folder, config={"a": 1.0}, verbose=0)
    path = tmp_path / "mine" / "my_exp"
    assert tune.Tuner.can_restore(path)
    assert len(tune.Tuner.restore(path, verbose=0).fit()) == 1
    for name in (path, tmp_path / "mine" / "my-exp", "my_exp", experiments_folder / "my_exp"):
        assert len(tune.ExperimentAnalysis(name).trials) == 1
    assert not tune.Tuner.can_restore(tmp_path / "mine" / "your_exp")
    assert not tune.Tuner.can_restore(tmp_path / "..")


# Beginning with a checkpoint


def test_a_run_may_begin_with_a_checkpoint_of_another_one(tmp_path: Path) -> None:
    common: dict[str, Any] = {"local_dir": tmp_path, "verbose": 0, "config": {"a": 1.0}}
    first = tune.run(
        trainables.Counter, **common, stop={"training_iteration": 2}, checkpoint_at_end=True
    )
    checkpoint = first.trials[0].checkpoint
    assert checkpoint is not None
    second = tune.run(
        trainables.Counter, **common, stop={"training_iteration": 4}, restore=checkpoint
    )
    assert [row["count"] for row in second.trials[0].history] == [3, 4]
    assert second.trials[0].last_result["came"] == "setup+load"
