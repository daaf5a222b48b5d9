"""Encoded spaces, candidates, and the starts that are chosen among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synetune_lab import config_space as cs
from synetune_lab.optimizer.schedulers.searchers.bayesopt.candidates import (
    choose_starts,
    listed_candidates,
    local_candidates,
    random_candidates,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.encoded_space import EncodedSpace

EVERY_KIND = {
    "big": cs.randint(0, 10**7),
    "binary": cs.choice([True, False]),
    "choice": cs.choice(list("abc")),
    "finite": cs.finrange(0.1, 1.0, 5),
    "logfinite": cs.logfinrange(1e-3, 1.0, 7),
    "logint": cs.lograndint(1, 1000),
    "loguniform": cs.loguniform(1e-4, 1.0),
    "normal": cs.randn(0.0, 2.0),
    "ordinal": cs.ordinal([1, 2, 4, 8], kind="nn-log"),
    "quantized": cs.quniform(0.0, 1.0, 0.25),
    "quantized_normal": cs.qrandn(0.0, 2.0, 0.5),
    "reverse": cs.reverseloguniform(0.0, 0.99),
    "single": cs.randint(3, 3),
    "uniform": cs.uniform(-1.0, 1.0),
    "constant": 7,
}


def space_of(config_space: dict[str, Any], **kwargs: Any) -> EncodedSpace:
    return EncodedSpace(cs.make_hyperparameter_ranges(config_space, **kwargs))


def keys(space: EncodedSpace, x: np.ndarray) -> list[str]:
    ranges = space.hp_ranges
    return [ranges.config_to_match_string(config) for config in space.decode(x)]


def assert_decodable(space: EncodedSpace, x: np.ndarray) -> None:
    again = space.hp_ranges.to_ndarray_matrix(space.decode(x))
    # A quantized normal has values that encode to the edge of what decodes to them.
    begin, _ = space.hp_ranges.encoded_ranges.get("quantized_normal", (0, 0))
    columns = [i for i in range(space.dimension) if i != begin or not begin]
    np.testing.assert_allclose(x[:, columns], again[:, columns], atol=1e-9)
    assert (x >= space.lower).all()
    assert (x <= space.upper).all()


def test_rounding_is_what_decoding_does() -> None:
    space = space_of(EVERY_KIND)
    u = np.random.RandomState(0).rand(3000, space.dimension)
    assert keys(space, space.round(u)) == keys(space, u)
    assert_decodable(space, space.round(u))


def test_random_candidates_are_draws_from_the_prior() -> None:
    space = space_of(EVERY_KIND)
    x = random_candidates(space, 4000, np.random.RandomState(0))
    assert_decodable(space, x)
    drawn = space.hp_ranges.random_configs(np.random.RandomState(1), 4000)
    found = space.decode(x)
    for name in ("choice", "binary", "logint", "ordinal", "quantized", "loguniform"):
        ours = np.array([float(np.log(1e-9 + _number(c[name]))) for c in found])
        theirs = np.array([float(np.log(1e-9 + _number(c[name]))) for c in drawn])
        spread = theirs.std()
        assert ours.mean() == pytest.approx(theirs.mean(), abs=0.1 * spread), name
        assert ours.std() == pytest.approx(spread, rel=0.1), name


def _number(value: Any) -> float:
    return float(ord(value)) if isinstance(value, str) else float(value)


def test_candidates_are_the_same_given_the_seed() -> None:
    space = space_of(EVERY_KIND)
    made = []
    for _ in range(2):
        rs = np.random.RandomState(3)
        x = random_candidates(space, 20, rs)
        made.append(np.concatenate([x, local_candidates(space, x[:3], 20, rs)]))
    np.testing.assert_array_equal(made[0], made[1])


def test_active_ranges_and_a_fixed_last_coordinate_are_kept() -> None:
    config_space = {"x": cs.uniform(0, 1), "c": cs.choice(list("abcd")), "n": cs.randint(1, 9)}
    config_space["r"] = cs.randint(1, 27)
    active = {"x": cs.uniform(0.2, 0.4), "c": cs.choice(["b", "d"]), "n": cs.randint(3, 5)}
    space = space_of(
        config_space, name_last_pos="r", value_for_last_pos=9, active_config_space=active
    )
    rs = np.random.RandomState(0)
    x = random_candidates(space, 200, rs)
    near = local_candidates(space, x[:5], 200, rs)
    neighbours, _ = space.neighbours(x)
    for rows in (x, near, neighbours):
        assert_decodable(space, rows)
        for config in space.decode(rows):
            assert 0.2 <= config["x"] <= 0.4
            assert config["c"] in "bd"
            assert config["n"] in (3, 4, 5)
            assert config["r"] == 9
    assert {config["c"] for config in space.decode(near)} == {"b", "d"}


def test_local_candidates_are_near_at_all_scales() -> None:
    space = space_of({"x": cs.uniform(0, 1), "y": cs.uniform(0, 1), "c": cs.choice(list("abc"))})
    centre = space.hp_ranges.to_ndarray_matrix([{"x": 0.5, "y": 0.0, "c": "b"}])
    x = local_candidates(space, centre, 1000, np.random.RandomState(0))
    moved = np.abs(x - centre)
    begin, _ = space.hp_ranges.encoded_ranges["x"]
    assert (moved[:, begin] == 0.0).mean() > 0.1  # one-exchange
    for low, high in ((1e-4, 1e-2), (1e-2, 0.1), (0.1, 0.5)):
        assert ((moved[:, begin] > low) & (moved[:, begin] < high)).mean() > 0.05
    kept = np.mean([config["c"] == "b" for config in space.decode(x)])
    assert 0.5 < kept < 0.8
    assert_decodable(space, x)
    assert local_candidates(space, centre[:0], 10, np.random.RandomState(0)).shape == (0, 5)


def test_neighbours_differ_in_one_finite_hyperparameter() -> None:
    space = space_of(EVERY_KIND)
    x = space.draw(3, np.random.RandomState(0))
    neighbours, owners = space.neighbours(x)
    assert_decodable(space, neighbours)
    configs, changed = space.decode(x), space.decode(neighbours)
    names: dict[str, int] = {}
    for owner, config in zip(owners, changed, strict=True):
        of = space.hp_ranges.config_space
        different = [
            k for k in of if of[k].match_string(config[k]) != of[k].match_string(configs[owner][k])
        ]
        assert len(different) == 1
        names[different[0]] = names.get(different[0], 0) + 1
    # Of few values all others, of many some.
    assert names["choice"] == 3 * 2
    assert names["binary"] == 3
    assert names["logfinite"] == 3 * 6
    assert names["logint"] >= 3 * 9
    assert names["big"] >= 3 * 10
    assert not set(names) & {"uniform", "loguniform", "normal", "reverse", "single"}


def test_small_spaces_are_listed_in_full() -> None:
    space = space_of({"a": cs.choice(list("abc")), "b": cs.randint(1, 4), "c": cs.randint(2, 2)})
    assert space.num_configurations() == 12
    assert len(set(keys(space, space.enumerate()))) == 12
    assert space_of({"x": cs.uniform(0, 1), "b": cs.randint(1, 4)}).num_configurations() == np.inf
    assert space_of({"b": cs.randint(2, 2)}).enumerate().shape == (1, 1)


def test_listed_candidates_come_without_replacement() -> None:
    space = space_of({"a": cs.choice(list("abc")), "b": cs.randint(1, 40)})
    listed = [{"a": "a", "b": i} for i in range(1, 31)]
    chosen, x = listed_candidates(space, listed, 10, np.random.RandomState(0))
    assert len({config["b"] for config in chosen}) == 10
    assert space.decode(x) == chosen
    chosen, x = listed_candidates(space, listed, 100, np.random.RandomState(0))
    assert chosen == listed
    assert x.shape == (30, space.dimension)


def test_starts_are_good_and_differ() -> None:
    rs = np.random.RandomState(0)
    cluster = 0.5 + 1e-3 * rs.randn(100, 2)
    spread = rs.rand(100, 2)
    scores = [np.linalg.norm(spread - 0.5, axis=1), np.linalg.norm(cluster - 0.5, axis=1)]
    starts = choose_starts([spread, cluster], scores, 10, rs)
    assert 4 <= len(starts) <= 10
    best_spread = spread[np.argmin(scores[0])]
    best_cluster = cluster[np.argmin(scores[1])]
    assert any(np.array_equal(best_spread, start) for start in starts)
    assert any(np.array_equal(best_cluster, start) for start in starts)
    # The cluster is one place.
    assert sum(np.max(np.abs(start - 0.5)) < 0.01 for start in starts) <= 2
    one = choose_starts([spread, cluster[:0]], [scores[0], scores[1][:0]], 1, rs)
    np.testing.assert_array_equal(one, best_spread[None, :])
