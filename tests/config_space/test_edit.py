"""What a new version of a space changes, and what a run can't take."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from synetune_lab.config_space import (
    Domain,
    choice,
    count_outside,
    diff_config_spaces,
    finrange,
    lograndint,
    loguniform,
    make_hyperparameter_ranges,
    ordinal,
    quniform,
    randint,
    sample_from,
    uniform,
    validate_config,
)
from synetune_lab.errors import ConfigSpaceError
from tests.config_space.strategies import seeds, spaces, spaces_with_constants


@pytest.mark.parametrize(
    ("old", "new", "kinds", "allowed"),
    [
        (uniform(0, 1), uniform(0.2, 0.8), ("narrowed",), True),
        (uniform(0, 1), uniform(0, 2), ("widened",), True),
        (uniform(0, 1), uniform(0.5, 2), ("narrowed", "widened"), True),
        (uniform(0.1, 1), loguniform(0.1, 1), ("scale_changed",), True),
        (uniform(0.1, 1), loguniform(0.2, 1), ("narrowed", "scale_changed"), True),
        (quniform(0, 1, 0.5), quniform(0, 1, 0.25), ("values_changed",), True),
        (finrange(0, 1, 3), finrange(0, 1, 5), ("values_changed",), True),
        (randint(1, 9), uniform(1, 9), ("values_changed", "type_changed"), True),
        (randint(1, 9), lograndint(1, 9), ("scale_changed",), True),
        (choice(["a", "b"]), choice(["b", "c"]), ("choices_added", "choices_removed"), True),
        (choice(["a", "b"]), choice(["b", "a"]), ("values_changed",), True),
        (choice([1, 2, 4]), ordinal([1, 2, 4]), ("scale_changed",), True),
        (choice(["a", "b"]), "a", ("fixed",), True),
        (randint(1, 9), 4, ("fixed",), True),
        (uniform(0, 1), 1, ("fixed",), True),
        (choice(["a", "b"]), 3, ("fixed", "type_changed"), False),
        (randint(1, 9), "x", ("fixed", "type_changed"), False),
        (choice(["a", "b"]), uniform(0, 1), ("type_changed",), False),
        (choice([True, False]), randint(0, 1), ("type_changed",), False),
        (9, randint(1, 27), ("freed",), True),
        (9, choice(["a"]), ("freed", "type_changed"), False),
        ([1], choice(["a"]), ("freed", "type_changed"), False),
        (9, 27, ("constant_changed",), True),
    ],
)
def test_kinds_of_changes(old: Any, new: Any, kinds: tuple[str, ...], allowed: bool) -> None:
    diff = diff_config_spaces({"x": old, "same": 1}, {"x": new, "same": 1})
    (entry,) = diff.entries
    assert (entry.name, entry.kinds, entry.allowed) == ("x", kinds, allowed)
    assert diff.allowed is allowed
    assert entry.message


def test_entries_that_come_and_go() -> None:
    old = {"lr": uniform(0, 1), "n": randint(1, 9), "epochs": 3}
    diff = diff_config_spaces(old, {"lr": uniform(0, 1), "new": uniform(0, 1), "seed": 1})
    by_name = {entry.name: entry for entry in diff.entries}
    assert list(by_name) == ["new", "seed", "n", "epochs"]
    assert not by_name["new"].allowed
    assert "default" in by_name["new"].message
    assert by_name["seed"].allowed
    assert not by_name["n"].allowed
    assert "fix it" in by_name["n"].message
    assert by_name["epochs"].allowed
    assert {entry.name for entry in diff.refused} == {"new", "n"}


def test_a_default_lets_a_hyperparameter_in() -> None:
    old, new = {"lr": uniform(0, 1)}, {"lr": uniform(0, 1), "beta": uniform(0, 1)}
    diff = diff_config_spaces(old, new, {"beta": 0.9})
    assert diff.allowed
    assert diff.defaults == {"beta": 0.9}
    assert diff.count_outside([{"lr": 0.5}]) == 0
    assert not diff_config_spaces(old, new, {"beta": "x"}).allowed


def test_counting_what_is_outside() -> None:
    configs = [{"lr": 0.1, "n": 3}, {"lr": 0.5, "n": 3}, {"lr": 0.9, "n": 4}]
    assert count_outside(configs, {"lr": uniform(0, 0.5), "n": randint(1, 9)}) == 1
    assert count_outside(configs, {"lr": uniform(0, 1), "m": randint(1, 9)}) == 3
    assert count_outside(configs, {"lr": uniform(0, 1), "n": 3}) == 0
    diff = diff_config_spaces({"lr": uniform(0, 1), "n": randint(1, 9)}, {"lr": 0.5, "n": 3})
    assert diff.fixed == {"lr": 0.5, "n": 3}
    assert diff.count_outside(configs) == 2
    freed = diff_config_spaces({"n": 3}, {"n": randint(1, 4)})
    assert freed.count_outside([{}, {"n": 5}]) == 1


def test_json_form() -> None:
    old = {"lr": uniform(0, 1), "n": randint(1, 9), "f": sample_from(lambda: 1)}
    new = {"lr": uniform(0, 0.5), "n": 3, "f": sample_from(lambda: 2)}
    form = json.loads(json.dumps(diff_config_spaces(old, new).to_json(), allow_nan=False))
    assert form["allowed"] is True
    assert form["entries"][0]["name"] == "lr"
    assert form["entries"][0]["kinds"] == ["narrowed"]
    assert form["entries"][0]["new"]["domain_kwargs"] == {"lower": 0.0, "upper": 0.5}
    assert form["entries"][1]["new"] == 3


def test_a_space_that_is_not_possible_is_an_error() -> None:
    with pytest.raises(ConfigSpaceError, match="empty"):
        diff_config_spaces({"lr": uniform(0, 1)}, {})


@given(spaces_with_constants)
def test_nothing_changes_between_a_space_and_itself(space: dict[str, Any]) -> None:
    diff = diff_config_spaces(space, dict(reversed(space.items())))
    assert diff.is_empty
    assert diff.allowed


@given(spaces, spaces, seeds)
def test_outside_means_that_the_new_space_refuses_it(
    old: dict[str, Domain], new: dict[str, Domain], seed: int
) -> None:
    merged = {name: new.get(name, domain) for name, domain in old.items()}
    configs = make_hyperparameter_ranges(old).random_configs(np.random.default_rng(seed), 5)
    outside = 0
    for config in configs:
        try:
            validate_config(config, merged)
        except ValueError:
            outside += 1
    # validate_config also takes whole numbers that came as floats.
    assert count_outside(configs, merged) >= outside
