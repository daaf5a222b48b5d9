"""Grid search covers its grid, each point once."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.config_space import (
    choice,
    finrange,
    grid_search,
    lograndint,
    loguniform,
    ordinal,
    quniform,
    randint,
    randn,
    sample_from,
    uniform,
    validate_config,
)
from synetune_lab.errors import ConfigSpaceError, SchedulerError
from synetune_lab.optimizer.schedulers.searchers import GridSearcher
from synetune_lab.optimizer.schedulers.searchers.permutation import Permutation
from tests.config_space.strategies import seeds, spaces

SMALL = {"a": randint(1, 2), "b": choice(["x", "y"]), "epochs": 9}


def make_searcher(space: dict[str, Any] | None = None, **arguments: Any) -> GridSearcher:
    arguments = {"points_to_evaluate": [], "random_seed": 0, **arguments}
    return GridSearcher(SMALL if space is None else space, metric="loss", **arguments)


def take(searcher: GridSearcher, number: int) -> list[dict[str, Any] | None]:
    return [searcher.get_config(trial_id=str(i)) for i in range(number)]


def test_the_product_in_order() -> None:
    searcher = make_searcher(shuffle_config=False)
    assert take(searcher, 5) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
        None,
    ]
    assert searcher.explain_last() == {"kind": "grid", "index": 3}


def test_the_points_of_each_domain() -> None:
    grid = make_searcher(
        {
            "uniform": uniform(0, 1),
            "log": loguniform(1e-4, 1),
            "few": randint(1, 3),
            "many": randint(1, 100),
            "log_int": lograndint(1, 3),
            "quantized": quniform(0, 1, 0.5),
            "choice": choice(["x", "y"]),
            "ordinal": ordinal([1, 2, 3, 4, 5, 6, 7]),
            "range": finrange(0, 1, 7),
            "marked": grid_search([3, 1]),
            "normal": randn(0, 1),
            "fixed": 9,
        },
        num_samples={"choice": 1, "ordinal": 2},
    ).grid
    assert grid["uniform"] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert grid["log"] == pytest.approx([10**-3.6, 10**-2.8, 10**-2, 10**-1.2, 10**-0.4])
    assert grid["few"] == [1, 2, 3]
    assert len(grid["many"]) == 5
    assert grid["log_int"] == [1, 2, 3]
    assert grid["quantized"] == [0.0, 0.5, 1.0]
    assert grid["choice"] == ["x", "y"]
    assert grid["ordinal"] == [1, 2, 3, 4, 5, 6, 7]
    assert len(grid["range"]) == 7
    assert grid["marked"] == [3, 1]
    assert grid["normal"] == pytest.approx(
        [-1.2815515655, -0.5244005127, 0, 0.5244005127, 1.2815515655]
    )
    assert "fixed" not in grid


def test_num_samples() -> None:
    searcher = make_searcher(
        {"x": uniform(0, 1), "n": randint(1, 100)}, num_samples={"x": 2, "n": 3}
    )
    assert searcher.grid["x"] == [0.25, 0.75]
    assert len(searcher.grid["n"]) == 3
    assert searcher.grid_size == 6
    for bad, message in (
        ({"y": 2}, "num_samples: 'y'"),
        ({"x": 0}, r"num_samples\['x'\]=0"),
        ({"x": 1.5}, r"num_samples\['x'\]=1.5"),
    ):
        with pytest.raises(SchedulerError, match=message):
            make_searcher({"x": uniform(0, 1)}, num_samples=bad)


def test_points_to_evaluate_first_then_the_rest() -> None:
    searcher = make_searcher(points_to_evaluate=[{"a": 2, "b": "x"}], shuffle_config=False)
    assert take(searcher, 5) == [
        {"a": 2, "b": "x"},
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "y"},
        None,
    ]


def test_with_duplicates_the_grid_begins_again() -> None:
    searcher = make_searcher(allow_duplicates=True, shuffle_config=False)
    configs = take(searcher, 9)
    assert configs[:4] == configs[4:8]
    assert configs[8] == configs[0]


@given(spaces, seeds, st.booleans())
def test_every_point_once(space: dict[str, Any], seed: int, shuffle: bool) -> None:
    arguments = {"num_samples": dict.fromkeys(space, 2), "shuffle_config": shuffle}
    searcher = make_searcher(space, random_seed=seed, **arguments)
    number = min(searcher.grid_size, 200)
    configs = take(searcher, number)
    assert None not in configs
    assert len({tuple(sorted(c.items())) for c in configs}) == number
    for config in configs[:10]:
        validate_config(config, space)
    if searcher.grid_size <= 200:
        assert searcher.get_config(trial_id="x") is None


def test_the_shuffled_order_follows_the_seed() -> None:
    space = {"x": uniform(0, 1), "y": uniform(0, 1)}
    first = take(make_searcher(space), 25)
    assert first == take(make_searcher(space), 25)
    assert first != take(make_searcher(space, random_seed=1), 25)
    assert first != take(make_searcher(space, shuffle_config=False), 25)


def test_a_huge_grid_is_not_written_down() -> None:
    space = {f"x{i:02}": uniform(0, 1) for i in range(40)}
    searcher = make_searcher(space)
    assert searcher.grid_size == 5**40
    assert len({tuple(c.values()) for c in take(searcher, 100)}) == 100
    assert len(pickle.dumps(searcher)) < 100_000


def test_a_save_in_the_middle_changes_nothing() -> None:
    searcher = make_searcher({"x": uniform(0, 1), "y": uniform(0, 1)})
    take(searcher, 7)
    restored = pickle.loads(pickle.dumps(searcher))
    cloned = make_searcher({"x": uniform(0, 1), "y": uniform(0, 1)}, random_seed=3)
    cloned = cloned.clone_from_state(searcher.get_state())
    expected = take(searcher, 30)
    assert take(restored, 30) == expected
    assert take(cloned, 30) == expected


def test_a_configuration_that_the_user_put_in_is_left_out() -> None:
    searcher = make_searcher()
    searcher.register_pending("9", {"a": 1, "b": "x"})
    configs = take(searcher, 4)
    assert {"a": 1, "b": "x"} not in configs
    assert configs[3] is None


def test_an_edit_goes_over_to_the_new_grid() -> None:
    searcher = make_searcher()
    tried = take(searcher, 3)
    report = searcher.edit_space({"a": randint(1, 3), "b": choice(["y", "x"]), "epochs": 9})
    assert "6 points" in report.note
    later = take(searcher, 4)
    assert later[3] is None
    seen = [tuple(sorted(c.items())) for c in tried + later[:3]]
    assert set(seen) == {(("a", a), ("b", b)) for a, b in itertools.product((1, 2, 3), "xy")}


def test_a_refused_edit_changes_nothing() -> None:
    searcher, other = make_searcher(), make_searcher()
    with pytest.raises(SchedulerError, match=r"b: .*fix it"):
        searcher.edit_space({"a": randint(1, 2)})
    with pytest.raises(ConfigSpaceError):
        searcher.edit_space({**SMALL, "b": sample_from(lambda: "x")})
    assert take(searcher, 5) == take(other, 5)


def test_functions_are_refused_by_name() -> None:
    with pytest.raises(ConfigSpaceError, match=r"^f: grid search"):
        make_searcher({"f": sample_from(lambda: 1)})


@given(st.integers(1, 3000), seeds)
def test_a_permutation_has_every_entry_once(size: int, seed: int) -> None:
    order = Permutation(size, seed)
    assert sorted(order[i] for i in range(size)) == list(range(size))
    with pytest.raises(IndexError):
        order[size]


def test_permutations_spread_evenly() -> None:
    """Each entry comes first about equally often, over many seeds."""
    counts = [0] * 7
    for seed in range(7000):
        counts[Permutation(7, seed)[0]] += 1
    # Five standard deviations of a share of 1/7 of 7000.
    assert all(abs(count - 1000) < 150 for count in counts)
