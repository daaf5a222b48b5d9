"""The contract of schedulers, for model-based searchers with a second value or a regressor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from synetune_lab.optimizer.baselines import (
    ConstrainedBayesianOptimization,
    CostAwareCoarseGrained,
    CostAwareFineGrained,
    CostAwareMultiFidelity,
)
from synetune_lab.optimizer.schedulers import FIFOScheduler
from synetune_lab.optimizer.schedulers.searchers.sklearn import SKLearnSurrogateSearcher
from synetune_lab.surrogates.cost_models import LinearCostModel
from synetune_lab.testing.scheduler_contract import SchedulerContract, curve
from synetune_lab.testing.scheduler_driver import SchedulerDriver

QUICK = {"opt_nstarts": 1, "opt_maxiter": 20}


class UnitsCostModel(LinearCostModel):
    def feature_matrices(self, candidates: Any) -> tuple[Any, Any]:
        ones = np.ones((len(candidates), 1))
        units = np.array([[float(config["units"])] for config in candidates])
        return ones, np.concatenate([ones, units.reshape(-1, 1)], axis=1)


class TwoValuesDriver(SchedulerDriver):
    """Reports that also hold a cost and a constraint, both of the configuration."""

    odd_trials_report: float | None = None

    def _result(self, trial: Any) -> dict[str, Any]:
        result = super()._result(trial)
        cost = trial.config["units"] * result[self.resource_attr]
        constraint = trial.config["units"] - 40.0
        if self.odd_trials_report is not None and trial.trial_id % 2:
            cost = constraint = self.odd_trials_report
        return {"cost": float(cost), "constraint": constraint, **result}


class TwoValuesContract(SchedulerContract):
    n_steps = 100

    def make_driver(self, random_seed: int = 7, mode: str = "min", **kwargs: Any) -> Any:
        scheduler = self.make_scheduler(self.config_space, random_seed, mode)
        return TwoValuesDriver(scheduler, curve, **kwargs)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, 0.0, 1e300])
    def test_takes_any_number_as_the_second_value(self, value: float) -> None:
        driver = self.make_driver(max_resource=9)
        driver.odd_trials_report = value
        assert len(driver.run(self.n_steps)) > self.n_steps // 2
        assert "model" in {entry[3]["kind"] for entry in driver.log if entry[0] == "start"}


class TestConstrained(TwoValuesContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return ConstrainedBayesianOptimization(
            config_space,
            "loss",
            "constraint",
            mode=mode,
            random_seed=random_seed,
            search_options=QUICK,
        )


class TestCostAwareCoarseGrained(TwoValuesContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return CostAwareCoarseGrained(
            config_space, "loss", "cost", mode=mode, random_seed=random_seed, search_options=QUICK
        )


class TestCostAwareFineGrained(TwoValuesContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return CostAwareFineGrained(
            config_space,
            "loss",
            "epoch",
            "cost",
            UnitsCostModel(),
            mode=mode,
            random_seed=random_seed,
            search_options=QUICK,
        )


class TestCostAwareMultiFidelity(TwoValuesContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return CostAwareMultiFidelity(
            config_space,
            "loss",
            "epoch",
            "cost",
            UnitsCostModel(),
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
            search_options=QUICK,
        )


class TestCostAwarePromotion(TwoValuesContract):
    n_steps = 60

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return CostAwareMultiFidelity(
            config_space,
            "loss",
            "epoch",
            "cost",
            UnitsCostModel(),
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
            type="promotion",
            searcher_data="rungs_and_last",
            search_options=QUICK,
        )


class TestSKLearnSurrogate(SchedulerContract):
    n_steps = 100

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        from sklearn.tree import DecisionTreeRegressor

        searcher = SKLearnSurrogateSearcher(
            config_space, "loss", DecisionTreeRegressor(), mode=mode, random_seed=random_seed
        )
        return FIFOScheduler(
            config_space, metric="loss", mode=mode, searcher=searcher, random_seed=random_seed
        )
