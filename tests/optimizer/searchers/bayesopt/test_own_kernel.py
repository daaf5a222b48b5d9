"""Kernels and means of the user's in model-based methods."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import autograd.numpy as anp
import dill
import numpy as np
import pytest

from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.gp import Kernel, LogNormal, Matern52, Mean, Parameter
from synetune_lab.optimizer.baselines import MOBSTER, BayesianOptimization, HyperTune
from synetune_lab.trial import Trial

SPACE = {"x": uniform(0.0, 1.0), "y": uniform(0.0, 1.0)}


class RationalQuadratic(Kernel):
    """A kernel with its formula only."""

    def __init__(self, dimension: int) -> None:
        length = Parameter("length", 0.5, 0.01, 10.0, LogNormal(-0.7, 1.0))
        scale = Parameter("scale", 1.0, 1e-3, 1e3, LogNormal(0.0, 1.0))
        super().__init__(dimension, (length, scale))

    def forward(self, theta: Any, x1: Any, x2: Any) -> Any:
        gap = anp.sum((x1[:, None, :] - x2[None, :, :]) ** 2, axis=2)
        return theta[1] / (1.0 + 0.5 * gap / theta[0] ** 2)

    def diagonal(self, theta: Any, x: Any) -> Any:
        return theta[1] * anp.ones(len(x))


class Linear(Mean):
    """A mean that rises or falls along each coordinate."""

    def __init__(self, dimension: int) -> None:
        super().__init__(
            [
                Parameter(f"slope{k}", 0.0, -10.0, 10.0, encoding="identity")
                for k in range(dimension)
            ]
        )

    def forward(self, theta: Any, x: Any) -> Any:
        return anp.dot(x, theta)


class WithoutAutograd(RationalQuadratic):
    def forward(self, theta: Any, x1: Any, x2: Any) -> Any:
        gap = ((x1[:, None, :] - x2[None, :, :]) ** 2).sum(axis=2)
        return np.array(theta[1] / (1.0 + 0.5 * gap / theta[0] ** 2), dtype=np.float64)


class OfWrongShape(RationalQuadratic):
    def forward(self, theta: Any, x1: Any, x2: Any) -> Any:
        return super().forward(theta, x1, x2)[:, :1]


class NotSymmetric(RationalQuadratic):
    def forward(self, theta: Any, x1: Any, x2: Any) -> Any:
        return super().forward(theta, x1, x2) * (1.0 + x1[:, :1])


class Negative(RationalQuadratic):
    def forward(self, theta: Any, x1: Any, x2: Any) -> Any:
        return -super().forward(theta, x1, x2)


class OfTheNorm(RationalQuadratic):
    def forward(self, theta: Any, x1: Any, x2: Any) -> Any:
        gap = anp.sum((theta[0] * (x1[:, None, :] - x2[None, :, :])) ** 2, axis=2)
        return theta[1] * anp.exp(-anp.sqrt(gap))


def loss(config: dict[str, Any]) -> float:
    return float((config["x"] - 0.3) ** 2 + (config["y"] - 0.7) ** 2)


def told(scheduler: Any, trials: range) -> list[dict[str, Any]]:
    """Runs trials to their end; their configurations."""
    configs = []
    for number in trials:
        config = scheduler.suggest(number).config
        trial = Trial(number, config, datetime(2026, 1, 1))
        scheduler.on_trial_add(trial)
        scheduler.on_trial_complete(trial, {"loss": loss(config)})
        configs.append(config)
    return configs


def optimiser(config_space: dict[str, Any] | None = None, **options: Any) -> BayesianOptimization:
    return BayesianOptimization(
        config_space or SPACE, "loss", random_seed=1, search_options=options
    )


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"gp_kernel": RationalQuadratic}, {"length", "scale", "mean_value"}),
        ({"gp_mean": Linear}, {"inv_bw0", "inv_bw1", "covariance_scale", "slope0", "slope1"}),
        ({"gp_kernel": RationalQuadratic, "gp_mean": Linear}, {"length", "scale", "slope0"}),
        ({"gp_kernel": RationalQuadratic, "input_warping": True}, {"length", "power_a0"}),
        ({"gp_kernel": Matern52}, {"inv_bw", "covariance_scale"}),
    ],
)
def test_the_minimum_is_found_with_parts_of_ones_own(
    options: dict[str, Any], names: set[str]
) -> None:
    scheduler = optimiser(**options)
    configs = told(scheduler, range(14))
    assert min(map(loss, configs)) < 1e-3
    assert scheduler.reason()["kind"] == "model"
    assert names <= set(scheduler.searcher.model_parameters())


def test_a_search_with_a_kernel_of_ones_own_goes_on_after_a_save_and_an_edit() -> None:
    scheduler = optimiser(gp_kernel=RationalQuadratic, gp_mean=Linear)
    told(scheduler, range(6))
    copy = dill.loads(dill.dumps(scheduler))
    assert told(copy, range(6, 9)) == told(scheduler, range(6, 9))
    # One more coordinate: both are made anew.
    scheduler.edit_space({**SPACE, "z": uniform(0.0, 1.0)}, {"z": 0.5})
    told(scheduler, range(9, 11))
    assert "slope2" in scheduler.searcher.model_parameters()


def test_tasks_keep_their_own_kernel() -> None:
    space = {**SPACE, "task": choice(["a", "b"])}
    scheduler = optimiser(
        space,
        gp_kernel=RationalQuadratic,
        transfer_learning_task_attr="task",
        transfer_learning_active_task="b",
    )
    told(scheduler, range(5))
    assert {"task_inv_bw", "length"} <= set(scheduler.searcher.model_parameters())


@pytest.mark.parametrize("model", ["gp_multitask", "gp_independent", "gp_expdecay"])
def test_models_of_rungs_take_a_kernel(model: str) -> None:
    scheduler = MOBSTER(
        {**SPACE, "epochs": 9},
        "loss",
        "epoch",
        max_resource_attr="epochs",
        searcher_data="all",
        random_seed=1,
        search_options={"gp_kernel": RationalQuadratic, "model": model},
    )
    for number in range(5):
        config = scheduler.suggest(number).config
        trial = Trial(number, config, datetime(2026, 1, 1))
        scheduler.on_trial_add(trial)
        for epoch in range(1, 10):
            report = {"loss": loss(config) + 1 / epoch, "epoch": epoch}
            if scheduler.on_trial_result(trial, report) != "CONTINUE":
                break
    scheduler.suggest(5)
    assert scheduler.reason()["kind"] == "model"
    assert "length" in " ".join(scheduler.searcher.model_parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gp_kernel": "rbf"}, "gp_kernel='rbf' must be callable"),
        ({"gp_mean": 0.5}, "gp_mean=0.5 must be callable"),
        ({"gp_kernel": Linear}, "gp_kernel must make a Kernel"),
        ({"gp_mean": RationalQuadratic}, "gp_mean must make a Mean"),
        ({"gp_kernel": lambda _: RationalQuadratic(7)}, "7 coordinates, but there are 2"),
        ({"gp_kernel": WithoutAutograd}, "autograd.numpy"),
        ({"gp_kernel": OfWrongShape}, r"\(n, n\)"),
        ({"gp_kernel": OfTheNorm}, "no derivative at 0"),
        ({"gp_kernel": NotSymmetric}, "gp_kernel is no kernel.*symmetric"),
        ({"gp_kernel": Negative}, "gp_kernel is no kernel.*positive"),
    ],
)
def test_mistakes_are_told_when_the_scheduler_is_made(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SchedulerError, match=message):
        optimiser(**options)


def test_models_with_kernels_or_means_of_their_own_say_so() -> None:
    space = {**SPACE, "epochs": 9}
    with pytest.raises(SchedulerError, match="gp_resource_kernel='matern52'"):
        MOBSTER(
            space,
            "loss",
            "epoch",
            max_resource_attr="epochs",
            search_options={"gp_kernel": RationalQuadratic, "gp_resource_kernel": "matern52"},
        )
    with pytest.raises(SchedulerError, match="gp_mean does not go with model='gp_independent'"):
        HyperTune(
            space, "loss", "epoch", max_resource_attr="epochs", search_options={"gp_mean": Linear}
        )
