"""Bayesian optimisation under a constraint."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import replace
from datetime import datetime
from typing import Any

import dill
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.config_space import uniform
from synetune_lab.errors import InvalidReportError, SchedulerError
from synetune_lab.optimizer.baselines import (
    BayesianOptimization,
    ConstrainedBayesianOptimization,
)
from synetune_lab.optimizer.schedulers import FIFOScheduler, HyperbandScheduler
from synetune_lab.optimizer.schedulers.searchers.bayesopt.constrained_searcher import (
    ConstrainedGPFIFOSearcher,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.second_models import (
    ConstantPosterior,
    tamed_constraint,
)
from synetune_lab.trial import Trial

SPACE = {"x1": uniform(-5.0, 10.0), "x2": uniform(0.0, 15.0), "offset": 1.0}
# The smallest value where x2 + x1 / 2 is at least 12, by a fine grid.
BEST_FEASIBLE = 1.335


def branin(config: dict[str, Any]) -> float:
    x1, x2 = config["x1"], config["x2"]
    r = x2 - 5.1 / (4 * np.pi**2) * x1**2 + 5 / np.pi * x1 - 6
    return float(r**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x1) + 10)


def constraint(config: dict[str, Any]) -> float:
    return float(12.0 - config["x2"] - 0.5 * config["x1"])


def run_trial(scheduler: Any, trial_id: int, sign: float = 1.0, scale: float = 1.0) -> Any:
    """Runs one trial to its end; its configuration and what it reported."""
    config = scheduler.suggest(trial_id).config
    trial = Trial(trial_id, config, datetime(2026, 1, 1))
    scheduler.on_trial_add(trial)
    result = {"loss": sign * branin(config), "limit": scale * constraint(config)}
    scheduler.on_trial_result(trial, result)
    scheduler.on_trial_complete(trial, result)
    return config, result


def best_feasible(scheduler: Any, count: int, sign: float = 1.0, scale: float = 1.0) -> float:
    results = [run_trial(scheduler, i, sign, scale)[1] for i in range(count)]
    return min((sign * r["loss"] for r in results if r["limit"] <= 0.0), default=math.inf)


def make(**kwargs: Any) -> ConstrainedGPFIFOSearcher:
    own = {"constraint_attr": "limit", "num_init_random": 0, "random_seed": 1, **kwargs}
    return ConstrainedGPFIFOSearcher(SPACE, "loss", points_to_evaluate=[], **own)


def tell(searcher: Any, trial_id: int, config: Any, loss: float, limit: Any) -> None:
    result = {"loss": loss, "limit": limit}
    searcher.on_trial_result(str(trial_id), config, result, update=True)


def filled(count: int = 8, limit: Any = constraint, **kwargs: Any) -> ConstrainedGPFIFOSearcher:
    searcher = make(**kwargs)
    for trial_id in range(count):
        config = searcher._get_random_config()
        assert config is not None
        tell(searcher, trial_id, config, branin(config), limit(config))
    return searcher


def bound_of(searcher: Any) -> Any:
    """The acquisition function of the next suggestion."""
    data = searcher.model_data("loss")
    searcher._fit_models(data)
    return searcher._bind(searcher._condition_models(data), data, 0)[0]


def test_it_finds_the_best_feasible_point_where_plain_optimisation_does_not() -> None:
    seeds = range(5)
    constrained = [
        best_feasible(ConstrainedBayesianOptimization(SPACE, "loss", "limit", random_seed=seed), 25)
        for seed in seeds
    ]
    plain = [
        best_feasible(BayesianOptimization(SPACE, "loss", random_seed=seed), 25) for seed in seeds
    ]
    assert sum(value < BEST_FEASIBLE + 0.5 for value in constrained) >= 4
    assert sum(value < BEST_FEASIBLE + 2.0 for value in plain) <= 1


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_the_scale_of_the_constraint_does_not_matter(scale: float) -> None:
    scheduler = ConstrainedBayesianOptimization(SPACE, "loss", "limit", random_seed=0)
    assert best_feasible(scheduler, 20, scale=scale) < BEST_FEASIBLE + 1.0


def test_the_example_of_the_documentation() -> None:
    scheduler = FIFOScheduler(
        SPACE,
        searcher="bayesopt_constrained",
        search_options={"num_init_random": 2, "constraint_attr": "limit"},
        mode="max",
        metric="loss",
        random_seed=31415927,
    )
    assert best_feasible(scheduler, 20, sign=-1.0) < BEST_FEASIBLE + 1.0
    reason = scheduler.searcher.explain_last()
    json.dumps(reason, allow_nan=False)
    assert (reason["kind"], reason["acquisition"]) == ("model", "cei")
    assert 0.0 <= reason["probability_feasible"] <= 1.0
    assert any(name.startswith("limit_") for name in scheduler.searcher.model_parameters())


def test_while_nothing_is_feasible_it_looks_for_what_is() -> None:
    searcher = make()
    corner = [{"x1": x1, "x2": x2} for x1 in (-5.0, -3.0, 0.0) for x2 in (0.0, 2.0, 4.0)]
    for trial_id, config in enumerate(corner):
        tell(searcher, trial_id, config, branin(config), constraint(config))
    config = searcher.get_config(trial_id="99")
    assert config is not None
    assert "incumbent" not in searcher.explain_last()
    assert constraint(config) < min(constraint(c) for c in corner)


@pytest.mark.parametrize("limit", [-3.0, 0.0, 3.0, 1e-300, -1e300, math.nan, math.inf, -math.inf])
def test_a_constraint_that_is_the_same_everywhere(limit: float) -> None:
    searcher = filled(limit=lambda config: limit)
    assert searcher.get_config(trial_id="99") is not None
    reason = searcher.explain_last()
    assert reason["kind"] == "model"
    if limit == -3.0:
        assert reason["probability_feasible"] > 0.8
    if limit == 3.0 or math.isnan(limit):
        assert reason["probability_feasible"] < 0.2


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_infeasible_and_logged(
    value: float, caplog: pytest.LogCaptureFixture
) -> None:
    # The script fails to compute it on one side, and it is feasible on the other.
    searcher = make()
    with caplog.at_level(logging.WARNING):
        for trial_id in range(25):
            config = {"x1": -5.0 + 3.75 * (trial_id % 5), "x2": 3.75 * (trial_id // 5)}
            tell(searcher, trial_id, config, branin(config), value if config["x1"] > 0 else -1.0)
    assert f"limit={value}" in caplog.text
    assert "infeasible" in caplog.text
    predicted = bound_of(searcher).others["limit"].predict(np.array([[0.0, 0.5], [1.0, 0.5]]))
    assert predicted.mean[0] < -0.5
    assert predicted.mean[1] > 0.5


@pytest.mark.parametrize(
    ("result", "text"),
    [({"loss": 1.0}, "no 'limit'"), ({"loss": 1.0, "limit": "no"}, "limit='no'")],
)
def test_a_report_without_the_constraint_is_refused(result: dict[str, Any], text: str) -> None:
    searcher, undisturbed = filled(), filled()
    with pytest.raises(InvalidReportError, match=f"trial 50 .*{text}"):
        searcher.on_trial_result("50", {"x1": 0.0, "x2": 0.0}, result, update=True)
    assert searcher.get_config(trial_id="99") == undisturbed.get_config(trial_id="99")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=12))
def test_tamed_constraints_are_finite_and_keep_their_signs(values: list[float]) -> None:
    given_ = np.array(values)
    tamed = tamed_constraint(given_)
    assert np.all(np.isfinite(tamed))
    is_feasible = given_ <= 0.0  # False for NaN
    assert np.array_equal(tamed <= 0.0, is_feasible)


def test_gradients_flow_through_both_models() -> None:
    bound = bound_of(filled(10, lambda config: math.cos(config["x1"]) + math.sin(config["x2"])))
    x = np.random.RandomState(0).uniform(0.1, 0.9, (6, 2))
    values, gradient = bound.values_with_gradient(x)
    assert values == pytest.approx(bound.values(x))
    numerical = np.empty_like(gradient)
    for k in range(2):
        step = 1e-5 * np.eye(2)[k]
        numerical[:, k] = (bound.values(x + step) - bound.values(x - step)) / 2e-5
    assert gradient == pytest.approx(numerical, rel=1e-3, abs=1e-3)
    only_metric = replace(bound, others={"limit": ConstantPosterior(0.0)})
    assert np.abs(gradient - only_metric.values_with_gradient(x)[1]).max() > 1e-2


def test_saved_in_the_middle_it_goes_on_alike() -> None:
    searcher = filled()
    saved = dill.loads(dill.dumps(searcher))
    cloned = filled().clone_from_state(searcher.get_state())
    for trial_id in range(100, 104):
        chosen = [s.get_config(trial_id=str(trial_id)) for s in (searcher, saved, cloned)]
        assert chosen[0] is not None
        assert chosen[0] == chosen[1] == chosen[2]
        for other in (searcher, saved, cloned):
            other.register_pending(str(trial_id), chosen[0])
            if trial_id % 2:
                tell(other, trial_id, chosen[0], branin(chosen[0]), constraint(chosen[0]))


def test_both_models_know_what_was_seen_before_an_edit() -> None:
    searcher = filled(12)
    report = searcher.edit_space({**SPACE, "x1": uniform(-5.0, 2.0)})
    assert report.kept + report.outside == 12
    config = searcher.get_config(trial_id="99")
    assert config is not None
    assert config["x1"] <= 2.0
    assert searcher.explain_last()["num_data"] == 12
    assert searcher.explain_last()["probability_feasible"] > 0.5


def test_more_data_than_the_model_takes() -> None:
    searcher = filled(30, max_size_data_for_model=10)
    assert searcher.get_config(trial_id="99") is not None
    assert searcher.explain_last()["num_data"] == 10
    data = searcher.model_data("loss")
    assert sorted(searcher._data_of("limit", data).rows) == sorted(data.rows)


@pytest.mark.parametrize("options", [{"gp_inference": "mcmc"}, {"boxcox_transform": True}])
def test_other_models_of_the_metric(options: dict[str, Any]) -> None:
    searcher = filled(6, **options)
    assert searcher.get_config(trial_id="99") is not None
    assert searcher.explain_last()["kind"] == "model"


def test_wrong_options_are_refused() -> None:
    with pytest.raises(SchedulerError, match="constraint_attr=None"):
        make(constraint_attr=None)
    with pytest.raises(SchedulerError, match="constraint_attr='loss'"):
        make(constraint_attr="loss")
    with pytest.raises(SchedulerError, match="acq_function='ei'"):
        make(acq_function="ei")
    with pytest.raises(SchedulerError, match="kappa"):
        make(acq_function_kwargs={"kappa": 1.0})
    with pytest.raises(SchedulerError, match="run trials to their end"):
        HyperbandScheduler(
            {**SPACE, "epochs": 9},
            metric="loss",
            searcher="bayesopt_constrained",
            search_options={"constraint_attr": "limit"},
        )
    with pytest.raises(SchedulerError, match="argument of its own"):
        ConstrainedBayesianOptimization(
            SPACE, "loss", "limit", search_options={"constraint_attr": "other"}
        )
