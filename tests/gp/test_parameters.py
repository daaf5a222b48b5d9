"""Parameters of models, and vectors of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.parameters import Parameter, ParameterVector, prefixed
from synetune_lab.gp.priors import Gamma, LogNormal, Normal

VECTOR = ParameterVector(
    [
        Parameter("scale", 1.0, 1e-3, 1e3, LogNormal(0.0, 1.0)),
        Parameter("mean", 0.0, -5.0, 5.0, Normal(0.0, 2.0), encoding="identity"),
        Parameter("rate", 2.0, 0.5, 50.0, Gamma(3.0, 2.0), encoding="positive"),
        Parameter("noise", 1e-3, 1e-9, 1e6),
    ]
)
VALUES = st.tuples(
    st.floats(1e-3, 1e3), st.floats(-5.0, 5.0), st.floats(0.51, 50.0), st.floats(1e-9, 1e6)
).map(np.array)


@given(values=VALUES)
@settings(max_examples=50, deadline=None)
def test_decoding_undoes_encoding(values: np.ndarray) -> None:
    np.testing.assert_allclose(VECTOR.decode(VECTOR.encode(values)), values, rtol=1e-9, atol=1e-12)


@given(values=VALUES)
@settings(max_examples=25, deadline=None)
def test_derivatives_are_those_of_decoding(values: np.ndarray) -> None:
    encoded = VECTOR.encode(np.clip(values, [2e-3, -4.9, 0.6, 2e-9], [9e2, 4.9, 49.0, 9e5]))
    step = 1e-6
    differences = (VECTOR.decode(encoded + step) - VECTOR.decode(encoded - step)) / (2 * step)
    own = VECTOR.derivative(VECTOR.decode(encoded))
    np.testing.assert_allclose(own, differences, rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("far", [-1e6, 1e6])
def test_what_is_decoded_is_inside_the_bounds(far: float) -> None:
    with np.errstate(over="ignore"):
        values = VECTOR.decode(np.full(4, far))
    expected = [p.upper if far > 0 else p.lower for p in VECTOR.parameters]
    np.testing.assert_array_equal(values, expected)


def test_bounds_are_those_of_the_parameters_encoded() -> None:
    lower, upper = np.array(VECTOR.bounds).T
    np.testing.assert_allclose(VECTOR.decode(lower), [1e-3, -5.0, 0.5, 1e-9], atol=1e-11)
    np.testing.assert_allclose(VECTOR.decode(upper), [1e3, 5.0, 50.0, 1e6])


def test_priors_are_summed_with_their_derivatives() -> None:
    values = np.array([2.0, -1.0, 4.0, 0.1])
    total, gradient = VECTOR.negative_log_prior(values)
    priors = [p.prior for p in VECTOR.parameters[:3]]
    expected = [prior.derivative(x) for prior, x in zip(priors, values, strict=False) if prior]
    np.testing.assert_allclose(gradient, [*expected, 0.0])
    assert total == pytest.approx(
        sum(
            prior.negative_log_density(x) for prior, x in zip(priors, values, strict=False) if prior
        )
    )


def test_values_by_name_and_back() -> None:
    named = VECTOR.to_dict(VECTOR.initial)
    assert named == {"scale": 1.0, "mean": 0.0, "rate": 2.0, "noise": 1e-3}
    np.testing.assert_array_equal(VECTOR.from_dict(named), VECTOR.initial)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": 1e9}, r"scale=.*\[0.001, 1000.0\]"),
        ({"mean": float("nan")}, "mean=nan"),
        ({"other": 1.0}, "other"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(change: dict[str, float], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        VECTOR.from_dict({**VECTOR.to_dict(VECTOR.initial), **change})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2.0, 0.0, 1.0, None, "identity"), "initial=2.0"),
        ((1.0, 1.0, 1.0, None, "identity"), r"\[1.0, 1.0\]"),
        ((0.5, 0.0, 1.0), "lower=0.0"),
        ((0.0, 0.0, 1.0, None, "positive"), "initial=0.0"),
        ((0.5, 0.1, 1.0, None, "square"), "encoding='square'"),
    ],
)
def test_an_impossible_parameter_is_refused(arguments: tuple[float, ...], message: str) -> None:
    with pytest.raises(SchedulerError, match=f"width.*{message}"):
        Parameter("width", *arguments)  # type: ignore[arg-type]


def test_names_must_differ_and_can_be_prefixed() -> None:
    width = Parameter("width", 1.0, 0.1, 10.0)
    with pytest.raises(SchedulerError, match="width"):
        ParameterVector([width, width])
    both = ParameterVector([*prefixed("a_", [width]), *prefixed("b_", [width])])
    assert [p.name for p in both.parameters] == ["a_width", "b_width"]
