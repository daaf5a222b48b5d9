"""Rungs of fixed size: the tables of the documents, who is promoted, and that brackets fill."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.baselines import SyncHyperband
from synetune_lab.optimizer.schedulers.synchronous import (
    SynchronousHyperbandBracket,
    SynchronousHyperbandRungSystem,
    SynchronousHyperbandScheduler,
    get_top_list,
)
from synetune_lab.optimizer.schedulers.synchronous.rung_sizes import check_bracket_rungs
from synetune_lab.trial import Trial

SPACE = {"x": uniform(0.0, 1.0), "epochs": 9}


class Run:
    """Trials of a scheduler, told by hand."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.trials: dict[int, Trial] = {}

    def suggest(self) -> Any:
        suggestion = self.scheduler.suggest(len(self.trials))
        if suggestion is None:
            return None
        if suggestion.spawn_new_trial_id:
            number = len(self.trials)
            self.trials[number] = Trial(number, suggestion.config, datetime(2026, 1, 1))
            self.scheduler.on_trial_add(self.trials[number])
            return number
        trial = self.trials[suggestion.checkpoint_trial_id]
        if suggestion.config is not None:
            trial.config = suggestion.config
        return trial.trial_id

    def report(self, trial_id: int, epoch: int, loss: float) -> str:
        trial = self.trials[trial_id]
        decision = self.scheduler.on_trial_result(trial, {"epoch": epoch, "loss": loss})
        if decision != "CONTINUE":
            self.scheduler.on_trial_remove(trial)
        return decision


def make(rungs: Any, **kwargs: Any) -> Run:
    arguments = {"metric": "loss", "max_resource_attr": "epochs", "random_seed": 1, **kwargs}
    return Run(SynchronousHyperbandScheduler(SPACE, rungs, **arguments))


def test_the_brackets_of_the_tutorial() -> None:
    brackets = SynchronousHyperbandRungSystem.geometric(1, 200, 3)
    assert [rungs[0] for rungs in brackets] == [
        (243, 1), (98, 3), (41, 9), (18, 27), (9, 81), (6, 200),
    ]  # fmt: skip
    assert brackets[0] == [(243, 1), (81, 3), (27, 9), (9, 27), (3, 81), (1, 200)]
    assert len(SynchronousHyperbandRungSystem.geometric(1, 200, 3, 2)) == 2


@pytest.mark.parametrize(("largest", "count"), [(27, 4), (81, 5), (243, 6), (28, 5)])
def test_rounding_errors_add_no_rung(largest: int, count: int) -> None:
    assert len(SynchronousHyperbandRungSystem.geometric(1, largest, 3)[0]) == count


@given(st.integers(1, 5), st.integers(6, 2000), st.floats(2, 6), st.integers(1, 9))
def test_sizes_decrease_and_levels_increase(low: int, high: int, eta: float, count: int) -> None:
    for rungs in SynchronousHyperbandRungSystem.geometric(low, high, eta, count):
        assert rungs[-1][1] == high
        for (size, level), (next_size, next_level) in itertools.pairwise(rungs):
            assert size > next_size
            assert level <= next_level


def test_a_full_rung_promotes_its_best() -> None:
    run = make([[(4, 1), (2, 3), (1, 9)]])
    ids = [run.suggest() for _ in range(4)]
    assert ids == [0, 1, 2, 3]
    assert [run.trials[i].config["epochs"] for i in ids] == [1] * 4
    for trial_id, loss in zip(ids, [0.4, 0.1, 0.3, 0.2], strict=True):
        assert run.report(trial_id, 1, loss) == "PAUSE"
    assert run.scheduler.trials_checkpoints_can_be_removed() == [2, 0]
    assert run.scheduler.trials_checkpoints_can_be_removed() == []
    assert [run.suggest(), run.suggest()] == [1, 3]
    assert run.trials[1].config["epochs"] == 3
    assert run.scheduler.reason()["kind"] == "promoted"
    assert run.report(1, 2, 0.1) == "CONTINUE"
    assert run.report(1, 3, 0.1) == "PAUSE"
    assert run.report(3, 3, 0.05) == "PAUSE"
    assert run.suggest() == 3
    assert run.report(3, 9, 0.01) == "STOP"
    assert run.scheduler.reason() == {"kind": "max_resource", "level": 9, "ends_by_itself": True}


def test_a_worker_without_a_slot_opens_another_bracket() -> None:
    run = make([[(2, 1), (1, 9)], [(1, 9)]])
    assert [run.suggest() for _ in range(4)] == [0, 1, 2, 3]
    levels = [trial.config["epochs"] for trial in run.trials.values()]
    assert levels == [1, 1, 9, 1], "the second bracket, then the first kind again"
    assert run.scheduler.bracket_manager.primary == 0
    run.report(0, 1, 0.5)
    run.report(1, 1, 0.4)
    assert run.suggest() == 1, "work in the first bracket goes first"


def test_a_trial_that_fails_or_is_stopped_ranks_last_and_blocks_nothing() -> None:
    run = make([[(4, 1), (2, 3), (1, 9)]])
    for _ in range(4):
        run.suggest()
    run.scheduler.on_trial_error(run.trials[0])
    run.scheduler.on_trial_remove(run.trials[1])  # by the user
    run.report(2, 1, math.nan)
    run.report(3, 1, 0.7)
    assert run.suggest() == 3, "the only one with a value goes on"
    assert run.suggest() == 4, "the other slot of the rung stays empty; a new bracket is opened"
    run.report(3, 3, 0.6)
    assert run.suggest() == 3


