"""Wrong calls: each is refused before a trial starts, by the name of the argument and its value."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from synetune_lab import tune
from synetune_lab.errors import TuneError
from synetune_lab.tune.request import Request
from synetune_lab.tune.schedulers import (
    ASHAScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
)
from synetune_lab.tune.search import BayesOptSearch, ConcurrencyLimiter, HyperOptSearch
from synetune_lab.tune.stopper import (
    ExperimentPlateauStopper,
    MaximumIterationStopper,
    TimeoutStopper,
    TrialPlateauStopper,
)
from tests.tune import trainables

ANY: Any = object()

CALLS: list[tuple[dict[str, Any], str]] = [
    ({"num_samples": 0}, "num_samples=0 must be a whole number, at least 1, or -1"),
    ({"num_samples": 2.5}, "num_samples=2.5"),
    ({"num_samples": True}, "num_samples=True"),
    ({"mode": "maximum"}, "mode='maximum' must be 'min' or 'max'"),
    ({"mode": None}, "metric='score' needs mode"),
    ({"metric": 3}, "metric=3 must be a text"),
    ({"name": ""}, "name='' must be a text"),
    ({"local_dir": 3}, "local_dir=3 must be a path"),
    ({"config": [1]}, "config must be a dictionary"),
    ({"stop": 3}, "stop must be a dictionary, a function, a Stopper"),
    ({"stop": {"score": "high"}}, "stop['score']='high' must be a number"),
    ({"stop": lambda result: True}, "the id of a trial and its result"),
    ({"stop": tune.Stopper}, "stop must be"),
    ({"time_budget_s": 0}, "time_budget_s=0 must be a number above 0"),
    ({"time_budget_s": timedelta(0)}, "time_budget_s=0.0"),
    ({"time_budget_s": "1h"}, "time_budget_s='1h'"),
    ({"resources_per_trial": 2}, "resources_per_trial=2 must be a dictionary"),
    ({"resources_per_trial": {"cpu": -1}}, "resources_per_trial['cpu']=-1"),
    ({"resources_per_trial": {"gpu": 1.5}}, "use 1 or 2"),
    ({"resources_per_trial": {"tpu": 1}}, "'tpu' is not known here"),
    ({"search_alg": "magic"}, "search_alg='magic' is not known here; known are ax,"),
    ({"search_alg": 3}, "search_alg must be one of"),
    ({"scheduler": "sha"}, "scheduler='sha' is not known here; known are"),
    ({"scheduler": ASHAScheduler}, "scheduler must be one of"),
    ({"checkpoint_freq": -1}, "checkpoint_freq=-1 must be a whole number, at least 0"),
    ({"checkpoint_at_end": "yes"}, "checkpoint_at_end='yes' must be True or False"),
    ({"keep_checkpoints_num": 0}, "keep_checkpoints_num=0"),
    ({"checkpoint_score_attr": 1}, "checkpoint_score_attr=1"),
    ({"verbose": 7}, "verbose=7 must be 0, 1, 2 or 3"),
    ({"verbose": True}, "verbose=True"),
    ({"progress_reporter": tune.CLIReporter}, "such as tune.CLIReporter()"),
    ({"resume": "SOMETIMES"}, "resume='SOMETIMES' must be True, False, 'AUTO'"),
    ({"resume": 3}, "resume=3"),
    ({"resume": True}, "resume needs the name of the run"),
    ({"resume": True, "name": "nowhere"}, "there is no run to go on with"),
    ({"reuse_actors": 1}, "reuse_actors=1"),
    ({"callbacks": tune.Callback()}, "must be a list"),
    ({"callbacks": [print]}, "neither a tune.Callback nor a TunerCallback"),
    ({"max_failures": -2}, "max_failures=-2"),
    ({"fail_fast": "no"}, "fail_fast='no'"),
    ({"max_concurrent_trials": -1}, "max_concurrent_trials=-1"),
    ({"max_concurrent_trials": 1.5}, "max_concurrent_trials=1.5"),
    ({"trial_name_creator": "x"}, "trial_name_creator='x' must be a function"),
    ({"restore": "nowhere"}, "restore='nowhere': there is no such folder"),
    ({"backend": "slurm"}, "backend='slurm' must be 'python'"),
    ({"sync_config": 1}, "no argument 'sync_config' here: files are where the run is"),
    ({"trial_dirname_creator": 1}, "the folder of a trial is its number"),
    ({"num_sample": 1}, "no argument 'num_sample' here"),
]


@pytest.mark.parametrize(("arguments", "message"), CALLS, ids=lambda one: str(one)[:40])
def test_a_wrong_call_is_refused_before_anything_is_written(
    arguments: dict[str, Any], message: str, experiments_folder: Path
) -> None:
    call = {"config": {"a": 1.0}, "metric": "score", "mode": "max", "verbose": 0, **arguments}
    with pytest.raises(Exception, match=re.escape(message)) as caught:
        tune.run(trainables.returns, **call)
    assert type(caught.value).__module__ == "synetune_lab.errors"
    assert not experiments_folder.exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ASHAScheduler(max_t=0), "max_t=0"),
        (lambda: ASHAScheduler(grace_period=0), "grace_period=0"),
        (lambda: ASHAScheduler(grace_period=20, max_t=10), "at most max_t=10"),
        (lambda: ASHAScheduler(reduction_factor=1), "reduction_factor=1 must be above 1"),
        (lambda: ASHAScheduler(brackets=0), "brackets=0"),
        (lambda: ASHAScheduler(mode="up"), "AsyncHyperBandScheduler: mode='up'"),
        (lambda: ASHAScheduler(time_attr=""), "time_attr=''"),
        (lambda: HyperBandScheduler(max_t=1.5), "HyperBandScheduler: max_t=1.5"),  # type: ignore[arg-type]
        (lambda: MedianStoppingRule(min_samples_required=0), "min_samples_required=0"),
        (lambda: MedianStoppingRule(grace_period=-1), "grace_period=-1"),
        (lambda: _pbt(quantile_fraction=0.6), "quantile_fraction=0.6 must be at most 0.5"),
        (lambda: _pbt(resample_probability=2), "resample_probability=2"),
        (lambda: _pbt(perturbation_interval=0), "perturbation_interval=0"),
        (lambda: _pbt(perturbation_factors=(1.2,)), "perturbation_factors=(1.2,)"),
        (lambda: _pbt(burn_in_period=-1), "burn_in_period=-1"),
        (lambda: BayesOptSearch(space=3), "space=3 must be a dictionary"),  # type: ignore[arg-type]
        (lambda: BayesOptSearch(mode="up"), "mode='up'"),
        (lambda: BayesOptSearch(random_search_steps=-1), "random_search_steps=-1"),
        (lambda: HyperOptSearch(gamma=2), "gamma=2"),
        (lambda: ConcurrencyLimiter(BayesOptSearch(), 0), "max_concurrent=0"),
        (lambda: ConcurrencyLimiter(ANY, 2), "must be one of synetune_lab.tune.search"),
        (lambda: MaximumIterationStopper(0), "max_iter=0"),
        (lambda: TimeoutStopper(0), "timeout=0"),
        (lambda: TrialPlateauStopper("score", std=-1), "std=-1"),
        (lambda: TrialPlateauStopper("score", metric_threshold=1), "metric_threshold needs a mode"),
        (lambda: ExperimentPlateauStopper("score", top=1), "top=1"),
        (lambda: tune.CLIReporter(max_progress_rows=0), "max_progress_rows=0"),
        (lambda: tune.CLIReporter(mode="up"), "mode='up'"),
        (lambda: tune.CheckpointConfig(checkpoint_score_order="up"), "checkpoint_score_order='up'"),
        (lambda: tune.RunConfig(failure_config=ANY), "must be a tune.FailureConfig"),
        (lambda: tune.Tuner(ANY, tune_config=ANY), "must be a tune.TuneConfig"),
        (lambda: tune.Tuner(ANY, run_config=tune.RunConfig(verbose=9)), "verbose=9"),
        (lambda: tune.ResumeConfig(errored="MAYBE"), "errored='MAYBE'"),
        (lambda: tune.PlacementGroupFactory(cast("Any", {})), "must be a list of dictionaries"),
    ],
)
def test_a_wrong_argument_of_an_object_is_refused_when_it_is_made(make: Any, message: str) -> None:
    with pytest.raises(TuneError, match=re.escape(message)):
        make()


def _pbt(**arguments: Any) -> PopulationBasedTraining:
    return PopulationBasedTraining(hyperparam_mutations={"a": [1, 2]}, **arguments)


def test_there_are_no_results_before_the_run() -> None:
    with pytest.raises(TuneError, match=r"call fit\(\) first"):
        tune.Tuner(trainables.returns).get_results()


def test_a_request_has_the_arguments_of_run() -> None:
    import inspect
    from dataclasses import fields

    beside = {
        "storage_path",
        "checkpoint_config",
        "resume",
        "resume_config",
        "raise_on_failed_trial",
        "unknown",
    }
    arguments = set(inspect.signature(tune.run).parameters)
    assert {field.name for field in fields(Request)} == arguments - beside
    defaults = {name: p.default for name, p in inspect.signature(tune.run).parameters.items()}
    for field in fields(Request)[1:]:
        assert field.default == defaults[field.name], field.name
