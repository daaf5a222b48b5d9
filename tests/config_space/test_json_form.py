"""The documented JSON form, both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from synetune_lab.config_space import (
    Domain,
    Float,
    Function,
    Sampler,
    choice,
    config_space_from_json_dict,
    config_space_to_json_dict,
    finrange,
    from_dict,
    grid_search,
    is_domain_json,
    logfinrange,
    logordinal,
    loguniform,
    ordinal,
    quniform,
    randint,
    randn,
    reverseloguniform,
    sample_from,
    to_dict,
    uniform,
)
from synetune_lab.errors import ConfigSpaceError
from tests.config_space.strategies import domains, spaces_with_constants


@given(domains)
def test_a_domain_survives_the_trip(domain: Domain) -> None:
    text = json.dumps(to_dict(domain), allow_nan=False)
    assert from_dict(json.loads(text)) == domain


@given(spaces_with_constants)
def test_a_space_survives_the_trip(space: dict[str, Any]) -> None:
    text = json.dumps(config_space_to_json_dict(space), allow_nan=False)
    back = config_space_from_json_dict(json.loads(text))
    assert back == space
    assert list(back) == list(space)


E = 2.718281828459045

DOCUMENTED = [
    (
        uniform(0, 1),
        {
            "domain_cls": "Float",
            "domain_kwargs": {"lower": 0.0, "upper": 1.0},
            "sampler_cls": "Uniform",
            "sampler_kwargs": {},
        },
    ),
    (
        loguniform(1e-6, 1),
        {
            "domain_cls": "Float",
            "domain_kwargs": {"lower": 1e-6, "upper": 1},
            "sampler_cls": "LogUniform",
            "sampler_kwargs": {"base": E},
        },
    ),
    (
        reverseloguniform(0.9, 0.99),
        {
            "domain_cls": "Float",
            "domain_kwargs": {"lower": 0.9, "upper": 0.99},
            "sampler_cls": "ReverseLogUniform",
            "sampler_kwargs": {},
        },
    ),
    (
        Float(0, 1).normal(0.5, 0.1),
        {
            "domain_cls": "Float",
            "domain_kwargs": {"lower": 0.0, "upper": 1.0},
            "sampler_cls": "Normal",
            "sampler_kwargs": {"mean": 0.5, "sd": 0.1},
        },
    ),
    (
        randint(1, 5),
        {
            "domain_cls": "Integer",
            "domain_kwargs": {"lower": 1, "upper": 5},
            "sampler_cls": "Uniform",
            "sampler_kwargs": {},
        },
    ),
    (
        choice(["a", "b"]),
        {
            "domain_cls": "Categorical",
            "domain_kwargs": {"categories": ["a", "b"]},
            "sampler_cls": "Uniform",
            "sampler_kwargs": {},
        },
    ),
    (
        grid_search([1, 2]),
        {
            "domain_cls": "Categorical",
            "domain_kwargs": {"categories": [1, 2]},
            "sampler_cls": "Grid",
            "sampler_kwargs": {},
        },
    ),
    (
        ordinal(["a", "b"]),
        {
            "domain_cls": "Ordinal",
            "domain_kwargs": {"categories": ["a", "b"]},
            "sampler_cls": "Uniform",
            "sampler_kwargs": {},
        },
    ),
    (
        logordinal([1, 2, 4]),
        {
            "domain_cls": "OrdinalNearestNeighbor",
            "domain_kwargs": {"categories": [1, 2, 4], "log_scale": True},
        },
    ),
    (
        logfinrange(8, 256, 6, cast_int=True),
        {
            "domain_cls": "FiniteRange",
            "domain_kwargs": {
                "lower": 8,
                "upper": 256,
                "size": 6,
                "log_scale": True,
                "cast_int": True,
            },
        },
    ),
]


@pytest.mark.parametrize(("domain", "documented"), DOCUMENTED)
def test_documented_form(domain: Domain, documented: dict[str, Any]) -> None:
    assert to_dict(domain) == documented
    assert from_dict(documented) == domain


def test_quantized_holds_the_sampler_it_rounds() -> None:
    assert to_dict(quniform(0, 1, 0.1))["sampler_kwargs"] == {
        "q": 0.1,
        "sampler": {"sampler_cls": "Uniform", "sampler_kwargs": {}},
    }


def test_infinite_bounds_are_null() -> None:
    assert to_dict(randn(0, 1))["domain_kwargs"] == {"lower": None, "upper": None}


def test_a_sampler_may_be_left_out() -> None:
    short = {"domain_cls": "Float", "domain_kwargs": {"lower": 0, "upper": 1}}
    assert from_dict(short) == uniform(0, 1)
    # Written by others for domains whose prior follows from their values.
    with_sampler = {**to_dict(finrange(0, 1, 3)), "sampler_cls": "Uniform", "sampler_kwargs": {}}
    assert from_dict(with_sampler) == finrange(0, 1, 3)


def test_constants_of_any_kind_stay() -> None:
    space = {"a": 3, "b": "x", "c": [1, 2], "d": {"e": 1}, "f": None, "g": True}
    assert config_space_to_json_dict(space) == space
    assert config_space_from_json_dict(space) == space
    assert not is_domain_json(space["d"])


def test_a_function_is_named_but_not_read_back() -> None:
    domain = sample_from(lambda spec: 3)
    assert isinstance(domain, Function)
    form = json.loads(json.dumps(to_dict(domain)))
    with pytest.raises(ConfigSpaceError, match="sample_from can't be read back"):
        from_dict(form)


class Even(Domain):
    """A user's domain: even numbers up to a bound."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._note = "not part of the form"


class Spike(Sampler):
    """A user's sampler."""

    def __init__(self, at: float) -> None:
        self.at = at


def test_a_users_own_classes_survive_the_trip() -> None:
    assert to_dict(Even(8))["domain_kwargs"] == {"bound": 8}
    assert from_dict(to_dict(Even(8))) == Even(8)
    domain = Float(0, 1)
    domain.set_sampler(Spike(0.3))
    assert from_dict(to_dict(domain)).get_sampler() == Spike(0.3)
