"""Linear cost models: known weights are found, and features are what they are said to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.config_space import randint
from synetune_lab.errors import SchedulerError
from synetune_lab.surrogates.cost_models import (
    BiasOnlyLinearCostModel,
    CostData,
    FixedLayersMLPCostModel,
    LinearCostModel,
    MLPLinearCostModel,
    NASBench201LinearCostModel,
)

Config = dict[str, Any]
KEYS = tuple(f"x{i}" for i in range(6))
OPS = {
    "skip": NASBench201LinearCostModel.Op.SKIP_CONNECT,
    "none": 1,
    "conv1": 2,
    "conv3": 3,
    "pool": 4,
}


def costs_from(
    model: LinearCostModel, configs: Sequence[Config], weights0: Any, weights1: Any, **noise: float
) -> CostData:
    """Costs at four levels that follow the model, with relative noise."""
    features0, features1 = model.feature_matrices(configs)
    c0, c1 = features0 @ np.array(weights0), features1 @ np.array(weights1)
    random = np.random.default_rng(0)
    return CostData(
        [
            (
                config,
                {
                    level: float((a + level * b) * (1 + noise.get("noise", 0.0) * random.normal()))
                    for level in (1, 3, 9, 27)
                },
            )
            for config, a, b in zip(configs, c0, c1, strict=True)
        ]
    )


def cells(count: int) -> list[Config]:
    random = np.random.default_rng(1)
    return [
        dict(zip(KEYS, random.choice(list(OPS), 6).tolist(), strict=True)) for _ in range(count)
    ]


def networks(count: int) -> list[Config]:
    random = np.random.default_rng(2)
    return [
        {
            "n_units_1": int(random.integers(4, 1024)),
            "n_units_2": int(random.integers(4, 1024)),
            "batch_size": int(random.integers(8, 128)),
        }
        for _ in range(count)
    ]


@settings(max_examples=20, deadline=None)
@given(c0=st.floats(0.0, 1e4), c1=st.floats(1e-3, 1e4))
def test_the_same_for_all_is_found(c0: float, c1: float) -> None:
    model = BiasOnlyLinearCostModel()
    model.update(CostData([({}, {level: c0 + level * c1 for level in (1, 2, 7)})]))
    (value,) = model.sample_joint([{"anything": 1}])
    assert value.c0 == pytest.approx(c0, abs=1e-4 * (c0 + c1))
    assert value.c1 == pytest.approx(c1, abs=1e-4 * (c0 + c1))


def test_weights_of_cells_are_found() -> None:
    weights = {
        (True, True): [5.0, 1.0, 7.0, 2.0, 0.5],
        (True, False): [5.0, 1.0, 7.0, 2.0],
        (False, True): [5.0, 1.0, 2.0, 0.5],
        (False, False): [5.0, 1.0, 2.0],
    }
    for (separate, sums), weights1 in weights.items():
        model = NASBench201LinearCostModel(KEYS, OPS, separate, sums)
        model.update(costs_from(model, cells(60), [30.0], weights1))
        assert model.weights[0] == pytest.approx([30.0], rel=1e-3)
        assert model.weights[1] == pytest.approx(weights1, rel=1e-3)


def test_noise_averages_out() -> None:
    model = NASBench201LinearCostModel(KEYS, OPS, True, False)
    true = NASBench201LinearCostModel(KEYS, OPS, True, False)
    truth = costs_from(true, cells(40), [30.0], [5.0, 1.0, 7.0, 2.0])
    true.update(truth)
    model.update(costs_from(model, cells(100), [30.0], [5.0, 1.0, 7.0, 2.0], noise=0.02))
    asked = cells(20)
    for found, right in zip(model.sample_joint(asked), true.sample_joint(asked), strict=True):
        assert found.c1 == pytest.approx(right.c1, rel=0.05)


def test_features_of_a_cell() -> None:
    config = dict(zip(KEYS, ["conv1", "conv3", "none", "pool", "conv3", "skip"], strict=True))
    model = NASBench201LinearCostModel(KEYS, OPS, True, True)
    features0, features1 = model.feature_matrices([config])
    assert features0.tolist() == [[1.0]]
    # n2 has one term that is not none, n3 three.
    assert features1.tolist() == [[1.0, 1.0, 2.0, 1.0, 2.0]]
    full = dict.fromkeys(KEYS, "skip")
    assert model.feature_matrices([full])[1][0, -1] == 3.0
    merged = NASBench201LinearCostModel(KEYS, OPS, False, False)
    assert merged.feature_matrices([config])[1].tolist() == [[1.0, 19.0, 1.0]]


def test_cells_that_are_not_understood_are_refused() -> None:
    model = NASBench201LinearCostModel(KEYS, OPS, True, True)
    with pytest.raises(SchedulerError, match="'conv5' is neither"):
        model.feature_matrices([dict.fromkeys(KEYS, "conv5")])
    with pytest.raises(SchedulerError, match="'x0' is neither"):
        model.feature_matrices([{}])
    with pytest.raises(SchedulerError, match="six edges"):
        NASBench201LinearCostModel(KEYS[:5], OPS, True, True)
    with pytest.raises(SchedulerError, match="map_config_values"):
        NASBench201LinearCostModel(KEYS, {"skip": 9}, True, True)


@pytest.mark.parametrize("extra_mlp", [False, True])
@pytest.mark.parametrize("c0_mlp_feature", [False, True])
def test_networks_are_predicted(extra_mlp: bool, c0_mlp_feature: bool) -> None:
    model = FixedLayersMLPCostModel(
        784, 10, bs_exponent=0.8, extra_mlp=extra_mlp, c0_mlp_feature=c0_mlp_feature
    )
    weights0 = [3.0, 1e-6] if c0_mlp_feature else [3.0]
    weights1 = [1.0, 1e-5, 40.0, 1e-5] if extra_mlp else [1.0, 1e-5, 40.0]
    model.update(costs_from(model, networks(60), weights0, weights1))
    assert model.weights[0] == pytest.approx(weights0, rel=1e-2)
    assert model.weights[1] == pytest.approx(weights1, rel=1e-2)


def test_features_of_a_network() -> None:
    model = MLPLinearCostModel(
        4,
        2,
        num_hidden_layers=lambda config: len(config["widths"]),
        hidden_layer_width=lambda config, layer: config["widths"][layer],
        batch_size=lambda config: config["bs"],
        bs_exponent=2.0,
        extra_mlp=True,
        c0_mlp_feature=True,
    )
    configs = [{"widths": [3, 5], "bs": 10}, {"widths": [], "bs": 1}]
    features0, features1 = model.feature_matrices(configs)
    assert features0.tolist() == [[1.0, 37.0], [1.0, 8.0]]
    assert features1[0] == pytest.approx([1.0, 370.0, 0.1, 3.7])
    assert features1[1] == pytest.approx([1.0, 8.0, 1.0, 8.0])


def test_scaled_by_expected_widths_the_mean_feature_is_1() -> None:
    space = {"n_units_1": randint(4, 1024), "n_units_2": randint(4, 1024), "batch_size": 64}
    keys = ["n_units_1", "n_units_2"]
    expected, values = FixedLayersMLPCostModel.get_expected_hidden_layer_width(space, keys)
    assert [expected(0), expected(1)] == values == [514.0, 514.0]
    model = FixedLayersMLPCostModel(784, 10, keys, expected_hidden_layer_width=expected)
    _, features1 = model.feature_matrices(networks(2000))
    assert features1[:, 1].mean() == pytest.approx(1.0, abs=0.05)
    with pytest.raises(SchedulerError, match="n_units_3"):
        FixedLayersMLPCostModel.get_expected_hidden_layer_width(space, ["n_units_3"])


def test_wrong_networks_are_refused() -> None:
    with pytest.raises(SchedulerError, match="num_inputs=0"):
        FixedLayersMLPCostModel(0, 10)
    model = FixedLayersMLPCostModel(784, 10)
    with pytest.raises(SchedulerError, match="batch_size"):
        model.feature_matrices([{"n_units_1": 1, "n_units_2": 1, "batch_size": 0}])


def test_fewer_reports_than_weights_do_no_harm() -> None:
    model = FixedLayersMLPCostModel(784, 10, extra_mlp=True, c0_mlp_feature=True)
    data = costs_from(model, networks(1), [3.0, 1e-6], [1.0, 1e-5, 40.0, 1e-5])
    model.update(data)
    config, costs = data.evaluations[0]
    (value,) = model.sample_joint([config])
    assert value.c0 + 27 * value.c1 == pytest.approx(costs[27], rel=0.01)
