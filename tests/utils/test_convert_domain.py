"""Streamlining configuration spaces."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synetune_lab.config_space import (
    Domain,
    choice,
    finrange,
    grid_search,
    logfinrange,
    logordinal,
    lograndint,
    loguniform,
    ordinal,
    quniform,
    randint,
    reverseloguniform,
    uniform,
)
from synetune_lab.utils import streamline_config_space
from synetune_lab.utils.convert_domain import convert_domain, fit_to_regular_grid
from tests.config_space.strategies import spaces_with_constants


def test_the_documented_example() -> None:
    space = {
        "n_units": randint(4, 1024),
        "dropout": uniform(0, 0.9),
        "learning_rate": uniform(1e-6, 1),
        "weight_decay": choice([0.001, 0.01, 0.1, 1.0]),
        "magic_constant": choice([1, 2, 5, 10, 15, 30]),
        "epochs": 81,
    }
    new = streamline_config_space(space)
    assert new == {
        "n_units": lograndint(4, 1024),
        "dropout": uniform(0, 0.9),
        "learning_rate": loguniform(1e-6, 1),
        "weight_decay": logfinrange(0.001, 1.0, 4),
        "magic_constant": logordinal([1, 2, 5, 10, 15, 30]),
        "epochs": 81,
    }
    assert list(new) == list(space)
    assert new is not space


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (choice([1, 2, 5, 10, 20, 50]), logfinrange(1, 48, 6, cast_int=True)),
        (
            choice([0.0005, 0.001, 0.005, 0.01, 0.05, 0.1]),
            logordinal([0.0005, 0.001, 0.005, 0.01, 0.05, 0.1]),
        ),
        (choice([-1, 0, 1]), finrange(-1, 1, 3, cast_int=True)),
        (choice([3, 1, 2]), finrange(1, 3, 3, cast_int=True)),
        (choice([0.3, 0.2, 0.1]), finrange(0.1, 0.3, 3)),
        (choice([0.1, 0.25, 0.3]), ordinal([0.1, 0.25, 0.3])),
        (choice([-5, 1, 10]), ordinal([-5, 1, 10])),
        (choice([16, 32, 64, 128]), logfinrange(16, 128, 4, cast_int=True)),
        (ordinal([1, 10, 100]), logfinrange(1, 100, 3, cast_int=True)),
        (ordinal([1, 10, 100], kind="equal"), logfinrange(1, 100, 3, cast_int=True)),
        (uniform(0.01, 1), loguniform(0.01, 1)),
        (randint(1, 100), lograndint(1, 100)),
    ],
)
def test_conversions(old: Domain, new: Domain) -> None:
    assert convert_domain(old) == new


def test_the_documented_values_of_an_approximate_conversion() -> None:
    assert convert_domain(choice([1, 2, 5, 10, 20, 50])).values == [1, 2, 5, 10, 22, 48]


@pytest.mark.parametrize(
    "domain",
    [
        choice([1, 2]),
        choice(["a", "b", "c"]),
        choice([True, False]),
        grid_search([1, 2, 3]),
        uniform(0, 100),
        uniform(0.02, 1),
        randint(1, 99),
        uniform(-1, 1),
        quniform(1, 1000, 1),
        loguniform(1e-6, 1),
        reverseloguniform(0.001, 0.9),
        logordinal([1, 7, 8]),
        finrange(1, 1000, 4),
    ],
)
def test_what_stays_is_the_same_object(domain: Domain) -> None:
    assert convert_domain(domain) is domain


def test_names_may_be_excluded() -> None:
    space = {"a": uniform(1e-3, 1), "b": uniform(1e-3, 1)}
    new = streamline_config_space(space, exclude_names=["a"])
    assert new == {"a": uniform(1e-3, 1), "b": loguniform(1e-3, 1)}


def test_replacements_are_logged_on_wish(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    space = {"lr": uniform(1e-3, 1), "x": uniform(0, 1)}
    streamline_config_space(space)
    assert not caplog.records
    streamline_config_space(space, verbose=True)
    assert [r.message for r in caplog.records] == [
        "lr: uniform(0.001, 1.0) is replaced by loguniform(0.001, 1.0)"
    ]


@given(spaces_with_constants)
def test_streamlining_keeps_types_and_sizes(space: dict[str, Any]) -> None:
    for name, new in streamline_config_space(space).items():
        old = space[name]
        if isinstance(old, Domain):
            assert new.value_type is old.value_type
            assert new.num_values() == old.num_values()
        else:
            assert new == old


def test_fits_of_the_documents() -> None:
    def r2(values: list[float]) -> float:
        return fit_to_regular_grid(np.log(values))["r2"]

    assert r2([1, 2, 5, 10, 20, 50]) == pytest.approx(0.9980, abs=5e-5)
    assert r2([1, 2, 5, 10, 15, 30]) == pytest.approx(0.9893, abs=5e-5)
    assert r2([0.0005, 0.001, 0.005, 0.01, 0.05, 0.1]) == pytest.approx(0.9869, abs=5e-5)
    assert fit_to_regular_grid([1, 2, 5, 10]) == pytest.approx({"a": 3, "b": 0, "r2": 0.918367347})


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=9, unique=True))
def test_the_fit_is_that_of_least_squares(values: list[float]) -> None:
    values = sorted(values)
    assume(values[-1] - values[0] > 1e-3)
    fit = fit_to_regular_grid(values)
    a, b = np.polyfit(range(len(values)), values, 1)
    assert math.isclose(fit["a"], a, rel_tol=1e-6, abs_tol=1e-6)
    assert math.isclose(fit["b"], b, rel_tol=1e-6, abs_tol=1e-6)
    assert fit["r2"] <= 1 + 1e-12
