"""Acquisition functions: values, gradients, limits, several columns, several models."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal, getcontext
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.scipy.stats import norm
from hypothesis import given, settings
from hypothesis import strategies as st

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.prediction import Prediction
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition import (
    AcquisitionFunction,
    CEIAcquisitionFunction,
    EIAcquisitionFunction,
    EIpuAcquisitionFunction,
    IndependentThompsonSampling,
    LCBAcquisitionFunction,
    acquisition_function_factory,
    register_acquisition_function,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.factory import (
    ACQUISITION_FUNCTIONS,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.normal import (
    log_improvement,
    log_normal_cdf,
)

FEW = settings(max_examples=50, deadline=None)


def prediction(
    seed: int = 0, rows: int = 4, columns: int = 3, own_std: bool = False, scale: float = 1.0
) -> Prediction:
    rs = np.random.RandomState(seed)
    std = rs.uniform(0.3, 2.0, (rows, columns if own_std else 1))
    return Prediction(scale * rs.randn(rows, columns), scale * std)


def exact_log_improvement(u: float) -> float:
    """log(phi(u) + u Phi(u)) for u < 0 to 30 digits.

    From Laplace's continued fraction of Mills' ratio, evaluated backwards with decimals.
    """
    getcontext().prec = 60
    x = Decimal(-u)
    tail = x
    for k in range(4000, 0, -1):
        tail = x + Decimal(k) / tail
    rest = 1 - x / tail
    return float(-x * x / 2 + rest.ln()) - 0.5 * math.log(2.0 * math.pi)


@pytest.mark.parametrize("u", [-0.5, -1.0, -3.0, -8.0, -30.0, -49.9, -50.1, -300.0, -1e5, -1e9])
def test_log_improvement_far_below_is_exact(u: float) -> None:
    value, slope, complement = (float(part[0]) for part in log_improvement(np.array([u])))
    assert value == pytest.approx(exact_log_improvement(u), rel=1e-12)
    # Derivatives by their definition, from the exact values.
    step = 1e-4 * abs(u) if u > -1e3 else 1e-2
    if u > -1e3:
        rise = exact_log_improvement(u + step) - exact_log_improvement(u - step)
        assert slope == pytest.approx(rise / (2.0 * step), rel=1e-4)
    else:
        assert slope == pytest.approx(-u, rel=1e-8)
    assert complement == pytest.approx(1.0 - u * slope, rel=1e-9)


@pytest.mark.parametrize("u", [-2.0, -0.01, 0.0, 0.01, 1.0, 5.0, 30.0])
def test_log_improvement_is_the_direct_formula_where_that_holds(u: float) -> None:
    density = math.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
    mass = 0.5 * math.erfc(-u / math.sqrt(2.0))
    value, slope, complement = (float(part[0]) for part in log_improvement(np.array([u])))
    assert value == pytest.approx(math.log(density + u * mass), rel=1e-12, abs=1e-12)
    assert slope == pytest.approx(mass / (density + u * mass), rel=1e-12)
    assert complement == pytest.approx(density / (density + u * mass), rel=1e-9)


def test_log_improvement_has_no_step_where_formulas_meet() -> None:
    for place in (-50.0, 0.0):
        around = place + 1e-9 * np.array([-1.0, 1.0])
        for part in log_improvement(around):
            assert part[0] == pytest.approx(part[1], rel=1e-6)


@FEW
@given(st.floats(-1e100, 1e100))
def test_log_improvement_is_finite_everywhere(u: float) -> None:
    value, slope, complement = log_improvement(np.array([u]))
    assert np.isfinite(value).all()
    assert 0.0 <= slope[0] < math.inf
    assert 0.0 <= complement[0] < math.inf


@pytest.mark.parametrize("z", [-1e12, -50.0, -3.0, 0.0, 2.0, 37.0, 1e12])
def test_log_normal_cdf(z: float) -> None:
    value, slope = (float(part[0]) for part in log_normal_cdf(np.array([z])))
    if z > -30.0:
        assert value == pytest.approx(math.log(0.5 * math.erfc(-z / math.sqrt(2.0))))
    else:
        assert value == pytest.approx(-0.5 * z * z, rel=0.01)
    assert slope >= 0.0
    if z < -30.0:
        assert slope == pytest.approx(-z, rel=1e-3)


def test_ei_is_the_documented_formula_averaged_over_columns() -> None:
    given = prediction()
    best, jitter = np.array([0.1, -0.2, 0.3]), 0.05
    u = (best - given.mean - jitter) / given.std
    improvement = given.std * (u * norm.cdf(u) + norm.pdf(u))
    acquisition = EIAcquisitionFunction(jitter)
    values = acquisition.value(given, best)
    assert values.shape == (4,)
    np.testing.assert_allclose(acquisition.in_own_units(values), improvement.mean(axis=1))
    np.testing.assert_allclose(values, acquisition.value(given, best[None, :]))


def test_ei_has_jitter_001_as_documented() -> None:
    assert EIAcquisitionFunction().jitter == 0.01
    assert EIpuAcquisitionFunction().jitter == 0.01
    assert EIpuAcquisitionFunction().exponent_cost == 1.0
    assert CEIAcquisitionFunction().jitter == 0.01
    assert LCBAcquisitionFunction().kappa == 1.0


def test_ei_tells_inputs_apart_where_improvement_underflows() -> None:
    given = Prediction(np.array([[50.0], [60.0], [1e5]]), np.ones((3, 1)))
    values = EIAcquisitionFunction().value(given, np.zeros(1))
    assert values[0] < values[1] < values[2] < math.inf
    assert values[0] > 1000.0
    np.testing.assert_array_equal(EIAcquisitionFunction().in_own_units(values), 0.0)


@pytest.mark.parametrize("std", [0.0, 1e-300, 1e-12])
def test_ei_of_a_certain_prediction_is_its_improvement(std: float) -> None:
    given = Prediction(np.array([[-1.0], [1.0]]), np.full((2, 1), std))
    values, slope, _ = EIAcquisitionFunction(0.0).value_with_gradient(given, np.zeros(1))
    assert values[0] == pytest.approx(0.0)  # improvement is 1, surely
    assert values[1] > 1e20
    assert np.isfinite(values).all()
    assert slope.mean[0, 0] == pytest.approx(1.0)
    assert np.isfinite(slope.mean).all()
    assert np.isfinite(slope.std).all()


def test_lcb_is_averaged_over_columns() -> None:
    for own_std in (False, True):
        given = prediction(own_std=own_std)
        expected = (given.mean - 0.5 * given.std).mean(axis=1)
        np.testing.assert_allclose(LCBAcquisitionFunction(0.5).value(given), expected)


def all_functions() -> Iterator[Any]:
    yield EIAcquisitionFunction(0.02), {}, 1.0
    yield EIAcquisitionFunction(), {}, 1e4  # far from the incumbent
    yield LCBAcquisitionFunction(1.7), {}, 1.0
    cost = Prediction(np.random.RandomState(3).uniform(0.5, 2, (4, 2)), np.ones((4, 1)))
    yield EIpuAcquisitionFunction(0.7), {"seconds": cost}, 1.0
    yield CEIAcquisitionFunction(), {"size": prediction(5, columns=2)}, 1.0
    yield ProbabilityOfImprovement(), {}, 1.0


class ProbabilityOfImprovement(AcquisitionFunction):
    """What a user writes."""

    def head(self, mean: Any, std: Any, best: Any) -> Any:
        return -norm.cdf((best - mean) / std)


@pytest.mark.parametrize("own_std", [False, True])
@pytest.mark.parametrize("index", range(6))
def test_gradients_are_right(index: int, own_std: bool) -> None:
    acquisition, others, scale = list(all_functions())[index]
    given = prediction(1, own_std=own_std, scale=scale)
    best = np.array([0.1, -0.2, 0.3])
    values, slope, slopes = acquisition.value_with_gradient(given, best, others)
    np.testing.assert_allclose(values, acquisition.value(given, best, others))
    predictions = {"active": given, **others}
    for name, sensitivity in {"active": slope, **slopes}.items():
        at = predictions[name]
        for field in ("mean", "std"):
            derivative, place = getattr(sensitivity, field), getattr(at, field)
            assert derivative.shape == place.shape
            expected = np.zeros_like(place)
            for column in range(place.shape[1]):
                step = 1e-6 * scale * np.eye(place.shape[1])[column]
                moved = []
                for sign in (1.0, -1.0):
                    parts = {"mean": at.mean, "std": at.std, field: place + sign * step}
                    at_all = {**predictions, name: Prediction(**parts)}
                    rest = {key: value for key, value in at_all.items() if key != "active"}
                    moved.append(acquisition.value(at_all["active"], best, rest))
                expected[:, column] = (moved[0] - moved[1]) / (2e-6 * scale)
            np.testing.assert_allclose(derivative, expected, rtol=1e-4, atol=1e-7)


def test_a_head_that_ignores_the_mean_has_the_right_shapes() -> None:
    class Variance(AcquisitionFunction):
        needs_current_best = False

        def head(self, mean: Any, std: Any, best: Any) -> Any:
            assert best is None
            return -anp.square(std)

    given = prediction()
    values, slope, _ = Variance().value_with_gradient(given)
    np.testing.assert_allclose(values, -np.square(given.std[:, 0]))
    np.testing.assert_allclose(slope.std, -2.0 * given.std)
    np.testing.assert_array_equal(slope.mean, np.zeros_like(given.mean))
    np.testing.assert_allclose(Variance().value(given), values)


def test_the_incumbent_is_the_smallest_mean_of_each_column() -> None:
    known = prediction(7)
    best = EIAcquisitionFunction().current_best(known)
    np.testing.assert_array_equal(best, known.mean.min(axis=0))


def test_eipu_divides_by_a_power_of_the_mean_cost() -> None:
    given, best = prediction(), np.zeros(3)
    cost = Prediction(np.array([[1.0, 3.0], [4.0, 4.0], [0.5, 0.5], [9.0, 1.0]]), np.ones((4, 1)))
    improvement = np.exp(-EIAcquisitionFunction().value(given, best))
    acquisition = EIpuAcquisitionFunction(exponent_cost=0.5)
    values = acquisition.in_own_units(acquisition.value(given, best, {"cost": cost}))
    np.testing.assert_allclose(values, improvement / np.sqrt([2.0, 4.0, 0.5, 5.0]))


def test_eipu_does_not_run_after_costs_that_are_not_positive() -> None:
    known = Prediction(np.array([[2.0], [-1.0], [5.0]]), np.ones((3, 1)))
    acquisition = EIpuAcquisitionFunction().adapted_to({"cost": known})
    assert acquisition.cost_floor == pytest.approx(0.2)
    cost = Prediction(np.array([[-3.0], [0.0], [0.1], [0.2]]), np.ones((4, 1)))
    given = Prediction(np.zeros((4, 1)), np.ones((4, 1)))
    values, _, slopes = acquisition.value_with_gradient(given, np.zeros(1), {"cost": cost})
    np.testing.assert_allclose(values, values[0])
    np.testing.assert_array_equal(slopes["cost"].mean, np.zeros((4, 1)))
    nothing_known = EIpuAcquisitionFunction().adapted_to(
        {"cost": Prediction(-known.std, known.std)}
    )
    assert np.isfinite(nothing_known.value(given, np.zeros(1), {"cost": cost})).all()


def test_cei_multiplies_by_the_probability_to_be_feasible() -> None:
    given, constraint, best = prediction(), prediction(9, columns=1), np.zeros(3)
    acquisition = CEIAcquisitionFunction()
    improvement = np.exp(-EIAcquisitionFunction().value(given, best))
    chance = norm.cdf(-constraint.mean / constraint.std)[:, 0]
    values = acquisition.in_own_units(acquisition.value(given, best, {"c": constraint}))
    np.testing.assert_allclose(values, improvement * chance)
    # Nothing is feasible yet: the chance alone.
    for none in (None, np.full(3, np.inf)):
        values, slope, _ = acquisition.value_with_gradient(given, none, {"c": constraint})
        np.testing.assert_allclose(np.exp(-values), chance)
        np.testing.assert_array_equal(slope.mean, np.zeros_like(given.mean))


def test_the_incumbent_of_cei_is_feasible() -> None:
    known = Prediction(np.array([[1.0, 2.0], [0.0, 0.5], [3.0, 1.0]]), np.ones((3, 1)))
    constraint = Prediction(np.array([[-1.0], [1.0], [0.0]]), np.ones((3, 1)))
    best = CEIAcquisitionFunction().current_best(known, {"c": constraint})
    np.testing.assert_array_equal(best, [1.0, 1.0])
    never = Prediction(np.ones((3, 1)), np.ones((3, 1)))
    assert np.isinf(CEIAcquisitionFunction().current_best(known, {"c": never})).all()


class Parabola:
    """A model with one column: mean |x|² + shift, std 1 + x_0."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def predict(self, x: np.ndarray) -> Prediction:
        return Prediction((x**2).sum(axis=1, keepdims=True) + self.shift, 1.0 + x[:, :1])

    def predict_with_pullback(self, x: np.ndarray) -> tuple[Prediction, Any]:
        def pull_back(by_mean: np.ndarray, by_std: np.ndarray) -> np.ndarray:
            gradient = 2.0 * x * by_mean
            gradient[:, :1] += by_std
            return gradient

        return self.predict(x), pull_back


