"""Search spaces: the functions, and their conversion to flat spaces and back."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from synetune_lab import tune
from synetune_lab.config_space import Categorical, Float, Integer, choice, validate_config_space
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError
from synetune_lab.tune.convert import SearchSpace
from synetune_lab.tune.template import ConfigTemplate
from synetune_lab.tune.variants import VariantSearcher


def configs(config: dict[str, Any], num_samples: int | None = 1, **kwargs: Any) -> list[Any]:
    """The configurations of a search, as the user's functions get them."""
    space = SearchSpace.of(config)
    searcher = VariantSearcher(
        space, space.config_space, "score", num_samples=num_samples, random_seed=1, **kwargs
    )
    found = []
    while (flat := searcher.get_config(trial_id=str(len(found)))) is not None:
        found.append(space.template.nest(flat))
        if len(found) == 1000:
            break
    return found


def draws(domain: Any, size: int = 400) -> list[Any]:
    return [config["x"] for config in configs({"x": domain}, num_samples=size)]


@pytest.mark.parametrize(
    ("domain", "low", "high", "step"),
    [
        (tune.uniform(-5, -1), -5, -1, None),
        (tune.quniform(3.2, 5.4, 0.2), 3.2, 5.4, 0.2),
        (tune.loguniform(1e-4, 1e-2), 1e-4, 1e-2, None),
        (tune.loguniform(1e-4, 1e-2, base=2), 1e-4, 1e-2, None),
        (tune.qloguniform(1e-4, 1e-1, 5e-5), 1e-4, 1e-1, 5e-5),
        (tune.qrandn(10, 2, 0.2), -100, 100, 0.2),
        (tune.randint(-9, 15), -9, 14, 1),
        (tune.qrandint(-21, 12, 3), -21, 12, 3),
        (tune.lograndint(1, 10), 1, 9, 1),
        (tune.qlograndint(2, 10, 2), 2, 10, 2),
    ],
)
def test_numbers_come_from_their_range_in_their_steps(
    domain: Any, low: float, high: float, step: float | None
) -> None:
    values = draws(domain)
    assert low <= min(values) <= max(values) <= high
    if step is not None:
        assert np.allclose(np.round(np.array(values) / step) * step, values)
    if isinstance(domain, Integer):
        assert {min(values), max(values)} == {low, high}


def test_a_normal_distribution_has_its_mean_and_spread() -> None:
    values = draws(tune.randn(10, 2), 2000)
    assert abs(np.mean(values) - 10) < 0.3
    assert abs(np.std(values) - 2) < 0.2


def test_the_upper_end_of_randint_must_leave_something() -> None:
    with pytest.raises(ConfigSpaceError, match="not included"):
        tune.randint(3, 3)


def test_domains_of_the_package_may_be_mixed_in() -> None:
    assert set(draws(choice(["a", "b"]))) == {"a", "b"}


def test_a_choice_takes_values_of_any_type() -> None:
    values = [[32, 32], None, "text", {"units": 3}, max, 1, 1.5]
    assert all(value in values for value in draws(tune.choice(values)))
    assert len({repr(value) for value in draws(tune.choice(values))}) == len(values)


def test_nested_dictionaries_and_lists_keep_their_shape() -> None:
    config = {
        "model": {"lr": tune.uniform(0, 1), "layers": [tune.choice([1, 2]), 7]},
        "data": "cifar",
        "plain": {"empty": {}, "list": [1, 2]},
        "odd": np.arange(3),
    }
    space = SearchSpace.of(config)
    validate_config_space(space.config_space)
    names = {"model/lr", "model/layers/0", "model/layers/1", "data"}
    assert set(space.config_space) == names
    (found,) = configs(config)
    assert 0 <= found["model"]["lr"] <= 1
    assert found["model"]["layers"][1] == 7
    assert found["plain"] == {"empty": {}, "list": [1, 2]}
    assert found["data"] == "cifar"
    assert (found["odd"] == np.arange(3)).all()


def test_each_sample_goes_through_the_whole_grid() -> None:
    config = {
        "a": tune.grid_search([1, 2, 3]),
        "b": {"c": {"grid_search": ["x", None]}},
        "d": tune.uniform(0, 1),
    }
    found = configs(config, num_samples=2)
    points = [(one["a"], one["b"]["c"]) for one in found]
    grid = [(a, c) for c in ("x", None) for a in (1, 2, 3)]  # the first name moves fastest
    assert points == grid + grid
    assert len({one["d"] for one in found}) == len(found)


