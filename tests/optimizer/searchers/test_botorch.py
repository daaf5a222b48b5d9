"""BoTorch's searcher, against BoTorch itself; skipped where that is not installed."""

from __future__ import annotations

import json
import logging
import math
import warnings
from typing import Any

import dill
import numpy as np
import pytest

from synetune_lab.config_space import choice, loguniform, randint, uniform
from synetune_lab.errors import MissingDependencyError, SchedulerError
from synetune_lab.optimizer.schedulers import FIFOScheduler, HyperbandScheduler
from synetune_lab.optimizer.schedulers.searchers.botorch import (
    BoTorchSearcher,
    BotorchSearcher,
    gaussian_process,
)
from synetune_lab.testing.scheduler_contract import SchedulerContract

SPACE = {
    "lr": loguniform(1e-4, 1.0),
    "units": randint(1, 64),
    "act": choice(["relu", "tanh", "gelu"]),
    "epochs": 9,
}


def loss(config: dict[str, Any]) -> float:
    return abs(np.log10(config["lr"]) + 2) + 0.5 * (config["act"] != "tanh")


def test_without_botorch_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("synetune_lab.extras.import_module", missing)
    with pytest.raises(MissingDependencyError, match=r'pip install "synetune_lab\[botorch\]"'):
        BoTorchSearcher(SPACE, "loss")


@pytest.fixture
def torch() -> Any:
    reason = "BoTorch is not installed (pip install synetune_lab[botorch])"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch uses what it has itself declared old
        module = pytest.importorskip("torch", reason=reason)
        pytest.importorskip("botorch", reason=reason)
    before = module.get_num_threads()
    module.set_num_threads(1)
    yield module
    module.set_num_threads(before)


def make(**kwargs: Any) -> BoTorchSearcher:
    given = {"points_to_evaluate": [], "random_seed": 1, **kwargs}
    return BoTorchSearcher(given.pop("config_space", SPACE), "loss", **given)


def tell(searcher: Any, trial_id: int, config: dict[str, Any], value: float) -> None:
    name = str(trial_id)
    searcher.register_pending(name, {**config, "epochs": 9})
    searcher.on_trial_result(name, {**config, "epochs": 9}, {"loss": value}, update=True)
    searcher.cleanup_pending(name)


def filled(count: int, value: Any = loss, **kwargs: Any) -> Any:
    searcher = make(**kwargs)
    for trial_id in range(count):
        config = searcher._get_random_config()
        tell(searcher, trial_id, config, value(config))
    return searcher


@pytest.mark.slow
@pytest.mark.usefixtures("torch")
class TestBoTorch(SchedulerContract):
    n_steps = 90

    def make_scheduler(self, config_space: Any, random_seed: int, mode: str) -> Any:
        searcher = BoTorchSearcher(
            config_space,
            "loss",
            mode=mode,
            random_seed=random_seed,
            max_num_observations=8,
            input_warping=False,  # fits in half the time without
        )
        return FIFOScheduler(
            config_space, metric="loss", mode=mode, searcher=searcher, random_seed=random_seed
        )


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("mode", ["min", "max"])
def test_it_finds_what_is_good(mode: str) -> None:
    sign = 1.0 if mode == "min" else -1.0
    searcher = make(mode=mode)
    found = []
    for trial_id in range(16):
        config = searcher.get_config(trial_id=str(trial_id))
        found.append(loss(config))
        tell(searcher, trial_id, config, sign * found[-1])
    reason = searcher.explain_last()
    json.dumps(reason, allow_nan=False)
    assert reason["acquisition"] == "LogExpectedImprovement"
    assert reason["num_observations"] == 15
    assert reason["std"] > 0.0
    assert sign * reason["mean"] == pytest.approx(found[-1], abs=1.0)
    assert min(found) < 0.25
    assert searcher.num_suggestions() == 16
    assert searcher.objectives() == pytest.approx(sign * np.array(found))
    assert (searcher.metric_names(), searcher.metric_mode()) == (["loss"], mode)


