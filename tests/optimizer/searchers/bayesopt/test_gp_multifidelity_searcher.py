"""Bayesian optimisation of trials that are judged at rungs."""

from __future__ import annotations

import math
from typing import Any

import dill
import numpy as np
import pytest

from synetune_lab.config_space import choice, loguniform, uniform, validate_config
from synetune_lab.errors import SchedulerError
from synetune_lab.gp import LogNormal
from synetune_lab.optimizer.baselines import ASHA, MOBSTER, SyncMOBSTER
from synetune_lab.optimizer.schedulers import FIFOScheduler
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_multifidelity_searcher import (
    GPMultiFidelitySearcher,
)
from synetune_lab.optimizer.schedulers.searchers.random_searcher import RandomSearcher
from synetune_lab.testing.scheduler_contract import curve
from tests.optimizer.searchers.bayesopt.rung_helpers import SPACE, driver_of, quality, reasons_of
from tests.optimizer.searchers.bayesopt.searcher_helpers import QUICK

ALL: dict[str, Any] = {"searcher_data": "all"}
MODELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "multitask": ({}, {}),
    "multitask-all": ({}, ALL),
    "independent": ({"model": "gp_independent"}, {}),
    "independent-noises": ({"model": "gp_independent", "separate_noise_variances": True}, ALL),
    "expdecay": ({"model": "gp_expdecay"}, ALL),
    "expdecay-normalized": ({"model": "gp_expdecay", "expdecay_normalize_inputs": True}, ALL),
    "issm": ({"model": "gp_issm"}, ALL),
    "issm-gamma-one": ({"model": "gp_issm", "issm_gamma_one": True}, ALL),
    "boxcox": ({"boxcox_transform": True}, {}),
    "warped": ({"input_warping": True}, {}),
    "lcb-first": ({"acq_function": "lcb", "resource_acq": "first"}, {}),
    **{
        kernel: ({"gp_resource_kernel": kernel}, {})
        for kernel in (
            "exp-decay-combined",
            "exp-decay-delta1",
            "freeze-thaw",
            "matern52",
            "matern52-res-warp",
            "cross-validation",
        )
    },
}


def searcher_of(driver: Any) -> GPMultiFidelitySearcher:
    searcher = driver.scheduler.searcher
    assert isinstance(searcher, GPMultiFidelitySearcher)
    return searcher


@pytest.mark.parametrize("model", MODELS)
def test_each_model_chooses_better_than_chance(model: str) -> None:
    options, kwargs = MODELS[model]
    driver = driver_of(MOBSTER, options, points_to_evaluate=[], **kwargs)
    driver.run(60)
    reasons = reasons_of(driver)
    assert len(reasons) > 5
    assert {reason["model"] for reason in reasons} == {options.get("model", "gp_multitask")}
    by_chance = driver_of(ASHA, {}, search_options={}, points_to_evaluate=[])
    by_chance.run(60)
    assert quality(driver, 6, 40) < quality(by_chance, 0, 40) - 0.5
    assert min(curve(config, 0, 9) for config in driver.configs.values()) < 0.5
    parameters = searcher_of(driver).model_parameters()
    assert parameters
    assert all(np.isfinite(value) for value in parameters.values())


def test_it_begins_like_random_search() -> None:
    driver = driver_of(MOBSTER, {"num_init_random": 5})
    driver.run(40)
    random = RandomSearcher(SPACE, "loss", random_seed=searcher_of(driver).random_seed)
    for trial_id in range(5):
        config = random.get_config(trial_id=str(trial_id))
        assert {**(config or {}), "epochs": 9} == driver.configs[trial_id]


@pytest.mark.parametrize("model", ["multitask", "independent", "issm"])
def test_reasons_have_levels_and_the_metric_s_units(model: str) -> None:
    options, kwargs = MODELS[model]
    driver = driver_of(
        MOBSTER, options, lambda config, i, r: 500.0 + 10 * curve(config, i, r), **kwargs
    )
    driver.run(50)
    levels = []
    for reason in reasons_of(driver):
        assert 495.0 < reason["mean"] < 600.0
        assert 495.0 < reason["incumbent"] < 600.0
        assert 0.0 < reason["std"] < 60.0
        levels.append(reason["level"])
    if model == "issm":
        assert set(levels) == {9}
    else:
        # As data come, choices are made for higher levels.
        assert levels[0] == 1
        assert levels[-1] > 1
        assert set(levels) <= {1, 3, 9}


