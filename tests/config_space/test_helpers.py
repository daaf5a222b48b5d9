"""Sizes, casting, match strings, arguments, restriction and midpoints."""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from synetune_lab.config_space import (
    Domain,
    add_to_argparse,
    cast_config_values,
    choice,
    config_space_size,
    config_to_match_string,
    constant_entries,
    finrange,
    impute_points_to_evaluate,
    logfinrange,
    logordinal,
    lograndint,
    loguniform,
    make_hyperparameter_ranges,
    midpoint_config,
    non_constant_hyperparameter_keys,
    ordinal,
    quniform,
    randint,
    randn,
    remove_constant_and_cast,
    restrict_domain,
    reverseloguniform,
    uniform,
    validate_config,
)
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError
from tests.config_space.strategies import seeds, spaces, spaces_with_constants

SPACE = {
    "lr": loguniform(1e-6, 1),
    "epochs": 9,
    "units": randint(4, 1024),
    "act": choice(["relu", "tanh"]),
    "flag": choice([True, False]),
}


def test_size() -> None:
    finite = {"a": randint(1, 3), "b": choice(["x", "y"]), "c": finrange(0, 1, 5), "d": 7}
    assert config_space_size(finite) == 30
    assert config_space_size({**finite, "lr": uniform(0, 1)}) is None
    assert config_space_size({**finite, "lr": uniform(1, 1)}) == 30
    assert config_space_size({**finite, "q": quniform(0, 1, 0.5)}) == 90
    assert config_space_size({"a": randint(1, 2**20)}) == 2**20
    assert config_space_size({"a": randint(0, 2**20)}) is None
    assert config_space_size({"a": randint(0, 2**20)}, upper_limit=2**21) == 2**20 + 1
    assert config_space_size({"a": 3}) == 1


def test_keys_and_constants() -> None:
    assert non_constant_hyperparameter_keys(SPACE) == ["lr", "units", "act", "flag"]
    assert constant_entries(SPACE) == {"epochs": 9}


def test_casting_configurations() -> None:
    config = {"units": 7.0, "lr": "0.5", "epochs": "9", "other": 1}
    assert cast_config_values(config, SPACE) == {"units": 7, "lr": 0.5, "epochs": "9", "other": 1}
    assert remove_constant_and_cast(config, SPACE) == {"lr": 0.5, "units": 7}
    with pytest.raises(InvalidConfigError, match=r"^lr: 'x'"):
        cast_config_values({"lr": "x"}, SPACE)


def test_arguments_of_a_script() -> None:
    parser = argparse.ArgumentParser()
    add_to_argparse(parser, SPACE)
    line = "--lr 0.1 --units 8 --act tanh --flag False --epochs 3"
    args, rest = parser.parse_known_args(line.split())
    assert vars(args) == {"lr": 0.1, "units": 8, "act": "tanh", "flag": False}
    assert rest == ["--epochs", "3"]
    with pytest.raises(SystemExit):
        parser.parse_known_args(["--lr", "abc"])


