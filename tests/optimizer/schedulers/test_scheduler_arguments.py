"""Arguments of schedulers: what is derived from them, and what is refused, by name."""

from __future__ import annotations

from typing import Any

import pytest

from synetune_lab.config_space import randint, uniform
from synetune_lab.errors import ConfigSpaceError, SchedulerError
from synetune_lab.optimizer.baselines import ASHA, DEHB, GridSearch, RandomSearch, SyncBOHB
from synetune_lab.optimizer.schedulers import FIFOScheduler, HyperbandScheduler
from synetune_lab.optimizer.schedulers.hyperband import is_continue_decision
from synetune_lab.optimizer.schedulers.rungs import RUNG_SYSTEMS, StoppingRungSystem
from synetune_lab.optimizer.schedulers.searchers import BaseSearcher
from tests.optimizer.schedulers.hyperband_helpers import SPACE, RecordingSearcher


def hyperband(**kwargs: Any) -> HyperbandScheduler:
    return HyperbandScheduler(kwargs.pop("config_space", SPACE), **{"metric": "loss", **kwargs})


def test_documented_defaults() -> None:
    scheduler = hyperband()
    assert scheduler.describe() == {
        "name": "HyperbandScheduler",
        "metric_names": ["loss"],
        "metric_mode": ["min"],
        "type": "stopping",
        "resource_attr": "epoch",
        "max_resource": 81,
        "reduction_factor": 3.0,
        "rung_levels": [[1, 3, 9, 27]],
        "pauses_trials": False,
        "brackets": 1,
        "cost_attr": None,
    }
    assert scheduler.searcher_data == "rungs"
    assert scheduler.cost_attr is None
    assert not scheduler.does_pause_resume()
    assert hyperband(type="promotion").does_pause_resume()


@pytest.mark.parametrize(
    ("space", "kwargs", "expected"),
    [
        ({"epochs": 9}, {}, 9),
        ({"max_t": 8, "max_epochs": 7}, {}, 8),
        ({"max_epochs": 7}, {}, 7),
        ({"steps": 6}, {"max_resource_attr": "steps"}, 6),
        ({"steps": 6, "epochs": 9}, {"max_resource_attr": "steps"}, 6),
        ({"epochs": 9}, {"max_t": 5}, 5),
        ({"epochs": 9}, {"max_t": 5, "max_resource_attr": "epochs"}, 5),
    ],
)
def test_the_maximum_resource_is_found(
    space: dict[str, Any], kwargs: dict[str, Any], expected: int
) -> None:
    config_space = {"x": uniform(0, 1), **space}
    assert hyperband(config_space=config_space, **kwargs).max_resource_level == expected
    assert RandomSearch(config_space, "loss", **kwargs).max_resource_level == expected


