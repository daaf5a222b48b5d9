"""What each domain draws, casts, clips and lists."""

from __future__ import annotations

import copy
import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synetune_lab.config_space import (
    Categorical,
    Domain,
    FiniteRange,
    Float,
    Integer,
    LogUniform,
    Normal,
    Ordinal,
    OrdinalNearestNeighbor,
    Quantized,
    Sampler,
    Uniform,
    choice,
    finrange,
    grid_search,
    is_log_space,
    is_reverse_log_space,
    is_uniform_space,
    logfinrange,
    logordinal,
    lograndint,
    loguniform,
    ordinal,
    qlograndint,
    qloguniform,
    qrandint,
    qrandn,
    quniform,
    randint,
    randn,
    reverseloguniform,
    sample_from,
    uniform,
)
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError
from tests.config_space.strategies import domains, finite_domains, seeds

# Draws of a seeded generator: a share of p out of n must be within five standard deviations.
N = 20_000


def draws(domain: Domain, size: int = N, seed: int = 0) -> list:
    return domain.sample(size=size, random_state=np.random.default_rng(seed))


def assert_share(hits: int, p: float) -> None:
    assert abs(hits - N * p) < 5 * math.sqrt(N * p * (1 - p)) + 1


@given(domains, seeds)
def test_draws_are_valid_and_of_the_value_type(domain: Domain, seed: int) -> None:
    for value in draws(domain, 20, seed):
        assert domain.is_valid(value)
        assert type(value) is domain.value_type
        assert domain.cast(value) == value
        assert domain.clip(value) == value


@given(domains, seeds)
def test_same_seed_draws_the_same(domain: Domain, seed: int) -> None:
    assert draws(domain, 5, seed) == draws(domain, 5, seed)
    legacy = [domain.sample(size=5, random_state=np.random.RandomState(seed)) for _ in range(2)]
    assert legacy[0] == legacy[1]


@given(domains)
def test_size_decides_between_a_value_and_a_list(domain: Domain) -> None:
    assert domain.is_valid(domain.sample())
    assert len(domain.sample(size=3)) == 3
    assert domain.sample(size=0) == []


@given(finite_domains)
def test_finite_domains_list_their_values(domain: Domain) -> None:
    members = domain.members()
    assert members is not None
    assert len(members) == domain.num_values()
    if len(members) < 1000:
        assert len({domain.match_string(value) for value in members}) == len(members)
        assert all(domain.is_valid(value) for value in members)
        assert set(draws(domain, 50)) <= set(members)


@given(domains)
def test_midpoint_is_a_value(domain: Domain) -> None:
    assert domain.is_valid(domain.midpoint())


@given(domains)
def test_copies_and_pickles_are_equal(domain: Domain) -> None:
    assert pickle.loads(pickle.dumps(domain)) == domain
    assert copy.deepcopy(domain) == domain
    assert hash(copy.copy(domain)) == hash(domain)


@pytest.mark.parametrize(
    ("domain", "other"),
    [
        (uniform(0, 1), loguniform(0.1, 1)),
        (uniform(0, 1), uniform(0, 2)),
        (uniform(0, 1), quniform(0, 1, 0.5)),
        (randint(0, 1), uniform(0, 1)),
        (choice([1, 2]), ordinal([1, 2])),
        (choice(["a", "b"]), choice(["b", "a"])),
        (choice([1, 2]), grid_search([1, 2])),
        (finrange(1, 2, 3), logfinrange(1, 2, 3)),
    ],
)
def test_different_domains_are_not_equal(domain: Domain, other: Domain) -> None:
    assert domain != other


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (uniform(0, 0.9), "uniform(0.0, 0.9)"),
        (loguniform(1e-6, 1), "loguniform(1e-06, 1.0)"),
        (reverseloguniform(0.9, 0.99), "reverseloguniform(0.9, 0.99)"),
        (quniform(0, 1, 0.1), "quniform(0.0, 1.0, 0.1)"),
        (randn(0, 2), "randn(0.0, 2.0)"),
        (Float(0, 1).normal(0.5, 0.1), "Float(0.0, 1.0).normal(0.5, 0.1)"),
        (randint(1, 5), "randint(1, 5)"),
        (qlograndint(2, 16, 2), "qlograndint(2, 16, 2)"),
        (choice(["a", "b"]), "choice(['a', 'b'])"),
        (grid_search([1, 2]), "grid_search([1, 2])"),
        (ordinal(["a", "b"]), "ordinal(['a', 'b'], kind='equal')"),
        (ordinal([1, 2, 4]), "ordinal([1, 2, 4])"),
        (logordinal([1, 2, 4]), "logordinal([1, 2, 4])"),
        (finrange(0, 1, 3), "finrange(0.0, 1.0, 3)"),
        (logfinrange(8, 256, 6, cast_int=True), "logfinrange(8, 256, 6, cast_int=True)"),
    ],
)
def test_a_domain_prints_as_it_is_written(domain: Domain, text: str) -> None:
    assert repr(domain) == text


