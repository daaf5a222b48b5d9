"""DyHPO: paused trials and new configurations are scored alike."""

from __future__ import annotations

import json
import math
from typing import Any

import dill
import numpy as np
import pytest

from synetune_lab.config_space import loguniform, validate_config
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.baselines import DyHPO
from synetune_lab.testing.scheduler_contract import curve
from tests.optimizer.searchers.bayesopt.rung_helpers import SPACE, driver_of, quality, reasons_of


def dyhpo(options: Any = None, function: Any = curve, **kwargs: Any) -> Any:
    return driver_of(DyHPO, options, function, **kwargs)


def filled(count: int = 12, options: Any = None, function: Any = curve, **kwargs: Any) -> Any:
    """A searcher that knows trials at level 1, the better the lower their learning rate."""
    searcher = dyhpo(options, function, **kwargs).scheduler.searcher
    for trial_id, exponent in enumerate(np.linspace(-6, 0, count)):
        config = {"lr": float(10.0**exponent), "units": 8, "dropout": 0.1, "epochs": 9}
        searcher.register_pending(str(trial_id), config, 1)
        value = function(config, 0, 1)
        result = {"loss": value, "epoch": 1}
        searcher.on_trial_result(str(trial_id), config, result, update=True)
        searcher.cleanup_pending(str(trial_id))
    for _ in range(3):
        searcher.get_config(trial_id="900")
    return searcher


def score(searcher: Any, paused: list[tuple[str, int, int]]) -> dict[str, Any]:
    chosen = searcher.score_paused_trials_and_new_configs(
        paused, min_resource=1, new_trial_id="1000"
    )
    assert isinstance(chosen, dict)
    json.dumps(searcher.explain_last(), allow_nan=False)
    return chosen


@pytest.mark.parametrize(
    ("options", "kwargs"),
    [
        ({}, {}),
        ({"model": "gp_issm"}, {"searcher_data": "all"}),
        ({"model": "gp_expdecay"}, {"searcher_data": "all"}),
        ({"acq_function": "lcb"}, {"probability_sh": 0.0}),
    ],
    ids=["multitask", "issm", "expdecay", "lcb"],
)
def test_it_promotes_and_starts_good_trials(options: Any, kwargs: Any) -> None:
    driver = dyhpo(options, **kwargs)
    driver.run(70)
    words = [entry[0] for entry in driver.log]
    assert "resume" in words
    assert reasons_of(driver)
    ends = {i: curve(driver.configs[i], 0, 9) for i in driver.configs}
    promoted = {entry[1] for entry in driver.log if entry[0] == "resume"}
    assert min(ends[i] for i in promoted) < np.quantile(list(ends.values()), 0.3)
    assert quality(driver, 8, 40) < quality(driver, 0, 4)


def test_the_most_promising_paused_trial_goes_on() -> None:
    searcher = filled(options={"num_init_candidates": 1})
    # So good that no new configuration is worth more than its next report.
    best = {"lr": 1e-3, "units": 1, "dropout": 0.1, "epochs": 9}
    searcher.register_pending("50", best, 1)
    searcher.on_trial_result("50", best, {"loss": -5.0, "epoch": 1}, update=True)
    chosen = score(searcher, [("0", 1, 3), ("50", 1, 3), ("11", 1, 3)])
    assert chosen == {"trial_id": "50"}
    reason = searcher.explain_last()
    assert (reason["kind"], reason["level"], reason["num_paused"]) == ("model", 3, 3)


def test_without_paused_trials_a_new_one_begins() -> None:
    searcher = filled()
    config = score(searcher, [])["config"]
    validate_config({**config, "epochs": 9}, SPACE)
    assert searcher.explain_last()["level"] == 1
    # What was scored is handed out as it is, and does not come again.
    assert searcher.get_config(trial_id="1000", new_configuration=config) == config
    assert searcher.should_not_suggest(config)


