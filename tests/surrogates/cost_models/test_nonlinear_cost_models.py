"""Cost models with a constant start and a regression: both parts are told apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from synetune_lab.errors import SchedulerError
from synetune_lab.surrogates.cost_models import (
    CostData,
    NonLinearCostModel,
    ScikitLearnCostModel,
    UnivariateSplineCostModel,
)


def wave(x: float) -> float:
    return 3.0 + math.sin(x) + 0.1 * x


def data_of(
    c1: Callable[[float], float], c0: float, count: int = 40, noise: float = 0.0
) -> CostData:
    random = np.random.default_rng(0)
    rows: list[tuple[dict[str, Any], dict[int, float]]] = []
    for x in random.uniform(0.0, 10.0, count):
        costs = {r: (c0 + r * c1(x)) * (1 + noise * random.normal()) for r in (1, 3, 9)}
        rows.append(({"x": float(x), "act": "relu" if x < 5 else "tanh"}, costs))
    return CostData(rows)


def test_a_spline_finds_the_start_and_the_curve() -> None:
    model = UnivariateSplineCostModel("x", (0.0, 10.0))
    model.update(data_of(wave, c0=4.0))
    assert model.b0 == pytest.approx(4.0, abs=0.05)
    for x in (1.0, 4.0, 8.0):
        (value,) = model.sample_joint([{"x": x}])
        assert value.c1 == pytest.approx(wave(x), abs=0.1)


def test_a_spline_bears_noise() -> None:
    model = UnivariateSplineCostModel(lambda config: config["x"], (0.0, 10.0), spline_degree=2)
    model.update(data_of(wave, c0=4.0, count=150, noise=0.02))
    assert model.b0 == pytest.approx(4.0, abs=0.5)
    (value,) = model.sample_joint([{"x": 5.0}])
    assert value.c1 == pytest.approx(wave(5.0), abs=0.3)


def test_outside_of_its_data_a_spline_is_flat() -> None:
    model = UnivariateSplineCostModel("x", (0.0, 10.0))
    model.update(data_of(wave, c0=0.0))
    inside, outside = model.sample_joint([{"x": 10.0}, {"x": 1e6}])
    assert outside == inside


@pytest.mark.parametrize("model_type", [None, "ridge", "svr", "random_forest"])
def test_a_regression_finds_the_start_and_the_trend(model_type: str | None) -> None:
    model = ScikitLearnCostModel(model_type)
    model.update(data_of(lambda x: 2.0 + 0.5 * x, c0=4.0))
    assert model.b0 == pytest.approx(4.0, abs=0.8)
    low, high = model.sample_joint([{"x": 1.0, "act": "relu"}, {"x": 9.0, "act": "tanh"}])
    assert low.c1 == pytest.approx(2.5, abs=0.5)
    assert high.c1 == pytest.approx(6.5, abs=0.5)


def test_texts_are_told_apart() -> None:
    model = ScikitLearnCostModel()
    rows = [({"act": act, "big": big}, {1: cost, 2: 2 * cost})
            for act, big, cost in (("relu", True, 1.0), ("gelu", True, 3.0), ("relu", False, 0.5))
            for _ in range(5)]  # fmt: skip
    model.update(CostData(rows))
    values = model.sample_joint([{"act": "relu", "big": True}, {"act": "gelu", "big": True}])
    assert [value.c1 for value in values] == pytest.approx([1.0, 3.0], abs=0.05)
    # What was never seen is nothing that a model could refuse in the middle of a run.
    assert len(model.sample_joint([{"act": "selu", "big": True}])) == 1


@pytest.mark.parametrize(
    "model", [ScikitLearnCostModel(), UnivariateSplineCostModel("x", (0.0, 10.0))]
)
def test_without_trials_of_several_levels_the_start_counts_as_free(
    model: NonLinearCostModel,
) -> None:
    model.update(CostData([({"x": float(x)}, {2: 10.0}) for x in range(10)]))
    (value,) = model.sample_joint([{"x": 3.0}])
    assert value.c0 == pytest.approx(0.0, abs=1e-6)
    assert value.c1 == pytest.approx(5.0, rel=1e-3)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("degree", [1, 3, 5])
def test_a_spline_of_few_data_has_a_lower_degree(count: int, degree: int) -> None:
    model = UnivariateSplineCostModel("x", (0.0, 10.0), spline_degree=degree)
    model.update(CostData([({"x": float(x)}, {1: 2.0 + x, 3: 4.0 + 3 * x}) for x in range(count)]))
    (value,) = model.sample_joint([{"x": 0.0}])
    assert value.c0 + 3 * value.c1 == pytest.approx(4.0, rel=0.1)


def test_duplicates_weigh_as_much_as_there_are() -> None:
    model = UnivariateSplineCostModel("x", (0.0, 10.0))
    dataset = [({"x": 1.0}, 5.0), ({"x": 1.0}, 2.0), ({"x": 1.0}, 4.0), ({"x": 2.0}, 7.0)]
    arguments = model.transform_dataset(dataset, num_data0=1, res_min=1)
    assert arguments["x"].tolist() == [1.0, 1.0, 2.0]
    assert arguments["targets"].tolist() == [5.0, 3.0, 7.0]
    assert arguments["weights"].tolist() == [1.0, 2.0, 1.0]
    value, _ = model.fit_regressor(2.0, **arguments)
    assert value == pytest.approx(0.0, abs=1e-12)
    assert model.fit_regressor(0.0, **arguments)[0] > 0.1


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(SchedulerError, match="model_type='tree'"):
        ScikitLearnCostModel("tree")
    with pytest.raises(SchedulerError, match="input_range"):
        UnivariateSplineCostModel("x", (1.0, 1.0))
    for degree in (0, 6, True, 2.5):
        with pytest.raises(SchedulerError, match="spline_degree"):
            UnivariateSplineCostModel("x", (0.0, 1.0), degree)  # type: ignore[arg-type]
