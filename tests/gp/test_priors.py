"""Prior densities of parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.priors import Gamma, Horseshoe, LogNormal, Normal, Uniform

PRIORS = [
    Uniform(0.1, 5.0),
    Gamma(mean=0.5, alpha=2.0),
    Gamma(mean=3.0, alpha=0.5),
    Normal(mean=-1.0, sigma=0.3),
    LogNormal(mean=0.4, sigma=1.2),
    Horseshoe(s=0.1),
]


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
@given(x=st.floats(1e-3, 1e3))
@settings(max_examples=25, deadline=None)
def test_derivatives_agree_with_finite_differences(prior: Any, x: float) -> None:
    step = 1e-6 * x
    difference = prior.negative_log_density(x + step) - prior.negative_log_density(x - step)
    scale = 1.0 + abs(prior.negative_log_density(x)) / x
    assert prior.derivative(x) == pytest.approx(difference / (2 * step), rel=1e-5, abs=1e-7 * scale)


@pytest.mark.parametrize(
    ("prior", "reference"),
    [
        (Gamma(mean=0.5, alpha=2.0), stats.gamma(a=2.0, scale=0.25)),
        (Gamma(mean=3.0, alpha=0.5), stats.gamma(a=0.5, scale=6.0)),
        (Normal(mean=-1.0, sigma=0.3), stats.norm(-1.0, 0.3)),
        (LogNormal(mean=0.4, sigma=1.2), stats.lognorm(s=1.2, scale=np.exp(0.4))),
    ],
    ids=repr,
)
def test_densities_are_those_of_scipy_up_to_a_constant(prior: Any, reference: Any) -> None:
    points = np.array([0.01, 0.3, 1.0, 4.0, 50.0])
    own = np.array([prior.negative_log_density(x) for x in points])
    np.testing.assert_allclose(own - own[0], -reference.logpdf(points) + reference.logpdf(0.01))


def test_the_horseshoe_falls_without_end() -> None:
    values = [Horseshoe(0.1).negative_log_density(x) for x in (1e-6, 1e-2, 1.0, 1e4)]
    assert values == sorted(values)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda bad: Gamma(bad, 1.0), "mean"),
        (lambda bad: Gamma(1.0, bad), "alpha"),
        (lambda bad: Normal(0.0, bad), "sigma"),
        (lambda bad: LogNormal(0.0, bad), "sigma"),
        (Horseshoe, "s"),
    ],
)
def test_impossible_densities_are_refused_by_name(make: Any, name: str, bad: float) -> None:
    with pytest.raises(SchedulerError, match=f"{name}="):
        make(bad)


def test_a_uniform_density_needs_its_bounds_in_order() -> None:
    with pytest.raises(SchedulerError, match=r"lower=2.*upper=1"):
        Uniform(2.0, 1.0)
