"""The wrapper of YAHPO Gym's benchmarks, on a small benchmark of the same form."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from synetune_lab.blackbox_repository.conversion_scripts.scripts.yahpo_import import (
    BlackBoxYAHPO,
    cs_to_synetune,
)
from synetune_lab.config_space import Categorical, Float, Integer, choice
from synetune_lab.errors import BlackboxError


class UniformFloatHyperparameter(SimpleNamespace):
    """As ConfigSpace has it."""


class UniformIntegerHyperparameter(SimpleNamespace):
    """As ConfigSpace has it."""


class CategoricalHyperparameter(SimpleNamespace):
    """As ConfigSpace has it."""


class NormalFloatHyperparameter(SimpleNamespace):
    """As ConfigSpace has it."""


class Constant(SimpleNamespace):
    """As ConfigSpace has it."""


class Conditions:
    """What is asked of `ConfigSpace.ConfigurationSpace`: `depth` counts for trees only."""

    def get_active_hyperparameters(self, configuration: Configuration) -> set[str]:
        active = set(configuration.values)
        return active if configuration.values.get("booster") == "tree" else active - {"depth"}


class Configuration:
    """As ConfigSpace has it: checks the values, active or not."""

    def __init__(
        self, space: Any, values: dict[str, Any], allow_inactive_with_values: bool
    ) -> None:
        assert allow_inactive_with_values
        assert isinstance(space, Conditions)
        if values.get("eta", 0.1) > 1:
            raise ValueError("illegal value for eta")
        self.values = values


@pytest.fixture(autouse=True)
def config_space_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of ConfigSpace, which not every test run has."""
    package = ModuleType("ConfigSpace")
    package.Configuration = Configuration  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ConfigSpace", package)


class Benchmark:
    """Answers as `yahpo_gym.BenchmarkSet` does."""

    instances = ("40981", "4134")

    def __init__(self) -> None:
        self.config = SimpleNamespace(
            fidelity_params=["trainsize", "repl"], y_names=["mmce", "timetrain"]
        )
        self.config_space = Conditions()
        self.asked: list[dict[str, Any]] = []
        self.instance = "40981"

    def get_opt_space(self) -> dict[str, Any]:
        return {
            "eta": UniformFloatHyperparameter(name="eta", lower=1e-4, upper=1.0, log=True),
            "depth": UniformIntegerHyperparameter(name="depth", lower=1, upper=15, log=False),
            "booster": CategoricalHyperparameter(name="booster", choices=("tree", "linear")),
            "task_id": Constant(name="task_id", value=self.instance),
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
    assert set(box.configuration_space) == {*CONFIG, "task_id"}
    assert box.fidelity_values is not None
    assert box.fidelity_values.tolist() == list(range(1, 21))
    assert box(CONFIG, fidelity=10) == {"mmce": 0.2, "timetrain": 50.0}
    assert box.benchmark.asked[-1] == {
        **CONFIG,
        "task_id": "40981",
        "trainsize": 0.5,
        "repl": 10,
    }
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


def test_another_instance_is_switched_to_completely() -> None:
    box = BlackBoxYAHPO(Benchmark())
    assert box.instances.tolist() == ["40981", "4134"]
    old = dict(box.configuration_space)
    assert box.set_instance("4134") is box
    assert box.benchmark.instance == "4134"
    assert box.configuration_space == {**old, "task_id": "4134"}
    # Configurations of the other instance are evaluated on this one.
    box({**CONFIG, "task_id": "40981"}, fidelity=10)
    assert box.benchmark.asked[-1]["task_id"] == "4134"
    with pytest.raises(BlackboxError, match=r"instance='3'.*'40981', '4134'"):
        box.set_instance("3")
    assert box.configuration_space["task_id"] == "4134"


def test_fidelities_stay_restricted_on_another_instance() -> None:
    box = BlackBoxYAHPO(Benchmark(), fidelities=[1, 4]).set_instance("4134")
    assert box.curve(CONFIG).shape == (2, 2)


def test_inactive_hyperparameters_are_not_passed_on() -> None:
    box = BlackBoxYAHPO(Benchmark())
    box({**CONFIG, "booster": "linear"}, fidelity=20)
    assert box.benchmark.asked == [
        {"eta": 0.1, "booster": "linear", "task_id": "40981", "trainsize": 1.0, "repl": 10}
    ]
    curve = box.curve({**CONFIG, "booster": "linear"})
    assert curve.shape == (20, 2)
    assert not [asked for asked in box.benchmark.asked if "depth" in asked]
    box(CONFIG, fidelity=20)
    assert box.benchmark.asked[-1]["depth"] == 3


def test_what_yahpo_refuses_is_told() -> None:
    with pytest.raises(BlackboxError, match=r"refuses.*'eta': 7.*illegal value"):
        BlackBoxYAHPO(Benchmark())({**CONFIG, "eta": 7.0}, fidelity=1)


@pytest.mark.parametrize("fidelity", [0, 3, 21])
def test_a_fidelity_outside_of_the_space_is_refused(fidelity: int) -> None:
    box = BlackBoxYAHPO(Benchmark(), fidelities=[1, 2, 4, 20])
    with pytest.raises(BlackboxError, match=f"trainsize={fidelity} is outside"):
        box(CONFIG, fidelity=fidelity)


class LongNames(Benchmark):
    """As nb301: long names, a resource that is whole, no data sets to choose from."""

    instances = ("CIFAR10",)
    prefix = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(
            fidelity_params=["epoch"], y_names=["val_accuracy", "seconds"], runtime_name="seconds"
        )

    def get_opt_space(self) -> dict[str, Any]:
        name = f"{self.prefix}edge_normal_0"
        return {
            name: CategoricalHyperparameter(name=name, choices=("skip", "conv")),
            "width": CategoricalHyperparameter(name="width", choices=("one",)),
            "epoch": UniformIntegerHyperparameter(name="epoch", lower=1, upper=3, log=False),
        }

    def objective_function(self, points: Any, **kwargs: Any) -> list[dict[str, float]]:
        rows = points if isinstance(points, list) else [points]
        self.asked += rows
        return [{"val_accuracy": 90.0, "seconds": float(row["epoch"])} for row in rows]


def test_long_names_are_shortened_and_passed_on_in_full() -> None:
    box = BlackBoxYAHPO(LongNames())
    assert box.configuration_space == {"edge_normal_0": choice(["skip", "conv"]), "width": "one"}
    assert box.curve({"edge_normal_0": "conv"})[:, 1].tolist() == [1, 2, 3]
    full = {f"{LongNames.prefix}edge_normal_0": "conv", "width": "one"}
    assert box.benchmark.asked == [{**full, "epoch": epoch} for epoch in (1, 2, 3)]
    assert box.time_attribute == "seconds"
    assert box.set_instance("CIFAR10") is box
    assert list(box.configuration_space) == ["edge_normal_0", "width"]


def test_spaces_are_translated() -> None:
    space = cs_to_synetune(Benchmark().get_opt_space())
    assert isinstance(space["eta"], Float)
    assert isinstance(space["depth"], Integer)
    assert isinstance(space["booster"], Categorical)
    with pytest.raises(BlackboxError, match="NormalFloatHyperparameter"):
        cs_to_synetune({"x": NormalFloatHyperparameter(name="x")})
