"""Schedulers that run each trial to its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from synetune_lab.config_space import choice, loguniform, randint, uniform
from synetune_lab.errors import InvalidReportError, SchedulerError
from synetune_lab.optimizer.baselines import ASHA, GridSearch, RandomSearch
from synetune_lab.optimizer.schedulers import FIFOScheduler
from synetune_lab.optimizer.schedulers.random_seeds import (
    RandomSeedGenerator,
    generate_random_seed,
)
from synetune_lab.trial import Trial
from tests.optimizer.schedulers.hyperband_helpers import SPACE, RecordingSearcher

TUTORIAL_SPACE = {
    "n_units": randint(4, 1024),
    "batch_size": randint(8, 128),
    "dropout": uniform(0, 0.99),
    "learning_rate": loguniform(1e-6, 1),
    "weight_decay": loguniform(1e-8, 1),
    "epochs": 81,
}


def suggest(scheduler: FIFOScheduler, trial_id: int) -> Trial:
    suggestion = scheduler.suggest(trial_id)
    assert suggestion is not None
    assert suggestion.spawn_new_trial_id
    assert suggestion.config is not None
    trial = Trial(trial_id, suggestion.config, datetime(2026, 1, 1))
    scheduler.on_trial_add(trial)
    return trial


def test_the_first_configuration_is_the_midpoint_with_the_constants() -> None:
    config = suggest(RandomSearch(TUTORIAL_SPACE, "loss"), 0).config
    assert config == {
        "n_units": 514,
        "batch_size": 68,
        "dropout": pytest.approx(0.495),
        "learning_rate": pytest.approx(1e-3),
        "weight_decay": pytest.approx(1e-4),
        "epochs": 81,
    }


def test_points_to_evaluate_come_first_in_order_and_say_so() -> None:
    points = [{"x": 0.9}, {"x": 0.1}]
    scheduler = RandomSearch(SPACE, "loss", points_to_evaluate=points, random_seed=3)
    assert [suggest(scheduler, k).config["x"] for k in range(2)] == [0.9, 0.1]
    assert scheduler.reason() == {"kind": "points_to_evaluate", "index": 1}
    suggest(scheduler, 2)
    assert scheduler.reason() == {"kind": "random"}


def test_an_empty_list_of_points_means_random_from_the_start() -> None:
    scheduler = RandomSearch(SPACE, "loss", points_to_evaluate=[])
    suggest(scheduler, 0)
    assert scheduler.reason() == {"kind": "random"}


def test_reports_always_continue_and_have_no_reason() -> None:
    scheduler = RandomSearch(SPACE, "loss")
    trial = suggest(scheduler, 0)
    assert scheduler.on_trial_result(trial, {"loss": 1}) == "CONTINUE"
    assert scheduler.reason() is None


@pytest.mark.parametrize(
    "result", [{}, {"los": 1.0}, {"loss": None}, {"loss": "1"}, {"loss": True}]
)
def test_a_report_without_the_metric_is_refused(result: dict[str, Any]) -> None:
    scheduler = RandomSearch(SPACE, "loss")
    trial = suggest(scheduler, 0)
    with pytest.raises(InvalidReportError, match=r"trial 0 .*('loss'|loss=)"):
        scheduler.on_trial_result(trial, result)


@pytest.mark.parametrize(
    "value", [1, 0.5, np.float32(0.5), np.int64(2), float("nan"), float("inf")]
)
def test_numbers_of_all_kinds_are_taken(value: Any) -> None:
    scheduler = RandomSearch(SPACE, "loss")
    assert scheduler.on_trial_result(suggest(scheduler, 0), {"loss": value}) == "CONTINUE"
    asha = ASHA(SPACE, "loss", "epoch")
    trial = suggest(asha, 0)  # type: ignore[arg-type]
    assert asha.on_trial_result(trial, {"loss": value, "epoch": np.int64(1)}) in (
        "CONTINUE",
        "STOP",
    )
    assert asha.on_trial_result(trial, {"loss": value, "epoch": 3.0}) in ("CONTINUE", "STOP")
    with pytest.raises(InvalidReportError):
        asha.on_trial_result(trial, {"loss": np.bool_(True), "epoch": 4})


def test_grid_search_ends_when_the_grid_does() -> None:
    space = {"a": choice(["p", "q"]), "b": randint(1, 3), "epochs": 2}
    scheduler = GridSearch(space, "loss", random_seed=1)
    seen = {tuple(suggest(scheduler, k).config.items()) for k in range(6)}
    assert len(seen) == 6
    assert scheduler.suggest(6) is None
    assert scheduler.reason() is None


def test_the_searcher_hears_of_everything() -> None:
    searcher = RecordingSearcher(SPACE)
    scheduler = FIFOScheduler(SPACE, metric="loss", searcher=searcher)
    trial = suggest(scheduler, 0)
    scheduler.on_trial_result(trial, {"loss": 1.0, "epoch": 1})
    scheduler.on_trial_complete(trial, {"loss": 1.0, "epoch": 1})
    failing = suggest(scheduler, 1)
    scheduler.on_trial_error(failing)
    paused = suggest(scheduler, 2)
    scheduler.on_trial_remove(paused)
    assert scheduler.on_trial_resumed_by_user(paused) is None  # type: ignore[func-returns-value]
    scheduler.on_trial_add(Trial(3, {"x": 0.1, "epochs": 81}, datetime(2026, 1, 1)))
    assert searcher.take() == [
        ("pending", "0", None),
        ("result", "0", 1, False),
        ("result", "0", 1, True),
        ("cleanup", "0"),
        ("pending", "1", None),
        ("failed", "1"),
        ("pending", "2", None),
        ("cleanup", "2"),
        ("pending", "2", None),
        ("pending", "3", None),
    ]


def test_a_configuration_that_the_user_put_in_is_not_drawn_again() -> None:
    space = {"a": choice(["p", "q"]), "epochs": 2}
    scheduler = RandomSearch(space, "loss", points_to_evaluate=[])
    scheduler.on_trial_add(Trial(0, {"a": "q", "epochs": 2}, datetime(2026, 1, 1)))
    assert suggest(scheduler, 1).config["a"] == "p"
    assert scheduler.suggest(2) is None


def test_editing_the_space_changes_constants_too() -> None:
    scheduler = RandomSearch({**SPACE, "dataset": "a"}, "loss", points_to_evaluate=[])
    scheduler.edit_space({"x": uniform(0.5, 0.6), "epochs": 81, "dataset": "b"})
    config = suggest(scheduler, 0).config
    assert 0.5 <= config["x"] <= 0.6
    assert config["dataset"] == "b"


class Clock:
    def start_of_time(self) -> None:
        """Nothing to do."""

    def time(self) -> float:
        return 0.0


def test_a_time_keeper_is_given_once_and_before_the_start() -> None:
    clock = Clock()
    scheduler = RandomSearch(SPACE, "loss")
    scheduler.set_time_keeper(clock)
    assert scheduler.time_keeper is clock
    with pytest.raises(SchedulerError, match="has a time keeper already"):
        scheduler.set_time_keeper(clock)
    with pytest.raises(SchedulerError, match="has a time keeper already"):
        RandomSearch(SPACE, "loss", time_keeper=clock).set_time_keeper(clock)
    started = RandomSearch(SPACE, "loss")
    suggest(started, 0)
    with pytest.raises(SchedulerError, match="before the first suggestion"):
        started.set_time_keeper(clock)


def test_seeds_come_from_the_master_seed() -> None:
    first, second = RandomSeedGenerator(5), RandomSeedGenerator(5)
    seeds = [first() for _ in range(20)]
    assert seeds == [second() for _ in range(20)]
    assert len(set(seeds)) == 20
    assert all(0 <= seed < 2**32 for seed in [*seeds, generate_random_seed()])


def test_without_a_seed_one_is_drawn_and_can_be_used_again() -> None:
    scheduler = RandomSearch(SPACE, "loss", points_to_evaluate=[])
    again = RandomSearch(SPACE, "loss", points_to_evaluate=[], random_seed=scheduler.random_seed)
    assert suggest(scheduler, 0).config == suggest(again, 0).config
    other = RandomSearch(SPACE, "loss", points_to_evaluate=[])
    assert other.random_seed != scheduler.random_seed
