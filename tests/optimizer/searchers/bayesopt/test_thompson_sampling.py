"""Thompson sampling as the acquisition function, and batches of suggestions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synetune_lab.config_space import choice, randint, uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.gp import (
    GaussianProcessRegression,
    KernelProcess,
    Matern52,
    Posterior,
    ScalarMean,
)
from synetune_lab.optimizer.baselines import MOBSTER, HyperTune
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition import ThompsonSampling
from synetune_lab.optimizer.schedulers.searchers.bayesopt.gp_fifo_searcher import GPFIFOSearcher
from synetune_lab.testing.scheduler_driver import SchedulerDriver

SPACE = {"x": uniform(0.0, 1.0), "y": uniform(0.0, 1.0)}


def bowl(config: dict[str, Any]) -> float:
    return (config["x"] - 0.3) ** 2 + (config["y"] - 0.7) ** 2


def told(searcher: Any, count: int) -> Any:
    for number in range(count):
        config = searcher.get_config(trial_id=str(number))
        searcher.on_trial_result(str(number), config, {"loss": bowl(config)}, update=True)
    return searcher


def a_posterior() -> Posterior:
    regression = GaussianProcessRegression(
        KernelProcess(Matern52(2, ARD=True), ScalarMean()), initial_noise_variance=1e-4
    )
    x = np.random.RandomState(0).random_sample((12, 2))
    return regression.posterior(regression.vector.initial, x, np.sin(5 * x[:, 0]) + x[:, 1])


def test_draws_have_the_moments_of_the_posterior() -> None:
    posterior, random_state = a_posterior(), np.random.RandomState(1)
    x = np.array([[0.1, 0.9], [0.5, 0.5], [0.52, 0.5]])
    acquisition = ThompsonSampling()
    draws = np.stack(
        [
            acquisition.value(acquisition.drawn_model(posterior, x, random_state).predict(x))
            for _ in range(2000)
        ]
    )
    mean, covariance = posterior.joint(x)
    np.testing.assert_allclose(draws.mean(axis=0), mean[:, 0], atol=4 * draws.std() / 2000**0.5)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.1 * covariance.max())


def test_its_gradient_is_that_of_the_drawn_function() -> None:
    posterior = a_posterior()
    candidates = np.random.RandomState(2).random_sample((40, 2))
    acquisition = ThompsonSampling()
    model = acquisition.drawn_model(posterior, candidates, np.random.RandomState(3))
    bound = acquisition.bind(model, candidates[:1])
    x = np.array([[0.33, 0.41], [0.8, 0.15]])
    _, gradient = bound.values_with_gradient(x)
    step = 1e-6
    for k in range(2):
        moved = np.array(x)
        moved[:, k] += step
        back = np.array(x)
        back[:, k] -= step
        slope = (bound.values(moved) - bound.values(back)) / (2 * step)
        np.testing.assert_allclose(gradient[:, k], slope, rtol=1e-4, atol=1e-5)


def test_it_finds_the_bottom_of_a_bowl() -> None:
    searcher = GPFIFOSearcher(SPACE, "loss", random_seed=1, acq_function="thompson")
    told(searcher, 25)
    best = min(bowl(config) for config in searcher._data.configs)
    assert best < 1e-3
    assert searcher.explain_last()["acquisition"] == "thompson"


@pytest.mark.parametrize(
    ("method", "model"),
    [(MOBSTER, "gp_multitask"), (MOBSTER, "gp_independent"), (HyperTune, "gp_independent")],
)
def test_it_goes_with_models_of_resources(method: Any, model: str) -> None:
    scheduler = method(
        {**SPACE, "epochs": 9},
        "loss",
        "epoch",
        max_resource_attr="epochs",
        random_seed=3,
        search_options={"acq_function": "thompson", "model": model, "num_init_candidates": 50},
    )
    driver = SchedulerDriver(scheduler, lambda config, _, r: bowl(config) + 1 / r)
    log = driver.run(80)
    assert any(entry[0] == "start" and entry[3]["kind"] == "model" for entry in log)


def test_a_batch_holds_different_configurations_and_changes_nothing() -> None:
    searcher, same = (told(GPFIFOSearcher(SPACE, "loss", random_seed=5), 8) for _ in range(2))
    batch = searcher.get_batch_configs(4, num_init_candidates_for_batch=50)
    assert len({tuple(config.values()) for config in batch}) == 4
    assert searcher.get_config(trial_id="8") == same.get_config(trial_id="8") == batch[0]


def test_a_batch_ends_where_the_space_does() -> None:
    space = {"a": choice(["u", "v"]), "n": randint(1, 2)}
    searcher = GPFIFOSearcher(space, "loss", points_to_evaluate=[], random_seed=0)
    assert len(searcher.get_batch_configs(9)) == 4


@pytest.mark.parametrize("size", [0, -1, 2.0, True])
def test_a_batch_needs_a_size(size: Any) -> None:
    searcher = GPFIFOSearcher(SPACE, "loss")
    with pytest.raises(SchedulerError, match="batch_size"):
        searcher.get_batch_configs(size)
