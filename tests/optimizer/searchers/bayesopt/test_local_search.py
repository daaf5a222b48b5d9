"""Minimising acquisition functions: as good as much denser searches, within all bounds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from synetune_lab import config_space as cs
from synetune_lab.gp.kernels.matern import Matern52
from synetune_lab.gp.means import ScalarMean
from synetune_lab.gp.posterior import Posterior
from synetune_lab.gp.prediction import Prediction
from synetune_lab.gp.process import KernelProcess
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition import (
    BoundAcquisition,
    EIAcquisitionFunction,
    LCBAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.candidates import (
    local_candidates,
    random_candidates,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.encoded_space import EncodedSpace
from synetune_lab.optimizer.schedulers.searchers.bayesopt.local_search import (
    LocalSearch,
    Ranking,
    first_allowed,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.quasi_newton import minimise_in_box

UNIT = cs.uniform(0.0, 1.0)
MIXED = {
    "x": UNIT,
    "y": cs.loguniform(1e-4, 1.0),
    "c": cs.choice(list("pqrs")),
    "i": cs.randint(1, 8),
    "n": cs.lograndint(1, 200),
    "o": cs.ordinal([1, 2, 4, 8, 16], kind="equal"),
}


def branin(u: np.ndarray) -> np.ndarray:
    x, y = 15.0 * u[:, 0] - 5.0, 15.0 * u[:, 1]
    value = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return value + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


def bowl(u: np.ndarray) -> np.ndarray:
    """Minimum within one corner's reach, with some waves."""
    return np.sum((u - 0.3) ** 2, axis=1) + 0.1 * np.sin(9.0 * u).sum(axis=1)


def space_of(config_space: dict[str, Any], **kwargs: Any) -> EncodedSpace:
    return EncodedSpace(cs.make_hyperparameter_ranges(config_space, **kwargs))