def test_a_waiting_trial_that_the_user_stops_is_not_resumed() -> None:
    run = make([[(3, 1), (1, 9)]])
    for trial_id, loss in enumerate([0.1, 0.2, 0.3]):
        run.suggest()
        if trial_id == 0:
            run.report(0, 1, loss)
            run.scheduler.on_trial_remove(run.trials[0])
    run.report(1, 1, 0.2)
    run.report(2, 1, 0.3)
    assert run.suggest() == 1


def test_a_trial_that_ended_early_keeps_its_value() -> None:
    run = make([[(2, 3), (1, 9)], [(1, 9)]])
    run.suggest()
    run.suggest()
    run.report(0, 2, 0.1)
    run.scheduler.on_trial_complete(run.trials[0], {"epoch": 2, "loss": 0.1})
    run.report(1, 3, 0.5)
    # Trial 0 is promoted, and is at its end there already: the bracket is complete.
    assert run.suggest() == 2
    assert run.trials[2].config["epochs"] == 9


def test_a_space_that_is_used_up_lets_brackets_end() -> None:
    space = {"x": choice([1, 2, 3]), "epochs": 9}
    run = Run(SyncHyperband(space, "loss", "epoch", max_resource_attr="epochs", random_seed=1))
    ids = [run.suggest() for _ in range(3)]
    assert run.suggest() is None
    for trial_id in ids:
        run.report(trial_id, run.trials[trial_id].config["epochs"], 0.1 * trial_id)
    assert run.suggest() == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(0.0, 0.3))
def test_every_bracket_fills_exactly(seed: int, n_workers: int, failing: float) -> None:
    import random

    rand = random.Random(seed)
    rungs = [(9, 1), (3, 3), (1, 9)]
    run = make([rungs], random_seed=seed)
    running: list[int] = []
    reached: Counter[tuple[int, int]] = Counter()
    bracket_of: dict[int, int] = {}
    for _ in range(400):
        while len(running) < n_workers:
            trial_id = run.suggest()
            assert trial_id not in running
            running.append(trial_id)
            bracket_of[trial_id] = run.scheduler._jobs[trial_id].bracket
        trial_id = running.pop(rand.randrange(len(running)))
        level = run.trials[trial_id].config["epochs"]
        if rand.random() < failing:
            run.scheduler.on_trial_error(run.trials[trial_id])
        else:
            run.report(trial_id, level, rand.random())
        reached[bracket_of[trial_id], level] += 1
    active = run.scheduler.bracket_manager.active()
    complete = [b for b in set(bracket_of.values()) if b not in active]
    for bracket in complete:
        assert reached[bracket, 1] == 9
        if failing == 0.0:
            assert (reached[bracket, 3], reached[bracket, 9]) == (3, 1)
        else:
            assert reached[bracket, 3] <= 3


@given(
    st.lists(st.floats(allow_infinity=True), min_size=1, max_size=30),
    st.sampled_from(["min", "max"]),
)
def test_who_is_promoted_was_among_the_best(values: list[float], mode: str) -> None:
    bracket = SynchronousHyperbandBracket(
        [(len(values) + 1, 1), (max(1, len(values) // 3), 3)], mode
    )
    slots = []
    for trial_id in range(len(values) + 1):
        slot = bracket.next_free_slot()
        assert slot is not None
        slot.trial_id = trial_id
        slots.append(slot)
    assert bracket.next_free_slot() is None
    moved = None
    for slot, value in zip(slots, [*values, math.nan], strict=True):
        assert moved is None
        moved = bracket.on_result(slot, value)
    assert moved is not None
    promoted, others = moved
    assert sorted([*promoted, *others]) == list(range(len(values) + 1))
    better = (lambda a, b: a <= b) if mode == "min" else (lambda a, b: a >= b)
    rest = [values[i] for i in others if i < len(values) and values[i] == values[i]]
    assert all(better(values[i], value) for i in promoted for value in rest)


def test_top_list() -> None:
    rung = [(5, 0.3), (6, math.nan), (7, 0.1), (8, 0.3)]
    assert get_top_list(rung, 2, "min") == ([7, 5], [8, 6])
    assert get_top_list(rung, 2, "max") == ([5, 8], [7, 6])


@pytest.mark.parametrize(
    ("rungs", "message"),
    [
        ([], "bracket_rungs must be a list"),
        ([[(3, 1), (3, 3)]], "sizes must decrease"),
        ([[(3, 3), (1, 3)]], "levels increase"),
        ([[(3, 1), (1, 27)]], "above the maximum resource"),
        ([[3, 1]], r"list of \(size, level\)"),
    ],
)
def test_wrong_rungs_are_refused(rungs: Any, message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        make(rungs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"reduction_factor": 1.5}, "reduction_factor=1.5"),
        ({"grace_period": 10}, "grace_period=10"),
        ({"brackets": 0}, "brackets"),
        ({"bracket": 1}, "did you mean 'brackets'"),
        ({"searcher_data": "rungs_and_last"}, "searcher_data"),
    ],
)
def test_wrong_arguments_are_refused(kwargs: Any, message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        SyncHyperband(SPACE, "loss", "epoch", max_resource_attr="epochs", **kwargs)


def test_without_a_maximum_resource_it_says_what_is_missing() -> None:
    with pytest.raises(SchedulerError, match="max_resource_attr"):
        SyncHyperband({"x": uniform(0, 1)}, "loss", "epoch")


@given(st.floats(2.0, 4.0), st.integers(1, 120), st.data())
def test_brackets_are_lawful_for_every_factor(eta: float, most: int, data: st.DataObject) -> None:
    least = data.draw(st.integers(1, most))
    brackets = SynchronousHyperbandRungSystem.geometric(least, most, eta)
    assert check_bracket_rungs("brackets", brackets) == brackets
    assert brackets[0][0][1] == least
    assert all(rungs[-1][1] == most for rungs in brackets)
