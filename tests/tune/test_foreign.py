"""What scripts for Ray Tune say and this package has no use for: taken, or refused with a hint."""

from __future__ import annotations

import logging
from datetime import datetime
from importlib import import_module
from typing import Any

import pytest

from synetune_lab import tune
from synetune_lab.errors import TuneError
from synetune_lab.trial import Trial
from synetune_lab.tune.plan import plan_run
from synetune_lab.tune.request import Request
from synetune_lab.tune.resources import Needs
from synetune_lab.tune.schedulers import (
    ASHAScheduler,
    FIFOScheduler,
    HyperBandForBOHB,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
)
from synetune_lab.tune.search import BayesOptSearch, NevergradSearch, OptunaSearch, TuneBOHB
from tests.tune import trainables

MUTATIONS: dict[str, Any] = {"a": tune.uniform(0.5, 2.0)}
# What is only known to Ray Tune is unknown to a type checker, as it should be.
run: Any = tune.run
RunConfig: Any = tune.RunConfig
TuneConfig: Any = tune.TuneConfig
FailureConfig: Any = tune.FailureConfig
CheckpointConfig: Any = tune.CheckpointConfig
Pbt: Any = PopulationBasedTraining
Median: Any = MedianStoppingRule
Asha: Any = ASHAScheduler
Fifo: Any = FIFOScheduler


def planned(**arguments: Any) -> Any:
    request = Request(
        arguments.pop("trainable", trainables.Counter),
        **{"metric": "score", "mode": "max", "config": MUTATIONS, **arguments},
    )
    return plan_run(request, tune.CLIReporter()).tuner


def test_arguments_that_change_nothing_are_taken() -> None:
    analysis = run(
        trainables.returns,
        config={"a": 1.0},
        log_to_file=True,
        sync_config=None,
        queue_trials=True,
        verbose=0,
    )
    assert analysis.trials[0].status == "TERMINATED"
    assert RunConfig(name="x", log_to_file=True, sync_config=None) == tune.RunConfig(name="x")
    assert TuneConfig(num_samples=3, chdir_to_trial_dir=False).num_samples == 3
    assert CheckpointConfig(num_to_keep=2, checkpoint_keep_all_ranks=False).num_to_keep == 2
    assert Median(min_time_slice=0, grace_period=2).grace_period == 2
    assert Pbt(hyperparam_mutations=MUTATIONS, log_config=True).time_attr == "time_total_s"
    assert BayesOptSearch(verbose=0, patience=5, skip_duplicate=True).search_options == {}
    assert TuneBOHB(bohb_config=None).search_options == {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RunConfig(sync_config=3), "RunConfig has no argument 'sync_config' here: files"),
        (lambda: RunConfig(log_to_file="log.txt"), "always in std.out and std.err"),
        (lambda: RunConfig(nam="x"), "RunConfig has no argument 'nam' here"),
        (lambda: TuneConfig(trial_dirname_creator=len), "the folder of a trial is its number"),
        (lambda: TuneConfig(chdir_to_trial_dir=True), r"tune\.get_trial_dir"),
        (lambda: FailureConfig(max_failure=1), "FailureConfig has no argument 'max_failure' here"),
        (lambda: CheckpointConfig(checkpoint_keep_all_ranks=True), "a trial is one process"),
        (lambda: Asha(maxt=3), "AsyncHyperBandScheduler has no argument 'maxt' here"),
        (lambda: Fifo(verbose=3), "FIFOScheduler has no argument 'verbose' here"),
        (lambda: Pbt(hyperparam_mutations=MUTATIONS, policy=1), "no recorded policies"),
        (lambda: OptunaSearch(sampler=object()), "by a method of this package"),
        (lambda: NevergradSearch(optimizer=object()), "by a method of this package"),
        (lambda: run(trainables.returns, patience=3), "tune.run has no argument 'patience' here"),
        (lambda: run(trainables.returns, loggers=[1]), "give callbacks"),
    ],
)
def test_arguments_that_mean_something_are_refused_with_a_hint(make: Any, message: str) -> None:
    with pytest.raises(TuneError, match=message):
        make()


