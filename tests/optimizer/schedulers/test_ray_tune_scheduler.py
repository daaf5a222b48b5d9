"""Ray Tune's schedulers and search algorithms under our tuner."""

from __future__ import annotations

import importlib
import warnings
from datetime import datetime
from importlib.util import find_spec
from typing import Any

import pytest

from synetune_lab.config_space import (
    choice,
    finrange,
    lograndint,
    loguniform,
    qrandint,
    quniform,
    randint,
    randn,
    reverseloguniform,
    uniform,
)
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.scheduler import SchedulerDecision
from synetune_lab.optimizer.schedulers import RayTuneScheduler
from synetune_lab.store.pickling import dumps, loads
from synetune_lab.testing.scheduler_contract import SchedulerContract
from synetune_lab.trial import Trial

pytestmark = [
    pytest.mark.skipif(
        find_spec("ray") is None, reason="ray is not installed: pip install 'synetune_lab[ray]'"
    ),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

SPACE = {"lr": loguniform(1e-6, 1.0), "units": randint(1, 64), "epochs": 27}


@pytest.fixture(scope="module", autouse=True)
def _ray_tune() -> None:
    """Ray Tune warns while it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if find_spec("ray") is not None:
            import ray.tune.schedulers
            import ray.tune.search  # noqa: F401


def asha(**kwargs: Any) -> Any:
    from ray.tune.schedulers import AsyncHyperBandScheduler

    options = {"metric": "loss", "mode": "min", "time_attr": "epoch", "max_t": 27}
    return AsyncHyperBandScheduler(**{**options, **kwargs})


def trial(trial_id: int, config: dict[str, Any]) -> Trial:
    return Trial(trial_id, config, datetime(2026, 1, 1))


def start(scheduler: RayTuneScheduler, trial_id: int) -> Trial:
    suggestion = scheduler.suggest(trial_id)
    assert suggestion is not None
    assert suggestion.config is not None
    started = trial(trial_id, suggestion.config)
    scheduler.on_trial_add(started)
    return started


class TestContractOfAsyncHyperBand(SchedulerContract):
    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> RayTuneScheduler:
        return RayTuneScheduler(config_space, asha(mode=mode), random_seed=random_seed)


class TestContractOfMedianStopping(SchedulerContract):
    def make_scheduler(
        self, config_space: dict[str, Any], random_seed: int, mode: str
    ) -> RayTuneScheduler:
        from ray.tune.schedulers import MedianStoppingRule

        rule = MedianStoppingRule(time_attr="epoch", metric="loss", mode=mode, hard_stop=False)
        return RayTuneScheduler(config_space, rule, random_seed=random_seed)


def test_async_hyperband_stops_the_worse_trials() -> None:
    scheduler = RayTuneScheduler(SPACE, asha(reduction_factor=2))
    decisions = []
    for trial_id in range(6):
        started = start(scheduler, trial_id)
        decisions.append(scheduler.on_trial_result(started, {"epoch": 1, "loss": float(trial_id)}))
    assert decisions[0] == SchedulerDecision.CONTINUE
    assert decisions[-1] == SchedulerDecision.STOP


def test_without_arguments_trials_run_to_their_end_in_random_order() -> None:
    first = {"lr": 0.5, "units": 7}
    scheduler = RayTuneScheduler(SPACE, points_to_evaluate=[first], metric="loss", random_seed=1)
    assert isinstance(scheduler.scheduler, RayTuneScheduler.RT_FIFOScheduler)
    assert isinstance(scheduler.searcher, RayTuneScheduler.RT_Searcher)
    assert (scheduler.metric_names(), scheduler.metric_mode()) == (["loss"], "min")
    started = start(scheduler, 0)
    assert started.config == {**first, "epochs": 27}
    result = {"epoch": 1, "loss": float("nan")}
    assert scheduler.on_trial_result(started, result) == SchedulerDecision.CONTINUE
    scheduler.on_trial_complete(started, result)
    assert start(scheduler, 1).config["lr"] != 0.5


class Recorder:
    """Notes what a search algorithm is told."""

    def __new__(cls, **kwargs: Any) -> Any:
        from ray.tune.search import Searcher

        class Recording(Searcher):
            def __init__(self) -> None:
                super().__init__(**kwargs)
                self.told: list[Any] = []

            def set_search_properties(
                self, metric: Any, mode: Any, config: Any, **spec: Any
            ) -> Any:
                self.space = config
                return super().set_search_properties(metric, mode, config, **spec)

            def suggest(self, trial_id: str) -> Any:
                return {"lr": 0.1, "units": 3} if int(trial_id) < 2 else self.FINISHED

            def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
                self.told.append(("result", trial_id, result["loss"]))

            def on_trial_complete(
                self, trial_id: str, result: Any = None, error: Any = False
            ) -> None:
                self.told.append(("error" if error else "complete", trial_id))

        return Recording()


def test_a_search_algorithm_gets_the_space_and_hears_of_all_results() -> None:
    searcher = Recorder(metric="loss", mode="max")
    scheduler = RayTuneScheduler(SPACE, ray_searcher=searcher)
    assert scheduler.metric_mode() == "max"
    assert searcher.space["units"].upper == 65
    first, second = start(scheduler, 0), start(scheduler, 1)
    assert first.config == {"lr": 0.1, "units": 3, "epochs": 27}
    assert scheduler.suggest(2) is None
    scheduler.on_trial_result(first, {"loss": 1.0})
    scheduler.on_trial_complete(first, {"loss": 1.0})
    scheduler.on_trial_error(second)
    assert searcher.told == [("result", "0", 1.0), ("complete", "0"), ("error", "1")]


def test_a_trial_that_the_user_stops_makes_room_for_another() -> None:
    from ray.tune.search import ConcurrencyLimiter

    limited = ConcurrencyLimiter(Recorder(metric="loss", mode="min"), max_concurrent=1)
    scheduler = RayTuneScheduler(SPACE, ray_searcher=limited)
    first = start(scheduler, 0)
    assert scheduler.suggest(1) is None
    scheduler.on_trial_remove(first)
    assert scheduler.suggest(1) is not None


def test_values_come_in_the_types_of_their_domains() -> None:
    searcher = Recorder(metric="loss", mode="min")
    searcher.suggest = lambda trial_id: {"lr": 1, "units": 3.0}
    config = start(RayTuneScheduler(SPACE, ray_searcher=searcher), 0).config
    assert (type(config["lr"]), type(config["units"])) == (float, int)


def test_each_domain_is_converted_with_both_its_ends() -> None:
    space = {
        "a": uniform(0.0, 1.0),
        "b": loguniform(0.1, 1.0),
        "c": randint(1, 3),
        "d": lograndint(1, 3),
        "e": choice(["x", "y"]),
        "f": finrange(0.0, 1.0, 3),
        "g": quniform(0.0, 1.0, 0.5),
        "h": qrandint(2, 6, 2),
        "i": randn(0.0, 1.0),
        "j": 7,
    }
    converted = RayTuneScheduler.convert_config_space(space)
    drawn: dict[str, set[Any]] = {
        name: {domain.sample() for _ in range(300)}
        for name, domain in converted.items()
        if name != "j"
    }
    assert drawn["c"] == {1, 2, 3}
    assert drawn["d"] == {1, 2, 3}
    assert drawn["e"] == {"x", "y"}
    assert drawn["f"] == {0.0, 0.5, 1.0}
    assert drawn["g"] == {0.0, 0.5, 1.0}
    assert drawn["h"] == {2, 4, 6}
    assert all(0.0 <= value <= 1.0 for value in drawn["a"] | drawn["b"])
    assert converted["j"] == 7


def make_searcher(name: str) -> Any:
    """A search algorithm of Ray, if what it needs is installed."""
    if name == "optuna":
        pytest.importorskip("optuna")
        from ray.tune.search.optuna import OptunaSearch

        return OptunaSearch(seed=1)
    if name == "hyperopt":
        pytest.importorskip("hyperopt")
        from ray.tune.search.hyperopt import HyperOptSearch

        return HyperOptSearch(random_state_seed=1)
    if name == "nevergrad":
        nevergrad = pytest.importorskip("nevergrad")
        from ray.tune.search.nevergrad import NevergradSearch

        return NevergradSearch(optimizer=nevergrad.optimizers.OnePlusOne)
    pytest.importorskip("bayes_opt")
    from ray.tune.search.bayesopt import BayesOptSearch

    return BayesOptSearch(random_state=1)


def search(scheduler: RayTuneScheduler, first: int, number: int) -> list[dict[str, Any]]:
    """Run trials whose loss is least at `a` 0.3; returns their configurations."""
    configs = []
    for trial_id in range(first, first + number):
        started = start(scheduler, trial_id)
        result = {"epoch": 1, "loss": (started.config["a"] - 0.3) ** 2}
        scheduler.on_trial_result(started, result)
        scheduler.on_trial_complete(started, result)
        configs.append(started.config)
    return configs


MIXED = {
    "a": uniform(0.0, 1.0),
    "b": loguniform(1e-3, 1.0),
    "c": randint(1, 3),
    "d": lograndint(1, 3),
    "e": choice(["x", "y"]),
    "f": finrange(0.0, 1.0, 3),
    "g": quniform(0.0, 1.0, 0.5),
    "epochs": 27,
}


@pytest.mark.filterwarnings("ignore:Bounds are")  # Nevergrad on short ranges
@pytest.mark.parametrize("name", ["optuna", "hyperopt", "nevergrad", "bayesopt"])
def test_search_algorithms_of_ray_search_our_space_and_are_saved_with_the_run(name: str) -> None:
    searcher = make_searcher(name)
    space = {"a": uniform(0.0, 1.0), "epochs": 27} if name == "bayesopt" else MIXED
    scheduler = RayTuneScheduler(space, ray_searcher=searcher, metric="loss", mode="min")
    configs = search(scheduler, 0, 25)
    for config in configs:
        assert config["epochs"] == 27
        assert all(domain.is_valid(config[key]) for key, domain in space.items() if key != "epochs")
    if name != "bayesopt":
        assert {config["c"] for config in configs} == {1, 2, 3}
        assert {config["d"] for config in configs} == {1, 2, 3}
    twin = loads(dumps(scheduler))
    assert search(twin, 25, 2) == search(scheduler, 25, 2)


def test_a_search_algorithm_that_can_not_search_the_space_says_so() -> None:
    with pytest.raises(SchedulerError, match=r"BayesOptSearch, which can't search .*Integer"):
        RayTuneScheduler(SPACE, ray_searcher=make_searcher("bayesopt"), metric="loss")


def test_search_algorithms_that_wrap_another_work_as_well() -> None:
    from ray.tune.search import ConcurrencyLimiter, Repeater

    inner = Recorder(metric="loss", mode="min")
    repeated = RayTuneScheduler(SPACE, ray_searcher=Repeater(inner, repeat=2, set_index=False))
    assert start(repeated, 0).config == start(repeated, 1).config
    limited = ConcurrencyLimiter(Recorder(metric="loss", mode="min"), max_concurrent=1)
    scheduler = RayTuneScheduler(SPACE, ray_searcher=limited)
    first = start(scheduler, 0)
    assert scheduler.suggest(1) is None
    scheduler.on_trial_complete(first, {"loss": 1.0})
    assert scheduler.suggest(1) is not None


def unfit_scheduler(name: str) -> Any:
    import ray.tune.schedulers as of_ray

    mutations = {"hyperparam_mutations": {"lr": [0.1, 0.2]}}
    arguments: dict[str, Any] = {"metric": "loss", "mode": "min"}
    if name == "ResourceChangingScheduler":
        return of_ray.ResourceChangingScheduler()
    if name == "PopulationBasedTraining":
        arguments.update(mutations)
    return getattr(of_ray, name)(**arguments)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("PopulationBasedTraining", "schedulers.PopulationBasedTraining"),
        ("HyperBandScheduler", "baselines.SyncHyperband"),
        ("HyperBandForBOHB", "baselines.SyncBOHB"),
        ("ResourceChangingScheduler", "schedulers.FIFOScheduler"),
    ],
)
def test_a_scheduler_that_needs_the_controller_is_refused(name: str, instead: str) -> None:
    module, _, own = instead.partition(".")
    assert hasattr(importlib.import_module(f"synetune_lab.optimizer.{module}"), own)
    with pytest.raises(SchedulerError, match=f"a {name}, which needs.* use {instead} of"):
        RayTuneScheduler(SPACE, unfit_scheduler(name))


def test_what_makes_trials_of_ray_is_refused() -> None:
    from ray.tune.search import BasicVariantGenerator, SearchGenerator

    with pytest.raises(SchedulerError, match=r"BasicVariantGenerator.*leave ray_searcher out"):
        RayTuneScheduler(SPACE, ray_searcher=BasicVariantGenerator(), metric="loss")
    generator = SearchGenerator(Recorder(metric="loss", mode="min"))
    with pytest.raises(SchedulerError, match="pass the Searcher that is in it"):
        RayTuneScheduler(SPACE, ray_searcher=generator, metric="loss")


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SchedulerError, match="nothing like"):
        RayTuneScheduler.convert_config_space({"a": reverseloguniform(0.0, 0.5)})
    with pytest.raises(SchedulerError, match="nobody knows the metric"):
        RayTuneScheduler(SPACE)
    with pytest.raises(SchedulerError, match="mode differs"):
        RayTuneScheduler(SPACE, asha(mode="max"), Recorder(metric="loss", mode="min"))
    with pytest.raises(SchedulerError, match="no Searcher"):
        RayTuneScheduler(SPACE, asha(), ray_searcher="random")