def test_the_first_level_may_count_always() -> None:
    driver = driver_of(MOBSTER, {"resource_acq": "first"})
    driver.run(50)
    assert {reason["level"] for reason in reasons_of(driver)} == {1}


def test_pending_levels_are_imagined() -> None:
    driver = driver_of(MOBSTER)
    driver.run(40)
    assert max(reason["num_pending"] for reason in reasons_of(driver)) >= 2
    blind = driver_of(MOBSTER, {"no_fantasizing": True})
    blind.run(40)
    assert {reason["num_pending"] for reason in reasons_of(blind)} == {0}


@pytest.mark.parametrize(
    ("searcher_data", "levels"), [("rungs", {1, 3, 9}), ("all", set(range(1, 10)))]
)
def test_it_learns_at_the_levels_that_it_is_given(searcher_data: str, levels: set[int]) -> None:
    driver = driver_of(MOBSTER, searcher_data=searcher_data)
    driver.run(60)
    assert set(searcher_of(driver)._data.of("loss").levels) == levels


def test_reports_between_rungs_are_dropped_when_the_next_one_comes() -> None:
    driver = driver_of(MOBSTER, searcher_data="rungs_and_last", type="promotion")
    driver.run(60)
    observed = searcher_of(driver)._data.of("loss")
    for row in set(observed.rows):
        own = sorted(
            level for r, level in zip(observed.rows, observed.levels, strict=True) if r == row
        )
        assert len([level for level in own if level not in (1, 3, 9)]) <= 1


def test_independent_models_learn_at_their_levels_only() -> None:
    driver = driver_of(MOBSTER, {"model": "gp_independent"}, searcher_data="all")
    driver.run(50)
    data = searcher_of(driver).model_data("loss")
    assert set(data.levels.tolist()) <= {1, 3, 9}
    assert len(data) < searcher_of(driver).dataset_size()


def test_the_model_gets_no_more_data_than_allowed() -> None:
    driver = driver_of(MOBSTER, {"max_size_data_for_model": 12}, searcher_data="all")
    driver.run(60)
    assert reasons_of(driver)[-1]["num_data"] == 12
    observed = searcher_of(driver)._data.of("loss")
    data = searcher_of(driver).model_data("loss")
    # Trials that got far come first.
    assert max(observed.levels) in data.levels


def test_fits_may_wait_for_the_highest_level() -> None:
    driver = driver_of(
        MOBSTER, {"opt_skip_init_length": 5, "opt_skip_num_max_resource": True}, type="promotion"
    )
    parameters, tops = [], []
    for _ in range(70):
        driver.run(1)
        parameters.append(tuple(searcher_of(driver).model_parameters().values()))
        tops.append(searcher_of(driver)._num_at_max())
    late = [i for i in range(20, 70) if parameters[i] != parameters[i - 1]]
    assert tops[-1] >= 2
    assert len(late) <= tops[-1] + 1


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e12])
@pytest.mark.parametrize("model", ["multitask", "expdecay", "issm"])
def test_bad_values_do_not_spoil_the_choices(model: str, value: float) -> None:
    def function(config: Any, trial_id: int, resource: int) -> float:
        return value if config["lr"] > 0.01 else curve(config, trial_id, resource)

    options, kwargs = MODELS[model]
    driver = driver_of(MOBSTER, options, function, **kwargs)
    driver.run(70)
    chosen = [e[2] for e in driver.log if e[0] == "start" and e[3]["kind"] == "model"]
    assert len(chosen) > 5
    assert np.mean([config["lr"] > 0.01 for config in chosen]) < 0.25


@pytest.mark.parametrize("model", ["multitask", "independent", "expdecay", "issm"])
def test_a_constant_metric_is_told_and_leads_to_chance(model: str) -> None:
    options, kwargs = MODELS[model]
    driver = driver_of(MOBSTER, options, lambda *_: 0.5, **kwargs)
    driver.run(40)
    notes = {reason.get("note") for reason in reasons_of(driver, "random")}
    assert "all values so far are the same" in notes