@pytest.mark.usefixtures("torch")
def test_it_draws_at_random_up_to_the_first_observations() -> None:
    for count, kind in ((0, "random"), (2, "random"), (3, "model")):
        searcher = filled(count)
        searcher.get_config(trial_id="99")
        assert searcher.explain_last()["kind"] == kind
    none = make(num_init_random=0)
    assert none.get_config(trial_id="0") is not None
    tell(none, 0, {"lr": 0.1, "units": 3, "act": "relu"}, 1.0)
    assert none.get_config(trial_id="1") is not None
    assert none.explain_last()["kind"] == "model"


@pytest.mark.usefixtures("torch")
def test_what_is_being_evaluated_counts() -> None:
    searcher, careless = filled(8), filled(8, no_fantasizing=True)
    for each in (searcher, careless):
        config = each.get_config(trial_id="50")
        each.register_pending("50", {**config, "epochs": 9})
        each.get_config(trial_id="51")
    assert searcher.explain_last()["num_pending"] == 1
    assert searcher.explain_last()["acquisition"] == "qLogExpectedImprovement"
    assert careless.explain_last()["num_pending"] == 0
    for end in ("evaluation_failed", "cleanup_pending"):
        twin = dill.loads(dill.dumps(searcher))
        getattr(twin, end)("50")
        twin.get_config(trial_id="52")
        assert twin.explain_last()["num_pending"] == 0


@pytest.mark.usefixtures("torch")
def test_saved_and_loaded_it_goes_on_the_same_way(torch: Any) -> None:
    searcher = filled(6)
    searcher.register_pending("77", {"lr": 0.01, "units": 7, "act": "tanh", "epochs": 9})
    twin = dill.loads(dill.dumps(searcher))
    clone = make(random_seed=5).clone_from_state(dill.loads(dill.dumps(searcher.get_state())))
    found = []
    for seed, each in enumerate((searcher, twin, clone)):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - neither of the global states counts
        found.append([each.get_config(trial_id=str(100 + i)) for i in range(3)])
    assert found[0] == found[1] == found[2]


@pytest.mark.usefixtures("torch")
def test_the_users_own_random_numbers_stay_as_they_are(torch: Any) -> None:
    searcher = filled(5)
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    searcher.get_config(trial_id="99")
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.usefixtures("torch")
def test_no_configuration_comes_twice_and_a_space_is_used_up() -> None:
    space = {"a": randint(0, 2), "b": choice(["x", "y", "z"])}
    searcher = make(config_space=space, num_init_random=1)
    seen = []
    for trial_id in range(9):
        config = searcher.get_config(trial_id=str(trial_id))
        seen.append(tuple(sorted(config.items())))
        tell(searcher, trial_id, config, config["a"] + (config["b"] == "x"))
    assert len(set(seen)) == 9
    assert searcher.get_config(trial_id="9") is None


@pytest.mark.usefixtures("torch")
def test_with_duplicates_allowed_the_best_may_come_again() -> None:
    space = {"b": choice(["x", "y"])}
    searcher = make(config_space=space, allow_duplicates=True, num_init_random=1)
    for trial_id in range(4):
        config = searcher.get_config(trial_id=str(trial_id))
        tell(searcher, trial_id, config, float(config["b"] == "x"))
    assert searcher.get_config(trial_id="4") is not None


@pytest.mark.usefixtures("torch")
def test_it_keeps_to_the_allowed_configurations() -> None:
    allowed = [{"lr": 10.0**-i, "units": 3, "act": "tanh"} for i in range(5)]
    searcher = make(restrict_configurations=allowed, num_init_random=2)
    for trial_id in range(5):
        config = searcher.get_config(trial_id=str(trial_id))
        assert config in allowed
        tell(searcher, trial_id, config, loss(config))
    assert searcher.explain_last()["kind"] == "model"
    assert searcher.get_config(trial_id="5") is None