def test_without_maximum_resource_only_fifo_works() -> None:
    config_space = {"x": uniform(0, 1), "epochs": randint(1, 9)}
    assert RandomSearch(config_space, "loss").max_resource_level is None
    with pytest.raises(SchedulerError, match=r"maximum resource is not known.*max_resource_attr"):
        hyperband(config_space=config_space)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"grace_priod": 2}, "has no argument 'grace_priod'; did you mean 'grace_period'"),
        ({"max_resource_attribute": "epochs"}, "did you mean 'max_resource_attr'"),
        ({"metric": ["a", "b"]}, "metric must be one name"),
        ({"metric": ""}, "metric must be the name"),
        ({"mode": "maximise"}, "mode must be one of 'min', 'max', got 'maximise'"),
        ({"type": "asha"}, "type='asha' is not available; there are 'cost_promotion', 'dyhpo'"),
        ({"type": "median"}, "type='median' is not available"),
        ({"max_resource_attr": "epoch"}, "not in config_space; did you mean 'epochs'"),
        ({"max_resource_attr": "x"}, r"config_space\['x'\] must be a constant"),
        ({"max_t": 0}, "max_t must be a positive integer, got 0"),
        ({"max_t": 2.5}, "max_t must be a positive integer, got 2.5"),
        ({"resource_attr": ""}, "resource_attr must be a name"),
        ({"brackets": 0}, "brackets must be a positive integer"),
        ({"searcher_data": "some"}, "searcher_data must be one of 'rungs', 'all'"),
        ({"register_pending_myopic": 1}, "register_pending_myopic must be True or False"),
        ({"rung_system_per_bracket": "no"}, "rung_system_per_bracket must be True or False"),
        ({"do_snapshots": True, "type": "promotion"}, "do_snapshots=True does not go with"),
        ({"rung_system_kwargs": {"probability": 1}}, "rung_system_kwargs has no option"),
        ({"rung_system_kwargs": {"cost_atr": "c"}}, "did you mean 'cost_attr'"),
        ({"rung_system_kwargs": [1]}, "rung_system_kwargs must be a dictionary"),
        (
            {"early_checkpoint_removal_kwargs": {"max_num_checkpoints": 9}},
            "type='stopping' stops them",
        ),
        (
            {"type": "promotion", "early_checkpoint_removal_kwargs": {"max_checkpoints": 9}},
            "did you mean 'max_num_checkpoints'",
        ),
        (
            {"type": "promotion", "early_checkpoint_removal_kwargs": {}},
            "needs 'max_num_checkpoints'",
        ),
        (
            {
                "type": "promotion",
                "early_checkpoint_removal_kwargs": {
                    "max_num_checkpoints": 9,
                    "prior_beta_mean": 1.0,
                },
            },
            "prior_beta_mean=1.0",
        ),
        ({"random_seed": -1}, "random_seed must be an integer from 0"),
        ({"random_seed": "7"}, "random_seed must be an integer from 0"),
        ({"searcher": "randm"}, "do you mean 'random'"),
        ({"searcher": 7}, "searcher must be the name of a searcher"),
        ({"search_options": {"allow_duplicate": True}}, "do you mean 'allow_duplicates'"),
        ({"search_options": {"mode": "min"}}, "'mode' is an argument of the scheduler itself"),
        ({"search_options": [1]}, "search_options must be a dictionary"),
    ],
)
def test_wrong_arguments_are_refused_by_name(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        hyperband(**kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"point_to_evaluate": []}, "RandomSearch has no argument 'point_to_evaluate'; did you"),
        ({"metric": []}, "metric must list different names"),
        ({"metric": ["a", "a"]}, "metric must list different names"),
        ({"metric": ["a", "b"], "mode": ["min"]}, "mode must hold one entry a metric"),
        ({"metric": ["a", "b"], "mode": ["min", "up"]}, "mode must be one of"),
        ({"metric": 3}, "metric must be a name or a list"),
    ],
)
def test_wrong_arguments_of_fifo(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        RandomSearch(SPACE, **{"metric": "loss", **kwargs})


def test_a_made_searcher_takes_its_own_options() -> None:
    for kwargs in ({"search_options": {}}, {"points_to_evaluate": [{}]}):
        with pytest.raises(SchedulerError, match="pass it to RecordingSearcher instead"):
            hyperband(searcher=RecordingSearcher(SPACE), **kwargs)


def test_a_bad_space_is_refused() -> None:
    with pytest.raises(ConfigSpaceError, match="config_space is empty"):
        RandomSearch({}, "loss")


def test_cost_attr_may_be_given_in_either_place() -> None:
    assert hyperband(rung_system_kwargs={"cost_attr": "a"}).cost_attr == "a"
    assert hyperband(rung_system_kwargs={"cost_attr": "a"}, cost_attr="b").cost_attr == "b"


def test_a_rung_system_of_ones_own_may_be_given_as_type() -> None:
    class Lenient(StoppingRungSystem):
        option_names = ("patience",)

    scheduler = hyperband(type=Lenient, rung_system_kwargs={"patience": 3})
    (system,) = scheduler.rung_systems
    assert isinstance(system, Lenient)
    assert system.settings.options == {"patience": 3}
    assert scheduler.describe()["type"] == "Lenient"
    assert "Lenient" not in RUNG_SYSTEMS


def test_baselines_are_what_they_say() -> None:
    asha = ASHA(SPACE, "loss", "epoch", type="promotion", mode="max", max_resource_attr="epochs")
    assert isinstance(asha, HyperbandScheduler)
    assert asha.describe()["name"] == "ASHA"
    assert asha.metric_mode() == "max"
    assert isinstance(GridSearch(SPACE, "loss"), FIFOScheduler)
    assert type(GridSearch(SPACE, "loss").searcher).__name__ == "GridSearcher"
    assert type(RandomSearch(SPACE, "loss").searcher).__name__ == "RandomSearcher"
    for made in (
        lambda: RandomSearch(SPACE, "loss", searcher="grid"),  # type: ignore[call-arg]
        lambda: ASHA(SPACE, "loss", "epoch", searcher="grid"),  # type: ignore[call-arg]
        lambda: SyncBOHB(SPACE, "loss", "epoch", searcher="grid", max_resource_attr="epochs"),
    ):
        with pytest.raises(SchedulerError, match=r"sets searcher='.*' itself, got .*'grid'"):
            made()


def test_an_argument_of_another_scheduler_is_not_suggested() -> None:
    with pytest.raises(SchedulerError, match="SyncBOHB has no argument 'max_t'") as caught:
        SyncBOHB(SPACE, "loss", "epoch", max_t=81)
    assert "did you mean 'max_t'" not in str(caught.value)


@pytest.mark.parametrize("searcher", ["kde", "bore", "rea", "random", "grid"])
def test_every_searcher_takes_debug_log(searcher: str) -> None:
    FIFOScheduler(SPACE, metric="loss", searcher=searcher, search_options={"debug_log": False})
    with pytest.raises(SchedulerError, match="'gama' is no option") as caught:
        FIFOScheduler(SPACE, metric="loss", searcher=searcher, search_options={"gama": 1})
    assert "_resource_attr" not in str(caught.value)


def test_several_metrics() -> None:
    scheduler = RandomSearch(SPACE, ["a", "b"], mode=["min", "max"])  # type: ignore[arg-type]
    assert scheduler.metric_names() == ["a", "b"]
    assert scheduler.metric_mode() == ["min", "max"]
    assert scheduler.is_multiobjective_scheduler()
    assert scheduler.describe()["metric_mode"] == ["min", "max"]


def test_is_continue_decision() -> None:
    assert is_continue_decision("CONTINUE")
    assert not is_continue_decision("PAUSE")


@pytest.mark.parametrize("searcher", ["kde", "rea", "bore"])
def test_a_space_without_hyperparameters_is_refused_at_once(searcher: str) -> None:
    with pytest.raises(SchedulerError, match="config_space has no hyperparameter"):
        FIFOScheduler({"epochs": 9}, metric="loss", searcher=searcher)
    with pytest.raises(SchedulerError, match="config_space has no hyperparameter"):
        DEHB({"epochs": 9}, "loss", "epoch", max_resource_attr="epochs")


@pytest.mark.parametrize(
    "options", [{"num_candidates": "a"}, {"top_n_percent": "15"}, {"random_fraction": None}]
)
def test_options_that_are_no_numbers_are_named(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(SchedulerError, match=f"{name}=.* must be a number"):
        FIFOScheduler(SPACE, metric="loss", searcher="kde", search_options=options)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"x": uniform(0, 1)}, "Own.get_config returned"),
        ({}, "Own.get_config returned {}: "),
        ([1], r"Own.get_config must return a dictionary, got \[1\]"),
    ],
)
def test_what_a_searcher_of_ones_own_suggests_is_checked(config: Any, message: str) -> None:
    class Own(BaseSearcher):
        def get_config(self, **kwargs: Any) -> Any:
            del kwargs
            return config

    with pytest.raises(SchedulerError, match=message):
        FIFOScheduler(SPACE, metric="loss", searcher=Own(SPACE, "loss")).suggest(0)
    with pytest.raises(NotImplementedError, match="BaseSearcher must implement get_config"):
        FIFOScheduler(SPACE, metric="loss", searcher=BaseSearcher(SPACE, "loss")).suggest(0)
