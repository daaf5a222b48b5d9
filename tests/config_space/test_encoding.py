"""The laws of the encoding: decode(encode(x)) is x, and uniform in is prior out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synetune_lab.config_space import (
    Domain,
    Float,
    HyperparameterRanges,
    choice,
    finrange,
    grid_search,
    logfinrange,
    logordinal,
    lograndint,
    loguniform,
    make_hyperparameter_ranges,
    ordinal,
    randint,
    randn,
    restrict_domain,
    reverseloguniform,
    sample_from,
    uniform,
)
from synetune_lab.config_space.scaling import normal_cdf, normal_quantile
from synetune_lab.errors import ConfigSpaceError
from tests.config_space.strategies import domains, seeds, spaces, spaces_with_constants


def assert_same(value: Any, other: Any) -> None:
    if isinstance(value, float):
        assert math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-9)
    else:
        assert value == other
    assert type(value) is type(other)


@given(spaces_with_constants, seeds)
def test_decoding_reverses_encoding(space: dict[str, Any], seed: int) -> None:
    ranges = make_hyperparameter_ranges(space)
    configs = ranges.random_configs(np.random.RandomState(seed), 20)
    matrix = ranges.to_ndarray_matrix(configs)
    assert matrix.shape == (20, ranges.ndarray_size)
    assert matrix.min() >= 0
    assert matrix.max() <= 1
    for config, back in zip(configs, ranges.from_ndarray_matrix(matrix), strict=True):
        assert set(config) == set(back) == set(ranges.internal_keys)
        for name, value in config.items():
            # The far tails of a normal prior are too flat to come back to nine digits.
            if space[name].scale != "normal":
                assert_same(value, back[name])


@given(spaces, seeds)
def test_any_vector_of_the_cube_is_a_configuration(space: dict[str, Domain], seed: int) -> None:
    ranges = make_hyperparameter_ranges(space)
    rng = np.random.default_rng(seed)
    d = ranges.ndarray_size
    vectors = np.vstack([rng.random((5, d)), np.zeros((1, d)), np.ones((1, d))])
    for config in ranges.from_ndarray_matrix(vectors):
        assert all(space[name].is_valid(value) for name, value in config.items())


@given(domains, st.integers(1, 500))
def test_uniform_in_prior_out(domain: Domain, seed: int) -> None:
    """Decoding uniform vectors and drawing from the prior give one distribution."""
    ranges = make_hyperparameter_ranges({"x": domain})
    rng = np.random.default_rng(seed)
    n = 400
    decoded = [c["x"] for c in ranges.from_ndarray_matrix(rng.random((n, ranges.ndarray_size)))]
    drawn = domain.sample(size=n, random_state=rng)
    if isinstance(decoded[0], (str, bool)):
        order = {value: i for i, value in enumerate(domain.members() or ())}
        decoded, drawn = [order[v] for v in decoded], [order[v] for v in drawn]
    assert kolmogorov_smirnov(decoded, drawn) < 0.17


def kolmogorov_smirnov(a: list[float], b: list[float]) -> float:
    """Largest distance of the two distribution functions.

    For 400 values each, 0.17 is passed by chance in about 2 of a million cases.
    """
    points = np.unique(np.concatenate([a, b]))
    at_a = np.searchsorted(np.sort(a), points, side="right") / len(a)
    at_b = np.searchsorted(np.sort(b), points, side="right") / len(b)
    return float(np.max(np.abs(at_a - at_b)))


@given(domains)
def test_equal_steps_of_the_cube_hold_equal_shares_of_the_prior(domain: Domain) -> None:
    assume(not isinstance(domain.midpoint(), (str, bool)))
    assume(domain.scale != "none")
    grid = (np.arange(1000) + 0.5) / 1000
    values = domain.from_unit(grid)
    steps = np.diff(domain.to_unit(sorted(values)))
    assert steps.min() >= -1e-12


def test_coordinates() -> None:
    space = {
        "b": uniform(0, 1),
        "a": choice([1, 2]),
        "fixed": 5,
        "c": choice(["a", "b", "c"]),
        "n": randint(1, 4),
    }
    ranges = make_hyperparameter_ranges(space)
    assert ranges.internal_keys == ["a", "b", "c", "n"]
    vector = ranges.to_ndarray({"b": 0.3, "a": 2, "c": "b", "n": 1})
    assert vector.tolist() == pytest.approx([0.75, 0.3, 0, 1, 0, 0.125])
    assert ranges.encoded_ranges == {"a": (0, 1), "b": (1, 2), "c": (2, 5), "n": (5, 6)}
    assert ranges.get_ndarray_bounds() == [(0.0, 1.0)] * 6


def test_documented_numbers_of_dimensions() -> None:
    powers = [4, 8, 16, 32, 64, 128, 256, 512, 1024]
    for domain, dimensions in (
        (choice(powers), 9),
        (lograndint(4, 1024), 1),
        (logfinrange(4, 1024, 9), 1),
        (ordinal(powers), 1),
        (choice([str(i) for i in range(10)]), 10),
        (choice(["a", "b"]), 1),
    ):
        assert make_hyperparameter_ranges({"x": domain}).ndarray_size == dimensions
    one_hot = make_hyperparameter_ranges({"x": choice([str(i) for i in range(10)])})
    vectors = one_hot.to_ndarray_matrix([{"x": str(i)} for i in range(10)])
    distances = {
        round(float(np.linalg.norm(vectors[i] - vectors[j])), 9)
        for i in range(10)
        for j in range(i)
    }
    assert distances == {round(math.sqrt(2), 9)}


def test_scales_of_the_encoding() -> None:
    def at(domain: Domain, value: Any) -> float:
        return float(make_hyperparameter_ranges({"x": domain}).to_ndarray({"x": value})[0])

    assert at(loguniform(1e-6, 1), 1e-3) == pytest.approx(0.5)
    assert at(reverseloguniform(0, 0.99), 0.9) == pytest.approx(0.5)
    assert at(lograndint(1, 10), 3) == pytest.approx(math.log(6) / math.log(21))
    assert at(finrange(0, 1, 5), 0.25) == pytest.approx(0.3)
    assert at(ordinal(["a", "b", "c", "d"]), "b") == pytest.approx(0.375)
    assert at(ordinal([1, 2, 10]), 2) == pytest.approx(3.25 / 13.5)
    assert at(randn(5, 2), 5) == pytest.approx(0.5)


def test_bounds_that_meet() -> None:
    ranges = make_hyperparameter_ranges({"x": uniform(3, 3), "y": choice(["a"])})
    assert ranges.to_ndarray({"x": 3.0, "y": "a"}).tolist() == [0.5, 1.0]
    assert ranges.from_ndarray(np.array([0.9, 0.0])) == {"x": 3.0, "y": "a"}


def test_last_position() -> None:
    space = {"epoch": randint(1, 9), "x": uniform(0, 1)}
    ranges = make_hyperparameter_ranges(space, name_last_pos="epoch", value_for_last_pos=9)
    assert ranges.internal_keys == ["x", "epoch"]
    assert ranges.is_attribute_fixed()
    low, high = ranges.get_ndarray_bounds()[-1]
    assert low == high == ranges.to_ndarray({"x": 0.0, "epoch": 9})[-1]
    configs = ranges.random_configs(np.random.default_rng(0), 5)
    assert {config["epoch"] for config in configs} == {9}
    mixed = [{"x": 0.1, "epoch": 9}, {"x": 0.2, "epoch": 3}]
    assert ranges.filter_for_last_pos_value(mixed) == mixed[:1]
    assert ranges.config_to_tuple(mixed[1], skip_last=True) == (0.2,)
    assert ranges.tuple_to_config((0.2,), skip_last=True) == {"x": 0.2}
    assert ranges.config_to_match_string(mixed[0], skip_last=True).startswith("x:")
    assert ",epoch:" in ranges.config_to_match_string(mixed[0])
    free = make_hyperparameter_ranges(space, name_last_pos="epoch")
    assert free.filter_for_last_pos_value(mixed) == mixed
    assert free.get_ndarray_bounds()[-1] == (0.0, 1.0)


def test_prefix_keys_come_first() -> None:
    space = {name: uniform(0, 1) for name in "abcd"}
    ranges = make_hyperparameter_ranges(space, name_last_pos="a", prefix_keys=["d", "c"])
    assert ranges.internal_keys == ["d", "c", "b", "a"]
    config = {"a": 1, "b": 2, "c": 3, "d": 4}
    assert ranges.config_to_tuple(config) == (4, 3, 2, 1)
    assert ranges.config_to_tuple(config, keys=["a", "d"]) == (1, 4)
    assert ranges.tuple_to_config((4, 3, 2, 1)) == config


@given(domains, seeds, st.data())
def test_active_spaces_shrink_bounds_and_draws_but_not_the_encoding(
    domain: Domain, seed: int, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    ends = domain.sample(size=2, random_state=rng)
    if isinstance(ends[0], (int, float)) and not isinstance(ends[0], bool):
        assume(domain.scale not in ("none", "normal"))
        active = restrict_domain(domain, min(ends), max(ends))
    else:
        assume(domain.scale == "none")
        active = choice(list(dict.fromkeys(ends)))
    ranges = make_hyperparameter_ranges({"x": domain}, active_config_space={"x": active})
    plain = make_hyperparameter_ranges({"x": domain})
    configs = ranges.random_configs(rng, 10)
    assert all(active.is_valid(config["x"]) for config in configs)
    matrix = ranges.to_ndarray_matrix(configs)
    np.testing.assert_array_equal(matrix, plain.to_ndarray_matrix(configs))
    for row in matrix:
        for (low, high), x in zip(ranges.get_ndarray_bounds(), row, strict=True):
            assert low - 1e-9 <= x <= high + 1e-9
    assert ranges.config_space_for_sampling == {"x": active}


def test_vectors_within_active_bounds_decode_to_active_values() -> None:
    space = {
        "f": finrange(0, 1, 11),
        "i": randint(1, 20),
        "c": choice(["a", "b", "c"]),
        "o": ordinal(["u", "v", "w", "x"]),
        "n": logordinal([1, 2, 4, 64]),
    }
    active = {
        "f": restrict_domain(space["f"], 0.3, 0.6),
        "i": randint(5, 6),
        "c": choice(["c", "a"]),
        "o": ordinal(["v", "w"]),
        "n": logordinal([2, 4]),
    }
    ranges = HyperparameterRanges(space, active_config_space=active)
    bounds = np.array(ranges.get_ndarray_bounds())
    unit = np.random.default_rng(0).random((500, ranges.ndarray_size)) * 0.999 + 0.0005
    configs = ranges.from_ndarray_matrix(bounds[:, 0] + unit * (bounds[:, 1] - bounds[:, 0]))
    for name, domain in active.items():
        assert {config[name] for config in configs} == set(domain.members())


@pytest.mark.parametrize(
    ("space", "arguments", "message"),
    [
        ({"x": sample_from(lambda: 1)}, {}, "^x: .*only random search"),
        ({"x": Float(0, None)}, {}, "^x: .*finite"),
        ({"x": uniform(0, 1)}, {"name_last_pos": "y"}, "name_last_pos: 'y'"),
        ({"x": uniform(0, 1)}, {"prefix_keys": ["y"]}, "prefix_keys: 'y'"),
        ({"x": uniform(0, 1)}, {"prefix_keys": ["x", "x"]}, "twice"),
        (
            {"x": uniform(0, 1)},
            {"active_config_space": {"x": uniform(0, 2)}},
            "^x: .*beyond its bounds",
        ),
        (
            {"x": choice(["a", "b", "c"])},
            {"active_config_space": {"x": choice(["d"])}},
            "^x: .*not a part",
        ),
        (
            {"x": ordinal(["a", "b", "c"])},
            {"active_config_space": {"x": ordinal(["a", "c"])}},
            "^x: .*contiguous",
        ),
    ],
)
def test_what_can_not_be_encoded_is_refused(
    space: dict[str, Any], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigSpaceError, match=message):
        make_hyperparameter_ranges(space, **arguments)


def test_a_matrix_of_the_wrong_width_is_refused() -> None:
    ranges = make_hyperparameter_ranges({"x": uniform(0, 1)})
    with pytest.raises(ConfigSpaceError, match=r"\(n, 1\), got \(2, 3\)"):
        ranges.from_ndarray_matrix(np.zeros((2, 3)))
    with pytest.raises(ConfigSpaceError, match="grid"):
        make_hyperparameter_ranges({"x": grid_search([1, 2, 3])}).random_config(
            np.random.default_rng(0)
        )


def test_only_constants_give_empty_vectors() -> None:
    ranges = make_hyperparameter_ranges({"epochs": 3})
    assert ranges.ndarray_size == 0
    assert ranges.to_ndarray({}).shape == (0,)


def test_normal_quantile_reverses_the_distribution_function() -> None:
    special = pytest.importorskip("scipy.special")
    p = np.concatenate([np.logspace(-15, -1, 300), np.linspace(0.01, 0.99, 500)])
    p = np.concatenate([p, 1 - p[p > 1e-12]])
    np.testing.assert_allclose(normal_quantile(p), special.ndtri(p), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(normal_cdf(normal_quantile(p)), p, rtol=1e-12)