@pytest.mark.usefixtures("torch")
def test_above_the_limit_the_model_is_fitted_to_a_part_with_the_best() -> None:
    searcher = filled(30, max_num_observations=10, input_warping=False)
    assert searcher.dataset_size() == 30
    x, losses = searcher._training_data()
    assert x.shape == (10, 5)
    assert losses.min() == searcher.objectives().min()
    searcher.get_config(trial_id="99")
    assert searcher.explain_last()["num_observations"] == 10
    everything = filled(12, max_num_observations=None)
    assert len(everything._training_data()[1]) == 12


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, 0.0])
def test_odd_values_do_no_harm(value: float) -> None:
    searcher = filled(6)
    for trial_id in (10, 11):
        tell(searcher, trial_id, searcher._get_random_config(), value)
    assert searcher.get_config(trial_id="99") is not None
    json.dumps(searcher.explain_last(), allow_nan=False)


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("value", [math.inf, 1e12, 1e300])
def test_a_loss_that_exploded_does_not_drown_the_others(value: float) -> None:
    searcher = filled(10)
    worst = max(searcher.objectives())
    for trial_id in range(10, 15):
        tell(searcher, trial_id, searcher._get_random_config(), value)
    assert searcher._training_data()[1].max() <= worst
    assert searcher.get_config(trial_id="99") is not None
    reason = searcher.explain_last()
    assert reason["kind"] == "model"
    assert reason["mean"] < worst


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("value", [1.0, math.nan])
def test_values_that_are_all_the_same_do_no_harm(value: float) -> None:
    searcher = filled(5, lambda _: value)
    assert searcher.get_config(trial_id="99") is not None


@pytest.mark.usefixtures("torch")
def test_a_model_that_can_not_be_fitted_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    searcher = filled(5)
    error = gaussian_process.load("botorch.exceptions.errors").ModelFittingError

    def fails(*args: Any, **kwargs: Any) -> None:
        raise error("no way")

    monkeypatch.setattr(gaussian_process.load("botorch.fit"), "fit_gpytorch_mll", fails)
    with caplog.at_level(logging.WARNING):
        assert searcher.get_config(trial_id="99") is not None
    assert "no way" in caplog.text
    assert searcher.explain_last() == {"kind": "random", "note": "ModelFittingError: no way"}


@pytest.mark.usefixtures("torch")
def test_an_edited_space_keeps_what_is_inside() -> None:
    searcher = filled(12)
    searcher.register_pending("50", {"lr": 0.5, "units": 3, "act": "relu", "epochs": 9})
    searcher.register_pending("51", {"lr": 0.01, "units": 3, "act": "relu", "epochs": 9})
    inside = sum(1e-3 <= config["lr"] <= 0.1 for _, config, _ in searcher._own())
    narrow = {**SPACE, "lr": loguniform(1e-3, 0.1), "decay": uniform(0.0, 1.0)}
    report = searcher.edit_space(narrow, {"decay": 0.5})
    assert (report.kept, report.dropped) == (inside, 12 - inside)
    config = searcher.get_config(trial_id="99")
    assert 1e-3 <= config["lr"] <= 0.1
    assert 0.0 <= config["decay"] <= 1.0
    assert searcher.explain_last()["num_pending"] == 1


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_init_random": -1}, "num_init_random=-1"),
        ({"num_init_random": 2.5}, r"num_init_random=2\.5"),
        ({"max_num_observations": 1}, "max_num_observations=1"),
        ({"mode": "up"}, "mode='up'"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        make(**arguments)


@pytest.mark.usefixtures("torch")
def test_schedulers_with_levels_are_refused() -> None:
    with pytest.raises(SchedulerError, match="use FIFOScheduler"):
        HyperbandScheduler(SPACE, metric="loss", max_t=9, searcher=make())


@pytest.mark.usefixtures("torch")
def test_the_old_name_warns() -> None:
    with pytest.warns(DeprecationWarning, match="BoTorchSearcher"):
        searcher = BotorchSearcher(SPACE, "loss", points_to_evaluate=[], num_init_random=1)
    assert searcher.num_init_random == 1


@pytest.mark.usefixtures("torch")
def test_a_warped_model_predicts_its_data() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(size=(25, 2))
    y = np.sin(6 * x[:, 0] ** 3) + x[:, 1]
    for warped in ([], [0, 1]):
        with gaussian_process.reproducible(0):
            model = gaussian_process.BotorchModel(x, y, warped)
            mean, std = model.predict(x)
            model.set_acquisition(float(y.max()), np.empty((0, 2)))
            start = np.array([[0.5, 0.5]])
            end = model.improve(start, [0, 1])
            assert model.score(end)[0] >= model.score(start)[0]
            half = model.improve(start, [1])
            assert half[0, 0] == 0.5
            assert model.improve(start, []) is start
        assert mean == pytest.approx(y, abs=0.15)
        assert (std > 0).all()
