"""DEHB: how children are made, who owns a slot, and what is refused."""

from __future__ import annotations

import itertools
from datetime import datetime
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.baselines import DEHB
from synetune_lab.optimizer.schedulers.synchronous import DifferentialEvolutionHyperbandScheduler
from synetune_lab.optimizer.schedulers.synchronous.evolution import crossover, mutate
from synetune_lab.testing.scheduler_driver import SchedulerDriver
from synetune_lab.trial import Trial

SPACE = {"x": uniform(0.0, 1.0), "y": uniform(0.0, 1.0), "epochs": 9}


class Run:
    """Drives DEHB with one worker; the loss is the distance from the middle."""

    def __init__(self, **kwargs: Any) -> None:
        arguments = {"metric": "loss", "max_resource_attr": "epochs", "random_seed": 3, **kwargs}
        rungs = arguments.pop("rungs", [(9, 1), (3, 3), (1, 9)])
        self.scheduler = DifferentialEvolutionHyperbandScheduler(SPACE, rungs, **arguments)
        self.trials: list[Trial] = []
        self.history: list[tuple[int, bool, int, dict[str, Any]]] = []

    def step(self) -> None:
        suggestion = self.scheduler.suggest(len(self.trials))
        assert suggestion is not None
        reason = dict(self.scheduler.reason() or {})
        if suggestion.spawn_new_trial_id:
            trial = Trial(len(self.trials), suggestion.config or {}, datetime(2026, 1, 1))
            self.trials.append(trial)
            self.scheduler.on_trial_add(trial)
        else:
            assert suggestion.checkpoint_trial_id is not None
            trial = self.trials[suggestion.checkpoint_trial_id]
            trial.config = suggestion.config or trial.config
        level = trial.config["epochs"]
        self.history.append((trial.trial_id, suggestion.spawn_new_trial_id, level, reason))
        value = abs(trial.config["x"] - 0.5) + abs(trial.config["y"] - 0.5)
        decision = self.scheduler.on_trial_result(trial, {"epoch": level, "loss": value})
        assert decision in ("PAUSE", "STOP")
        self.scheduler.on_trial_remove(trial)


def test_the_first_bracket_is_successive_halving() -> None:
    run = Run()
    for _ in range(13):
        run.step()
    levels = [level for _, _, level, _ in run.history]
    assert levels == [1] * 9 + [3] * 3 + [9]
    assert [new for _, new, _, _ in run.history] == [True] * 9 + [False] * 4
    values = {t.trial_id: abs(t.config["x"] - 0.5) + abs(t.config["y"] - 0.5) for t in run.trials}
    best = sorted(values, key=lambda i: values[i])
    assert [trial for trial, _, level, _ in run.history if level == 3] == best[:3]
    assert run.history[-1][0] == best[0]


def test_later_brackets_evolve_and_slots_only_get_better() -> None:
    run = Run()
    owners: list[dict[int, list[float]]] = []
    for _ in range(120):
        run.step()
        population = run.scheduler._population
        owners.append(
            {
                level: [population.metrics[o, level] for o in slots if o is not None]
                for level, slots in population.owners.items()
            }
        )
    kinds = [reason["kind"] for _, _, _, reason in run.history[13:]]
    assert kinds.count("evolved") > 80
    for level in (1, 3, 9):
        full = [
            sum(state[level]) for state in owners if len(state[level]) == len(owners[-1][level])
        ]
        assert all(later <= sooner + 1e-12 for sooner, later in itertools.pairwise(full))
    assert owners[-1][9][0] < 0.2


def test_brackets_shrink_and_begin_again() -> None:
    run = Run()
    for _ in range(40):
        run.step()
    levels = [level for _, _, level, _ in run.history]
    # 9 + 3 + 1, then 3 + 1, then 1, and from the beginning.
    assert levels[:18] == [1] * 9 + [3] * 3 + [9] + [3] * 3 + [9] + [9]
    assert levels[18:27] == [1] * 9


@given(
    st.lists(st.floats(0, 1), min_size=12, max_size=12),
    st.floats(0.1, 1.0),
    st.floats(0.1, 0.9),
    st.integers(0, 100),
)
def test_children_stay_in_the_unit_cube(
    numbers: list[float], factor: float, chance: float, seed: int
) -> None:
    vectors = np.array(numbers).reshape(4, 3)
    state = np.random.RandomState(seed)
    mutant = mutate((vectors[0], vectors[1], vectors[2]), factor, state)
    assert ((mutant >= 0) & (mutant <= 1)).all()
    plain = vectors[0] + factor * (vectors[1] - vectors[2])
    inside = (plain >= 0) & (plain <= 1)
    assert np.allclose(mutant[inside], plain[inside])
    child = crossover(mutant, vectors[3], chance, state)
    assert ((child == mutant) | (child == vectors[3])).all()
    assert (child == mutant).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mutation_factor": 0.0}, "mutation_factor"),
        ({"crossover_probability": 1.0}, "crossover_probability"),
        ({"num_brackets_per_iteration": 4}, "num_brackets_per_iteration"),
        ({"rungs": [(3, 1), (3, 3)]}, "sizes must decrease"),
        ({"support_pause_resume": 1}, "support_pause_resume"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        Run(**arguments)


def test_the_geometric_form_has_the_rungs_of_hyperband() -> None:
    scheduler = DEHB(SPACE, "loss", "epoch", max_resource_attr="epochs", random_seed=1)
    assert scheduler.describe()["rung_sizes"] == [[9, 3, 1], [3, 1], [1]]


def test_no_value_of_a_choice_is_preferred() -> None:
    space = {"c": choice(list("abcde")), "x": uniform(0, 1), "epochs": 9}
    counts = dict.fromkeys("abcde", 0)
    for seed in range(12):
        scheduler = DEHB(space, "loss", "epoch", max_resource_attr="epochs", random_seed=seed)
        driver = SchedulerDriver(
            scheduler, lambda _, number, __, seed=seed: Random(f"{seed} {number}").random()
        )
        driver.run(1500)
        for config in driver.configs.values():
            counts[config["c"]] += 1
    total = sum(counts.values())
    assert total > 2000
    assert max(abs(count / total - 0.2) for count in counts.values()) < 0.08


def test_an_edit_keeps_all_that_is_inside_the_new_space() -> None:
    scheduler = DEHB(SPACE, "loss", "epoch", max_resource_attr="epochs", random_seed=1)
    driver = SchedulerDriver(scheduler, lambda config, _n, epoch: config["x"] / epoch)
    driver.run(300)
    scheduler.edit_space({**SPACE, "z": 0.5})
    report = scheduler.edit_space({**SPACE, "z": uniform(0.0, 1.0)})
    assert report["kept"] == len(driver.configs)
    assert report["dropped"] == 0
    inside = sum(config["x"] <= 0.5 for config in driver.configs.values())
    report = scheduler.edit_space({**SPACE, "x": uniform(0.0, 0.5), "z": uniform(0.0, 1.0)})
    assert report["kept"] == inside
    driver.run(300)
