"""Densities of good and bad configurations, and what is chosen by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.config_space import choice, loguniform, ordinal, randint
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers import searcher_factory
from synetune_lab.optimizer.schedulers.searchers.kde import (
    KernelDensityEstimator,
    MultiFidelityKernelDensityEstimator,
)
from synetune_lab.optimizer.schedulers.searchers.kde.density import KernelDensity, MixedEncoding
from synetune_lab.optimizer.schedulers.searchers.observations import Observations

SPACE = {
    "lr": loguniform(1e-4, 1.0),
    "units": randint(1, 64),
    "act": choice(["relu", "tanh", "gelu"]),
    "depth": ordinal([1, 2, 4], kind="equal"),
}


def loss(config: dict[str, Any]) -> float:
    return abs(np.log10(config["lr"]) + 2) + 0.5 * (config["act"] != "tanh")


def filled(count: int, **kwargs: Any) -> KernelDensityEstimator:
    searcher = KernelDensityEstimator(SPACE, "loss", points_to_evaluate=[], random_seed=1, **kwargs)
    for trial_id in range(count):
        config = searcher._get_random_config()
        assert config is not None
        searcher.on_trial_result(str(trial_id), config, {"loss": loss(config)}, update=True)
    return searcher


@pytest.mark.parametrize("sizes", [[], [3], [2, 4]])
def test_a_density_sums_up_to_1(sizes: list[int]) -> None:
    state = np.random.RandomState(0)
    numbers = 0.5 + 0.05 * state.standard_normal((30, 1))
    codes = np.column_stack([state.randint(size, size=30) for size in sizes] or [np.empty((30, 0))])
    density = KernelDensity(np.column_stack([numbers, codes]), 1, sizes, 1e-3)
    grid = np.linspace(-1, 2, 3001)
    total = 0.0
    for index in np.ndindex(*sizes):
        points = np.column_stack([grid, np.tile(index, (len(grid), 1))]) if sizes else grid[:, None]
        total += np.trapezoid(np.exp(density.log_density(points)), grid)
    assert total == pytest.approx(1.0, abs=1e-3)


def test_a_density_is_the_mean_of_its_kernels() -> None:
    points = np.array([[0.2, 0.0], [0.6, 1.0], [0.7, 1.0]])
    density = KernelDensity(points, 1, [2], 1e-3)
    h, c = density.bandwidths[0], density.category_bandwidths[0]
    asked = np.array([0.5, 1.0])
    kernels = [
        np.exp(-0.5 * ((asked[0] - x) / h) ** 2)
        / (h * np.sqrt(2 * np.pi))
        * ((1 - c) if code == asked[1] else c)
        for x, code in points
    ]
    assert density.log_density(asked[None, :])[0] == pytest.approx(np.log(np.mean(kernels)))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(0, 1000), st.floats(0.5, 20))
def test_draws_are_points_of_the_space(count: int, seed: int, factor: float) -> None:
    encoding = MixedEncoding(SPACE)
    state = np.random.RandomState(seed)
    configs = [
        {name: domain.sample(random_state=state) for name, domain in SPACE.items()}
        for _ in range(count)
    ]
    points = encoding.encode(configs)
    for config, point in zip(configs, points, strict=True):
        assert encoding.decode(point) == config
    density = KernelDensity(points, encoding.num_numbers, encoding.sizes, 1e-3)
    for point in density.draw(20, factor, state):
        config = encoding.decode(point)
        assert all(SPACE[name].is_valid(value) for name, value in config.items())


def test_it_finds_what_is_good() -> None:
    searcher = filled(60, random_fraction=0.0)
    found = [searcher.get_config(trial_id=str(100 + i)) for i in range(30)]
    assert searcher.explain_last()["kind"] == "model"
    assert np.median([loss(config) for config in found if config]) < 0.5
    assert np.mean([config["act"] == "tanh" for config in found if config]) > 0.7


def test_it_is_the_same_for_mirrored_values() -> None:
    both = []
    for mode, sign in (("min", 1.0), ("max", -1.0)):
        searcher = KernelDensityEstimator(
            SPACE, "loss", points_to_evaluate=[], mode=mode, random_seed=1
        )
        for trial_id in range(30):
            config = searcher._get_random_config()
            assert config is not None
            result = {"loss": sign * loss(config)}
            searcher.on_trial_result(str(trial_id), config, result, update=True)
        both.append([searcher.get_config(trial_id=str(40 + i)) for i in range(5)])
    assert both[0] == both[1]


def test_a_share_is_drawn_at_random() -> None:
    searcher = filled(40, random_fraction=0.5)
    kinds = []
    for i in range(200):
        searcher.get_config(trial_id=str(100 + i))
        kinds.append(searcher.explain_last()["kind"])
    assert 60 < kinds.count("random") < 140


def test_before_there_are_enough_it_draws_at_random() -> None:
    searcher = filled(3, random_fraction=0.0)
    searcher.get_config(trial_id="9")
    assert searcher.explain_last()["kind"] == "random"
    searcher = filled(4, random_fraction=0.0)
    searcher.get_config(trial_id="9")
    assert searcher.explain_last()["kind"] == "model"


def test_values_that_are_no_numbers_are_bad() -> None:
    searcher = filled(20, random_fraction=0.0)
    for trial_id in range(20, 40):
        config = searcher._get_random_config()
        assert config is not None
        searcher.on_trial_result(str(trial_id), config, {"loss": float("nan")}, update=True)
    assert searcher.get_config(trial_id="99") is not None
    assert searcher.dataset_size() == 40


def test_the_highest_level_with_enough_data_counts() -> None:
    searcher = MultiFidelityKernelDensityEstimator(
        SPACE, "loss", points_to_evaluate=[], random_fraction=0.0, random_seed=1
    )
    for trial_id in range(30):
        config = searcher._get_random_config()
        assert config is not None
        for epoch in (1, 3, 9):
            if trial_id % epoch == 0:
                result = {"loss": loss(config), "epoch": epoch}
                searcher.on_trial_result(str(trial_id), config, result, update=True)
    searcher.get_config(trial_id="99")
    assert searcher.explain_last()["level"] == 9
    for trial_id in range(0, 30, 9):
        searcher.remove_case(str(trial_id), epoch=9)
    searcher.get_config(trial_id="100")
    assert searcher.explain_last()["level"] == 3


def test_schedulers_with_rungs_get_the_form_with_levels() -> None:
    arguments = {"config_space": SPACE, "metric": "loss", "random_seed": 1}
    plain = searcher_factory("kde", scheduler="fifo", **arguments)
    rungs = searcher_factory("kde", scheduler="hyperband", resource_attr="epoch", **arguments)
    assert type(plain) is KernelDensityEstimator
    assert type(rungs) is MultiFidelityKernelDensityEstimator


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"top_n_percent": 0}, "top_n_percent=0"),
        ({"min_bandwidth": 0.0}, "min_bandwidth"),
        ({"num_candidates": 0}, "num_candidates"),
        ({"bandwidth_factor": -1}, "bandwidth_factor"),
        ({"random_fraction": 1.5}, "random_fraction"),
        ({"num_min_data_points": 0}, "num_min_data_points"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        KernelDensityEstimator(SPACE, "loss", **arguments)


@given(st.lists(st.tuples(st.integers(0, 8), st.floats(allow_nan=True)), max_size=60))
def test_observations_are_kept_in_order(entries: list[tuple[int, float]]) -> None:
    seen = Observations("max")
    latest: dict[int, float] = {}
    for trial_id, value in entries:
        seen.put(str(trial_id), {"trial": trial_id}, value)
        latest[trial_id] = value
    if not latest:
        assert seen.highest(1) is None
        return
    data = seen.levels[0]
    keys = [value for value, _ in data.order]
    assert keys == sorted(keys)
    assert len(data) == len(latest)
    wanted = sorted(-v if v == v else float("inf") for v in latest.values())
    assert keys == wanted