def test_before_the_model_is_used_all_are_new() -> None:
    driver = dyhpo({"num_init_random": 4}, probability_sh=0.0)
    driver.run(30)
    kinds = [entry[3]["kind"] for entry in driver.log if entry[0] == "start"][:4]
    assert kinds == ["points_to_evaluate", "random", "random", "random"]


def test_when_nothing_new_is_left_paused_trials_go_on() -> None:
    allowed = [{"lr": 1e-3, "units": u, "dropout": 0.1} for u in (1, 2, 3, 4, 5)]
    driver = dyhpo({"restrict_configurations": allowed})
    log = driver.run(60)
    assert len(driver.configs) <= 5
    assert any(entry[0] == "resume" for entry in log)
    assert {config["units"] for config in driver.configs.values()} <= {1, 2, 3, 4, 5}


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.5, 1e12])
@pytest.mark.parametrize("model", ["gp_multitask", "gp_issm"])
def test_values_that_are_hard(value: float, model: str) -> None:
    def function(config: Any, trial_id: int, resource: int) -> float:
        return value if trial_id % 2 or value == 0.5 else curve(config, trial_id, resource)

    driver = dyhpo({"model": model}, function, searcher_data="all")
    driver.run(40)
    assert len(driver.log) > 40


def test_a_model_that_can_not_be_made_leads_to_chance() -> None:
    # Without the report at level 1 there is nothing that a model of curves could learn from.
    driver = dyhpo({"model": "gp_issm"}, searcher_data="all", probability_sh=0.0)
    driver.report_every = 3
    driver.run(30)
    assert len(driver.configs) > 8


def test_parameters_are_fitted_again_only_after_a_new_configuration() -> None:
    searcher = filled(options={"opt_skip_period": 1})
    score(searcher, [])
    good = {"lr": 1e-3, "units": 1, "dropout": 0.1, "epochs": 9}
    searcher.on_trial_result("60", good, {"loss": -8.0, "epoch": 1}, update=True)
    assert score(searcher, [("60", 1, 3)]) == {"trial_id": "60"}
    before = searcher.model_parameters()
    searcher.on_trial_result("60", good, {"loss": -9.0, "epoch": 3}, update=True)
    score(searcher, [("60", 3, 5)])
    assert searcher.model_parameters() == before


def test_a_trial_outside_of_the_edited_space_is_still_scored() -> None:
    searcher = filled()
    searcher.edit_space({**SPACE, "lr": loguniform(1e-2, 1e-1)})
    chosen = score(searcher, [("0", 1, 3), ("6", 1, 3), ("unknown", 1, 3)])
    if "config" in chosen:
        assert 1e-2 <= chosen["config"]["lr"] <= 1e-1
    assert chosen.get("trial_id") != "unknown"


def test_dense_reports_are_thinned_to_what_the_model_takes() -> None:
    driver = dyhpo({"max_size_data_for_model": 15}, searcher_data="all")
    driver.run(70)
    assert reasons_of(driver)[-1]["num_data"] <= 15


def test_a_clone_from_a_state_decides_the_same() -> None:
    driver = dyhpo()
    driver.run(40)
    searcher = driver.scheduler.searcher
    other = dill.loads(dill.dumps(driver)).scheduler.searcher
    clone = other.clone_from_state(dill.loads(dill.dumps(searcher.get_state())))
    paused = [("0", 1, 3), ("1", 1, 3), ("2", 1, 3)]
    for _ in range(3):
        assert score(clone, paused) == score(searcher, paused)
        assert clone.explain_last() == searcher.explain_last()


def test_a_choice_says_what_it_expects_and_what_it_beat() -> None:
    driver = dyhpo()
    driver.run(80)
    told = [reason for reason in reasons_of(driver) if reason["kind"] == "model"]
    assert told
    for reason in told:
        assert math.isfinite(reason["mean"])
        assert reason["std"] > 0
        assert len(reason["beaten"]) == 2
        assert all(other["value"] <= reason["value"] for other in reason["beaten"])


def test_independent_models_are_refused() -> None:
    with pytest.raises(SchedulerError, match=r"gp_independent.*DyHPO.*gp_multitask"):
        dyhpo({"model": "gp_independent"})
