"""The wrapper of YAHPO Gym's benchmarks, on a small benchmark of the same form."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from synetune_lab.blackbox_repository.conversion_scripts.scripts.yahpo_import import (
    BlackBoxYAHPO,
    cs_to_synetune,
)
from synetune_lab.config_space import Categorical, Float, Integer
from synetune_lab.errors import BlackboxError


class UniformFloatHyperparameter(SimpleNamespace):
    """As ConfigSpace has it."""


class UniformIntegerHyperparameter(SimpleNamespace):
    """As ConfigSpace has it."""


class CategoricalHyperparameter(SimpleNamespace):
    """As ConfigSpace has it."""


class NormalFloatHyperparameter(SimpleNamespace):
    """As ConfigSpace has it."""


class Benchmark:
    """Answers as `yahpo_gym.BenchmarkSet` does."""

    instances = ("40981", "4134")

    def __init__(self) -> None:
        self.config = SimpleNamespace(
            fidelity_params=["trainsize", "repl"], y_names=["mmce", "timetrain"]
        )
        self.asked: list[dict[str, Any]] = []
        self.instance = "40981"

    def get_opt_space(self) -> dict[str, Any]:
        return {
            "eta": UniformFloatHyperparameter(name="eta", lower=1e-4, upper=1.0, log=True),
            "depth": UniformIntegerHyperparameter(name="depth", lower=1, upper=15, log=False),
            "booster": CategoricalHyperparameter(name="booster", choices=("tree", "linear")),
            "trainsize": UniformFloatHyperparameter(
                name="trainsize", lower=0.03, upper=1.0, log=False
            ),
            "repl": UniformIntegerHyperparameter(name="repl", lower=1, upper=10, log=False),
        }

    def set_instance(self, instance: str) -> None:
        self.instance = instance

    def objective_function(self, points: Any, **kwargs: Any) -> list[dict[str, float]]:
        del kwargs
        rows = points if isinstance(points, list) else [points]
        self.asked += rows
        return [
            {"mmce": row["eta"] / row["trainsize"], "timetrain": 100 * row["trainsize"]}
            for row in rows
        ]


CONFIG = {"eta": 0.1, "depth": 3, "booster": "tree"}


def test_the_fraction_of_data_becomes_a_resource() -> None:
    box = BlackBoxYAHPO(Benchmark())
    assert set(box.configuration_space) == set(CONFIG)
    assert box.fidelity_values is not None
    assert box.fidelity_values.tolist() == list(range(1, 21))
    assert box(CONFIG, fidelity=10) == {"mmce": 0.2, "timetrain": 50.0}
    assert box.benchmark.asked[-1] == {**CONFIG, "trainsize": 0.5, "repl": 10}
    curve = box.curve(CONFIG)
    assert curve.shape == (20, 2)
    assert np.allclose(curve[:, 1], 5.0 * np.arange(1, 21))
    assert box.time_attribute == "timetrain"


def test_fidelities_can_be_restricted() -> None:
    box = BlackBoxYAHPO(Benchmark(), fidelities=[1, 2, 4, 20])
    assert box.fidelity_values is not None
    assert box.fidelity_values.tolist() == [1, 2, 4, 20]
    assert box.curve(CONFIG).shape == (4, 2)
    for wrong in ([0, 1], [2, 1], [1, 21]):
        with pytest.raises(BlackboxError, match="fidelities"):
            BlackBoxYAHPO(Benchmark(), fidelities=wrong)


def test_instances() -> None:
    box = BlackBoxYAHPO(Benchmark())
    box.set_instance("4134")
    assert box.benchmark.instance == "4134"
    assert box.instances.tolist() == ["40981", "4134"]


def test_spaces_are_translated() -> None:
    space = cs_to_synetune(Benchmark().get_opt_space())
    assert isinstance(space["eta"], Float)
    assert isinstance(space["depth"], Integer)
    assert isinstance(space["booster"], Categorical)
    with pytest.raises(BlackboxError, match="NormalFloatHyperparameter"):
        cs_to_synetune({"x": NormalFloatHyperparameter(name="x")})
