"""The TensorBoard callback: what it writes, and what it says without the extra."""

from __future__ import annotations

import pickle
import sys
import types
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from synetune_lab.callbacks import TensorboardCallback
from synetune_lab.errors import MissingDependencyError
from synetune_lab.trial import Trial


class Writer:
    """Stands in for tensorboardX's."""

    made: ClassVar[list[Writer]] = []

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.scalars: list[tuple[str, float, int]] = []
        self.texts: list[tuple[str, str, int]] = []
        self.closed = False
        Writer.made.append(self)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.scalars.append((tag, value, step))

    def add_text(self, tag: str, text: str, step: int) -> None:
        self.texts.append((tag, text, step))

    def close(self) -> None:
        self.closed = True


class Tuner:
    tuner_path = Path("somewhere")


def make_trial(trial_id: int, **config: Any) -> Trial:
    return Trial(trial_id, config, datetime(2026, 1, 1))


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = types.ModuleType("tensorboardX")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    Writer.made.clear()
    return lambda: Writer.made[-1]


def test_metrics_are_curves_of_each_trial(writer: Any) -> None:
    callback = TensorboardCallback(ignore_metrics=["epoch"], log_hyperparameters=False)
    callback.on_tuning_start(Tuner())
    for loss in (0.5, 0.4):
        report = {"loss": loss, "epoch": 1, "note": "text", "st_worker_time": 1.0}
        callback.on_trial_result(make_trial(3), "InProgress", report, "CONTINUE")
    assert writer().folder == "somewhere/tensorboard_output"
    assert writer().scalars == [("loss/3", 0.5, 0), ("loss/3", 0.4, 1)]
    callback.on_tuning_end()
    assert writer().closed


def test_the_best_value_and_its_configuration_are_followed(writer: Any) -> None:
    callback = TensorboardCallback(target_metric="acc", mode="max", log_hyperparameters=False)
    callback.on_tuning_start(Tuner())
    for trial_id, acc in ((0, 0.5), (1, 0.7), (2, 0.6), (2, float("nan"))):
        trial = make_trial(trial_id, lr=trial_id / 10, act="relu")
        callback.on_trial_result(trial, "InProgress", {"acc": acc}, "CONTINUE")
    best = [entry for entry in writer().scalars if entry[0] == "best/acc"]
    assert best == [("best/acc", 0.5, 0), ("best/acc", 0.7, 1), ("best/acc", 0.7, 2)]
    assert ("best_config/lr", 0.1, 1) in writer().scalars
    assert ("best_config/act", "relu", 1) in writer().texts


def test_it_is_saved_without_its_open_files(writer: Any) -> None:
    callback = TensorboardCallback(target_metric="acc")
    callback.on_tuning_start(Tuner())
    callback.on_trial_result(make_trial(0, lr=1), "InProgress", {"acc": 0.5}, "CONTINUE")
    loaded = pickle.loads(pickle.dumps(callback))
    loaded.on_trial_result(make_trial(0, lr=1), "InProgress", {"acc": 0.6}, "CONTINUE")
    loaded.on_tuning_start(Tuner())
    loaded.on_trial_result(make_trial(0, lr=1), "InProgress", {"acc": 0.7}, "CONTINUE")
    assert ("acc/0", 0.7, 1) in writer().scalars


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises((MissingDependencyError, ImportError)):
        TensorboardCallback().on_tuning_start(Tuner())


def test_a_mode_that_does_not_exist(writer: Any) -> None:
    with pytest.raises(ValueError, match="mode='up'"):
        TensorboardCallback(mode="up")
