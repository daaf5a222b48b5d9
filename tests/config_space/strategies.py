"""Hypothesis strategies for domains and configuration spaces."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from synetune_lab.config_space import (
    Domain,
    choice,
    finrange,
    logfinrange,
    logordinal,
    lograndint,
    loguniform,
    ordinal,
    qlograndint,
    qrandint,
    quniform,
    randint,
    randn,
    reverseloguniform,
    uniform,
)

reals = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 6))
positive = st.floats(1e-8, 1e8)
wholes = st.integers(-(10**6), 10**6)
positive_wholes = st.integers(1, 10**6)
texts = st.text(min_size=1, max_size=5)


def _sorted_pair(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    return st.tuples(values, values).map(lambda pair: tuple(sorted(pair)))  # type: ignore[return-value]


def _increasing(values: st.SearchStrategy[Any], size: int = 1) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=size, max_size=8, unique=True).map(sorted)


unit_pairs = _sorted_pair(st.floats(0, 0.999))
separate_reals = _sorted_pair(reals).filter(lambda pair: pair[1] - pair[0] > 1e-3)
separate_positive = _sorted_pair(positive).filter(lambda pair: pair[1] > 1.01 * pair[0])


@st.composite
def quantized_reals(draw: st.DrawFn) -> Domain:
    q = draw(st.sampled_from([0.1, 0.25, 0.5, 1.0, 3.0]))
    low = draw(st.integers(-20, 20))
    high = low + draw(st.integers(0, 30))
    return quniform(low * q, high * q, q)


@st.composite
def quantized_wholes(draw: st.DrawFn, log: bool = False) -> Domain:
    q = draw(st.integers(1, 9))
    low = draw(st.integers(1, 50))
    high = low + q + draw(st.integers(0, 300))
    return qlograndint(low, high, q) if log else qrandint(low, high, q)


real_domains = st.one_of(
    _sorted_pair(reals).map(lambda b: uniform(*b)),
    _sorted_pair(positive).map(lambda b: loguniform(*b)),
    unit_pairs.map(lambda b: reverseloguniform(*b)),
    st.tuples(reals, st.floats(1e-3, 1e3)).map(lambda a: randn(*a)),
)
finite_domains = st.one_of(
    quantized_reals(),
    quantized_wholes(),
    quantized_wholes(log=True),
    _sorted_pair(wholes).map(lambda b: randint(*b)),
    _sorted_pair(positive_wholes).map(lambda b: lograndint(*b)),
    st.lists(texts, min_size=1, max_size=6, unique=True).map(choice),
    st.lists(wholes, min_size=1, max_size=6, unique=True).map(choice),
    st.just(choice([True, False])),
    st.lists(texts, min_size=1, max_size=6, unique=True).map(
        lambda values: ordinal(values, kind="equal")
    ),
    _increasing(wholes).map(ordinal),
    _increasing(reals).map(ordinal),
    _increasing(positive_wholes).map(logordinal),
    st.tuples(separate_reals, st.integers(2, 40)).map(lambda a: finrange(*a[0], a[1])),
    st.tuples(separate_positive, st.integers(2, 40)).map(lambda a: logfinrange(*a[0], a[1])),
    st.tuples(_sorted_pair(positive_wholes), st.integers(2, 40))
    .filter(lambda a: a[0][0] < a[0][1])
    .map(lambda a: logfinrange(*a[0], a[1], cast_int=True)),
)
domains = st.one_of(real_domains, finite_domains)

names = st.sampled_from(["lr", "n_units", "dropout", "act", "beta", "depth", "x", "batch"])
constants = st.one_of(st.integers(-5, 100), st.text(max_size=5), st.floats(-1, 1), st.booleans())
spaces = st.dictionaries(names, domains, min_size=1, max_size=6)
spaces_with_constants = st.builds(
    lambda space, fixed: {**{f"const_{k}": v for k, v in fixed.items()}, **space},
    spaces,
    st.dictionaries(names, constants, max_size=2),
)
seeds = st.integers(0, 2**32 - 1)
