"""Population-based training: who is replaced, by what, and from whose checkpoint."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from synetune_lab.config_space import (
    Domain,
    choice,
    lograndint,
    loguniform,
    ordinal,
    uniform,
    validate_config,
)
from synetune_lab.errors import InvalidReportError, SchedulerError
from synetune_lab.optimizer.schedulers import PopulationBasedTraining
from synetune_lab.testing.scheduler_driver import SchedulerDriver
from synetune_lab.trial import Trial

SPACE = {
    "lr": loguniform(1e-4, 1.0),
    "units": lograndint(4, 256),
    "act": choice(["relu", "tanh"]),
    "depth": ordinal([1, 2, 4, 8], kind="equal"),
    "epochs": 50,
}


class Population:
    """Trials of a scheduler, by number."""

    def __init__(self, n: int = 4, **kwargs: Any) -> None:
        arguments = {
            "metric": "acc",
            "mode": "max",
            "resource_attr": "step",
            "perturbation_interval": 2,
            "random_seed": 3,
            **kwargs,
        }
        self.pbt = PopulationBasedTraining(SPACE, **arguments)
        self.trials: list[Trial] = []
        for _ in range(n):
            self.start()

    def start(self) -> Any:
        suggestion = self.pbt.suggest(len(self.trials))
        assert suggestion is not None
        assert suggestion.config is not None
        self.trials.append(Trial(len(self.trials), suggestion.config, datetime(2026, 1, 1)))
        self.pbt.on_trial_add(self.trials[-1])
        return suggestion

    def report(self, trial_id: int, step: int, acc: float) -> str:
        decision = self.pbt.on_trial_result(self.trials[trial_id], {"step": step, "acc": acc})
        if decision != "CONTINUE":
            self.pbt.on_trial_remove(self.trials[trial_id])
        return decision


def test_the_worst_goes_on_as_a_mutant_of_the_best() -> None:
    population = Population()
    for trial_id, acc in enumerate([0.4, 0.5, 0.9]):
        assert population.report(trial_id, 2, acc) == "CONTINUE"
    assert population.report(3, 2, 0.1) == "STOP"
    assert population.pbt.reason() == {"kind": "exploited", "trial": 2, "goes_on": False}
    suggestion = population.start()
    assert suggestion.spawn_new_trial_id
    assert suggestion.checkpoint_trial_id == 2
    assert population.pbt.reason() == {"kind": "exploit", "trial": 2, "replaces": 3}
    validate_config(suggestion.config, SPACE)
    assert suggestion.config != population.trials[2].config
    assert suggestion.config["epochs"] == 50
    assert population.start().checkpoint_trial_id is None


def test_trials_are_compared_once_an_interval() -> None:
    population = Population()
    for trial_id in range(3):
        population.report(trial_id, 2, 0.5)
    assert population.report(3, 1, 0.0) == "CONTINUE"
    assert population.report(3, 2, 0.0) == "STOP"
    population.start()
    # The copy of a trial that was compared at step 2 is compared next at step 4.
    assert population.report(4, 3, 0.0) == "CONTINUE"
    assert population.report(4, 4, 0.0) == "STOP"


def test_of_few_none_is_worst() -> None:
    population = Population(n=1)
    assert population.report(0, 2, 0.0) == "CONTINUE"
    assert population.report(0, 4, -1.0) == "CONTINUE"
    nobody = Population(quantile_fraction=0.0)
    assert {nobody.report(i, 2, -float(i)) for i in range(4)} == {"CONTINUE"}


def test_who_has_left_is_no_donor() -> None:
    population = Population()
    for trial_id, acc in enumerate([0.4, 0.5, 0.9]):
        population.report(trial_id, 2, acc)
    population.pbt.on_trial_remove(population.trials[2])  # the user has paused it
    population.report(3, 2, 0.1)
    assert population.start().checkpoint_trial_id == 1
    population.pbt.on_trial_resumed_by_user(population.trials[2])
    assert population.report(0, 4, 0.0) == "STOP"
    assert population.start().checkpoint_trial_id == 2
    population.pbt.on_trial_complete(population.trials[2], {"step": 5, "acc": 1.0})
    population.pbt.on_trial_error(population.trials[1])
    assert population.report(4, 9, 0.2) == "CONTINUE"  # it is alone


def test_a_value_that_is_not_a_number_is_the_worst() -> None:
    population = Population()
    assert population.report(0, 2, 0.4) == "CONTINUE"
    assert population.report(1, 2, float("-inf")) == "STOP"
    assert population.report(2, 2, -1e300) == "STOP"
    assert population.report(3, 2, float("nan")) == "STOP"


def test_at_the_maximum_a_trial_ends() -> None:
    population = Population(max_t=10)
    assert population.report(0, 10, 0.9) == "STOP"
    reason = population.pbt.reason()
    assert reason is not None
    assert (reason["kind"], reason["ends_by_itself"]) == ("max_resource", False)


def test_mutants_stay_in_the_space_and_differ_a_little() -> None:
    population = Population(n=1, resample_probability=0.0)
    parent = {"lr": 0.1, "units": 100, "act": "relu", "depth": 4, "epochs": 50}
    for _ in range(50):
        mutant = population.pbt._explore(parent)
        validate_config(mutant, SPACE)
        assert mutant["lr"] in (pytest.approx(0.08), pytest.approx(0.12))
        assert mutant["units"] in (80, 120)
        assert mutant["depth"] in (2, 8)
    at_the_edge = population.pbt._explore({**parent, "lr": 1.0, "units": 256, "depth": 8})
    validate_config(at_the_edge, SPACE)


def test_with_probability_one_all_is_drawn_afresh() -> None:
    population = Population(n=1, resample_probability=1.0)
    parent = {"lr": 0.1, "units": 100, "act": "relu", "depth": 4, "epochs": 50}
    drawn = {population.pbt._explore(parent)["units"] for _ in range(40)}
    assert len(drawn) > 10


def test_a_function_of_the_users_own_explores() -> None:
    population = Population(custom_explore_fn=lambda config: {**config, "units": 7})
    for trial_id, acc in enumerate([0.4, 0.5, 0.9, 0.1]):
        population.report(trial_id, 2, acc)
    assert population.start().config == {**population.trials[2].config, "units": 7}
    bad = Population(custom_explore_fn=lambda config: {**config, "units": 7000})
    for trial_id, acc in enumerate([0.4, 0.5, 0.9]):
        bad.report(trial_id, 2, acc)
    with pytest.raises(SchedulerError, match=r"custom_explore_fn returned .*units"):
        bad.report(3, 2, 0.1)


def test_what_waits_to_start_is_moved_into_an_edited_space() -> None:
    population = Population(resample_probability=0.0)
    for trial_id, acc in enumerate([0.4, 0.5, 0.9, 0.1]):
        population.report(trial_id, 2, acc)
    narrow = {**SPACE, "lr": loguniform(1e-4, 2e-4)}
    population.pbt.edit_space(narrow)
    validate_config(population.start().config, narrow)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"quantile_fraction": 0.6}, "quantile_fraction must be a number from 0 to 0.5, got 0.6"),
        ({"resample_probability": -0.1}, "resample_probability must be a number from 0 to 1"),
        ({"perturbation_interval": "60"}, "perturbation_interval must be a number from 0"),
        ({"population_size": 0}, "population_size must be a positive integer"),
        ({"searcher": "grid"}, "searcher must be 'random'"),
        ({"metric": ["a", "b"]}, "metric must be one name"),
        ({"popsize": 3}, "popsize"),
    ],
)
def test_wrong_arguments_are_refused_by_name(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        Population(**kwargs)


def test_reports_need_the_resource() -> None:
    population = Population()
    with pytest.raises(InvalidReportError, match="without 'step'"):
        population.pbt.on_trial_result(population.trials[0], {"acc": 0.1})
    assert all(isinstance(SPACE[name], Domain) for name in ("lr", "units", "act", "depth"))
    assert uniform(0, 1) != SPACE["lr"]


def test_the_population_is_what_runs() -> None:
    space = {"lr": loguniform(1e-4, 1.0), "epochs": 9}
    scheduler = PopulationBasedTraining(
        space, metric="loss", resource_attr="epoch", perturbation_interval=1, max_t=9, random_seed=1
    )
    driver = SchedulerDriver(scheduler, lambda config, _n, epoch: config["lr"] / epoch, n_workers=4)
    driver.run(600)
    assert len(driver.configs) > 50
    assert len(scheduler._states) <= 5
    assert len(scheduler._quantiles()[0]) <= 2


@pytest.mark.parametrize("explore", [None, lambda config: {**config, "lr": 0.5}])
def test_a_hyperparameter_that_is_fixed_stays_so(explore: Any) -> None:
    space = {"lr": loguniform(1e-4, 1.0), "wd": uniform(0.0, 1.0), "epochs": 9}
    scheduler = PopulationBasedTraining(
        space, explore, metric="loss", resource_attr="epoch", perturbation_interval=1, max_t=9,
        random_seed=1,
    )  # fmt: skip
    driver = SchedulerDriver(scheduler, lambda config, _n, epoch: config["wd"] / epoch)
    driver.run(100)
    before = len(driver.configs)
    scheduler.edit_space({**space, "lr": 0.25})
    driver.run(300)
    new = [config["lr"] for number, config in driver.configs.items() if number >= before]
    assert len(new) > 20
    assert set(new) == {0.25}


def test_a_custom_function_must_return_a_configuration() -> None:
    space = {"lr": loguniform(1e-4, 1.0), "epochs": 9}
    scheduler = PopulationBasedTraining(
        space, lambda _: None, metric="loss", resource_attr="epoch", perturbation_interval=1,
        max_t=9, random_seed=1,
    )  # type: ignore[arg-type, return-value]  # fmt: skip
    driver = SchedulerDriver(scheduler, lambda config, _n, epoch: config["lr"] / epoch)
    with pytest.raises(SchedulerError, match="custom_explore_fn must return a configuration"):
        driver.run(300)


def test_trials_that_are_over_are_forgotten() -> None:
    space = {"lr": loguniform(1e-4, 1.0), "epochs": 9}
    scheduler = PopulationBasedTraining(
        space, metric="loss", resource_attr="epoch", perturbation_interval=1, max_t=9, random_seed=1
    )
    driver = SchedulerDriver(scheduler, lambda config, _n, epoch: config["lr"] / epoch)
    driver.run(1000)
    assert len(driver.configs) > 100
    assert not scheduler._away
