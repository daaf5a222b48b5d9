"""Schedulers and search algorithms under the names of Ray Tune."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.config_space import Float, Function, uniform
from synetune_lab.errors import ConfigSpaceError, SchedulerError, TuneError
from synetune_lab.optimizer.baselines import RandomSearch
from synetune_lab.optimizer.schedulers.fifo import FIFOScheduler
from synetune_lab.optimizer.schedulers.searchers import BaseSearcher
from synetune_lab.trial import Trial
from synetune_lab.tune.convert import SearchSpace
from synetune_lab.tune.mutations import Mutation, mutated_space, with_first_values
from synetune_lab.tune.plan import plan_run
from synetune_lab.tune.request import Request
from synetune_lab.tune.schedulers import (
    ASHAScheduler,
    HyperBandForBOHB,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
)
from synetune_lab.tune.search import (
    SEARCH_ALGORITHMS,
    BasicVariantGenerator,
    BayesOptSearch,
    ConcurrencyLimiter,
    HyperOptSearch,
    TuneBOHB,
)
from tests.tune import trainables
from tests.tune.trainables import Counter

SPACE = {"a": tune.uniform(0.5, 2.0)}


def planned(**arguments: Any) -> Any:
    request = Request(
        arguments.pop("trainable", Counter),
        **{"metric": "score", "mode": "max", "config": SPACE, **arguments},
    )
    return plan_run(request, tune.CLIReporter()).tuner


def run(trainable: Any = Counter, **arguments: Any) -> tune.ExperimentAnalysis:
    fixed: dict[str, Any] = {"metric": "score", "mode": "max", "config": SPACE, "verbose": 0}
    return tune.run(trainable, **{**fixed, **arguments})


# What the names stand for


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fifo", {"name": "FIFOScheduler"}),
        ("asha", {"type": "stopping", "rung_levels": [[1, 4, 16, 64]], "max_resource": 100}),
        ("async_hyperband", {"type": "stopping", "reduction_factor": 4}),
        ("hyperband", {"type": "synchronous", "max_resource": 81, "reduction_factor": 3}),
        ("median", {"name": "MedianStoppingRule", "resource_attr": "training_iteration"}),
    ],
)
def test_a_scheduler_has_the_defaults_of_its_name(name: str, expected: dict[str, Any]) -> None:
    described = planned(scheduler=name).scheduler.describe()
    assert {key: described[key] for key in expected} == expected


def test_metric_and_mode_may_be_given_to_the_scheduler() -> None:
    scheduler = ASHAScheduler(metric="loss", mode="min", max_t=9)
    tuner = planned(scheduler=scheduler, metric=None, mode=None)
    assert (tuner.scheduler.metric_names(), tuner.scheduler.metric_mode()) == (["loss"], "min")


@pytest.mark.parametrize("name", sorted(set(SEARCH_ALGORITHMS) - {"ax", "botorch"}))
@pytest.mark.parametrize("scheduler", [None, "asha", "hyperband"])
def test_search_algorithms_go_with_schedulers(name: str, scheduler: str | None) -> None:
    tuner = planned(search_alg=name, scheduler=scheduler, num_samples=2)
    config = tuner.scheduler.suggest(0).config
    assert 0.5 <= config["a"] <= 2.0


def test_a_model_draws_no_more_than_the_samples() -> None:
    scheduler = planned(search_alg="kde", num_samples=2).scheduler
    assert [scheduler.suggest(i) is None for i in range(4)] == [False, False, True, True]


def test_first_points_go_to_the_model() -> None:
    search = BayesOptSearch(points_to_evaluate=[{"a": 1.25}], random_state=3)
    assert planned(search_alg=search).scheduler.suggest(0).config == {"a": 1.25}


def test_a_search_may_hold_space_metric_and_a_limit() -> None:
    search = ConcurrencyLimiter(TuneBOHB(SPACE, "score", "max", seed=1), max_concurrent=1)
    tuner = planned(search_alg=search, metric=None, mode=None, config=None, num_samples=8)
    assert tuner.n_workers == 1
    assert set(tuner.scheduler.config_space) == {"a"}


def test_search_algorithms_take_the_arguments_that_they_have_in_ray_tune() -> None:
    bayes = BayesOptSearch(random_search_steps=4, random_state=1)
    assert bayes.search_options == {"num_init_random": 4}
    estimators = HyperOptSearch(n_initial_points=5, gamma=0.25, random_state_seed=3)
    assert estimators.search_options == {"num_min_data_points": 5, "top_n_percent": 25}
    assert estimators.random_state == 3
    for search in (bayes, estimators):
        assert planned(search_alg=search, num_samples=2).scheduler.suggest(0) is not None
    with pytest.raises(TuneError, match=r"analysis.*search_options"):
        BayesOptSearch(analysis=3)


def test_search_algorithms_are_where_ray_tune_has_them() -> None:
    for name, cls in SEARCH_ALGORITHMS.items():
        if cls is not BasicVariantGenerator and name not in ("random", "kde", "botorch", "rea"):
            module = import_module(f"synetune_lab.tune.search.{name}")
            assert getattr(module, cls.__name__) is cls


def test_the_same_seed_gives_the_same_configurations() -> None:
    both = [
        [planned(search_alg=BasicVariantGenerator(random_state=7)).scheduler.suggest(0).config]
        for _ in range(2)
    ]
    assert both[0] == both[1]


def test_a_scheduler_of_the_package_itself_may_be_given() -> None:
    scheduler = RandomSearch({"a": uniform(0, 1)}, metric="score", mode="max")
    analysis = run(trainables.returns, scheduler=scheduler, num_samples=3, metric=None, mode=None)
    assert len(analysis.trials) == 3
    assert analysis.default_mode == "max"
    with pytest.raises(TuneError, match="same names"):
        planned(scheduler=RandomSearch({"b": uniform(0, 1)}, metric="score"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ASHAScheduler(time_attr="time_total_s"), "time_total_s"),
        (lambda: HyperBandScheduler(time_attr="time_total_s"), "time_total_s"),
        (lambda: MedianStoppingRule(hard_stop=False), "hard_stop"),
        (PopulationBasedTraining, "hyperparam_mutations"),
        (
            lambda: PopulationBasedTraining(hyperparam_mutations={"a": [1]}, synch=True),
            "synch",
        ),
        (lambda: ConcurrencyLimiter(BasicVariantGenerator(), 2, batch=True), "batch"),
    ],
)
def test_options_that_mean_something_else_here_are_refused(make: Any, message: str) -> None:
    with pytest.raises(TuneError, match=message):
        make()


def test_a_class_without_checkpoints_is_refused_where_trials_pause() -> None:
    with pytest.raises(TuneError, match="save_checkpoint and load_checkpoint"):
        planned(trainable=trainables.NoCheckpoints, scheduler="hyperband", config={})


def test_a_grid_is_refused_by_models() -> None:
    with pytest.raises(ConfigSpaceError, match="grid_search"):
        planned(search_alg="bayesopt", config={"a": tune.grid_search([1, 2])})


# Runs


def test_asha_stops_bad_trials_early_and_lets_good_ones_end() -> None:
    space = {"a": tune.grid_search([1.0, 0.5, 0.25, 0.125])}
    scheduler = ASHAScheduler(max_t=9, grace_period=1, reduction_factor=3)
    analysis = run(config=space, scheduler=scheduler, max_concurrent_trials=1)
    assert [trial.last_result["count"] for trial in analysis.trials] == [9, 1, 1, 1]
    assert {trial.status for trial in analysis.trials} == {"TERMINATED"}


def test_asha_begins_with_what_a_model_chooses() -> None:
    analysis = run(scheduler=ASHAScheduler(max_t=4), search_alg=TuneBOHB(seed=1), num_samples=6)
    assert len(analysis.trials) == 6
    assert max(trial.last_result["count"] for trial in analysis.trials) == 4


@pytest.mark.parametrize("trainable", [Counter, trainables.saves_with_reports])
def test_hyperband_pauses_trials_and_goes_on_from_their_checkpoints(trainable: Any) -> None:
    analysis = run(trainable, scheduler=HyperBandForBOHB(max_t=9), num_samples=9)
    counts = sorted(len(trial.history) for trial in analysis.trials)
    assert counts == [1, 1, 1, 1, 1, 1, 3, 3, 9]
    assert {trial.status for trial in analysis.trials} == {"TERMINATED"}
    best = analysis.best_trial
    assert best.config["a"] == max(trial.config["a"] for trial in analysis.trials)
    assert [row["score"] for row in best.history] == [best.config["a"] * i for i in range(1, 10)]
    assert [row["training_iteration"] for row in best.history] == list(range(1, 10))
    if trainable is Counter:
        came = [row["came"] for row in best.history]
        assert came == ["setup"] + ["setup+load"] * 8


def test_hyperband_goes_on_with_brackets_that_samples_do_not_fill() -> None:
    analysis = run(scheduler=HyperBandScheduler(max_t=9), num_samples=5)
    assert max(len(trial.history) for trial in analysis.trials) == 9


def test_the_median_stops_what_is_worse_than_most() -> None:
    space = {"a": tune.grid_search([2.0, 2.0, 2.0, 2.0, 1.0])}
    analysis = run(
        config=space,
        scheduler=MedianStoppingRule(grace_period=1, min_samples_required=3),
        stop={"training_iteration": 5},
        max_concurrent_trials=1,
    )
    assert [trial.last_result["count"] for trial in analysis.trials] == [5, 5, 5, 5, 2]


# Population-based training


def test_trials_are_not_compared_before_they_have_burnt_in() -> None:
    pbt = PopulationBasedTraining(
        "training_iteration",
        perturbation_interval=1,
        burn_in_period=3,
        quantile_fraction=0.5,
        hyperparam_mutations={"a": tune.uniform(0.1, 1.0)},
        seed=1,
    )
    scheduler = planned(scheduler=pbt).scheduler
    trials = [Trial(i, {"a": 0.5}, datetime(2026, 1, 1)) for i in range(2)]
    for trial in trials:
        scheduler.on_trial_add(trial)
    decisions = [
        scheduler.on_trial_result(trial, {"score": -trial.trial_id, "training_iteration": step})
        for step in (1, 2, 3)
        for trial in trials
    ]
    assert decisions == ["CONTINUE"] * 5 + ["STOP"]


@pytest.mark.parametrize("reuse", [False, True])
def test_a_bad_trial_is_replaced_by_a_copy_of_a_good_one(reuse: bool, tmp_path: Path) -> None:
    scheduler = PopulationBasedTraining(
        "training_iteration",
        perturbation_interval=2,
        quantile_fraction=0.5,
        resample_probability=0.0,
        hyperparam_mutations={"a": tune.uniform(0.1, 100.0)},
        seed=1,
    )
    release = tmp_path / "release"
    analysis = run(
        trainables.WaitsForRelease,
        metric="a",
        config={"a": tune.grid_search([1.0, 10.0]), "release": str(release)},
        scheduler=scheduler,
        # The bad one goes on until it is replaced, the good one waits for that.
        stop=lambda trial_id, result: result["count"] >= 4 and result["config"]["a"] != 1.0,
        max_concurrent_trials=2,
        resources_per_trial={"cpu": 0.1},
        reuse_actors=reuse,
        callbacks=[_ReleaseAfter(2, release)],
    )
    bad, good, copy = analysis.trials[:3]
    assert bad.config["a"] == 1.0
    assert bad.last_result["count"] % 2 == 0
    assert copy.config["a"] in (8.0, 12.0)
    assert copy.history[0]["count"] == 3
    assert copy.history[0]["training_iteration"] == 3
    assert copy.history[0]["came"] == ("setup+reset+load" if reuse else "setup+load")
    assert len(good.history) == 4


class _ReleaseAfter(tune.Callback):
    """Lets trials go on when the third one has started."""

    def __init__(self, number: int, release: Path) -> None:
        self.number = number
        self.release = release

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        if trial.number == self.number:
            self.release.touch()


def test_a_trial_at_its_end_is_neither_replaced_nor_copied() -> None:
    pbt = PopulationBasedTraining(
        "training_iteration",
        perturbation_interval=1,
        quantile_fraction=0.5,
        hyperparam_mutations={"a": tune.uniform(0.1, 1.0)},
    )
    scheduler = planned(scheduler=pbt, stop={"training_iteration": 2}).scheduler
    trials = [Trial(i, {"a": 0.5}, datetime(2026, 1, 1)) for i in range(3)]
    for trial in trials:
        scheduler.on_trial_add(trial)

    def decide(number: int, step: int, score: float) -> str:
        result = {"score": score, "training_iteration": step}
        return str(scheduler.on_trial_result(trials[number], result))

    assert [decide(0, 1, 3.0), decide(0, 2, 3.0)] == ["CONTINUE"] * 2
    assert decide(1, 1, 1.0) == "CONTINUE"  # alone: the better one has come to its end
    assert decide(2, 1, 2.0) == "CONTINUE"
    assert decide(1, 2, 1.0) == "CONTINUE"


def test_first_values_may_come_from_the_mutations() -> None:
    full = with_first_values(
        {"b": 1, "m": {"x": 2}},
        {"a": [1, 2], "m": {"y": tune.uniform(0, 1), "x": [1, 2]}, "f": lambda: 7},
    )
    space = SearchSpace.of(full)
    assert set(space.hyperparameters) == {"a", "m/y", "f"}
    assert isinstance(space.config_space["f"], Function)


def test_the_space_is_wide_enough_for_first_values_and_mutations() -> None:
    config = {"a": tune.uniform(0, 1), "b": 5, "c": tune.choice(["x", "y"]), "d": 1.0}
    mutations = {"a": tune.uniform(0.5, 3), "b": [1, 2], "c": ["x", "z"], "d": lambda: 3.0}
    space, entries = mutated_space(SearchSpace.of(config), mutations)
    assert space["a"] == Float(0, 3)
    assert (space["b"].lower, space["b"].upper) == (1, 5)
    assert isinstance(space["c"], Function)
    assert isinstance(space["d"], Function)
    assert set(entries) == set(mutations)
    with pytest.raises(TuneError, match="not in config"):
        mutated_space(SearchSpace.of(config), {"z": [1]})
    with pytest.raises(TuneError, match="must be a domain"):
        mutated_space(SearchSpace.of(config), {"a": 3})


def test_mutations_move_numbers_by_factors_and_lists_by_neighbours() -> None:
    config = {"a": 1.0, "n": 10, "l": 2, "o": tune.choice([[1], [2], [3]]), "keep": "x"}
    space = SearchSpace.of(config)
    entries = {"a": tune.uniform(0, 1.1), "n": lambda: 3, "l": [1, 2, 3], "o": [[1], [2], [3]]}
    mutation = Mutation(entries, space.template, 0.0, (1.2, 0.8), None, seed=1)
    found = [mutation({"a": 1.0, "n": 10, "l": 2, "o": "[2]", "keep": "x"}) for _ in range(50)]
    assert {one["a"] for one in found} == {0.8, 1.1}
    assert {one["n"] for one in found} == {8, 12}
    assert {one["l"] for one in found} == {1, 3}
    assert {one["o"] for one in found} == {"[1]", "[3]"}
    assert {one["keep"] for one in found} == {"x"}


def test_a_function_of_the_user_has_the_last_word_on_a_mutation() -> None:
    space = SearchSpace.of({"m": {"a": 1.0}, "o": tune.choice([[1], [2]])})

    def explore(config: dict[str, Any]) -> dict[str, Any]:
        return {"m": {"a": config["m"]["a"] + 100}, "o": [2]}

    mutation = Mutation({"m/a": [1.0, 2.0]}, space.template, 1.0, (1.2, 0.8), explore, seed=1)
    assert mutation({"m/a": 1.0, "o": "[1]"})["m/a"] in (101.0, 102.0)
    assert mutation({"m/a": 1.0, "o": "[1]"})["o"] == "[2]"
    mutation.custom = lambda config: None  # type: ignore[assignment, return-value]
    with pytest.raises(TuneError, match="must return a configuration"):
        mutation({"m/a": 1.0, "o": "[1]"})


# What schedulers of the package gained


class _Endless(BaseSearcher):
    def get_config(self, **kwargs: Any) -> dict[str, Any]:
        return {"a": 0.5}


def test_a_scheduler_may_be_limited_to_a_number_of_configurations() -> None:
    space = {"a": uniform(0, 1)}
    scheduler = FIFOScheduler(space, searcher=_Endless(space, "score"), metric="score")
    scheduler.max_new_configs = 2
    assert [scheduler.suggest(i) is None for i in range(3)] == [False, False, True]


def test_population_based_training_may_have_no_end() -> None:
    from synetune_lab.optimizer.schedulers.pbt import PopulationBasedTraining as Own

    space = {"a": uniform(0, 1), "epochs": 7}
    assert Own(space, metric="score", max_t=float("inf")).max_resource_level is None
    assert Own(space, metric="score").max_resource_level == 7
    tuner = planned(
        scheduler=PopulationBasedTraining(hyperparam_mutations={"a": [1.0, 2.0]}),
        config={"a": 1.0, "epochs": 7},
    )
    assert tuner.scheduler.describe()["max_resource"] is None


def test_population_based_training_takes_a_searcher_that_is_made_already() -> None:
    from synetune_lab.optimizer.schedulers.pbt import PopulationBasedTraining as Own

    space = {"a": uniform(0, 1)}
    scheduler = Own(space, metric="score", searcher=_Endless(space, "score"))
    suggestion = scheduler.suggest(0)
    assert suggestion is not None
    assert suggestion.config == {"a": 0.5}
    with pytest.raises(SchedulerError, match="searcher"):
        Own(space, metric="score", searcher="kde")