class NoGradient:
    def predict(self, x: np.ndarray) -> Prediction:
        return Parabola(1.0).predict(x)


@pytest.mark.parametrize("acquisition", [EIAcquisitionFunction(), ProbabilityOfImprovement()])
def test_bound_to_a_model_it_is_a_function_of_inputs(acquisition: AcquisitionFunction) -> None:
    known, x = np.array([[0.5, 0.5], [0.2, 0.1]]), np.random.RandomState(0).rand(5, 2)
    bound = acquisition.bind(Parabola(0.3), known)
    np.testing.assert_allclose(bound.best, [0.35])
    values, gradient = bound.values_with_gradient(x)
    np.testing.assert_allclose(values, bound.values(x))
    for column, step in enumerate(1e-6 * np.eye(2)):
        slope = (bound.values(x + step) - bound.values(x - step)) / 2e-6
        np.testing.assert_allclose(gradient[:, column], slope, rtol=1e-6, atol=1e-8)


def test_bound_to_two_models_both_carry_gradients() -> None:
    known, x = np.array([[0.5, 0.5]]), np.random.RandomState(0).rand(5, 2)
    for other in (Parabola(-0.5), NoGradient()):
        bound = CEIAcquisitionFunction().bind(Parabola(0.3), known, {"c": other})
        values, gradient = bound.values_with_gradient(x)
        np.testing.assert_allclose(values, bound.values(x))
        if isinstance(other, Parabola):
            step = np.array([1e-6, 0.0])
            slope = (bound.values(x + step) - bound.values(x - step)) / 2e-6
            np.testing.assert_allclose(gradient[:, 0], slope, rtol=1e-6)
    assert not EIAcquisitionFunction().bind(NoGradient(), known).has_gradient


