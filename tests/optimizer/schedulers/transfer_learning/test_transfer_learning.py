"""Schedulers that begin with what is known of other tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synetune_lab.blackbox_repository import load_blackbox
from synetune_lab.config_space import Domain, choice, loguniform, randint, uniform
from synetune_lab.errors import InvalidConfigError, SchedulerError
from synetune_lab.optimizer.baselines import ASHACTS, RandomSearch
from synetune_lab.optimizer.schedulers.transfer_learning import (
    BoundingBox,
    RUSHScheduler,
    TransferLearningTaskEvaluations,
)
from synetune_lab.optimizer.schedulers.transfer_learning.quantile_based import (
    quantile_based_searcher,
)
from synetune_lab.optimizer.schedulers.transfer_learning.quantile_based.normalization import (
    gaussian_ranks,
    standardised,
)
from synetune_lab.testing.scheduler_contract import SchedulerContract
from synetune_lab.trial import Trial

SPACE = {"lr": loguniform(1e-6, 1.0), "units": randint(1, 64), "dropout": uniform(0.0, 0.9)}


def task(seed: int, best_lr: float = 1e-3, space: Any = SPACE) -> TransferLearningTaskEvaluations:
    """A task on which a learning rate is best."""
    state = np.random.RandomState(seed)
    rows = [
        {name: domain.sample(random_state=state) for name, domain in space.items()}
        for _ in range(40)
    ]
    table = pd.DataFrame(rows)
    level = np.abs(np.log10(table["lr"].to_numpy()) - np.log10(best_lr))
    values = level[:, None, None, None] + 1.0 / np.arange(1, 4)[None, None, :, None]
    return TransferLearningTaskEvaluations(space, table, ["loss"], values)


def tasks(*best: float) -> dict[str, TransferLearningTaskEvaluations]:
    return {f"task {i}": task(i, lr) for i, lr in enumerate(best or (1e-3, 2e-3))}


def nearest(known: TransferLearningTaskEvaluations, best_lr: float) -> float:
    return float(min(known.hyperparameters["lr"], key=lambda lr: abs(np.log(lr / best_lr))))


class TestRUSHStopping(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return RUSHScheduler(
            config_space,
            tasks(),
            "loss",
            mode=mode,
            random_seed=random_seed,
            resource_attr="epoch",
            max_resource_attr="epochs",
        )

    # Which configurations of other tasks are best depends on the mode.
    test_both_modes_decide_alike_on_mirrored_values = None  # type: ignore[assignment]


class TestBoundingBox(SchedulerContract):
    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        def inside(space: Any, mode: str, metric: str) -> Any:
            return RandomSearch(space, metric, mode=mode, random_seed=random_seed)

        return BoundingBox(
            inside, config_space, "loss", tasks(), mode=mode, num_hyperparameters_per_task=8
        )

    # The box depends on the mode.
    test_both_modes_decide_alike_on_mirrored_values = None  # type: ignore[assignment]


class TestASHACTS(SchedulerContract):
    n_steps = 120
    adds_hyperparameters = False

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        return ASHACTS(
            config_space,
            "loss",
            "epoch",
            tasks(),
            mode=mode,
            random_seed=random_seed,
            max_resource_attr="epochs",
        )

    # What ranks well on other tasks depends on the mode.
    test_both_modes_decide_alike_on_mirrored_values = None  # type: ignore[assignment]


def suggested(scheduler: Any, count: int) -> list[dict[str, Any]]:
    configs = []
    for trial_id in range(count):
        suggestion = scheduler.suggest(trial_id)
        configs.append(suggestion.config)
        trial = Trial(trial_id, suggestion.config, datetime(2026, 1, 1))
        scheduler.on_trial_add(trial)
    return configs


def test_the_best_of_each_task_come_first_and_set_the_hurdle() -> None:
    evaluations = tasks(1e-3, 1e-1)
    scheduler = RUSHScheduler(
        SPACE,
        evaluations,
        "loss",
        custom_rush_points=[{"lr": 0.5, "units": 3, "dropout": 0.1}],
        points_to_evaluate=[{"lr": 1e-5}],
        resource_attr="epoch",
        max_t=9,
        random_seed=1,
    )
    configs = suggested(scheduler, 5)
    assert configs[0]["lr"] == 0.5
    assert configs[1]["lr"] == nearest(evaluations["task 0"], 1e-3)
    assert configs[2]["lr"] == nearest(evaluations["task 1"], 1e-1)
    assert configs[3]["lr"] == pytest.approx(1e-5)

    def report(trial_id: int, loss: float) -> str:
        trial = Trial(trial_id, configs[trial_id], datetime(2026, 1, 1))
        return scheduler.on_trial_result(trial, {"epoch": 1, "loss": loss})

    assert report(0, 0.5) == report(1, 0.3) == "CONTINUE"
    assert report(3, 0.4) == "STOP", "it does not clear the hurdle of 0.3"
    assert report(4, 0.2) == "CONTINUE"


def test_the_box_holds_the_best_of_each_task() -> None:
    space = {**SPACE, "act": choice(["relu", "tanh", "gelu"]), "epochs": 9}
    wide = {**SPACE, "act": choice(["relu", "tanh", "gelu"])}
    evaluations = {"a": task(1, 1e-3, wide), "b": task(2, 1e-1, wide)}
    scheduler = BoundingBox(
        lambda s, mode, metric: RandomSearch(s, metric, mode=mode, random_seed=1),
        space,
        "loss",
        evaluations,
    )
    best = [
        known.top_k_hyperparameter_configurations(1, "min", "loss")[0]
        for known in evaluations.values()
    ]
    box = scheduler.config_space
    assert isinstance(box["lr"], Domain)
    assert (box["lr"].lower, box["lr"].upper) == tuple(sorted(config["lr"] for config in best))  # type: ignore[attr-defined]
    for config in suggested(scheduler, 20):
        assert min(b["lr"] for b in best) <= config["lr"] <= max(b["lr"] for b in best)
        assert config["act"] in {b["act"] for b in best}


def test_quantiles_of_ranks_are_normal_and_do_not_depend_on_the_scale() -> None:
    state = np.random.RandomState(0)
    values = state.uniform(size=500)
    ranks = gaussian_ranks(values)
    assert abs(ranks.mean()) < 0.05
    assert ranks.std() == pytest.approx(1.0, abs=0.1)
    assert np.allclose(ranks, gaussian_ranks(np.exp(10 * values)))
    assert np.isfinite(gaussian_ranks(np.array([1.0, np.nan, 2.0]))).all()


def test_ranks_of_other_tasks_lead_to_good_configurations() -> None:
    scheduler = ASHACTS(SPACE, "loss", "epoch", tasks(1e-3, 1e-3), max_t=9, random_seed=1)
    rates = [config["lr"] for config in suggested(scheduler, 40)[1:]]
    assert np.median(np.abs(np.log10(rates) + 3)) < 1.0
    assert scheduler.reason()["kind"] == "model"  # type: ignore[index]


def test_the_tasks_of_a_benchmark_can_be_used() -> None:
    boxes = load_blackbox("tumor-boosting")
    evaluations = {
        name: TransferLearningTaskEvaluations(
            box.configuration_space,
            box.hyperparameters,
            box.objectives_names,
            box.objectives_evaluations,
        )
        for name, box in boxes.items()
        if name != "worst"
    }
    target = boxes["worst"]
    scheduler = RUSHScheduler(
        target.configuration_space,
        evaluations,
        "metric_valid_loss",
        num_hyperparameters_per_task=2,
        resource_attr="rounds",
        max_t=64,
        random_seed=1,
    )
    first = suggested(scheduler, 4)
    losses = [target(config, fidelity=64)["metric_valid_loss"] for config in first]
    everybody = target.objectives_evaluations[:, 0, -1, 0]
    assert min(losses) < np.quantile(everybody, 0.2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RUSHScheduler(SPACE, {}, "loss", max_t=9), "at least one"),
        (lambda: RUSHScheduler(SPACE, tasks(), "error", max_t=9), "'error' is not an objective"),
        (lambda: RUSHScheduler(SPACE, tasks(), "loss", type="pasha", max_t=9), "type='pasha'"),
        (
            lambda: RUSHScheduler({**SPACE, "depth": randint(1, 3)}, tasks(), "loss", max_t=9),
            r"lacks the hyperparameters \['depth'\]",
        ),
        (
            lambda: TransferLearningTaskEvaluations(
                SPACE, task(1).hyperparameters, ["loss"], np.zeros((3, 1, 1, 1))
            ),
            "40 configurations",
        ),
        (
            lambda: RUSHScheduler(
                SPACE,
                tasks(),
                "loss",
                max_t=9,
                custom_rush_points=[{"lr": 1e9, "units": 3, "dropout": 0.1}],
            ),
            r"custom_rush_points\[0\]: lr: 1000000000.0",
        ),
        (
            lambda: RUSHScheduler(
                SPACE,
                tasks(),
                "loss",
                max_t=9,
                points_to_evaluate=[{"lr": 1e9, "units": 3, "dropout": 0.1}],
            ),
            r"points_to_evaluate\[0\]: lr: 1000000000.0",
        ),
        (
            lambda: quantile_based_searcher.QuantileBasedSurrogateSearcher(
                SPACE, "loss", transfer_learning_evaluations=tasks(), normalization="ranks"
            ),
            "there are gaussian, standard",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises((SchedulerError, InvalidConfigError), match=message):
        make()


def test_values_are_standardised() -> None:
    values = standardised(np.array([1.0, 2.0, np.nan, 6.0]))
    assert values.mean() == pytest.approx(0.0)
    assert values.std() == pytest.approx(1.0)
    assert values[2] == values[3] == values.max()
    assert (standardised(np.array([np.nan, np.nan])) == 0.0).all()
    assert (standardised(np.array([3.0, 3.0])) == 0.0).all()