def test_documented_finite_ranges() -> None:
    assert finrange(0.5, 1.5, 3).values == [0.5, 1.0, 1.5]
    assert finrange(0.1, 1.0, 10).values == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    ints = logfinrange(8, 256, 6, cast_int=True)
    assert ints.values == [8, 16, 32, 64, 128, 256]
    assert all(type(value) is int for value in ints.values)
    floats = logfinrange(8, 256, 6)
    assert floats.values == [8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
    assert all(type(value) is float for value in floats.values)


def test_ends_of_ranges_are_included() -> None:
    assert set(draws(randint(1, 4))) == {1, 2, 3, 4}
    assert set(draws(lograndint(1, 4))) == {1, 2, 3, 4}
    ends = np.array([0.0, 1.0])
    assert uniform(2, 5).from_unit(ends) == [2.0, 5.0]
    assert loguniform(1e-6, 1).from_unit(ends) == pytest.approx([1e-6, 1.0])


def test_randint_is_uniform() -> None:
    values = draws(randint(-2, 2))
    for value in range(-2, 3):
        assert_share(values.count(value), 0.2)


def test_loguniform_is_uniform_in_the_logarithm() -> None:
    values = np.log(draws(loguniform(1e-6, 1)))
    assert values.min() >= -6 * math.log(10)
    assert values.max() <= 0
    assert_share(int(np.sum(values < -3 * math.log(10))), 0.5)


def test_lograndint_follows_the_documented_rule() -> None:
    values = draws(lograndint(1, 100))
    whole = math.log(100.5) - math.log(0.5)
    assert_share(values.count(1), (math.log(1.5) - math.log(0.5)) / whole)
    assert_share(values.count(7), (math.log(7.5) - math.log(6.5)) / whole)


def test_reverseloguniform_crowds_near_one() -> None:
    values = np.array(draws(reverseloguniform(0.9, 0.9999)))
    assert_share(int(np.sum(values < 1 - 10**-2.5)), 0.5)


def test_quantized_values_are_multiples() -> None:
    assert set(draws(quniform(0, 1, 0.1))) == {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0}
    assert set(draws(qrandint(1, 9, 2))) == {2, 4, 6, 8}
    assert set(draws(qlograndint(2, 16, 4))) == {4, 8, 12, 16}
    assert {round(v * 1000) for v in draws(qloguniform(1e-3, 5e-3, 1e-3))} == {1, 2, 3, 4, 5}
    values = draws(qrandint(2, 8, 2))
    for value in (2, 4, 6, 8):
        assert_share(values.count(value), 0.25)


def test_ends_of_a_quantized_real_range_get_half_a_share() -> None:
    values = draws(quniform(0, 1, 0.25))
    assert_share(values.count(0.0), 0.125)
    assert_share(values.count(0.5), 0.25)


def test_randn_has_its_moments() -> None:
    values = np.array(draws(randn(3, 2)))
    assert abs(values.mean() - 3) < 5 * 2 / math.sqrt(N)
    assert abs(values.std() - 2) < 0.1
    assert set(draws(qrandn(0, 1, 0.5), 2000)) <= {k * 0.5 for k in range(-20, 21)}


def test_a_bounded_normal_is_truncated_not_piled_up_at_the_ends() -> None:
    values = np.array(draws(Float(0, 1).normal(0.0, 1.0)))
    assert values.min() >= 0
    assert values.max() <= 1
    assert len(set(values.tolist())) > 0.99 * N


def test_choice_and_ordinal_are_uniform_and_nearest_neighbour_is_not() -> None:
    for domain in (choice(["a", "b", "c"]), ordinal(["a", "b", "c"])):
        values = draws(domain)
        assert_share(values.count("b"), 1 / 3)
    values = draws(ordinal([1, 2, 10]))
    # The interval is [-1.25, 12.25], and 1.5 and 6 part the values.
    assert_share(values.count(1), 2.75 / 13.5)
    assert_share(values.count(2), 4.5 / 13.5)
    log_values = draws(logordinal([1, 2, 4]))
    assert_share(log_values.count(2), 1 / 3)


def test_nearest_neighbour_intervals() -> None:
    domain = ordinal([1, 2, 10])
    assert isinstance(domain, OrdinalNearestNeighbor)
    assert (domain.lower_int, domain.upper_int) == (-1.25, 12.25)
    assert domain.categories_int.tolist() == [1, 2, 10]
    assert domain.cast_int(5.9) == 2
    assert domain.cast(6.1) == 10
    log_domain = logordinal([1, 2, 10])
    assert log_domain.lower_int == pytest.approx(-0.5756462732)
    assert log_domain.upper_int == pytest.approx(2.8782313662)
    assert log_domain.cast(4.4) == 2
    assert log_domain.cast(4.6) == 10
    assert log_domain.cast(-1) == 1
    single = logordinal([4])
    assert (single.lower_int, single.upper_int, single.categories_int) == (None, None, None)
    assert draws(single, 3) == [4, 4, 4]


def test_kind_of_ordinal_by_default() -> None:
    assert type(ordinal([1, 2, 4])) is OrdinalNearestNeighbor
    assert type(ordinal([4, 2, 1])) is Ordinal
    assert type(ordinal(["a", "b"])) is Ordinal
    assert type(ordinal([1, 2, 4], kind="equal")) is Ordinal
    assert ordinal([1, 2, 4], kind="nn-log") == logordinal([1, 2, 4])


def test_cast() -> None:
    assert randint(1, 5).cast(2.6) == 3
    assert randint(1, 5).cast("4") == 4
    assert randint(1, 5).cast(np.int64(4)) == 4
    assert uniform(0, 1).cast("0.25") == 0.25
    assert quniform(0, 1, 0.25).cast(0.3) == 0.25
    assert qrandint(2, 8, 2).cast(100) == 8
    assert finrange(0, 1, 3).cast(0.7) == 0.5
    assert logfinrange(1, 100, 3).cast(30) == 10.0
    assert logfinrange(1, 100, 3).cast(33) == 100.0
    assert choice([0.1, 0.3]).cast(0.1 + 0.2) == 0.3
    assert choice([1, 2]).cast("2") == 2
    assert choice([True, False]).cast("false") is False
    assert choice(["1", "2"]).cast(2) == "2"


@pytest.mark.parametrize(
    ("domain", "value"),
    [
        (uniform(0, 1), "abc"),
        (randint(0, 1), None),
        (randint(0, 1), math.inf),
        (choice([1, 2]), "x"),
        (choice([True, False]), "maybe"),
        (finrange(0, 1, 3), math.nan),
        (ordinal([1, 2]), math.nan),
        (choice(["a"]), ["a"]),
    ],
)
def test_what_can_not_be_cast_is_refused_with_the_value(domain: Domain, value: object) -> None:
    with pytest.raises(InvalidConfigError, match=repr(value).replace("[", r"\[")):
        domain.cast(value)


def test_clip() -> None:
    assert uniform(0, 1).clip(7) == 1.0
    assert randint(2, 5).clip(-3) == 2
    assert finrange(0, 1, 3).clip(9) == 1.0
    assert ordinal([1, 2, 4]).clip(100) == 4
    with pytest.raises(InvalidConfigError, match="none of the choices"):
        choice(["a", "b"]).clip("c")


def test_is_valid() -> None:
    assert uniform(0, 1).is_valid(1)
    assert uniform(0, 1).is_valid(np.float32(0.5))
    for value in (1.1, -0.1, math.nan, math.inf, "0.5", None, True):
        assert not uniform(0, 1).is_valid(value)
    assert randint(0, 3).is_valid(np.int32(3))
    for value in (4, 1.5, 2.0, "1", True, None):
        assert not randint(0, 3).is_valid(value)
    assert choice(["a"]).is_valid("a")
    assert not choice(["a"]).is_valid(["a"])
    assert not choice([0, 1]).is_valid(True)
    assert not choice([True]).is_valid(1)
    assert finrange(0.1, 1.0, 10).is_valid(0.1 + 0.2)
    assert not finrange(0.1, 1.0, 10).is_valid(0.35)


def test_match_strings() -> None:
    assert uniform(0, 1).match_string(0.1 + 0.2) == uniform(0, 1).match_string(0.3)
    assert uniform(0, 1).match_string(0.3) != uniform(0, 1).match_string(0.300001)
    assert randint(0, 9).match_string(3) != randint(0, 9).match_string(4)
    assert choice(["a", "b"]).match_string("a") != choice(["a", "b"]).match_string("b")


def test_rounding_to_whole_numbers_may_merge_values() -> None:
    domain = logfinrange(1, 10, 20, cast_int=True)
    assert len(domain.values) == 20
    assert domain.num_values() == 10
    assert list(domain.members()) == list(range(1, 11))


def test_scales() -> None:
    for domain in (
        loguniform(1, 2),
        lograndint(1, 2),
        logfinrange(1, 2, 3),
        logordinal([1, 2]),
        qloguniform(1, 2, 0.5),
    ):
        assert is_log_space(domain)
        assert not is_uniform_space(domain)
    for domain in (uniform(1, 2), randint(1, 2), finrange(1, 2, 3), ordinal([1, 2])):
        assert is_uniform_space(domain)
        assert not is_log_space(domain)
    assert is_reverse_log_space(reverseloguniform(0, 0.9))
    assert not is_uniform_space(choice([1, 2]))


def test_samplers_can_be_set_once() -> None:
    domain = Float(1, 2)
    assert domain.get_sampler() == Uniform()
    domain.set_sampler(LogUniform())
    with pytest.raises(ConfigSpaceError, match="allow_override=True"):
        domain.set_sampler(Uniform())
    domain.set_sampler(Uniform(), allow_override=True)
    assert domain.get_sampler() == Uniform()
    with pytest.raises(ConfigSpaceError):
        uniform(1, 2).loguniform()
    with pytest.raises(ConfigSpaceError, match="own prior"):
        finrange(0, 1, 2).set_sampler(LogUniform())
    quantized = quniform(0, 1, 0.5).get_sampler()
    assert isinstance(quantized, Quantized)
    assert quantized.get_sampler() == Uniform()


def test_methods_return_copies() -> None:
    domain = Float(1, 2)
    assert domain.loguniform() is not domain
    assert domain.sampler is None
    assert Integer(1, 4).quantized(2).members() == range(2, 5, 2)
    assert Normal().sd == 0.0
    assert Float(0, 1).normal().get_sampler() == Normal(0.0, 1.0)


def test_grid_search_is_a_mark() -> None:
    domain = grid_search([1, 2])
    assert domain.is_grid()
    assert not choice([1, 2]).is_grid()
    with pytest.raises(ConfigSpaceError, match="grid"):
        domain.sample()
    assert Categorical([1, 2]).grid() == choice([1, 2]).grid() == domain


def test_functions_see_the_configuration() -> None:
    domain = sample_from(lambda spec: spec.config.lr * 2 + spec.config["n"])
    assert domain.is_function()
    assert domain.sample(spec={"lr": 0.5, "n": 3}) == 4.0
    assert sample_from(lambda: 7).sample(size=2) == [7, 7]
    seeded = sample_from(lambda random_state: random_state.random())
    assert seeded.sample(random_state=np.random.default_rng(3)) == np.random.default_rng(3).random()


class Half(Sampler):
    """A user's prior."""

    def sample(self, domain, spec=None, size=1, random_state=None):
        middle = (domain.lower + domain.upper) / 2
        return middle if size == 1 else [middle] * size


def test_a_users_own_sampler_is_asked() -> None:
    domain = Float(0, 1)
    domain.set_sampler(Half())
    assert domain.sample(size=2) == [0.5, 0.5]
    assert domain.quantized(0.2).sample() == pytest.approx(0.4)


def test_a_source_of_randomness_must_be_numpys() -> None:
    with pytest.raises(ConfigSpaceError, match="random_state=3"):
        uniform(0, 1).sample(random_state=3)


@given(st.integers(2, 200), st.booleans())
def test_finite_ranges_keep_both_ends(size: int, log: bool) -> None:
    values = FiniteRange(0.1, 7.3, size, log_scale=log).values
    assert values[0] == 0.1
    assert values[-1] == 7.3
    assert all(a < b for a, b in pairwise(values))
