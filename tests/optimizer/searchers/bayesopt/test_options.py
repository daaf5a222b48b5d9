"""Options of searchers with models: what is refused, and how it is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synetune_lab.config_space import uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.baselines import (
    MOBSTER,
    BayesianOptimization,
    DyHPO,
    HyperTune,
    SyncMOBSTER,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_fifo_searcher import GPFIFOSearcher
from synetune_lab.optimizer.schedulers.searchers.bayesopt.options import (
    ConstrainedOptions,
    CostAwareMultiFidelityOptions,
    CostAwareOptions,
    GPOptions,
    HyperTuneOptions,
    MultiFidelityOptions,
    parse,
    reward_constant,
)

SPACE = {"x": uniform(0.0, 1.0), "epochs": 9}


def test_documented_defaults() -> None:
    options = GPOptions()
    assert (options.num_init_random, options.num_init_candidates) == (3, 250)
    assert (options.num_fantasy_samples, options.max_size_data_for_model) == (20, 500)
    assert (options.opt_nstarts, options.opt_maxiter, options.opt_skip_init_length) == (2, 50, 150)
    assert MultiFidelityOptions().model == "gp_multitask"
    assert HyperTuneOptions().model == "gp_independent"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("num_init_random", -1),
        ("num_init_random", 2.5),
        ("num_init_random", True),
        ("num_init_candidates", 0),
        ("num_fantasy_samples", 0),
        ("num_fantasy_samples", "20"),
        ("opt_nstarts", 0),
        ("opt_maxiter", 0),
        ("opt_skip_init_length", -1),
        ("opt_skip_period", 0),
        ("max_size_data_for_model", 0),
        ("max_size_data_for_model", "all"),
        ("max_size_top_fraction", 1.5),
        ("max_size_top_fraction", float("nan")),
        ("max_size_top_fraction", "0.5"),
        ("no_fantasizing", 1),
        ("input_warping", "yes"),
        ("boxcox_transform", None),
        ("skip_local_optimization", 0),
        ("opt_warmstart", "False"),
        ("has_covariance_scale", 1.0),
        ("gp_base_kernel", "matern52"),
        ("gp_inference", "hmc"),
        ("gp_kernel", "matern"),
        ("gp_mean", 0.0),
        ("initial_scoring", "thompson"),
        ("transfer_learning_model", "product"),
        ("map_reward", "x_minus_1"),
        ("map_reward", "a_minus_x"),
        ("map_reward", 1),
    ],
)
def test_values_out_of_range_are_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(SchedulerError, match=f"search_options: {option}="):
        parse(GPOptions, {option: value})


@pytest.mark.parametrize(
    ("cls", "option", "value"),
    [
        (MultiFidelityOptions, "model", "gp"),
        (MultiFidelityOptions, "gp_resource_kernel", "exp-decay"),
        (MultiFidelityOptions, "resource_acq", "last"),
        (HyperTuneOptions, "model", "gp_issm"),
        (HyperTuneOptions, "hypertune_distribution_num_samples", 0),
        (ConstrainedOptions, "constraint_attr", None),
        (ConstrainedOptions, "constraint_attr", ""),
        (CostAwareOptions, "cost_attr", None),
        (CostAwareMultiFidelityOptions, "cost_attr", 3),
    ],
)
def test_values_of_special_options_are_refused_by_name(cls: Any, option: str, value: Any) -> None:
    with pytest.raises(SchedulerError, match=f"search_options: {option}="):
        parse(cls, {option: value})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("num_init_randm", "num_init_random"),
        ("opt_nstart", "opt_nstarts"),
        ("acquisition_function", "acq_function"),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest_one(given: str, meant: str) -> None:
    with pytest.raises(SchedulerError, match=f"'{given}' is no option.*do you mean '{meant}'"):
        parse(GPOptions, {given: 1})


def test_an_option_unlike_all_others_is_refused_with_a_list() -> None:
    with pytest.raises(SchedulerError, match="known are num_init_random"):
        parse(GPOptions, {"zzz": 1})


@pytest.mark.parametrize(
    ("cls", "given", "names"),
    [
        (MultiFidelityOptions, {"boxcox_transform": True, "model": "gp_issm"}, "boxcox.*gp_issm"),
        (
            MultiFidelityOptions,
            {"boxcox_transform": True, "model": "gp_independent"},
            "boxcox.*gp_independent",
        ),
        (
            MultiFidelityOptions,
            {"gp_inference": "mcmc", "model": "gp_expdecay"},
            "mcmc.*gp_expdecay",
        ),
        (HyperTuneOptions, {"gp_inference": "mcmc", "model": "gp_multitask"}, "Hyper-Tune.*mcmc"),
        (GPOptions, {"transfer_learning_active_task": "a"}, "transfer_learning_task_attr"),
        (GPOptions, {"transfer_learning_task_attr": "a"}, "transfer_learning_active_task"),
        (
            GPOptions,
            {"transfer_learning_active_config_space": SPACE},
            "transfer_learning_active_config_space needs transfer_learning_task_attr",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(cls: Any, given: Any, names: str) -> None:
    with pytest.raises(SchedulerError, match=names):
        parse(cls, given)


def test_numbers_of_numpy_are_numbers() -> None:
    options = parse(
        GPOptions, {"num_init_random": np.int64(4), "max_size_top_fraction": np.float32(0.5)}
    )
    assert (options.num_init_random, options.max_size_top_fraction) == (4, 0.5)


def test_choosing_from_a_list_needs_no_local_search() -> None:
    assert parse(GPOptions, {"restrict_configurations": [{"x": 1}]}).skip_local_optimization


@pytest.mark.parametrize(
    ("map_reward", "constant"),
    [("minus_x", 0.0), ("1_minus_x", 1.0), ("2.5_minus_x", 2.5), ("-3_minus_x", -3.0)],
)
def test_rewards_are_mapped(map_reward: str, constant: float) -> None:
    assert reward_constant(map_reward) == constant


@pytest.mark.parametrize(
    ("acq_function", "arguments", "name"),
    [
        ("eii", {}, "eii"),
        ("ei", {"jitter": -1.0}, "jitter"),
        ("ei", {"kappa": 1.0}, "kappa"),
        ("lcb", {"kappa": 0.0}, "kappa"),
    ],
)
def test_acquisition_functions_check_their_arguments(
    acq_function: str, arguments: Any, name: str
) -> None:
    with pytest.raises(SchedulerError, match=name):
        GPFIFOSearcher(SPACE, "loss", acq_function=acq_function, acq_function_kwargs=arguments)


def test_several_metrics_are_refused() -> None:
    with pytest.raises(SchedulerError, match="one metric"):
        GPFIFOSearcher(SPACE, ["loss", "cost"])  # type: ignore[arg-type]


@pytest.mark.parametrize("baseline", [MOBSTER, HyperTune, DyHPO, SyncMOBSTER])
@pytest.mark.parametrize(
    ("given", "name"), [({"num_fantasies": 3}, "num_fantasy_samples"), ({"model": "gp"}, "model=")]
)
def test_methods_pass_their_options_on(baseline: Any, given: Any, name: str) -> None:
    with pytest.raises(SchedulerError, match=name):
        baseline(SPACE, "loss", "epoch", max_resource_attr="epochs", search_options=given)


def test_options_of_rungs_are_none_of_plain_bayesian_optimisation() -> None:
    with pytest.raises(SchedulerError, match="'resource_acq' is no option"):
        BayesianOptimization(SPACE, "loss", search_options={"resource_acq": "bohb"})


def test_options_that_searchers_share_are_taken_everywhere() -> None:
    BayesianOptimization(SPACE, "loss", search_options={"debug_log": False, "opt_verbose": False})


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        ("gp_independent", "gp_resource_kernel", "freeze-thaw"),
        ("gp_multitask", "issm_gamma_one", True),
        ("gp_issm", "expdecay_normalize_inputs", True),
        ("gp_multitask", "separate_noise_variances", True),
    ],
)
def test_options_of_another_model_are_said_to_have_no_effect(
    model: str, name: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    MultiFidelityOptions(model=model)
    assert not caplog.records
    MultiFidelityOptions(model=model, **{name: value})
    assert [name in record.getMessage() for record in caplog.records] == [True]
