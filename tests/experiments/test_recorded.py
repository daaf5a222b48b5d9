"""Curves of ordinary runs: which resource, which maximum, which types."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synetune_lab.config_space import choice, config_space_to_json_dict, randint, uniform
from synetune_lab.errors import BlackboxError
from synetune_lab.experiments import (
    ExperimentResult,
    blackbox_from_experiment,
    load_experiment,
)
from synetune_lab.experiments.recorded import record_curves
from synetune_lab.optimizer.baselines import ASHA, RandomSearch
from synetune_lab.optimizer.schedulers.median_stopping_rule import MedianStoppingRule
from tests.experiments.test_experiment_result import write_experiment

LOSSES = [10.0, 9.0, 8.0, 7.0]


def rows_of(
    resources: list[Any], configs: list[dict[str, Any]] | None = None, resource: str = "epoch"
) -> list[dict[str, Any]]:
    """Reports of one trial a configuration, with losses 10, 9, ..."""
    rows = []
    for trial_id, config in enumerate(configs or [{"x": 0.5}, {"x": 0.25}]):
        for i, value in enumerate(resources):
            row = {"loss": 10.0 - i, "st_worker_time": i + 1.0, "st_worker_iter": i}
            row.update({resource: value} if value is not None else {})
            row.update({"trial_id": trial_id, "st_tuner_time": i + 1.0})
            rows.append(row | {"config_" + name: entry for name, entry in config.items()})
    return rows


def experiment(
    tmp_path: Path, rows: list[dict[str, Any]], tuner: Any = None, **space: Any
) -> ExperimentResult:
    stored = json.dumps(config_space_to_json_dict(space or {"x": uniform(0, 1)}))
    metadata = {"metric_names": ["loss"], "metric_mode": "min", "config_space": stored}
    return ExperimentResult("run", pd.DataFrame(rows), metadata, tuner, tmp_path)


@pytest.mark.parametrize(
    ("resources", "shown"),
    [
        ([0, 1, 2, 3], "0"),
        ([0.5, 1, 1.5, 2], "0.5"),
        ([1, 2, -1, 3], "-1"),
        ([1, 2, float("inf"), 3], "inf"),
        (["1st", "2nd", "3rd", "4th"], "'1st'"),
    ],
)
def test_a_resource_that_is_no_positive_integer_is_refused_by_name(
    tmp_path: Path, resources: list[Any], shown: str
) -> None:
    run = experiment(tmp_path, rows_of(resources))
    message = f"resource_attr='epoch' was reported as {shown} by trial 0; it must be a positive"
    with pytest.raises(BlackboxError, match=message + r".*'st_worker_iter'"):
        blackbox_from_experiment(run)
    box = blackbox_from_experiment(run, resource_attr="st_worker_iter")
    assert box.curve({"x": 0.5})[:, 0].tolist() == LOSSES


def test_whole_numbers_are_resources_whatever_their_type(tmp_path: Path) -> None:
    curves = record_curves(experiment(tmp_path, rows_of([1.0, 2.0, 3.0, 4.0])))
    assert curves.curves[0, :, 0].tolist() == LOSSES


def test_reports_without_the_resource_are_left_out(tmp_path: Path) -> None:
    rows = rows_of([1, 2, None, 3])
    curves = record_curves(experiment(tmp_path, rows))
    assert curves.curves[:, :, 0].tolist() == [[10.0, 9.0, 7.0]] * 2
    assert curves.seconds[:, :].tolist() == [[1.0, 2.0, 4.0]] * 2
    nothing = experiment(tmp_path, [{**row, "epoch": np.nan} for row in rows])
    with pytest.raises(BlackboxError, match="'epoch' has no value"):
        blackbox_from_experiment(nothing)


def length_of(run: ExperimentResult, **kwargs: Any) -> int:
    return record_curves(run, **kwargs).curves.shape[1]


@pytest.mark.parametrize(
    ("constants", "most"),
    [
        ({"dataset_size": 5000, "batch": 64}, 4),
        ({"dataset_size": 5000, "epochs": 9}, 9),
        ({"max_epochs": 27}, 27),
        ({"max_epoch": 12, "epochs": 3}, 4),
        ({"num_epochs": 12, "max_steps": 100}, 12),
        ({"epochs": 10**9}, 4),
        ({"epochs": True}, 4),
    ],
)
def test_only_a_usual_name_is_the_maximum_resource(
    tmp_path: Path, constants: dict[str, Any], most: int
) -> None:
    run = experiment(tmp_path, rows_of([1, 2, 3, 4]), x=uniform(0, 1), **constants)
    assert length_of(run) == most


def test_the_scheduler_knows_the_maximum_resource(tmp_path: Path) -> None:
    rows = rows_of([1, 2, 3, 4])
    space = {"x": uniform(0, 1), "length": 20, "dataset_size": 5000}

    def with_scheduler(scheduler: Any) -> ExperimentResult:
        return experiment(tmp_path, rows, SimpleNamespace(scheduler=scheduler), **space)

    by_name = with_scheduler(RandomSearch(space, "loss", max_resource_attr="length"))
    assert length_of(by_name) == 20
    fifo = RandomSearch(space, "loss", max_resource_attr="length")
    assert length_of(with_scheduler(MedianStoppingRule(fifo, resource_attr="epoch"))) == 20
    by_number = with_scheduler(ASHA(space, "loss", "epoch", max_t=33))
    assert length_of(by_number) == 33
    assert length_of(by_number, resource_attr="st_worker_iter") == 4


def test_a_run_on_disk_tells_its_scheduler(tmp_path: Path) -> None:
    scheduler = {"name": "ASHA", "resource_attr": "lap", "max_resource": 33}
    (tmp_path / "run.json").write_text(json.dumps({"scheduler": scheduler}))
    rows = rows_of([1, 2, 3, 4], resource="lap")
    curves = record_curves(experiment(tmp_path, rows))
    assert curves.resource_attr == "lap"
    assert curves.curves.shape[1] == 33


WORDS = {
    "digit": choice(["1", "2"]),
    "word": choice(["None", "", "NA"]),
    "flag": choice([True, False]),
    "size": choice([1, 2]),
    "factor": choice([1.0, 2.0]),
    "layers": randint(1, 8),
    "x": uniform(0, 1),
    "dataset": "007",
}
CONFIGS = [
    {"digit": "1", "word": "None", "flag": True, "size": 1, "factor": 1.0, "layers": 3, "x": 0.5},
    {"digit": "2", "word": "", "flag": False, "size": 2, "factor": 2.0, "layers": 4, "x": 0.25},
    {"digit": "2", "word": "NA", "flag": False, "size": 1, "factor": 1.0, "layers": 1, "x": 1 / 3},
]


def test_a_run_on_disk_has_the_types_of_its_space(experiments_folder: Path) -> None:
    rows = rows_of([1, 2, 3, 4], [config | {"dataset": "007"} for config in CONFIGS])
    space = json.dumps(config_space_to_json_dict(WORDS))
    write_experiment(experiments_folder, "typed", rows, metric_names=["loss"], config_space=space)
    loaded = load_experiment("typed")
    assert loaded.results is not None
    pd.testing.assert_frame_equal(loaded.results, pd.DataFrame(rows))
    assert loaded.best_config()["config_dataset"] == "007"
    box = blackbox_from_experiment(loaded)
    assert box.recorded.configs == CONFIGS
    for config, again in zip(CONFIGS, box.recorded.configs, strict=True):
        assert box.num_recorded(config) == 4
        assert [type(v) for v in again.values()] == [type(v) for v in config.values()]
        assert box.curve(config)[:, 0].tolist() == LOSSES


def test_gaps_of_numbers_are_nan_and_words_stay_words(experiments_folder: Path) -> None:
    space = {"a": choice(["1", "2"]), "n": randint(0, 5), "on": choice([True, False])}
    rows: list[dict[str, Any]] = [
        {"loss": 0.5, "note": "None", "trial_id": 0, "done": True, "gone": "NA"},
        {"loss": None, "note": "n/a", "trial_id": 1, "config_a": "1", "gone": "NA"},
        {"loss": float("nan"), "trial_id": 2, "config_a": "2", "config_n": 3, "gone": "NA"},
        {
            "loss": 1.5,
            "note": "five",
            "trial_id": 3,
            "config_n": 4,
            "config_on": True,
            "gone": "NA",
        },
    ]
    stored = json.dumps(config_space_to_json_dict(space))
    write_experiment(experiments_folder, "gaps", rows, config_space=stored)
    results = load_experiment("gaps").results
    assert results is not None
    assert results["loss"].dtype == np.float64
    assert results["loss"].isna().tolist() == [False, True, True, False]
    assert results["note"].dropna().tolist() == ["None", "n/a", "five"]
    assert results["config_a"].dropna().tolist() == ["1", "2"]
    assert results["config_n"].dtype == np.float64
    assert results["config_on"].dropna().tolist() == [True]
    assert results["done"].dropna().tolist() == [True]
    assert results["gone"].tolist() == ["NA"] * 4


@pytest.mark.parametrize(
    "stored", [None, "{", "[]", '{"x": {"domain_cls": "Function", "domain_kwargs": {"func": "f"}}}']
)
def test_metadata_without_a_usable_space_do_no_harm(experiments_folder: Path, stored: Any) -> None:
    write_experiment(experiments_folder, "odd", rows_of([1, 2]), config_space=stored)
    results = load_experiment("odd").results
    assert results is not None
    assert results["config_x"].tolist() == [0.5, 0.5, 0.25, 0.25]


def test_trials_of_another_space_are_left_out(tmp_path: Path) -> None:
    configs = [{"x": 0.5, "kind": "a"}, {"x": 0.5, "kind": "c"}, {"x": "wide", "kind": "a"}]
    rows = rows_of([1, 2], configs)
    curves = record_curves(experiment(tmp_path, rows, x=uniform(0, 1), kind=choice(["a", "b"])))
    assert curves.configs == [{"x": 0.5, "kind": "a"}]


def test_a_curve_that_is_complete_is_not_predicted(tmp_path: Path, monkeypatch: Any) -> None:
    box = blackbox_from_experiment(experiment(tmp_path, rows_of([1, 2, 3, 4])))
    monkeypatch.setattr(box, "_models", None)
    curve = box.curve({"x": 0.5})
    assert curve.tolist() == [[10.0, 1.0], [9.0, 2.0], [8.0, 3.0], [7.0, 4.0]]
    curve[:] = 0.0  # a caller's copy
    assert box.curve({"x": 0.5})[0, 0] == 10.0


def test_trees_are_asked_without_detours_for_the_same_numbers(tmp_path: Path) -> None:
    state = np.random.RandomState(0)
    configs = [{"x": float(x)} for x in state.rand(20)]
    box = blackbox_from_experiment(experiment(tmp_path, rows_of(list(range(1, 30)), configs)))
    resources = box.fidelity_values.astype(np.float64)
    features = np.column_stack([np.full(29, 0.7), np.log(resources), resources])
    expected = box._models[0].predict(features)
    assert np.array_equal(box.curve({"x": 0.7})[:, 0], expected)


def test_a_blackbox_keeps_few_of_the_curves_that_it_predicted(tmp_path: Path) -> None:
    box = blackbox_from_experiment(experiment(tmp_path, rows_of([1, 2, 3, 4])))
    box._recent.limit = 4000
    for x in np.linspace(0, 1, 30):
        box.curve({"x": float(x)})
    assert 1 < len(box._recent) < 10
