"""The contract of searchers, their factory, the exclusion list and the documented paths."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from synetune_lab.config_space import choice, make_hyperparameter_ranges, randint, uniform
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError, SchedulerError
from synetune_lab.optimizer.schedulers.searchers import (
    BaseSearcher,
    GridSearcher,
    RandomSearcher,
    StochasticAndFilterDuplicatesSearcher,
    StochasticSearcher,
    extract_random_seed,
    sample_random_configuration,
    searcher_factory,
)
from synetune_lab.optimizer.schedulers.searchers.utils import ExclusionList

SPACE = {"a": randint(1, 3), "b": choice(["x", "y"])}


class FirstCategory(StochasticSearcher):
    """A user's searcher, as the documents teach to write one."""

    def get_config(self, **kwargs: Any) -> dict[str, Any] | None:
        config = self._next_initial_config()
        if config is None:
            config = {"a": int(self.random_state.randint(1, 4)), "b": "x"}
        return config


class Counting(StochasticAndFilterDuplicatesSearcher):
    """A user's searcher that leaves duplicates to its base class."""

    def _get_config(self, **kwargs: Any) -> dict[str, Any] | None:
        for a in (1, 2, 3):
            config = {"a": a, "b": "y"}
            if not self.should_not_suggest(config):
                return config
        return self._get_random_config()


def test_a_users_searcher() -> None:
    searcher = FirstCategory(SPACE, metric="loss", random_seed=3)
    assert searcher.get_config(trial_id="0") == {"a": 2, "b": "x"}
    assert searcher.explain_last() == {"kind": "points_to_evaluate", "index": 0}
    assert searcher.get_config(trial_id="1")["b"] == "x"
    with pytest.raises(SchedulerError, match="FirstCategory does not support editing"):
        searcher.edit_space(SPACE)


def test_a_users_searcher_that_filters_duplicates() -> None:
    searcher = Counting(
        SPACE, metric="loss", points_to_evaluate=[{"a": 2, "b": "y"}], random_seed=0
    )
    configs = [searcher.get_config(trial_id=str(i)) for i in range(7)]
    assert [c["a"] for c in configs[:3]] == [2, 1, 3]
    assert sorted(c["a"] for c in configs[3:6]) == [1, 2, 3]
    assert configs[6] is None


def test_only_updates_reach_the_model() -> None:
    seen = []

    class Recording(BaseSearcher):
        def _update(self, trial_id: str, config: dict, result: dict) -> None:
            seen.append((trial_id, result))

    searcher = Recording(SPACE, metric="loss")
    searcher.on_trial_result("0", {}, {"loss": 1}, update=False)
    searcher.on_trial_result("0", {}, {"loss": 2}, update=True)
    assert seen == [("0", {"loss": 2})]
    with pytest.raises(NotImplementedError):
        searcher.get_config(trial_id="0")
    assert searcher.debug_log is None


def test_bad_arguments() -> None:
    with pytest.raises(ConfigSpaceError, match="empty"):
        RandomSearcher({}, metric="loss")
    with pytest.raises(InvalidConfigError, match=r"points_to_evaluate\[0\]: c"):
        RandomSearcher(SPACE, metric="loss", points_to_evaluate=[{"c": 1}])


def test_the_factory_makes_searchers_by_name() -> None:
    context = {
        "config_space": SPACE,
        "metric": "loss",
        "mode": "max",
        "points_to_evaluate": [],
        "random_seed_generator": lambda: 3,
        "scheduler": "fifo",
        "resource_attr": "epoch",
    }
    searcher = searcher_factory("random", **context, allow_duplicates=True)
    assert type(searcher) is RandomSearcher
    assert searcher.allow_duplicates
    assert searcher.mode == "max"
    assert searcher.random_seed == 3
    grid = searcher_factory("grid", **context, shuffle_config=False)
    assert type(grid) is GridSearcher


def test_the_factory_names_the_nearest_right_name() -> None:
    with pytest.raises(SchedulerError, match="searcher='radnom' is unknown; do you mean 'random'"):
        searcher_factory("radnom", config_space=SPACE, metric="loss")
    with pytest.raises(SchedulerError, match="do you mean 'allow_duplicates'"):
        searcher_factory("random", config_space=SPACE, metric="loss", allow_duplicate=True)
    with pytest.raises(SchedulerError, match="'grid' is unknown; known are random"):
        searcher_factory("grid", supported=["random"], config_space=SPACE, metric="loss")


def test_extract_random_seed() -> None:
    assert extract_random_seed(random_seed=3, x=1) == (3, {"x": 1})
    assert extract_random_seed(random_seed=3, random_seed_generator=lambda: 4) == (4, {})
    seed, rest = extract_random_seed(y=2)
    assert 0 <= seed < 2**32
    assert rest == {"y": 2}


def test_drawing_from_a_space_until_it_is_exhausted() -> None:
    ranges = make_hyperparameter_ranges(SPACE)
    excluded = ExclusionList(ranges)
    rng = np.random.RandomState(0)
    for number in range(6):
        assert len(excluded) == number
        config = sample_random_configuration(ranges, rng, excluded)
        assert not excluded.contains(config)
        excluded.add(config)
    assert excluded.config_space_exhausted()
    assert sample_random_configuration(ranges, rng, excluded) is None
    assert sample_random_configuration(ranges, rng) is not None


def test_exclusion_lists_ignore_the_resource() -> None:
    space = {"epoch": randint(1, 9), "x": uniform(0, 1)}
    ranges = make_hyperparameter_ranges(space, name_last_pos="epoch")
    excluded = ExclusionList(ranges, [{"x": 0.1 + 0.2, "epoch": 3}])
    assert excluded.contains({"x": 0.3})
    assert excluded.contains({"x": 0.3, "epoch": 7})
    assert not excluded.contains({"x": 0.31})
    assert not excluded.config_space_exhausted()
    other = excluded.copy()
    other.add({"x": 0.5})
    assert not excluded.contains({"x": 0.5})
    excluded.clone_from_state(other.get_state())
    assert excluded.contains({"x": 0.5})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("utils", "make_hyperparameter_ranges"),
        ("utils.hp_ranges_factory", "make_hyperparameter_ranges"),
        ("utils.hp_ranges", "HyperparameterRanges"),
        ("utils.exclusion_list", "ExclusionList"),
    ],
)
def test_documented_paths(path: str, name: str) -> None:
    module = import_module(f"synetune_lab.optimizer.schedulers.searchers.{path}")
    assert getattr(module, name) is getattr(
        import_module("synetune_lab.optimizer.schedulers.searchers.utils"), name
    )
