"""Runs that were interrupted go on, and `tune.Tuner`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.errors import TuneError
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
    results = tune.Tuner.restore(folder, verbose=0).fit()
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
    assert [Path(found).parent.parent for found in best.best_checkpoints] == [Path(best.path)]
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
