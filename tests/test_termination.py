"""Criteria that end a run when more trials promise little."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synetune_lab import Tuner
from synetune_lab.blackbox_repository import UserBlackboxBackend
from synetune_lab.blackbox_repository.analytic import analytic_blackbox
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.stopping_criterion import PlateauStopper
from synetune_lab.termination import AutomaticTermination
from synetune_lab.trial import Status, Trial
from synetune_lab.tuning_status import TuningStatus


def status_of(values: list[float], sign: float = 1.0) -> TuningStatus:
    status = TuningStatus(["loss"])
    for number, value in enumerate(values):
        trial = Trial(number, {"x": number / 100}, datetime(2026, 1, 1, tzinfo=timezone.utc))
        status.note_status(trial, Status.completed)
        status.note_result(number, {"loss": sign * value})
    return status


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_plateau_is_seen_when_enough_trials_agree(mode: str) -> None:
    sign = 1.0 if mode == "min" else -1.0
    stopper = PlateauStopper("loss", std=0.01, num_trials=3, mode=mode)
    assert not stopper(status_of([0.1, 0.1], sign))
    assert not PlateauStopper("loss", 0.01, 3, mode)(status_of([0.1, 0.2, 0.3, 0.4], sign))
    assert PlateauStopper("loss", 0.01, 3, mode)(status_of([5.0, 0.1, 0.105, 0.1], sign))


def test_patience_counts_reports_on_the_plateau() -> None:
    stopper = PlateauStopper("loss", std=0.01, num_trials=2, patience=2)
    status = status_of([0.1, 0.1])
    assert not stopper(status)
    assert not stopper(status), "the same reports do not count again"
    for again in (False, True):
        status.note_result(0, {"loss": 0.2})
        assert stopper(status) is again
    assert "standard deviation" in str(stopper.why(status))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"std": -1.0}, "std"),
        ({"num_trials": 1}, "num_trials"),
        ({"patience": -1}, "patience"),
        ({"mode": "low"}, "mode"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PlateauStopper("loss", **arguments)


def test_the_gap_is_large_at_first_and_small_in_the_end() -> None:
    space = {"x": uniform(0, 1)}

    def filled(count: int) -> TuningStatus:
        status = TuningStatus(["loss"])
        for number, x in enumerate(np.linspace(0.0, 1.0, count)):
            trial = Trial(number, {"x": float(x)}, datetime(2026, 1, 1, tzinfo=timezone.utc))
            status.note_status(trial, Status.completed)
            status.note_result(number, {"loss": float(np.sin(6 * x))})
        return status

    bounds = []
    for count in (4, 30):
        stopper = AutomaticTermination(space, "loss", threshold=0.05, num_trials=3)
        ends = stopper(filled(count))
        bounds.append(stopper.regret_bound)
        assert ends is (count == 30)
    assert bounds[0] > 3 * bounds[1]  # type: ignore[operator]


def test_a_run_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    box = analytic_blackbox("branin")
    criterion = AutomaticTermination(
        box.configuration_space, "metric_value", threshold=20.0, num_trials=10
    )
    tuner = Tuner(
        UserBlackboxBackend(box, "metric_elapsed_time"),
        RandomSearch(box.configuration_space, "metric_value", random_seed=1),
        criterion,
        n_workers=2,
    )
    tuner.run(progress=False)
    assert 10 <= tuner.tuning_status.num_trials_completed < 200
    assert "best possible" in str(tuner.run_state.why)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_plateau_is_that_of_the_best_values_of_different_trials(mode: str) -> None:
    state = np.random.RandomState(0)
    stopper, status = PlateauStopper("loss", 0.02, 5, mode), TuningStatus(["loss"])
    best: dict[int, float] = {}
    pick, sign = (min, 1.0) if mode == "min" else (max, -1.0)
    flat = 0
    for number in range(9000):
        trial_id = int(state.randint(40))
        trial = Trial(trial_id, {"x": 0.0}, datetime(2026, 1, 1, tzinfo=timezone.utc))
        value = sign * float(state.uniform() + 200 / (number + 1))
        status.note_status(trial, Status.in_progress)
        status.note_result(trial_id, {"loss": value})
        best[trial_id] = pick(best.get(trial_id, value), value)
        top = sorted(sign * one for one in best.values())[:5]
        if number % 7 == 0:  # it need not look at each report
            expected = len(top) == 5 and float(np.std(top)) <= 0.02
            assert stopper(status) is expected
            flat += expected
    assert 0 < flat < 1280


def test_the_threshold_can_be_reported(tmp_path: Path) -> None:
    del tmp_path
    space = {"x": uniform(0.0, 1.0)}
    for spread, ends in ((100.0, True), (1e-9, False)):
        status = TuningStatus(["loss"])
        for number in range(25):
            x = number / 25
            trial = Trial(number, {"x": x}, datetime(2026, 1, 1, tzinfo=timezone.utc))
            status.note_status(trial, Status.completed)
            status.note_result(number, {"loss": (x - 0.3) ** 2, "loss_std": spread})
        criterion = AutomaticTermination(space, "loss", threshold="loss_std", num_candidates=50)
        assert criterion(status) is ends
    with pytest.raises(ValueError, match="threshold=0 must be above 0, or the name"):
        AutomaticTermination(space, "loss", threshold=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PlateauStopper("loss", std=None), "std=None must be a number"),  # type: ignore[arg-type]
        (lambda: PlateauStopper("loss", num_trials="a"), "num_trials='a' must be"),  # type: ignore[arg-type]
        (lambda: AutomaticTermination({"x": uniform(0, 1)}, "loss", None), "threshold=None must"),  # type: ignore[arg-type]
        (lambda: AutomaticTermination({"x": 3}, "loss", 0.1), "no hyperparameter to model"),
    ],
)
def test_wrong_types_are_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_the_latest_reports_are_at_hand() -> None:
    status = TuningStatus(["loss"])
    known: list[tuple[int, dict[str, float]]] = []
    for number in range(10_000):
        status.note_result(number % 50, {"loss": float(number)})
        known.append((number % 50, {"loss": float(number)}))
        for back in (0, 1, 3, 4000):
            count = max(0, number + 1 - back)
            assert status.reports_since(count) == known[count:]
    assert status.reports_since(0) is None
