"""Spaces that are not possible fail when they are made, and the message names the parameter."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from synetune_lab.config_space import (
    Float,
    choice,
    config_space_from_json_dict,
    finrange,
    grid_search,
    logfinrange,
    logordinal,
    lograndint,
    loguniform,
    ordinal,
    qrandint,
    quniform,
    randint,
    randn,
    reverseloguniform,
    sample_from,
    uniform,
    validate_config,
    validate_config_space,
    validate_space_json,
)
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError, SynetuneLabError

BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: uniform(1, 0), r"uniform: lower=1.0 must not be above upper=0.0"),
    (lambda: uniform(math.nan, 1), r"uniform: lower is NaN"),
    (lambda: uniform(0, math.inf), r"uniform: bounds must be finite"),
    (lambda: uniform("0", 1), r"uniform: lower='0' must be a number"),
    (lambda: uniform(0, True), r"uniform: upper=True must be a number"),
    (lambda: loguniform(0, 1), r"loguniform: lower=0.0 must be above 0"),
    (lambda: loguniform(-1, 1), r"loguniform: lower=-1.0"),
    (lambda: loguniform(1, math.inf), r"loguniform: bounds must be finite"),
    (lambda: reverseloguniform(0, 1), r"lower <= upper < 1"),
    (lambda: reverseloguniform(-0.1, 0.5), r"0 <= lower"),
    (lambda: quniform(1, 10, 2), r"lower=1.0 is not a multiple of q=2; take 0 or 2"),
    (lambda: quniform(0, 1, 0), r"q=0.0 must be finite and positive"),
    (lambda: qrandint(3, 4, 5), r"no multiple of q=5"),
    (lambda: qrandint(1, 4, 1.5), r"q=1.5 must be a whole number"),
    (lambda: randn(0, 0), r"sd=0.0 must be positive"),
    (lambda: randn(math.nan, 1), r"mean"),
    (lambda: randint(5, 1), r"randint: lower=5 must not be above upper=1"),
    (lambda: randint(1.5, 3), r"randint: lower=1.5 must be a whole number"),
    (lambda: randint(0, 2**60), r"upper=.* must lie within"),
    (lambda: lograndint(0, 4), r"lograndint: lower=0 must be above 0"),
    (lambda: choice([]), r"categories=\[\] must hold at least one value"),
    (lambda: choice("abc"), r"categories='abc' must be a list"),
    (lambda: choice(3), r"categories=3 must be a list"),
    (lambda: choice([1, "a"]), r"must all be of one type, got int, str"),
    (lambda: choice([1, 2.5]), r"one type, got float, int. Write whole numbers as 1.0"),
    (lambda: choice(["a", None]), r"one type"),
    (lambda: choice([[1], [2]]), r"must be of type str, int, float or bool, got list"),
    (lambda: choice(["a", "b", "a"]), r"holds 'a' more than once"),
    (lambda: choice([0.1, math.nan]), r"must not hold NaN"),
    (lambda: ordinal([]), r"at least one value"),
    (lambda: ordinal(["a", "b"], kind="nn"), r"must be numbers"),
    (lambda: ordinal([2, 1], kind="nn"), r"strictly increasing"),
    (lambda: logordinal([0, 1]), r"must be positive"),
    (lambda: ordinal([1, 2], kind="log"), r"kind='log' must be 'equal', 'nn' or 'nn-log'"),
    (lambda: finrange(0, 1, 1), r"finrange: size=1 must be at least 2"),
    (lambda: finrange(0, 1, 2.5), r"size=2.5 must be a whole number"),
    (lambda: finrange(1, 1, 3), r"lower=1 must be below upper=1"),
    (lambda: finrange(2, 1, 3), r"must not be above"),
    (lambda: logfinrange(0, 1, 3), r"logfinrange: lower=0 must be positive"),
    (lambda: finrange(0.5, 3, 3, cast_int=True), r"lower=0.5 must be a whole number"),
    (lambda: grid_search([]), r"at least one value"),
    (lambda: sample_from(3), r"func=3 must be a function"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_domains_fail_at_construction(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigSpaceError, match=message) as info:
        make()
    assert isinstance(info.value, ValueError)
    assert isinstance(info.value, SynetuneLabError)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ([], "config_space must be a dictionary"),
        (None, "config_space must be a dictionary"),
        ({}, "config_space is empty"),
        ({"lr": Float(0, None)}, "^lr: .*bounds must be finite"),
        ({"lr": math.nan}, "^lr: the constant nan must be finite"),
        ({"lr": uniform}, "^lr: .*neither a domain nor a constant"),
        ({"lr": lambda: 3}, "^lr: .*sample_from"),
        ({"lr": object()}, "^lr: .*neither a domain nor a constant"),
        ({3: uniform(0, 1)}, "^3: the name 3"),
        ({"st_x": uniform(0, 1)}, "^st_x: names that begin with 'st_' are reserved"),
    ],
)
def test_bad_spaces_are_refused_by_the_name_of_the_entry(space: object, message: str) -> None:
    with pytest.raises(ConfigSpaceError, match=message):
        validate_config_space(space)


def test_good_spaces_pass() -> None:
    validate_config_space(
        {"lr": uniform(0, 1), "epochs": 3, "name": "x", "list": [1, {"a": 2}], "none": None}
    )


SPACE = {"lr": uniform(0, 1), "units": randint(1, 8), "act": choice(["a", "b"]), "epochs": 9}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"lr": 2.0, "units": 3, "act": "a"}, r"^lr: 2.0 is not a value of uniform\(0.0, 1.0\)"),
        ({"lr": 0.5, "units": 3}, "^act: missing"),
        ({"lr": 0.5, "unit": 3, "act": "a"}, "^unit: .*do you mean 'units'"),
        ({"lr": 0.5, "units": 3.5, "act": "a"}, "^units: 3.5"),
        ({"lr": math.nan, "units": 3, "act": "a"}, "^lr: nan"),
        ({"lr": 0.5, "units": 3, "act": "a", "epochs": 10}, "^epochs: 10 differs"),
        (3, "a configuration must be a dictionary"),
    ],
)
def test_bad_configurations_are_refused_by_name(config: object, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message) as info:
        validate_config(config, SPACE)
    assert isinstance(info.value, ValueError)


def test_good_configurations_pass() -> None:
    validate_config({"lr": 0.5, "units": 3.0, "act": "a", "epochs": 9}, SPACE)
    validate_config({"lr": 0.5}, SPACE, partial=True)


def test_an_editor_gets_one_message_for_each_bad_entry() -> None:
    good = {"domain_cls": "Float", "domain_kwargs": {"lower": 0, "upper": 1}}
    crossed = {"domain_cls": "Float", "domain_kwargs": {"lower": 2, "upper": 1}}
    log = {**good, "sampler_cls": "LogUniform", "sampler_kwargs": {}}
    errors = validate_space_json(
        {
            "good": good,
            "constant": 3,
            "crossed": crossed,
            "log": log,
            "unknown": {"domain_cls": "Flot", "domain_kwargs": {}},
            "argument": {"domain_cls": "Float", "domain_kwargs": {"low": 0, "upper": 1}},
            "missing": {"domain_cls": "Float", "domain_kwargs": {"lower": 0}},
            "sampler": {**good, "sampler_cls": "Nothing"},
            "extra": {**good, "q": 3},
            "empty": {"domain_cls": "Categorical", "domain_kwargs": {"categories": []}},
            "text": {"domain_cls": "Float", "domain_kwargs": {"lower": "0", "upper": 1}},
        }
    )
    assert set(errors) == {
        "crossed",
        "log",
        "unknown",
        "argument",
        "missing",
        "sampler",
        "extra",
        "empty",
        "text",
    }
    assert "lower=2.0 must not be above upper=1.0" in errors["crossed"]
    assert "lower > 0" in errors["log"]
    assert "domain_cls='Flot' is unknown" in errors["unknown"]
    assert "'low' is unknown; known are lower, upper" in errors["argument"]
    assert "upper" in errors["missing"]
    assert validate_space_json({"lr": good}) == {}
    assert validate_space_json({}) == {"": "must have at least one entry"}
    assert "" in validate_space_json([1])


def test_reading_a_space_names_the_bad_entry() -> None:
    with pytest.raises(ConfigSpaceError, match=r"^lr: Float: lower=2.0"):
        config_space_from_json_dict(
            {"lr": {"domain_cls": "Float", "domain_kwargs": {"lower": 2, "upper": 1}}}
        )
