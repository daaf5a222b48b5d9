"""Results survive: the rows that a saved callback leaves to the files come back from them."""

from __future__ import annotations

import pickle
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synetune_lab.results_callback import StoreResultsCallback, rows_of_log
from synetune_lab.trial import Trial
from synetune_lab.tuner import Tuner


class FakeTuner:
    def __init__(self, folder: Path) -> None:
        self.tuner_path = folder
        self.tuner_time = 1.5


def filled(folder: Path, rows: int = 3) -> StoreResultsCallback:
    callback = StoreResultsCallback()
    callback.on_tuning_start(FakeTuner(folder))
    trial = Trial(4, {"lr": 0.1, "act": "relu"}, datetime(2026, 1, 1))
    for epoch in range(rows):
        result = {"epoch": epoch, "loss": 1.0 / (epoch + 1)}
        callback.on_trial_result(trial, "InProgress", result, "CONTINUE")
    return callback


def test_a_row_holds_report_decision_trial_configuration_and_time(tmp_path: Path) -> None:
    (row,) = filled(tmp_path, 1).dataframe().to_dict("records")
    assert row == {
        "epoch": 0, "loss": 1.0, "st_decision": "CONTINUE", "st_status": "InProgress",
        "trial_id": 4, "config_lr": 0.1, "config_act": "relu", "st_tuner_time": 1.5,
    }  # fmt: skip


def test_a_time_that_the_backend_tells_is_kept(tmp_path: Path) -> None:
    callback = filled(tmp_path, 0)
    trial = Trial(0, {}, datetime(2026, 1, 1))
    callback.on_trial_result(trial, "InProgress", {"st_tuner_time": 99.0}, "STOP")
    assert callback.dataframe()["st_tuner_time"].tolist() == [99.0]


def test_a_saved_callback_leaves_its_rows_to_the_file(tmp_path: Path) -> None:
    callback = filled(tmp_path, 1000)
    callback.store_results()
    saved = pickle.dumps(callback)
    assert len(saved) < 2000
    loaded = pickle.loads(saved)
    pd.testing.assert_frame_equal(loaded.dataframe(), callback.dataframe())


def test_without_a_file_the_rows_are_saved_with_it(tmp_path: Path) -> None:
    callback = filled(tmp_path)
    loaded = pickle.loads(pickle.dumps(callback))
    pd.testing.assert_frame_equal(loaded.dataframe(), callback.dataframe())


def test_a_loaded_callback_goes_on(tmp_path: Path) -> None:
    callback = filled(tmp_path)
    callback.store_results()
    loaded = pickle.loads(pickle.dumps(callback))
    loaded.on_tuning_start(FakeTuner(tmp_path))
    trial = Trial(5, {"lr": 0.2, "act": "tanh"}, datetime(2026, 1, 1))
    loaded.on_trial_result(trial, "InProgress", {"epoch": 0, "loss": 0.5}, "CONTINUE")
    loaded.on_tuning_end()
    assert pd.read_csv(tmp_path / "results.csv.zip")["trial_id"].tolist() == [4, 4, 4, 5]


@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_a_damaged_file_is_made_anew_from_the_log(make_tuner: Any, damage: str) -> None:
    tuner = make_tuner(completed=3)
    tuner.run()
    file = tuner.tuner_path / "results.csv.zip"
    before = pd.read_csv(file)
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:100])
    frame = Tuner.resume(tuner.tuner_path).callbacks[0].dataframe()
    pd.testing.assert_frame_equal(frame, before, check_dtype=False)
    rows = pd.DataFrame(list(rows_of_log(tuner.tuner_path)))
    pd.testing.assert_frame_equal(rows, before, check_dtype=False)
