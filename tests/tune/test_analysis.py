"""What came of a run: in the same process, or read from its files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.errors import TuneError
from tests.tune import trainables


def up_and_down(config: dict[str, Any]) -> None:
    for value in config["values"]:
        tune.report(score=value)


VALUES = [[5.0, 1.0, 1.0], [2.0, 2.0, 2.0], [math.nan, 0.0, math.nan]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    analysis = tune.run(
        up_and_down,
        name="curves",
        local_dir=root,
        config={"values": tune.grid_search(VALUES), "m": {"fixed": 1}},
        metric="score",
        mode="max",
        verbose=0,
    )
    assert analysis.best_config["values"] == VALUES[1]
    return root / "curves"


@pytest.fixture
def analysis(folder: Path) -> tune.ExperimentAnalysis:
    return tune.ExperimentAnalysis(folder)


@pytest.mark.parametrize(
    ("scope", "mode", "best"),
    [
        ("last", "max", 1),
        ("last", "min", 0),
        ("avg", "max", 0),
        ("all", "max", 0),
        ("all", "min", 2),
        ("last-5-avg", "max", 0),
        ("last-10-avg", "max", 0),
    ],
)
def test_the_best_trial_depends_on_what_counts(
    analysis: tune.ExperimentAnalysis, scope: str, mode: str, best: int
) -> None:
    trial = analysis.get_best_trial("score", mode, scope)
    assert trial is not None
    assert trial.number == best


def test_trials_without_a_number_may_count_or_not(analysis: tune.ExperimentAnalysis) -> None:
    assert analysis.get_best_trial("nothing", "max") is None
    assert analysis.get_best_config("nothing", "max") is None
    assert analysis.get_best_logdir("nothing", "max") is None
    with pytest.raises(TuneError, match="scope"):
        analysis.get_best_trial(scope="first")
    with pytest.raises(TuneError, match="mode"):
        analysis.get_best_trial(mode="best")


def test_configurations_are_the_users_own_after_reading(
    analysis: tune.ExperimentAnalysis,
) -> None:
    assert analysis.best_config == {"values": VALUES[1], "m": {"fixed": 1}}
    assert analysis.best_result["score"] == 2.0
    assert analysis.best_trial.metric_analysis["score"]["max"] == 2.0
    assert analysis.best_logdir == analysis.best_trial.logdir
    assert analysis.stats()["trials"] == {"TERMINATED": 3}
    first = analysis.trials[0]
    assert analysis.get_all_configs()[first.logdir] == first.config
    assert analysis.get_all_configs(prefix=True)[first.trial_id]["config/m/fixed"] == 1


def test_data_frames_hold_all_results(analysis: tune.ExperimentAnalysis) -> None:
    frames = analysis.trial_dataframes
    assert [list(frame["training_iteration"]) for frame in frames.values()] == [[1, 2, 3]] * 3
    assert list(analysis.fetch_trial_dataframes()) == list(frames)
    first = analysis.trials[0]
    assert frames[first.trial_id] is frames[first.logdir]
    with pytest.raises(KeyError):
        frames["nobody"]
    last = analysis.dataframe()
    assert list(last["score"])[:2] == [1.0, 2.0]
    assert list(last["config/m/fixed"]) == [1, 1, 1]
    assert list(analysis.dataframe("score", "max")["score"]) == [5.0, 2.0, 0.0]
    table = analysis.results_df
    assert list(table.index) == [trial.trial_id for trial in analysis.trials]
    assert list(table["config/m/fixed"]) == [1, 1, 1]
    assert set(analysis.results) == set(table.index)
    assert list(analysis.best_dataframe["score"]) == VALUES[1]
    assert len(analysis.best_result_df) == 1


def test_a_run_is_read_by_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(folder.parent))
    assert len(tune.ExperimentAnalysis("curves").trials) == 3
    with pytest.raises(TuneError, match="not the folder of a run"):
        tune.ExperimentAnalysis("nothing")


def test_checkpoints_are_found_by_the_metric_that_they_had(tmp_path: Path) -> None:
    done = tune.run(
        trainables.Counter,
        name="saved",
        local_dir=tmp_path,
        config={"a": tune.grid_search([-1.0, -2.0])},
        metric="score",
        mode="max",
        stop={"training_iteration": 4},
        checkpoint_freq=1,
        checkpoint_at_end=True,
        verbose=0,
    )
    analysis = tune.ExperimentAnalysis(done.experiment_path)
    best = analysis.best_trial
    assert best.config == {"a": -1.0}
    assert [Path(found).name for found in best.checkpoints] == [
        f"checkpoint_{i:06d}" for i in range(1, 5)
    ]
    assert analysis.best_checkpoint == best.checkpoints[0]
    assert analysis.get_best_checkpoint(best, mode="min") == best.checkpoints[-1]
    assert analysis.get_best_checkpoint(best.logdir, "count", "max") == best.checkpoints[-1]
    assert analysis.get_last_checkpoint() == best.checkpoints[-1]
    paths = analysis.get_trial_checkpoints_paths(best.trial_id)
    assert [value for _, value in paths] == [-1.0, -2.0, -3.0, -4.0]
    with pytest.raises(TuneError, match="there is no trial"):
        analysis.get_best_checkpoint("nobody")


@pytest.mark.parametrize(
    ("attr", "kept"), [(None, [3, 4]), ("score", [3, 4]), ("min-score", [1, 2, 4])]
)
def test_only_the_checkpoints_worth_keeping_are_kept(attr: str | None, kept: list[int]) -> None:
    (trial,) = tune.run(
        trainables.Counter,
        config={"a": 1.0},
        metric="score",
        mode="max",
        stop={"training_iteration": 4},
        checkpoint_freq=1,
        keep_checkpoints_num=2,
        checkpoint_score_attr=attr,
        verbose=0,
    ).trials
    assert [iteration for _, iteration in trial.checkpoints_by_iteration()] == kept


def test_dictionaries_among_the_metrics_are_there_both_ways(tmp_path: Path) -> None:
    analysis = tune.run(
        trainables.reports, local_dir=tmp_path, config={"a": 1.0, "steps": 2}, verbose=0
    )
    (result,) = analysis.results.values()
    assert result["eval"] == {"acc": 0.2}
    assert result["eval/acc"] == 0.2
    assert "eval/acc" in analysis.results_df


def test_the_best_checkpoint_is_kept_beside_the_newest(tmp_path: Path) -> None:
    (trial,) = tune.run(
        trainables.Counter,
        local_dir=tmp_path,
        config={"a": -1.0},
        stop={"training_iteration": 4},
        checkpoint_config=tune.CheckpointConfig(
            num_to_keep=1, checkpoint_frequency=1, checkpoint_score_attribute="score"
        ),
        verbose=0,
    ).trials
    assert [iteration for _, iteration in trial.checkpoints_by_iteration()] == [1, 4]