def posterior(x: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> Posterior:
    """Of normalised values of a function, with bandwidths that suit the unit cube."""
    y = function(x)
    y = (y - y.mean()) / y.std()
    process = KernelProcess(Matern52(x.shape[1], ARD=True), ScalarMean())
    theta = np.array([*([1.5] * x.shape[1]), 1.0, 0.0])
    return Posterior(process, theta, 1e-4, x, y)


def search(
    space: EncodedSpace, objective: Any, known: np.ndarray, seed: int = 0, **kwargs: Any
) -> Ranking:
    rs = np.random.RandomState(seed)
    groups = [random_candidates(space, 250, rs), local_candidates(space, known[:5], 100, rs)]
    return LocalSearch(space, **kwargs).run(objective, groups, rs)


def ordered(x: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return x[np.argsort(function(x))]


@pytest.mark.parametrize(
    ("function", "dimension", "num"),
    [(branin, 2, 8), (branin, 2, 40), (bowl, 6, 20), (bowl, 6, 60), (bowl, 12, 60)],
)
@pytest.mark.parametrize(
    "acquisition", [EIAcquisitionFunction(), LCBAcquisitionFunction()], ids=["ei", "lcb"]
)
def test_it_is_as_good_as_a_dense_random_search(
    function: Any, dimension: int, num: int, acquisition: Any
) -> None:
    space = space_of({f"x{i:02d}": UNIT for i in range(dimension)})
    rs = np.random.RandomState(dimension + num)
    # Half of the data are gathered where it is good, as in an experiment that has run for a while.
    x = ordered(space.draw(num, rs), function)
    x = np.concatenate([x[: num // 2], local_candidates(space, x[:3], num // 2, rs)])
    x = ordered(x, function)
    objective = acquisition.bind(posterior(x, function), x)
    found = search(space, objective, x)
    dense = objective.values(space.draw(100_000, rs))
    assert found.values[0] <= dense.min() + 1e-3
    np.testing.assert_allclose(objective.values(found.x[:1]), found.values[:1], rtol=1e-6)


def test_it_finds_the_way_where_improvement_is_below_1e_100_nearly_everywhere() -> None:
    space = space_of({"x": UNIT, "y": UNIT})
    rs = np.random.RandomState(0)
    x = ordered(np.concatenate([space.draw(60, rs), 0.3 + 0.02 * rs.randn(20, 2)]), bowl)
    model = posterior(x, bowl)
    # An incumbent that can't be reached: improvements everywhere are astronomically small.
    best = np.array([float(model.predict(x).mean.min()) - 3.0])
    objective = BoundAcquisition(EIAcquisitionFunction(), model, best)
    dense = objective.values(space.draw(100_000, rs))
    assert np.quantile(dense, 0.01) > 100.0 * np.log(10.0)
    found = search(space, objective, x)
    assert found.values[0] <= dense.min() + 1e-3


def mixed_function(space: EncodedSpace) -> Callable[[np.ndarray], np.ndarray]:
    weights = np.random.RandomState(4).rand(space.dimension)

    def function(u: np.ndarray) -> np.ndarray:
        return np.sum((u - weights) ** 2, axis=1) + 0.2 * np.sin(7.0 * u @ weights)

    return function


@pytest.mark.parametrize("seed", range(3))
def test_mixed_spaces_are_searched_as_well_as_by_much_more_effort(seed: int) -> None:
    space = space_of(MIXED)
    function = mixed_function(space)
    rs = np.random.RandomState(seed)
    x = ordered(space.draw(30, rs), function)
    objective = EIAcquisitionFunction().bind(posterior(x, function), x)
    found = search(space, objective, x, seed)
    dense = objective.values(space.draw(100_000, rs))
    assert found.values[0] <= dense.min() + 1e-3
    # The best one is optimal in each of its finite hyperparameters.
    neighbours, _ = space.neighbours(found.x[:1])
    assert objective.values(neighbours).min() >= found.values[0] - 1e-6
    assert found.values[0] <= search(space, objective, x, 99, num_starts=200).values[0] + 0.05


def test_what_is_found_is_a_configuration_with_its_own_value() -> None:
    space = space_of(MIXED)
    function = mixed_function(space)
    x = ordered(space.draw(20, np.random.RandomState(1)), function)
    objective = EIAcquisitionFunction().bind(posterior(x, function), x)
    for suggestion in first_allowed(space, search(space, objective, x), 5):
        cs.validate_config(suggestion.config, MIXED)
        encoded = space.hp_ranges.to_ndarray(suggestion.config)
        np.testing.assert_allclose(encoded, suggestion.encoded, atol=1e-9)
        assert objective.values(encoded[None, :])[0] == pytest.approx(suggestion.value, rel=1e-6)


def test_small_spaces_are_searched_exactly() -> None:
    space = space_of({"a": cs.choice(list("abcde")), "b": cs.randint(1, 20), "c": cs.randint(0, 9)})
    x = space.draw(10, np.random.RandomState(0))
    objective = EIAcquisitionFunction().bind(posterior(x, bowl), x)
    everything = objective.values(space.enumerate())
    found = search(space, objective, x)
    np.testing.assert_array_equal(np.sort(everything), found.values)


def test_large_finite_spaces_are_searched_by_sweeps() -> None:
    space = space_of({f"c{i}": cs.choice(list("abcd")) for i in range(7)})
    function = mixed_function(space)
    x = ordered(space.draw(40, np.random.RandomState(0)), function)
    objective = EIAcquisitionFunction().bind(posterior(x, function), x)
    every = [
        dict(zip(space.hp_ranges.internal_keys, v, strict=True))
        for v in itertools.product("abcd", repeat=7)
    ]
    exact = objective.values(space.hp_ranges.to_ndarray_matrix(every)).min()
    assert search(space, objective, x).values[0] <= exact + 1e-6


def test_bounds_and_the_fixed_last_coordinate_are_kept() -> None:
    space = space_of(
        {"x": UNIT, "y": UNIT, "c": cs.choice(list("abc")), "r": cs.randint(1, 27)},
        name_last_pos="r",
        value_for_last_pos=9,
        active_config_space={"x": cs.uniform(0.6, 0.7), "c": cs.choice(["a", "c"])},
    )
    x = ordered(space.draw(12, np.random.RandomState(0)), bowl)
    objective = LCBAcquisitionFunction(0.01).bind(posterior(x, bowl), x)
    found = search(space, objective, x)
    assert (found.x >= space.lower).all()
    assert (found.x <= space.upper).all()
    best = first_allowed(space, found, 1)[0].config
    assert best["r"] == 9
    assert best["c"] in "ac"
    assert 0.6 <= best["x"] <= 0.7


def test_duplicates_fall_back_to_the_next() -> None:
    space = space_of({"x": UNIT, "c": cs.choice(list("ab"))})
    x = ordered(space.draw(8, np.random.RandomState(0)), bowl)
    objective = EIAcquisitionFunction().bind(posterior(x, bowl), x)
    found = search(space, objective, x)
    first, second, third = first_allowed(space, found, 3)
    assert first.value <= second.value <= third.value
    assert len({str(s.config) for s in (first, second, third)}) == 3
    left = first_allowed(space, found, 1, lambda config: config == first.config)
    assert left[0].config == second.config
    assert first_allowed(space, found, 1, lambda _: True) == []


class NoGradient:
    """A model of a parabola, such as a regressor from elsewhere."""

    def predict(self, x: np.ndarray) -> Prediction:
        return Prediction(np.sum((x - 0.321) ** 2, axis=1, keepdims=True), np.ones((len(x), 1)))


def test_models_without_gradients_are_searched_too() -> None:
    space = space_of({f"x{i}": UNIT for i in range(4)})
    known = space.draw(5, np.random.RandomState(0))
    objective = LCBAcquisitionFunction().bind(NoGradient(), known)
    found = search(space, objective, known)
    dense = objective.values(space.draw(20_000, np.random.RandomState(1)))
    assert found.values[0] <= dense.min()
    np.testing.assert_allclose(found.x[0], 0.321, atol=0.1)


def test_values_that_are_no_numbers_come_last() -> None:
    class Broken:
        has_gradient = True

        def values(self, x: np.ndarray) -> np.ndarray:
            return np.where(x[:, 0] > 0.5, np.nan, x[:, 0])

        def values_with_gradient(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return self.values(x), np.ones_like(x)

    space = space_of({"x": UNIT, "y": UNIT})
    found = search(space, Broken(), space.draw(3, np.random.RandomState(0)))
    assert found.values[0] == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(found.values[:50]).all()
    assert not np.isnan(found.values).any()


def test_the_search_is_the_same_given_the_seed() -> None:
    space = space_of(MIXED)
    function = mixed_function(space)
    x = ordered(space.draw(10, np.random.RandomState(0)), function)
    objective = EIAcquisitionFunction().bind(posterior(x, function), x)
    one, two = search(space, objective, x, 5), search(space, objective, x, 5)
    np.testing.assert_array_equal(one.x, two.x)


def rosenbrock(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = 4.0 * x[:, 0] - 2.0, 4.0 * x[:, 1] - 2.0
    value = 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2
    by_a = -400.0 * a * (b - a**2) - 2.0 * (1.0 - a)
    return value, 4.0 * np.stack([by_a, 200.0 * (b - a**2)], axis=1)


def test_quasi_newton_converges_from_many_starts_at_once() -> None:
    start = np.random.RandomState(0).rand(20, 2)
    x, value = minimise_in_box(rosenbrock, start, np.zeros(2), np.ones(2), 300, 1e-12)
    np.testing.assert_allclose(x, 0.75, atol=1e-3)
    np.testing.assert_allclose(value, 0.0, atol=1e-6)


def test_quasi_newton_stops_at_bounds_and_leaves_meeting_bounds_alone() -> None:
    lower = np.array([[0.0, 0.8], [0.3, 0.0]])
    upper = np.array([[0.5, 1.0], [0.3, 1.0]])
    start = np.array([[0.1, 0.9], [0.3, 0.3]])
    x, value = minimise_in_box(rosenbrock, start, lower, upper, 200, 1e-12)
    np.testing.assert_allclose(value, rosenbrock(x)[0])
    assert x[0, 1] == 0.8
    assert x[0, 0] == pytest.approx(0.5 - 0.25 * 1.2**0.5, abs=0.02)
    assert x[1, 0] == 0.3
    assert x[1, 1] == pytest.approx((0.8**2 + 2.0) / 4.0, abs=1e-3)


def test_quasi_newton_takes_no_memory_for_coordinates_that_stay() -> None:
    stay = np.full((20, 5000), 0.5)
    start = np.column_stack([np.random.RandomState(0).rand(20, 2), stay])

    def padded(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, gradient = rosenbrock(x[:, :2])
        return value, np.column_stack([gradient, np.ones((len(x), 5000))])

    lower, upper = start.copy(), start.copy()
    lower[:, :2], upper[:, :2] = 0.0, 1.0
    x, value = minimise_in_box(padded, start, lower, upper, 300, 1e-12)
    alone = minimise_in_box(rosenbrock, start[:, :2], np.zeros(2), np.ones(2), 300, 1e-12)
    np.testing.assert_array_equal(x[:, :2], alone[0])
    np.testing.assert_array_equal(x[:, 2:], stay)
    np.testing.assert_array_equal(value, alone[1])
    x, value = minimise_in_box(padded, start, start, start)
    np.testing.assert_array_equal(x, start)
    np.testing.assert_array_equal(value, padded(start)[0])


def test_of_a_large_choice_few_searches_look_at_all_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = EncodedSpace(cs.make_hyperparameter_ranges({"c": cs.choice(range(2100)), "x": UNIT}))
    asked = []
    neighbours = space.neighbours

    def counted(x: np.ndarray) -> Any:
        asked.append(len(x))
        return neighbours(x)

    class Bowl:
        has_gradient = False

        def values(self, x: np.ndarray) -> np.ndarray:
            return np.asarray((space.levels[0].positions(x) - 77.0) ** 2 + (x[:, -1] - 0.3) ** 2)

        def values_with_gradient(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            raise AssertionError

    monkeypatch.setattr(space, "neighbours", counted)
    groups = [space.draw(50, np.random.RandomState(0))]
    ranking = LocalSearch(space).run(Bowl(), groups, np.random.RandomState(0))
    assert space.decode(ranking.x[:1])[0]["c"] == 77
    assert max(asked) <= 2


def test_quasi_newton_never_returns_worse_than_its_start() -> None:
    def nasty(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The gradient points the wrong way, and values are infinite beyond the middle."""
        return np.where(x[:, 0] > 0.5, np.inf, -x[:, 0]), np.ones_like(x)

    start = np.array([[0.4, 0.5], [0.9, 0.5]])
    x, value = minimise_in_box(nasty, start, np.zeros(2), np.ones(2))
    assert (value <= nasty(start)[0]).all()
    np.testing.assert_array_equal(value, nasty(x)[0])
