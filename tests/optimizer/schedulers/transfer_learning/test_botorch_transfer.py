"""BoTorch with the data of other tasks; skipped where it is not installed."""

from __future__ import annotations

import warnings
from typing import Any

import dill
import numpy as np
import pandas as pd
import pytest

from synetune_lab.config_space import choice, uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.transfer_learning import TransferLearningTaskEvaluations
from synetune_lab.optimizer.schedulers.transfer_learning.botorch import (
    BoTorchTransfer,
    BoTorchTransferSearcher,
)
from synetune_lab.testing.scheduler_contract import SchedulerContract

SPACE = {"x": uniform(0.0, 1.0), "act": choice(["a", "b", "c"]), "epochs": 9}
REASON = "BoTorch is not installed (pip install synetune_lab[botorch])"


@pytest.fixture(autouse=True)
def _torch() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch uses what it has itself declared old
        torch = pytest.importorskip("torch", reason=REASON)
        pytest.importorskip("botorch", reason=REASON)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def loss(config: dict[str, Any], best: float) -> float:
    return float((config["x"] - best) ** 2 + 0.3 * (config["act"] != "b"))


def task(best: float, space: dict[str, Any] | None = None, count: int = 15) -> Any:
    space = SPACE if space is None else space
    random = np.random.default_rng(int(100 * best))
    configs = [
        {
            name: float(random.uniform(entry.lower, entry.upper))
            if hasattr(entry, "lower")
            else str(random.choice(entry.categories))
            for name, entry in space.items()
            if name != "epochs"
        }
        for _ in range(count)
    ]
    values = np.array([loss({"x": 0.5, "act": "b", **config}, best) for config in configs])
    return TransferLearningTaskEvaluations(
        space, pd.DataFrame(configs), ["loss"], values.reshape(-1, 1, 1, 1)
    )


def make(tasks: Any = None, new: Any = "new", **kwargs: Any) -> BoTorchTransferSearcher:
    tasks = {"old": task(0.68), "older": task(0.72)} if tasks is None else tasks
    given = {"points_to_evaluate": [], "random_seed": 1, **kwargs}
    return BoTorchTransferSearcher(SPACE, "loss", tasks, new, **given)


def tell(searcher: Any, trial_id: int, config: dict[str, Any], value: float) -> None:
    searcher.on_trial_result(str(trial_id), config, {"loss": value}, update=True)


@pytest.mark.slow
class TestBoTorchTransfer(SchedulerContract):
    n_steps = 90
    adds_hyperparameters = False

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        random, sign = np.random.default_rng(0), 1.0 if mode == "min" else -1.0
        frame = pd.DataFrame(
            {
                "lr": 10 ** random.uniform(-6.0, 0.0, 6),
                "units": random.integers(1, 64, 6),
                "dropout": random.uniform(0.0, 0.9, 6),
            }
        )
        values = sign * np.abs(np.log10(frame["lr"].to_numpy()) + 3)
        known = TransferLearningTaskEvaluations(
            config_space, frame, ["loss"], values.reshape(-1, 1, 1, 1)
        )
        return BoTorchTransfer(
            config_space,
            "loss",
            {"old": known},
            "new",
            random_seed=random_seed,
            mode=mode,
            search_options={"input_warping": False, "num_init_random": 2},
        )


@pytest.mark.parametrize("ordinal", [False, True])
def test_it_begins_where_other_tasks_were_good(ordinal: bool) -> None:
    searcher = make(encode_tasks_ordinal=ordinal)
    assert searcher.dataset_size() == 30
    found = []
    for trial_id in range(4):
        config = searcher.get_config(trial_id=str(trial_id))
        assert set(config) == {"x", "act"}
        assert searcher.explain_last()["kind"] == "model"
        found.append(loss(config, 0.7))
        tell(searcher, trial_id, config, found[-1])
    assert min(found) < 0.05
    assert searcher.dataset_size() == 34
    assert searcher.explain_last()["num_observations"] == 33


def test_neighbours_in_the_order_of_tasks_are_numbers() -> None:
    searcher = make({3: task(0.3), 1: task(0.1)}, new=2, encode_tasks_ordinal=True)
    places = [searcher._encoded([{"x": 0.5, "act": "a"}], name)[0, -1] for name in (1, 2, 3)]
    assert places == sorted(places)
    assert len(set(places)) == 3


def test_random_configurations_come_first_if_asked_for() -> None:
    searcher = make(num_init_random=1)
    config = searcher.get_config(trial_id="0")
    assert searcher.explain_last()["kind"] == "random"
    tell(searcher, 0, config, 1.0)
    searcher.get_config(trial_id="1")
    assert searcher.explain_last()["kind"] == "model"


def test_own_observations_go_first_where_there_are_too_many() -> None:
    searcher = make(max_num_observations=8)
    for trial_id in range(6):
        tell(searcher, trial_id, {"x": trial_id / 6, "act": "b"}, 1.0)
    x, losses = searcher._training_data()
    assert len(x) == 8
    assert losses[:6].tolist() == [1.0] * 6
    for trial_id in range(6, 12):
        tell(searcher, trial_id, {"x": trial_id / 12, "act": "c"}, 1.0)
    assert len(searcher._training_data()[1]) == 8


def test_saved_and_loaded_it_goes_on_the_same_way() -> None:
    searcher = make()
    tell(searcher, 0, {"x": 0.2, "act": "a"}, 0.9)
    twin = dill.loads(dill.dumps(searcher))
    clone = make(random_seed=9).clone_from_state(searcher.get_state())
    found = [[one.get_config(trial_id=str(i)) for i in (1, 2)] for one in (searcher, twin, clone)]
    assert found[0] == found[1] == found[2]


def test_only_what_is_inside_of_the_space_is_learnt_from() -> None:
    wide = task(0.5, {"x": uniform(0.0, 4.0), "act": choice(["a", "b", "d"])}, count=40)
    searcher = make({"wide": wide})
    inside = (wide.hyperparameters["x"] <= 1.0) & (wide.hyperparameters["act"] != "d")
    assert searcher.dataset_size() == inside.sum()
    report = searcher.edit_space({**SPACE, "x": uniform(0.0, 0.5)})
    assert report.dropped == 0
    assert searcher.dataset_size() < inside.sum()
    assert searcher.get_config(trial_id="0")["x"] <= 0.5
    with pytest.raises(SchedulerError, match="decay"):
        searcher.edit_space({**SPACE, "decay": uniform(0.0, 1.0)}, {"decay": 0.1})


def test_one_task_that_goes_on() -> None:
    searcher = make({"same": task(0.7)}, new="same")
    assert loss(searcher.get_config(trial_id="0"), 0.7) < 0.3


def test_wrong_arguments_are_refused() -> None:
    outside = task(0.5, {"x": uniform(5.0, 6.0), "act": choice(["a", "b"])})
    with pytest.raises(SchedulerError, match="inside the space"):
        make({"outside": outside})
    with pytest.raises(SchedulerError, match="at least one"):
        make({})
    with pytest.raises(SchedulerError, match="st_task"):
        BoTorchTransferSearcher({**SPACE, "st_task": 1}, "loss", {"old": task(0.5)}, "new")
    with pytest.raises(SchedulerError, match="searcher='random'"):
        BoTorchTransfer(SPACE, "loss", {"old": task(0.5)}, "new", searcher="random")
    with pytest.raises(SchedulerError, match="'input_warp' is no option"):
        BoTorchTransfer(
            SPACE, "loss", {"old": task(0.5)}, "new", search_options={"input_warp": False}
        )