@pytest.mark.parametrize("cls", [HyperBandForBOHB, HyperBandScheduler, ASHAScheduler])
def test_trials_end_at_max_t_whatever_stop_last_trials_says(
    cls: Any, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler = cls(max_t=9, reduction_factor=3, stop_last_trials=False)
    assert scheduler.end == ("training_iteration", 9)
    assert "trials are done at max_t=9" in caplog.text
    assert planned(scheduler=scheduler).scheduler.describe()["max_resource"] == 9


def test_utilities_of_bayesian_optimisation_are_acquisition_functions() -> None:
    upper = BayesOptSearch(utility_kwargs={"kind": "ucb", "kappa": 2.5, "xi": 0.0})
    assert upper.search_options == {
        "acq_function": "lcb",
        "acq_function_kwargs": {"kappa": 2.5},
    }
    improvement = BayesOptSearch(utility_kwargs={"kind": "ei", "xi": 0.1})
    assert improvement.search_options["acq_function_kwargs"] == {"jitter": 0.1}
    for search in (upper, improvement):
        options = {"num_init_random": 1}
        search.search_options.update(options)
        scheduler = planned(search_alg=search, num_samples=4).scheduler
        for number in range(3):
            suggestion = scheduler.suggest(number)
            assert 0.5 <= suggestion.config["a"] <= 2.0
            trial = Trial(number, suggestion.config, datetime(2026, 1, 1))
            scheduler.on_trial_add(trial)
            scheduler.on_trial_complete(trial, {"score": float(number), "training_iteration": 1})
    with pytest.raises(TuneError, match=r"utility_kwargs\['kind'\]='poi'"):
        BayesOptSearch(utility_kwargs={"kind": "poi"})


def test_population_based_training_may_do_without_a_metric_in_a_report() -> None:
    lacking = {"training_iteration": 1}
    for require in (True, False):
        pbt = Pbt(
            "training_iteration",
            hyperparam_mutations=MUTATIONS,
            perturbation_interval=1,
            require_attrs=require,
        )
        scheduler = planned(scheduler=pbt).scheduler
        trial = Trial(0, {"a": 1.0}, datetime(2026, 1, 1))
        scheduler.on_trial_add(trial)
        if require:
            with pytest.raises(Exception, match="score"):
                scheduler.on_trial_result(trial, lacking)
        else:
            assert scheduler.on_trial_result(trial, lacking) == "CONTINUE"


# Resources


def test_resources_may_come_from_a_function_of_what_all_trials_share() -> None:
    space = {"a": 1.0, "size": tune.choice([1, 2]), "m": {"cpus": 0.5}}
    bound = tune.with_resources(trainables.returns, lambda config: {"cpu": config["m"]["cpus"]})
    analysis = tune.run(bound, config=space, verbose=0)
    assert analysis.trials[0].resources["cpu"] == 0.5
    groups = tune.with_resources(
        trainables.returns, lambda config: tune.PlacementGroupFactory([{"CPU": 0.25}] * 2)
    )
    assert tune.run(groups, config=space, verbose=0).trials[0].resources["cpu"] == 0.5
    for key, message in (("size", "'size', which is not the same for all"), ("a", "failed: Type")):
        bad = tune.with_resources(trainables.returns, lambda config, key=key: config[key]["x"])
        with pytest.raises(TuneError, match=message):
            tune.run(bad, config=space, verbose=0)


def test_resources_of_a_cluster_may_stand_by_themselves_or_be_custom() -> None:
    for given in ({"cpu": 2, "custom_resources": {"disk": 3}}, {"CPU": 2, "disk": 3}):
        assert Needs.of(given).to_json() == {"cpu": 2.0, "gpu": 0.0, "disk": 3.0}
    assert Needs.of({"cpu": 1, "extra_cpu": 2, "extra_gpu": 1}).to_json() == {"cpu": 3, "gpu": 1}
    with pytest.raises(TuneError, match=r"\['disk'\]=-1 must be a number of at least 0"):
        Needs.of({"custom_resources": {"disk": -1}})
    with pytest.raises(TuneError, match=r"\['custom_resources'\]=3 must|'custom_resources'"):
        tune.run(trainables.returns, resources_per_trial={"custom_resources": 3}, verbose=0)


# Names


def test_search_is_found_by_its_old_name() -> None:
    from synetune_lab.tune import suggest

    assert tune.suggest is suggest
    for name in suggest.__all__:
        assert getattr(suggest, name) is getattr(tune.search, name)
    for module, name in (
        ("bayesopt", "BayesOptSearch"),
        ("hyperopt", "HyperOptSearch"),
        ("basic_variant", "BasicVariantGenerator"),
        ("concurrency_limiter", "ConcurrencyLimiter"),
    ):
        found = import_module(f"synetune_lab.tune.suggest.{module}")
        assert getattr(found, name) is getattr(tune.search, name)
        assert getattr(suggest, module) is found


def test_old_modules_are_found_before_their_package_was_imported() -> None:
    import subprocess
    import sys

    program = "from synetune_lab.tune.suggest.bohb import TuneBOHB; print(TuneBOHB.__module__)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "synetune_lab.tune.search.bohb"


def test_trainables_are_registered_where_ray_tune_does_it() -> None:
    from synetune_lab.tune.registry import register_trainable

    assert register_trainable is tune.register_trainable


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("from synetune_lab.tune import Experiment", "give its arguments to tune.run"),
        ("from synetune_lab.tune import run_experiments", "call tune.run for each"),
        ("from synetune_lab.tune.logger import JsonLogger", "results.csv.zip"),
        ("from synetune_lab.tune.registry import register_env", "environments"),
        ("from synetune_lab.tune.schedulers import PB2", "see PopulationBasedTraining"),
        ("from synetune_lab.tune.search import Repeater", "grid_search over seeds"),
        ("from synetune_lab.tune import tuna", "cannot import name 'tuna'"),
        ("from synetune_lab.tune.search import Tuna", "cannot import name 'Tuna'"),
    ],
)
def test_an_import_of_what_is_not_here_says_what_is(statement: str, message: str) -> None:
    with pytest.raises(ImportError, match=message):
        exec(statement)  # noqa: S102 - as a script would


def test_other_names_are_simply_not_there() -> None:
    assert not hasattr(tune, "tuna")
    assert not hasattr(tune.logger, "tuna")


def test_nothing_is_logged_of_what_is_usual(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        ASHAScheduler(stop_last_trials=True)
    assert caplog.text == ""