def test_the_number_of_models_is_checked() -> None:
    with pytest.raises(SchedulerError, match=r"needs 1 model.*got \[\]"):
        CEIAcquisitionFunction().bind(Parabola(0.0), np.zeros((1, 2)))


def test_thompson_draws_come_from_the_marginals() -> None:
    mean = np.tile([[0.0, 10.0]], (4000, 1))
    std = np.tile([[1.0, 0.1]], (4000, 1))
    draws = IndependentThompsonSampling(np.random.RandomState(0)).score(Prediction(mean, std))
    assert draws.shape == (4000,)
    is_second = draws > 5.0
    assert is_second.mean() == pytest.approx(0.5, abs=0.05)
    assert draws[is_second].std() == pytest.approx(0.1, rel=0.1)
    assert draws[~is_second].std() == pytest.approx(1.0, rel=0.1)
    again = IndependentThompsonSampling(np.random.RandomState(0)).score(Prediction(mean, std))
    np.testing.assert_array_equal(draws, again)
    shared = Prediction(np.zeros((3, 2)), np.zeros((3, 1)))
    assert IndependentThompsonSampling(np.random.RandomState(0)).score(shared).tolist() == [0, 0, 0]


def test_factory_makes_functions_by_name() -> None:
    made = acquisition_function_factory("lcb", kappa=0.5)
    assert isinstance(made, LCBAcquisitionFunction)
    assert made.kappa == 0.5
    assert isinstance(acquisition_function_factory("ei"), EIAcquisitionFunction)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("lbc", {}, "'lbc' is unknown; do you mean 'lcb'"),
        ("lcb", {"kapa": 1.0}, "'kapa' is no argument.*do you mean 'kappa'"),
        ("lcb", {"kappa": 0.0}, "kappa=0.0 must be finite and larger than 0"),
        ("lcb", {"kappa": -1}, "kappa=-1 must be"),
        ("lcb", {"kappa": math.nan}, "kappa=nan must be"),
        ("lcb", {"kappa": "1"}, "kappa='1' must be"),
        ("ei", {"jitter": -0.1}, "jitter=-0.1 must be finite and at least 0"),
    ],
)
def test_factory_names_what_is_wrong(name: str, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        acquisition_function_factory(name, **kwargs)


@pytest.mark.parametrize("exponent", [0.0, 1.5, -1.0])
def test_eipu_refuses_other_exponents(exponent: float) -> None:
    with pytest.raises(SchedulerError, match="exponent_cost"):
        EIpuAcquisitionFunction(exponent_cost=exponent)


def test_users_register_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACQUISITION_FUNCTIONS, "pi", ProbabilityOfImprovement)
    del ACQUISITION_FUNCTIONS["pi"]  # the patch above takes it out again afterwards
    register_acquisition_function("pi", ProbabilityOfImprovement)
    register_acquisition_function("pi", ProbabilityOfImprovement)
    assert isinstance(acquisition_function_factory("pi"), ProbabilityOfImprovement)
    with pytest.raises(SchedulerError, match="name='ei' stands for EIAcquisitionFunction"):
        register_acquisition_function("ei", ProbabilityOfImprovement)
    with pytest.raises(SchedulerError, match="must be a subclass"):
        register_acquisition_function("other", print)