def test_a_grid_is_not_made_before_it_is_asked_for() -> None:
    config = {f"g{number:02}": tune.grid_search(list(range(10))) for number in range(15)}
    space = SearchSpace.of(config)
    points = space.grid_points()
    assert len(points) == 10**15
    assert points[0] == dict.fromkeys(config, 0)
    assert points[-1] == dict.fromkeys(config, 9)
    assert points[10**15 - 2] == {**dict.fromkeys(config, 9), "g00": 8}
    assert [point["g00"] for point in points[5:12:3]] == [5, 8, 1]
    searcher = VariantSearcher(space, space.config_space, "score", random_seed=1)
    found = [searcher.get_config() or {} for _ in range(12)]
    assert [config["g01"] for config in found] == [0] * 10 + [1] * 2


def test_a_grid_of_branches_has_what_counts_in_them() -> None:
    branches = [{"depth": tune.grid_search([2, 4])}, {"width": tune.grid_search([8, 16, 32])}, None]
    config = {"a": tune.grid_search([1, 2]), "model": tune.grid_search(branches)}
    found = configs(config, num_samples=2)
    models = [{"depth": 2}, {"depth": 4}, {"width": 8}, {"width": 16}, {"width": 32}, None]
    wanted = [(a, repr(model)) for a in (1, 2) for model in models]
    assert sorted((one["a"], repr(one["model"])) for one in found) == sorted(2 * wanted)


def test_a_function_that_fails_is_named_by_its_place() -> None:
    with pytest.raises(ConfigSpaceError, match="m/x: the function of sample_from failed: Zero"):
        configs({"m": {"x": tune.sample_from(lambda spec: 1 / 0)}})


def test_a_builtin_function_that_tells_no_arguments_gets_none() -> None:
    assert configs({"x": tune.sample_from(int)}) == [{"x": 0}]


def test_random_values_may_stay_the_same_over_a_grid() -> None:
    config = {"a": tune.grid_search([1, 2]), "d": tune.uniform(0, 1)}
    found = configs(config, num_samples=3, constant_grid_search=True)
    assert [one["a"] for one in found] == [1, 2] * 3
    assert found[0]["d"] == found[1]["d"]
    assert len({one["d"] for one in found}) == 3


def test_first_points_are_all_tried_however_few_samples_there_are() -> None:
    presets = [{"d": 0.25}, {"d": 0.75}]
    assert configs({"d": tune.uniform(0, 1)}, presets=presets) == presets


def test_a_value_may_have_hyperparameters_of_its_own() -> None:
    config = {
        "model": tune.grid_search(
            [{"kind": "tree", "depth": tune.grid_search([2, 4])}, {"kind": "net"}]
        ),
        "rate": tune.choice([tune.uniform(1, 2), None]),
    }
    found = configs(config)
    assert sorted(str(one["model"]) for one in found) == [
        "{'kind': 'net'}",
        "{'kind': 'tree', 'depth': 2}",
        "{'kind': 'tree', 'depth': 4}",
    ]
    rates = [one["rate"] for one in configs(config, num_samples=50)]
    assert None in rates
    assert all(rate is None or 1 <= rate <= 2 for rate in rates)
    space = SearchSpace.of(config)
    again = ConfigTemplate.from_json(space.template.to_json())
    label = next(iter(again.labels["model"]))
    flat = {"model": label, "model/0/depth": 2, "model/0/kind": "tree"}
    assert again.nest({**flat, "model/1/kind": "net", "rate": "None"})["model"]["depth"] == 2


def test_a_function_may_return_a_domain_or_an_array() -> None:
    config = {
        "domain": tune.sample_from(lambda spec: tune.uniform(spec.config.low, spec.config.low + 1)),
        "low": 5,
        "array": tune.sample_from(lambda: np.arange(2)),
        "mixed": tune.sample_from(lambda: {"one": [tune.choice([[7]])]}),
    }
    (found,) = configs(config)
    assert 5 <= found["domain"] <= 6
    assert found["array"] == [0, 1]
    assert found["mixed"] == {"one": [[7]]}


def test_tuples_and_names_that_are_numbers_stay_what_they_are() -> None:
    config = {"pair": (tune.choice([1]), 2), "at": {1: tune.choice([0.1])}, "plain": {3: "x"}}
    assert configs(config) == [{"pair": (1, 2), "at": {1: 0.1}, "plain": {3: "x"}}]