@pytest.mark.parametrize("model", ["multitask", "independent", "issm"])
def test_after_edits_suggestions_are_inside_and_old_data_still_count(model: str) -> None:
    options, kwargs = MODELS[model]
    driver = driver_of(MOBSTER, options, **kwargs)
    driver.run(30)
    spaces: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({**SPACE, "lr": loguniform(1e-5, 1e-3)}, {}),
        ({**SPACE, "lr": loguniform(1e-5, 1e-3), "way": choice(["u", "v"])}, {"way": "u"}),
        ({**SPACE, "lr": 1e-4, "way": choice(["u", "v", "w"]), "z": uniform(0, 1)}, {"z": 0.5}),
    ]
    for space, defaults in spaces:
        size = searcher_of(driver).dataset_size()
        report = searcher_of(driver).edit_space(space, defaults)
        assert report.kept + report.outside == size
        assert report.dropped == 0
        driver.scheduler.config_space = dict(space)
        before = len(driver.configs)
        driver.scheduler._constants = {k: v for k, v in space.items() if not hasattr(v, "sample")}
        driver.run(12)
        assert len(driver.configs) > before
        for trial_id in range(before, len(driver.configs)):
            validate_config(driver.configs[trial_id], space)
    assert reasons_of(driver)[-1]["num_data"] >= size


@pytest.mark.parametrize("model", ["multitask", "independent", "expdecay", "issm", "boxcox"])
def test_a_clone_from_a_state_suggests_the_same_later(model: str) -> None:
    options, kwargs = MODELS[model]
    driver = driver_of(MOBSTER, options, **kwargs)
    driver.run(35)
    searcher = searcher_of(driver)
    other = searcher_of(dill.loads(dill.dumps(driver)))
    clone = other.clone_from_state(dill.loads(dill.dumps(searcher.get_state())))
    for trial_id in range(100, 104):
        config = searcher.get_config(trial_id=str(trial_id))
        assert clone.get_config(trial_id=str(trial_id)) == config
        for one in (searcher, clone):
            one.register_pending(str(trial_id), {**(config or {}), "epochs": 9}, 1)
    assert clone.explain_last() == searcher.explain_last()


@pytest.mark.parametrize("model", ["gp_issm", "gp_expdecay"])
@pytest.mark.parametrize("searcher_data", ["rungs", "rungs_and_last"])
def test_curve_models_need_all_reports(model: str, searcher_data: str) -> None:
    with pytest.raises(SchedulerError, match=f"{model}.*searcher_data='all'.*'{searcher_data}'"):
        driver_of(MOBSTER, {"model": model}, searcher_data=searcher_data)


def test_curve_models_without_the_first_report_go_on_at_random() -> None:
    driver = driver_of(MOBSTER, {"model": "gp_issm"}, searcher_data="all")
    driver.report_every = 3
    driver.run(30)
    assert len(driver.configs) > 8
    assert reasons_of(driver) == []


def test_synchronous_hyperband_takes_independent_models() -> None:
    driver = driver_of(SyncMOBSTER)
    driver.run(60)
    assert {reason["model"] for reason in reasons_of(driver)} == {"gp_independent"}
    chosen = driver_of(SyncMOBSTER, {"model": "gp_multitask"})
    chosen.run(60)
    assert {reason["model"] for reason in reasons_of(chosen)} == {"gp_multitask"}


def test_schedulers_without_rungs_are_refused() -> None:
    searcher = GPMultiFidelitySearcher(SPACE, "loss", resource_attr="epoch", **QUICK)
    with pytest.raises(SchedulerError, match="schedulers that have rungs, not with FIFOScheduler"):
        FIFOScheduler(SPACE, metric="loss", searcher=searcher)


@pytest.mark.parametrize("kernel", ["matern52", "matern52-res-warp"])
def test_one_kernel_of_all_keeps_the_prior_of_bandwidths(kernel: str) -> None:
    driver = driver_of(MOBSTER, {"gp_resource_kernel": kernel})
    model: Any = searcher_of(driver)._make_models()["loss"]
    widths = [p for p in model.regression.parameters if p.name.startswith("inv_bw")]
    assert len(widths) == 4
    assert len({type(p.prior).__name__ for p in widths}) == 1
    assert isinstance(widths[0].prior, LogNormal)


def test_a_deterministic_plateau_is_not_tried_again_and_again() -> None:
    # All runs of one configuration report the same, and so do its neighbours.
    def value(config: Any, _: int, resource: int) -> float:
        return round(abs(np.log10(config["lr"]) + 3), 0) + 1.0 / resource

    driver = driver_of(MOBSTER, {})
    driver.value = value
    driver.run(120)
    space = searcher_of(driver)._data
    vectors = space.vectors(range(len(space.configs)))
    near = (np.abs(vectors[:, None] - vectors) < 0.02).all(axis=2).sum(axis=1)
    assert near.max() <= 3
