"""Neural bandits: the contract, the network's gradients, and what each rule chooses."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import dill
import numpy as np
import pytest

from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.neuralbands import (
    NeuralbandEGreedyScheduler,
    NeuralbandScheduler,
    NeuralbandSchedulerBase,
    NeuralbandTSScheduler,
    NeuralbandUCBScheduler,
)
from synetune_lab.optimizer.schedulers.neuralbands.networks import (
    Exploitation,
    NetworkExploitation,
)
from synetune_lab.optimizer.schedulers.neuralbands.rules import (
    EpsilonGreedy,
    Gap,
    ThompsonSampling,
    UpperConfidenceBound,
)
from synetune_lab.testing.scheduler_contract import SchedulerContract
from synetune_lab.testing.scheduler_driver import SchedulerDriver

ALL = [
    NeuralbandScheduler,
    NeuralbandEGreedyScheduler,
    NeuralbandTSScheduler,
    NeuralbandUCBScheduler,
]
SPACE = {"x": uniform(0.0, 1.0), "y": uniform(0.0, 1.0), "act": choice(["a", "b", "c"])}


class _Contract(SchedulerContract):
    scheduler_class: Any
    more: ClassVar[dict[str, Any]] = {}
    n_steps = 80

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return self.scheduler_class(
            config_space,
            metric="loss",
            resource_attr="epoch",
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
            step_size=10,
            max_while_loop=20,
            **self.more,
        )


class TestNeuralband(_Contract):
    scheduler_class = NeuralbandScheduler
    more: ClassVar[dict[str, Any]] = {"type": "promotion", "brackets": 2}


class TestNeuralbandEGreedy(_Contract):
    scheduler_class = NeuralbandEGreedyScheduler


class TestNeuralbandTS(_Contract):
    scheduler_class = NeuralbandTSScheduler
    more: ClassVar[dict[str, Any]] = {"searcher_data": "rungs_and_last"}


class TestNeuralbandUCB(_Contract):
    scheduler_class = NeuralbandUCBScheduler


def loss(config: dict[str, Any], trial_id: int, resource: int) -> float:
    value = (config["x"] - 0.7) ** 2 + (config["y"] - 0.2) ** 2 + 0.5 * (config["act"] != "b")
    return float(value) + 1.0 / resource


def make(cls: Any, **kwargs: Any) -> Any:
    given = {"step_size": 10, "max_t": 9, "random_seed": 3, **kwargs}
    return cls(SPACE, metric="loss", resource_attr="epoch", **given)


def driven(cls: Any, n_steps: int = 600, **kwargs: Any) -> SchedulerDriver:
    driver = SchedulerDriver(make(cls, **kwargs), loss, max_resource=9)
    driver.run(n_steps)
    return driver


@pytest.mark.parametrize("cls", ALL)
def test_it_learns_where_losses_are_small(cls: Any) -> None:
    configs = list(driven(cls).configs.values())
    early, late = configs[:30], configs[-60:]
    assert np.median([loss(c, 0, 9) for c in late]) < np.median([loss(c, 0, 9) for c in early]) / 2
    assert np.mean([c["act"] == "b" for c in late]) > 0.75


def test_configurations_are_random_until_the_first_training() -> None:
    starts = [entry[3] for entry in driven(NeuralbandUCBScheduler, 100).log if entry[0] == "start"]
    kinds = [reason["kind"] for reason in starts]
    assert kinds[:10] == ["points_to_evaluate", *["random"] * 9]
    assert set(kinds[10:]) == {"model"}
    reason = starts[-1]
    assert reason["rule"] == "UpperConfidenceBound"
    assert 1 <= reason["num_candidates"] <= 100
    assert 0.0 < reason["mean"] < 2.5


def test_the_reason_is_in_units_of_the_metric_in_both_modes() -> None:
    driver = SchedulerDriver(
        make(NeuralbandUCBScheduler, mode="max"), lambda *args: 100.0 - loss(*args), max_resource=9
    )
    starts = [entry[3] for entry in driver.run(200) if entry[0] == "start"]
    assert 97.0 < starts[-1]["mean"] < 101.0


@pytest.mark.parametrize("cls", ALL)
def test_a_cloned_searcher_goes_on_the_same_way(cls: Any) -> None:
    scheduler = driven(cls, 150).scheduler
    twin = dill.loads(dill.dumps(scheduler)).searcher
    state = dill.loads(dill.dumps(scheduler.searcher.get_state()))
    clone = make(cls).searcher.clone_from_state(state)
    found = [
        [searcher.get_config(trial_id=str(1000 + i)) for i in range(25)]
        for searcher in (twin, clone)
    ]
    assert found[0] == found[1]


def test_a_space_that_is_used_up_ends_the_search() -> None:
    space = {"act": choice(["a", "b", "c", "d"]), "n": choice([1, 2, 3])}
    scheduler = NeuralbandTSScheduler(
        space, metric="loss", max_t=3, random_seed=0, step_size=2, points_to_evaluate=[]
    )
    driver = SchedulerDriver(scheduler, lambda c, _, r: c["n"] / r, max_resource=3)
    driver.run(200)
    assert len({tuple(c.values()) for c in driver.configs.values()}) == 12
    assert driver.exhausted


def test_it_keeps_to_the_allowed_configurations() -> None:
    allowed = [{"x": i / 20, "y": 0.5, "act": "b"} for i in range(20)]
    options = {"restrict_configurations": allowed}
    driver = driven(NeuralbandScheduler, search_options=options, step_size=5)
    assert len(driver.configs) == 20
    assert all(config in allowed for config in driver.configs.values())


def test_equal_losses_teach_nothing() -> None:
    driver = SchedulerDriver(make(NeuralbandUCBScheduler), lambda *_: 1.0, max_resource=9)
    starts = [entry[3]["kind"] for entry in driver.run(200) if entry[0] == "start"]
    assert "model" not in starts


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (NeuralbandScheduler, {"gamma": -1.0}, r"gamma=-1\.0"),
        (NeuralbandScheduler, {"nu": math.nan}, "nu=nan"),
        (NeuralbandTSScheduler, {"lamdba": 0}, "lamdba=0"),
        (NeuralbandUCBScheduler, {"nu": math.inf}, "nu=inf"),
        (NeuralbandEGreedyScheduler, {"epsilon": 1.1}, r"epsilon=1\.1"),
        (NeuralbandEGreedyScheduler, {"epsilon": "0.1"}, "epsilon='0.1'"),
        (NeuralbandScheduler, {"step_size": 0}, "step_size"),
        (NeuralbandScheduler, {"max_while_loop": 2.5}, "max_while_loop"),
        (NeuralbandScheduler, {"searcher": "kde"}, "searcher='kde'"),
        (NeuralbandScheduler, {"search_options": {"gama": 1}}, "'gama'"),
        (NeuralbandScheduler, {"grace_periods": 1}, "'grace_period'"),
        (NeuralbandScheduler, {"random_seed": -1}, "random_seed"),
        (NeuralbandScheduler, {"type": "dyhpo"}, "dyhpo"),
    ],
)
def test_wrong_arguments_are_refused(cls: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        make(cls, **arguments)


def test_the_base_is_greedy() -> None:
    scheduler = NeuralbandSchedulerBase(SPACE, 30, 100, metric="loss", max_t=9)
    assert scheduler.searcher.rule == EpsilonGreedy(0.0)


# The network


def numerical_gradient(network: NetworkExploitation, value: Any) -> np.ndarray:
    theta, step = network.theta.copy(), 1e-6
    found = np.empty_like(theta)
    for i in range(len(theta)):
        ends = []
        for sign in (1.0, -1.0):
            network.theta = theta.copy()
            network.theta[i] += sign * step
            ends.append(value())
        found[i] = (ends[0] - ends[1]) / (2 * step)
    network.theta = theta
    return found


def test_gradients_agree_with_differences() -> None:
    state = np.random.RandomState(0)
    network = NetworkExploitation(3, 5, state)
    network.theta += 0.1 * state.standard_normal(len(network.theta))
    x, b, y = state.uniform(size=(4, 3)), state.uniform(size=4), state.standard_normal(4)
    for row in range(4):
        numerical = numerical_gradient(network, lambda row=row: network.forward(x, b)[row])
        assert network.gradients(x, b)[row] == pytest.approx(numerical, abs=1e-6)
    inputs = np.column_stack([x, b])
    error, gradient = network.loss_gradient(inputs, y)
    assert error == pytest.approx(np.mean((network.forward(x, b) - y) ** 2))
    numerical = numerical_gradient(network, lambda: network.loss_gradient(inputs, y)[0])
    assert gradient == pytest.approx(numerical, abs=1e-6)


def test_training_fits_the_data() -> None:
    state = np.random.RandomState(0)
    model = Exploitation(2)
    assert model.train() == 0.0
    for _ in range(100):
        x, b = state.uniform(size=2), state.uniform()
        model.add_data((x, b), float(np.sin(3 * x[0]) + b))
    assert len(model) == 100
    first = model.train()
    for _ in range(5):
        last = model.train()
    assert last < first
    assert last < 0.02
    point = (np.array([[0.5, 0.5]]), np.array([0.3]))
    assert model.predict(point)[0] == pytest.approx(math.sin(1.5) + 0.3, abs=0.2)


# The rules


def chosen(rule: Any, losses: Any, spreads: Any = (0.0, 0.0, 0.0), known: float = 0.0) -> int:
    state = np.random.RandomState(0)
    return rule.choose(np.array(losses), np.array(spreads), known, state)[0]


def test_what_rules_choose() -> None:
    losses = [0.5, -0.2, -0.3]
    assert chosen(EpsilonGreedy(0.0), losses) == 2
    assert chosen(EpsilonGreedy(1.0), losses) == 0
    assert chosen(UpperConfidenceBound(0.1, 1.0), losses, [0.9, 0.1, 0.1]) == 0
    assert chosen(UpperConfidenceBound(0.1, 0.0), losses, [0.9, 0.1, 0.1]) == 2
    assert chosen(ThompsonSampling(0.1, 0.0), losses, [9.0, 9.0, 9.0]) == 2
    assert chosen(Gap(0.05), losses, known=-0.25) == 1
    assert chosen(Gap(0.0), losses, known=-0.25) == 2
    assert chosen(Gap(0.0), losses, known=-0.9) == 2


def test_thompson_sampling_draws_with_the_stated_deviation() -> None:
    rule, state = ThompsonSampling(lamdba=0.25, nu=2.0), np.random.RandomState(0)
    one = np.ones(1)
    drawn = [rule.choose(3.0 * one, 0.5 * one, 0.0, state)[1] for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(3.0, abs=0.05)
    assert np.std(drawn) == pytest.approx(2.0 * 0.5 * 0.5, rel=0.05)