def test_first_points_count_as_samples_and_fix_their_values() -> None:
    config = {"a": tune.grid_search([1, 2]), "d": {"e": tune.uniform(0, 1)}}
    presets = [SearchSpace.of(config).point({"d": {"e": 0.5}, "a": 2})]
    found = configs(config, num_samples=2, presets=presets)
    assert found[0] == {"a": 2, "d": {"e": 0.5}}
    assert [one["a"] for one in found[1:]] == [1, 2]


def test_functions_see_what_was_drawn_before_in_any_order() -> None:
    config = {
        "third": tune.sample_from(lambda spec: spec.config.inner.second + 1),
        "inner": {"second": tune.sample_from(lambda spec: spec.config["first"] * 10)},
        "first": tune.uniform(1, 2),
        "fourth": tune.sample_from(lambda: "alone"),
    }
    (found,) = configs(config)
    assert found["inner"]["second"] == found["first"] * 10
    assert found["third"] == found["inner"]["second"] + 1
    assert found["fourth"] == "alone"


def test_a_function_that_misses_a_value_is_named() -> None:
    with pytest.raises(ConfigSpaceError, match=r"lost.*AttributeError"):
        configs({"lost": tune.sample_from(lambda spec: spec.config.nowhere)})


def test_a_space_with_nothing_to_choose_gives_the_same_each_time() -> None:
    assert configs({}, num_samples=2) == [{}, {}]
    assert configs({"a": 1}, num_samples=2) == [{"a": 1}, {"a": 1}]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ([1], "must be a dictionary"),
        ({1: 2}, "must be a text"),
        ({"a": {"b": 1}, "a/b": 2}, "a/b"),
        ({"a": {"grid_search": 3}}, "a: grid_search"),
        ({"a": {"grid_search": []}}, "a: grid_search"),
    ],
)
def test_what_is_no_space_is_named(config: Any, message: str) -> None:
    with pytest.raises(ConfigSpaceError, match=message):
        SearchSpace.of(config)


def test_a_point_outside_of_the_space_is_named() -> None:
    space = SearchSpace.of({"a": {"b": tune.choice([[1], [2]])}})
    assert space.point({"a": {"b": [2]}}) == {"a/b": "[2]"}
    with pytest.raises(InvalidConfigError, match="a/c"):
        space.point({"a": {"c": 1}})
    with pytest.raises(InvalidConfigError, match="none of the choices"):
        space.point({"a": {"b": [3]}})


def test_models_get_bounds_for_normal_distributions() -> None:
    space = SearchSpace.of({"x": tune.randn(1, 2), "q": tune.qrandn(0, 1, 0.3)}).bounded()
    found: Any = space.config_space
    assert isinstance(found["x"], Float)
    assert (found["x"].lower, found["x"].upper) == (-7, 9)
    validate_config_space(found)


@pytest.mark.parametrize("entry", [tune.grid_search([1]), tune.sample_from(lambda: 1)])
def test_models_refuse_what_they_cannot_choose(entry: Any) -> None:
    with pytest.raises(ConfigSpaceError, match="default search algorithm"):
        SearchSpace.of({"x": entry}).bounded()


def test_a_search_goes_on_the_same_after_it_was_pickled() -> None:
    space = SearchSpace.of({"a": tune.grid_search([1, 2]), "d": tune.uniform(0, 1)})
    searcher = VariantSearcher(space, space.config_space, "score", num_samples=2, random_seed=3)
    searcher.get_config()
    twin = pickle.loads(pickle.dumps(searcher))
    assert [twin.get_config() for _ in range(4)] == [searcher.get_config() for _ in range(4)]


def test_an_edited_space_is_drawn_from_at_once() -> None:
    space = SearchSpace.of({"a": tune.uniform(0, 1), "b": tune.choice(["x", "y"])})
    searcher = VariantSearcher(space, space.config_space, "score", num_samples=None)
    searcher.edit_space({"a": Float(0.5, 0.6), "b": Categorical(["x", "y"])})
    values = [(searcher.get_config() or {})["a"] for _ in range(50)]
    assert 0.5 <= min(values) <= max(values) <= 0.6


def test_a_template_survives_json_with_text_for_odd_objects() -> None:
    space = SearchSpace.of({"f": tune.choice([max, [1]]), "a": {"b": 3}, "odd": object})
    again = ConfigTemplate.from_json(space.template.to_json())
    assert again.nest({"f": "[1]", "a/b": 3}) == {"f": [1], "a": {"b": 3}, "odd": "object"}
    assert again.nest({"f": "max"})["f"] == "max"
