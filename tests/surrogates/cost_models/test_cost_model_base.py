"""Cost data and the arithmetic of times that all cost models share."""

from __future__ import annotations

import math
from typing import Any

import dill
import pytest

from synetune_lab.errors import SchedulerError
from synetune_lab.surrogates.cost_models import (
    BiasOnlyLinearCostModel,
    CostData,
    CostModel,
    CostValue,
    ScikitLearnCostModel,
    UnivariateSplineCostModel,
)

MODELS = [
    BiasOnlyLinearCostModel,
    ScikitLearnCostModel,
    lambda: ScikitLearnCostModel("svr"),
    lambda: ScikitLearnCostModel("random_forest"),
    lambda: UnivariateSplineCostModel("x", (0.0, 10.0)),
]


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({1: math.nan}, "must be a finite number"),
        ({1: math.inf}, "must be a finite number"),
        ({1: 1.0, 2: -0.1}, r"cost -0\.1 of \{'x': 1\} at level 2"),
        ({0: 1.0}, "level 0 must be a positive integer"),
        ({1.5: 1.0}, "level 1.5"),
        ({True: 1.0}, "level True"),
        ({}, "one cost at least"),
    ],
)
def test_impossible_costs_are_refused(costs: Any, message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        CostData([({"x": 1}, costs)])


def test_rows_come_with_ascending_levels() -> None:
    data = CostData([({"x": 1}, {3: 3.0, 1: 1.0}), ({"x": 2}, {})])
    assert list(data.rows()) == [({"x": 1}, 1, 1.0), ({"x": 1}, 3, 3.0)]


def test_the_start_costs_only_those_that_have_not_begun() -> None:
    cost = CostValue(5.0, 2.0)
    assert CostModel.event_time(100.0, 0, 3, cost) == 111.0
    assert CostModel.event_time(100.0, 1, 3, cost) == 104.0
    assert CostModel.event_time(100.0, 3, 3, cost) == 100.0
    for level, milestone in ((4, 3), (-1, 3)):
        with pytest.raises(SchedulerError, match="next_milestone=3"):
            CostModel.event_time(0.0, level, milestone, cost)


def test_times_of_several_configurations() -> None:
    values = [CostValue(5.0, 2.0), CostValue(0.0, 1.0)]
    model = BiasOnlyLinearCostModel()
    assert model.predict_times([{}, {}], [1, 9], values, start_time=10.0) == [17.0, 19.0]
    assert model.predict_times([], [], []) == []
    with pytest.raises(SchedulerError, match="2, 1 and 2"):
        model.predict_times([{}, {}], [1], values)


@pytest.mark.parametrize("make", MODELS)
class TestEveryModel:
    def test_asks_for_data_first(self, make: Any) -> None:
        with pytest.raises(SchedulerError, match="call update first"):
            make().sample_joint([{"x": 1.0}])

    def test_takes_a_single_report(self, make: Any) -> None:
        model = make()
        model.update(CostData([({"x": 1.0}, {2: 6.0})]))
        (value,) = model.sample_joint([{"x": 5.0}])
        assert value.c0 >= 0.0
        assert value.c1 >= 0.0
        assert value.c0 + 2 * value.c1 == pytest.approx(6.0, rel=1e-3)
        assert model.sample_joint([]) == []

    @pytest.mark.parametrize("cost", [0.0, 3.0])
    def test_takes_constant_costs(self, make: Any, cost: float) -> None:
        model = make()
        model.update(CostData([({"x": float(x)}, {1: cost, 4: cost}) for x in range(8)]))
        for value in model.sample_joint([{"x": 0.5}, {"x": 20.0}]):
            assert value.c0 == pytest.approx(cost, abs=0.15)
            assert value.c1 == pytest.approx(0.0, abs=0.05)

    def test_predictions_are_never_negative(self, make: Any) -> None:
        model = make()
        # Costs that fall with the resource, as no real ones do.
        model.update(CostData([({"x": float(x)}, {1: 10.0 - x, 3: 1.0}) for x in range(9)]))
        values = model.sample_joint([{"x": float(x)} for x in range(-20, 30, 5)])
        assert all(value.c0 >= 0.0 and value.c1 >= 0.0 for value in values)

    def test_new_data_replace_old(self, make: Any) -> None:
        model, fresh = make(), make()
        first = CostData([({"x": float(x)}, {1: 9.0, 3: 30.0}) for x in range(6)])
        second = CostData([({"x": float(x)}, {1: 2.0 + x, 3: 4.0 + 2 * x}) for x in range(6)])
        model.update(first)
        model.update(second)
        fresh.update(second)
        asked = [{"x": 2.5}, {"x": 5.0}]
        assert model.sample_joint(asked) == fresh.sample_joint(asked)
        model.resample()
        assert model.sample_joint(asked) == fresh.sample_joint(asked)

    def test_is_saved_with_what_it_learnt(self, make: Any) -> None:
        model = make()
        model.update(CostData([({"x": float(x)}, {1: 1.0 + x, 3: 3.0 + 2 * x}) for x in range(6)]))
        again = dill.loads(dill.dumps(model))
        assert again.sample_joint([{"x": 2.0}]) == model.sample_joint([{"x": 2.0}])
