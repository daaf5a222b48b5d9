"""Loading results: the best configuration, plots as plotly figures, lists of experiments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from synetune_lab.errors import StoreError
from synetune_lab.experiments import (
    ExperimentResult,
    get_metadata,
    list_experiments,
    load_experiment,
    load_experiments_df,
)
from synetune_lab.store.columns import ResultColumns
from synetune_lab.store.csv_zip import ResultsFile

ROWS = [
    {"epoch": 1, "loss": 0.9, "acc": 0.1, "trial_id": 0, "config_lr": 0.1, "st_tuner_time": 1.0},
    {"epoch": 1, "loss": 0.5, "acc": 0.3, "trial_id": 1, "config_lr": 0.2, "st_tuner_time": 2.0},
    {"epoch": 2, "loss": 0.7, "acc": 0.6, "trial_id": 0, "config_lr": 0.1, "st_tuner_time": 3.0},
    {"epoch": 2, "loss": 0.3, "acc": 0.2, "trial_id": 1, "config_lr": 0.2, "st_tuner_time": 4.0},
    {"epoch": 1, "loss": None, "acc": 0.5, "trial_id": 2, "config_lr": 0.3, "st_tuner_time": 5.0},
]


def write_experiment(
    root: Path, name: str, rows: list[dict[str, Any]] | None = None, **metadata: Any
) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    values = {
        "st_tuner_creation_timestamp": 1.7e9,
        "metric_names": ["loss", "acc"],
        "metric_mode": ["min", "max"],
        "entrypoint": "train",
        **metadata,
    }
    (folder / "metadata.json").write_text(json.dumps(values))
    columns = ResultColumns()
    for row in ROWS if rows is None else rows:
        columns.append(row)
    if len(columns):
        ResultsFile(folder / "results.csv.zip").write(columns)
    return folder


@pytest.fixture
def experiment(experiments_folder: Path) -> ExperimentResult:
    write_experiment(experiments_folder, "digits-1")
    return load_experiment("digits-1")


def test_an_experiment_is_loaded_by_its_name(experiment: ExperimentResult) -> None:
    assert experiment.name == "digits-1"
    assert len(experiment.results) == 5
    assert experiment.tuner is None
    assert experiment.metric_names() == ["loss", "acc"]
    assert experiment.metric_mode() == ["min", "max"]
    assert experiment.entrypoint_name() == "train"
    assert experiment.creation_date().year == 2023
    assert str(experiment).startswith("Experiment digits-1: 5 reports of 3 trials")


def test_the_best_configuration_of_each_metric(experiment: ExperimentResult) -> None:
    assert experiment.best_config() == {"trial_id": 1, "config_lr": 0.2}
    assert experiment.best_config("acc") == {"trial_id": 0, "config_lr": 0.1}
    assert experiment.best_config(1) == experiment.best_config("acc")
    with pytest.raises(ValueError, match="nothing"):
        experiment.best_config("nothing")


def test_the_plot_of_the_best_so_far(experiment: ExperimentResult, tmp_path: Path) -> None:
    figure = experiment.plot(figure_path=tmp_path / "plots" / "best.html", width=400)
    assert isinstance(figure, go.Figure)
    assert list(figure.data[0].x) == [1.0, 2.0, 3.0, 4.0]
    assert list(figure.data[0].y) == [0.9, 0.5, 0.5, 0.3]
    assert figure.layout.width == 400
    assert "plotly" in (tmp_path / "plots" / "best.html").read_text()
    assert list(experiment.plot("acc").data[0].y) == [0.1, 0.3, 0.6, 0.6, 0.6]


def test_the_plot_of_all_trials(experiment: ExperimentResult) -> None:
    figure = experiment.plot_trials_over_time(figsize=(5, 4))
    names = [trace.name for trace in figure.data]
    assert names == ["trial 0", "trial 1", "best so far"]
    assert list(figure.data[1].y) == [0.5, 0.3]
    assert figure.layout.width == 480


def test_many_trials_are_drawn_as_one_trace(experiments_folder: Path) -> None:
    rows = [{**ROWS[0], "trial_id": k, "st_tuner_time": float(k)} for k in range(200)]
    write_experiment(experiments_folder, "many", rows)
    figure = load_experiment("many").plot_trials_over_time()
    assert len(figure.data) == 2
    assert len(figure.data[0].x) == 400  # a gap after each trial


def test_the_hypervolume_over_time(experiment: ExperimentResult) -> None:
    figure = experiment.plot_hypervolume(reference_point=[1.0, 0.0])
    # (loss, -acc): one point after the other, areas by hand.
    assert figure.data[0].y == pytest.approx([0.01, 0.15, 0.24, 0.28])
    with pytest.raises(StoreError, match="two metrics"):
        experiment.plot_hypervolume(metrics_to_plot=["loss"])


def test_an_experiment_without_results(experiments_folder: Path) -> None:
    write_experiment(experiments_folder, "empty", rows=[])
    experiment = load_experiment("empty")
    assert experiment.results is None
    for ask in (experiment.best_config, experiment.plot, experiment.plot_trials_over_time):
        with pytest.raises(StoreError, match="no results"):
            ask()


def test_what_is_not_there_or_damaged_is_said(experiments_folder: Path) -> None:
    with pytest.raises(StoreError, match="no experiment 'nothing'"):
        load_experiment("nothing")
    folder = write_experiment(experiments_folder, "damaged")
    (folder / "results.csv.zip").write_bytes(b"PK no zip")
    with pytest.raises(StoreError, match=r"results\.csv\.zip can't be read"):
        load_experiment("damaged")


def test_results_that_pandas_wrote_are_read(experiments_folder: Path) -> None:
    folder = write_experiment(experiments_folder, "theirs", rows=[])
    pd.DataFrame(ROWS).to_csv(folder / "results.csv.zip", index=False)
    assert load_experiment("theirs").best_config()["trial_id"] == 1


def test_experiments_of_a_folder(experiments_folder: Path) -> None:
    write_experiment(experiments_folder, "old", tag="a", st_tuner_creation_timestamp=1.0)
    write_experiment(experiments_folder / "group", "new", tag="b", st_tuner_creation_timestamp=2.0)
    (experiments_folder / "broken").mkdir()
    (experiments_folder / "broken" / "metadata.json").write_text("{")
    assert {n: m["tag"] for n, m in get_metadata().items()} == {"old": "a", "new": "b"}
    assert list(get_metadata(lambda path: "group" in path)) == ["new"]
    assert [e.name for e in list_experiments()] == ["new", "old"]
    only = list_experiments(experiment_filter=lambda e: e.metadata["tag"] == "a")
    assert [e.name for e in only] == ["old"]
    frame = load_experiments_df()
    assert frame["tuner_name"].value_counts().to_dict() == {"old": 5, "new": 5}
    assert set(frame["entry_point_name"]) == {"train"}
    assert load_experiments_df(lambda path: False) is None


def test_an_experiment_in_a_folder_between(experiments_folder: Path, tmp_path: Path) -> None:
    write_experiment(experiments_folder / "study", "one")
    assert load_experiment("one", experiment_name="study").path.parent.name == "study"
    write_experiment(tmp_path / "elsewhere", "two")
    assert load_experiment("two", local_path=tmp_path / "elsewhere").name == "two"