def test_a_script_that_adds_arguments_does_not_load_numpy() -> None:
    code = (
        "import argparse, sys\n"
        "from synetune_lab.config_space import add_to_argparse, loguniform, choice\n"
        "add_to_argparse(argparse.ArgumentParser(), {'x': loguniform(1, 2), 'y': choice([1])})\n"
        "assert 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@given(spaces, seeds)
def test_match_strings_tell_configurations_apart(space: dict[str, Domain], seed: int) -> None:
    ranges = make_hyperparameter_ranges(space)
    a, b = ranges.random_configs(np.random.default_rng(seed), 2)
    keys = list(space)
    match_a, match_b = (config_to_match_string(c, space, keys) for c in (a, b))
    if all(not isinstance(v, float) for v in (*a.values(), *b.values())):
        assert (a == b) == (match_a == match_b)
    assert match_a == config_to_match_string(dict(reversed(a.items())), space, keys)
    assert ranges.config_to_match_string(a, keys=keys) == match_a


def test_midpoints_of_the_tutorial() -> None:
    middle = midpoint_config(
        {
            "n_units": randint(4, 1024),
            "batch_size": randint(8, 128),
            "dropout": uniform(0, 0.99),
            "learning_rate": loguniform(1e-6, 1),
            "weight_decay": loguniform(1e-8, 1),
            "epochs": 81,
        }
    )
    assert middle == {
        "n_units": 514,
        "batch_size": 68,
        "dropout": 0.495,
        "learning_rate": pytest.approx(1e-3),
        "weight_decay": pytest.approx(1e-4),
    }


def test_midpoints_of_other_domains() -> None:
    middle = midpoint_config(
        {
            "choice": choice(["x", "y", "z"]),
            "ordinal": ordinal(["a", "b", "c", "d"]),
            "nn": ordinal([1, 2, 4, 9]),
            "log_nn": logordinal([1, 2, 4, 64]),
            "finrange": finrange(0, 1, 5),
            "logfinrange": logfinrange(1, 10000, 5),
            "log_int": lograndint(1, 1000),
            "reverse": reverseloguniform(0, 0.99),
            "normal": randn(3, 2),
            "quantized": quniform(0, 1, 0.5),
        }
    )
    assert middle == {
        "choice": "x",
        "ordinal": "c",
        "nn": 4,
        "log_nn": 4,
        "finrange": 0.5,
        "logfinrange": pytest.approx(100),
        "log_int": 32,
        "reverse": pytest.approx(0.9),
        "normal": 3.0,
        "quantized": 0.5,
    }


@given(spaces_with_constants)
def test_the_midpoint_is_a_configuration(space: dict[str, Any]) -> None:
    validate_config(midpoint_config(space), space)


def test_points_to_evaluate() -> None:
    space = {"lr": loguniform(1e-4, 1), "units": randint(1, 9), "epochs": 9}
    middle = {"lr": pytest.approx(1e-2), "units": 5}
    assert impute_points_to_evaluate(None, space) == [middle]
    assert impute_points_to_evaluate([], space) == []
    points = [{"units": 2}, {"lr": 0.1}, {}, {"lr": 1e-2, "units": 5}, {"units": 2.0, "epochs": 9}]
    assert impute_points_to_evaluate(points, space) == [
        {"lr": pytest.approx(1e-2), "units": 2},
        {"lr": 0.1, "units": 5},
        middle,
    ]
    assert points[0] == {"units": 2}


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([{}, {"lr": 7}], r"^points_to_evaluate\[1\]: lr: 7.0"),
        ([{"lrr": 0.1}], r"^points_to_evaluate\[0\]: lrr: .*do you mean 'lr'"),
        ([{"units": "x"}], r"units: 'x'"),
        ([3], r"points_to_evaluate\[0\]: a configuration must be a dictionary"),
        ({"lr": 0.1}, "must be a list"),
    ],
)
def test_bad_points_are_refused(points: object, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        impute_points_to_evaluate(points, {"lr": uniform(0, 1), "units": randint(1, 9)})


@pytest.mark.parametrize(
    ("domain", "bounds", "expected"),
    [
        (uniform(0, 1), (0.2, 3), uniform(0.2, 1)),
        (loguniform(1e-6, 1), (1e-3, 1e-2), loguniform(1e-3, 1e-2)),
        (randint(1, 20), (4.5, 7.5), randint(5, 7)),
        (lograndint(1, 20), (2, 30), lograndint(2, 20)),
        (quniform(0, 1, 0.25), (0.2, 0.8), quniform(0.25, 0.75, 0.25)),
        (finrange(0.1, 1.0, 10), (0.3, 0.6), finrange(0.3, 0.6, 4)),
        (finrange(0.1, 1.0, 10), (0, 2), finrange(0.1, 1.0, 10)),
        (finrange(0.1, 1.0, 10), (0.25, 0.35), ordinal([0.3])),
        (logfinrange(8, 256, 6, cast_int=True), (10, 70), logfinrange(16, 64, 3, cast_int=True)),
        (logfinrange(1, 48, 6, cast_int=True), (2, 22), ordinal([2, 5, 10, 22], kind="nn-log")),
        (ordinal([1, 2, 4, 9]), (2, 8), ordinal([2, 4])),
        (logordinal([1, 2, 4, 9]), (2, 9), logordinal([2, 4, 9])),
        (ordinal([1, 2, 4, 9], kind="equal"), (2, 8), ordinal([2, 4], kind="equal")),
    ],
)
def test_restricting_a_domain(
    domain: Domain, bounds: tuple[float, float], expected: Domain
) -> None:
    assert restrict_domain(domain, *bounds) == expected


def test_restricting_keeps_the_values_of_a_finite_range() -> None:
    domain = logfinrange(1, 1000, 7)
    inside = restrict_domain(domain, 5, 200)
    assert list(inside.members()) == pytest.approx([x for x in domain.values if 5 <= x <= 200])


@pytest.mark.parametrize(
    ("domain", "bounds"),
    [
        (uniform(0, 1), (2, 3)),
        (randint(1, 9), (2.2, 2.8)),
        (finrange(0, 1, 3), (0.1, 0.2)),
        (ordinal([1, 5]), (2, 3)),
        (quniform(0, 1, 0.5), (0.1, 0.2)),
    ],
)
def test_restricting_to_nothing_is_refused(domain: Domain, bounds: tuple[float, float]) -> None:
    with pytest.raises(ConfigSpaceError, match="no value of"):
        restrict_domain(domain, *bounds)


def test_restricting_needs_numbers() -> None:
    with pytest.raises(ConfigSpaceError, match="not a numerical domain"):
        restrict_domain(choice(["a"]), 0, 1)
    assert math.isinf(randn().upper)
    assert restrict_domain(randn(), 0, 1).sample() <= 1
