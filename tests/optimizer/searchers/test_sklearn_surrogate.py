"""Bayesian optimisation with estimators of the user's."""

from __future__ import annotations

import copy
import json
import logging
import math
import warnings
from datetime import datetime
from typing import Any, ClassVar

import dill
import numpy as np
import pytest
from sklearn.ensemble import BaggingRegressor, ExtraTreesRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import BayesianRidge, LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from synetune_lab.config_space import choice, loguniform, randint, uniform
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers import FIFOScheduler, HyperbandScheduler
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition import (
    CEIAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.models.meanstd_acqfunc_impl import (
    EIAcquisitionFunction,
    LCBAcquisitionFunction,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.sklearn import (
    SKLearnEstimator,
    SKLearnPredictor,
)
from synetune_lab.optimizer.schedulers.searchers.sklearn import SKLearnSurrogateSearcher
from synetune_lab.trial import Trial

SPACE = {
    "x": uniform(0.0, 1.0),
    "rate": loguniform(1e-3, 1.0),
    "kind": choice(["a", "b", "c"]),
    "epochs": 9,
}


def loss(config: dict[str, Any]) -> float:
    rate = math.log10(config["rate"]) + 1.5
    return float((config["x"] - 0.3) ** 2 + 0.3 * rate**2 + 0.3 * (config["kind"] != "b"))


# The example of the documentation, as it is written there.


class BayesianRidgePredictor(SKLearnPredictor):
    def __init__(self, ridge: BayesianRidge) -> None:
        self.ridge = ridge

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.ridge.predict(X, return_std=True)


class BayesianRidgeEstimator(SKLearnEstimator):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.ridge = BayesianRidge(*args, **kwargs)

    def fit(self, X: np.ndarray, y: np.ndarray, update_params: bool) -> SKLearnPredictor:
        self.ridge.fit(X, y.ravel())
        return BayesianRidgePredictor(ridge=copy.deepcopy(self.ridge))


class QuadraticPredictor(SKLearnPredictor):
    """Least squares of a quadratic function, with a gradient."""

    def __init__(self, weights: np.ndarray, centre: np.ndarray, offset: float, std: float) -> None:
        self.weights, self.centre, self.offset, self.std = weights, centre, offset, std

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = self.offset + (X - self.centre) ** 2 @ self.weights
        return mean, np.full(len(X), self.std)

    def backward_gradient(self, input: np.ndarray, head_gradients: Any) -> np.ndarray:  # noqa: A002
        assert input.shape == self.centre.shape
        assert head_gradients["mean"].shape == head_gradients["std"].shape == (1,)
        return head_gradients["mean"] * 2.0 * self.weights * (input - self.centre)


class QuadraticEstimator(SKLearnEstimator):
    """Knows the minimum, to see whether the search gets there."""

    minimum = (0.4321, 0.1234)

    def fit(self, X: np.ndarray, y: np.ndarray, update_params: bool) -> SKLearnPredictor:
        return QuadraticPredictor(np.ones(2), np.array(self.minimum), float(y.min()) - 1.0, 0.1)


class RecordingEstimator(SKLearnEstimator):
    """Keeps what it is given; a class member, since searchers work with copies."""

    calls: ClassVar[list[tuple[np.ndarray, np.ndarray, bool]]] = []
    is_normalising = False

    @property
    def normalize_targets(self) -> bool:
        return self.is_normalising

    def get_params(self) -> dict[str, Any]:
        return {"depth": 3}

    def fit(self, X: np.ndarray, y: np.ndarray, update_params: bool) -> SKLearnPredictor:
        self.calls.append((X.copy(), y.copy(), update_params))
        ridge = BayesianRidge().fit(X, y)
        X[:], y[:] = np.nan, np.nan  # whatever it does to its arguments
        return BayesianRidgePredictor(ridge)


@pytest.fixture(autouse=True)
def _forget_calls() -> None:
    RecordingEstimator.calls = []
    RecordingEstimator.is_normalising = False


def make(estimator: Any, space: Any = None, **kwargs: Any) -> SKLearnSurrogateSearcher:
    own = {"num_initial_random_choices": 0, "random_seed": 1, **kwargs}
    space = SPACE if space is None else space
    return SKLearnSurrogateSearcher(space, "loss", estimator, points_to_evaluate=[], **own)


def tell(searcher: Any, trial_id: int, config: Any, value: float) -> None:
    searcher.on_trial_result(str(trial_id), config, {"loss": value}, update=True)


def filled(estimator: Any, count: int = 8, value: Any = loss, **kwargs: Any) -> Any:
    searcher = make(estimator, **kwargs)
    for trial_id in range(count):
        config = searcher._get_random_config()
        assert config is not None
        tell(searcher, trial_id, config, value(config))
    return searcher


def losses(scheduler: Any, count: int, sign: float = 1.0) -> list[float]:
    found = []
    for trial_id in range(count):
        config = scheduler.suggest(trial_id).config
        trial = Trial(trial_id, config, datetime(2026, 1, 1))
        scheduler.on_trial_add(trial)
        found.append(loss(config))
        result = {"loss": sign * found[-1]}
        scheduler.on_trial_result(trial, result)
        scheduler.on_trial_complete(trial, result)
    return found


def test_the_example_of_the_documentation() -> None:
    config_space = {"width": randint(1, 20), "height": randint(1, 20), "epochs": 100}
    searcher = SKLearnSurrogateSearcher(
        config_space=config_space,
        metric="mean_loss",
        estimator=BayesianRidgeEstimator(),
        scoring_class=EIAcquisitionFunction,
    )
    scheduler = FIFOScheduler(
        config_space,
        metric="mean_loss",
        mode="min",
        max_resource_attr="epochs",
        searcher=searcher,
    )
    found = []
    for trial_id in range(15):
        suggestion = scheduler.suggest(trial_id)
        assert suggestion is not None
        assert suggestion.config is not None
        trial = Trial(trial_id, suggestion.config, datetime(2026, 1, 1))
        scheduler.on_trial_add(trial)
        width, height = suggestion.config["width"], suggestion.config["height"]
        found.append(1.0 / (0.1 + width / 100.0) + 0.1 * height)
        result = {"mean_loss": found[-1]}
        scheduler.on_trial_result(trial, result)
        scheduler.on_trial_complete(trial, result)
    # The best is at width 20, height 1.
    assert min(found) < 3.8
    reason = scheduler.reason() or searcher.explain_last()
    json.dumps(reason, allow_nan=False)
    assert (reason["model"], reason["acquisition"]) == ("BayesianRidgeEstimator", "ei")
    assert reason["std"] > 0.0


REGRESSORS = [
    BayesianRidge(),
    make_pipeline(PolynomialFeatures(2), BayesianRidge()),
    GaussianProcessRegressor(alpha=1e-3, optimizer=None),
    RandomForestRegressor(10),
    ExtraTreesRegressor(10),
    BaggingRegressor(max_features=0.7),
    DecisionTreeRegressor(),
    KNeighborsRegressor(3),
    SVR(),
    LinearRegression(),
]


@pytest.mark.parametrize("regressor", REGRESSORS, ids=lambda r: type(r).__name__)
def test_any_regressor_of_scikit_learn_will_do(regressor: Any) -> None:
    choices = []
    for _ in range(2):
        searcher = filled(regressor, 12)
        assert searcher.get_config(trial_id="99") is not None
        reason = searcher.explain_last()
        assert (reason["kind"], reason["model"]) == ("model", type(regressor).__name__)
        # The metric's own units.
        assert -1.0 < reason["mean"] < 2.0
        assert 0.0 < reason["std"] < 2.0
        choices.append(searcher.get_config(trial_id="100"))
    # Also those that draw random numbers, and are given no seed.
    assert choices[0] == choices[1]
    assert not hasattr(regressor, "n_features_in_"), "the user's own object stays as it was"


@pytest.mark.parametrize("mode", ["min", "max"])
def test_it_finds_what_is_good(mode: str) -> None:
    sign = 1.0 if mode == "min" else -1.0
    ours, random = [], []
    for seed in range(3):
        searcher = SKLearnSurrogateSearcher(
            SPACE, "loss", ExtraTreesRegressor(20), random_seed=seed
        )
        scheduler = FIFOScheduler(
            SPACE, metric="loss", mode=mode, searcher=searcher, random_seed=seed
        )
        ours.append(min(losses(scheduler, 25, sign)))
        scheduler = FIFOScheduler(SPACE, metric="loss", mode=mode, random_seed=seed)
        random.append(min(losses(scheduler, 25, sign)))
    assert np.mean(ours) < 0.5 * np.mean(random)


def test_spread_of_members_is_where_data_are_missing() -> None:
    def make_and_predict(regressor: Any) -> tuple[float, float]:
        space = {"x": uniform(0.0, 1.0)}
        searcher = make(regressor, space)
        for trial_id, x in enumerate(np.linspace(0.0, 0.5, 12)):
            tell(searcher, trial_id, {"x": float(x)}, math.sin(12.0 * x))
        data = searcher.model_data("loss")
        searcher._fit_models(data)
        posterior = searcher._condition_models(data)["loss"].at(0)
        prediction = posterior.predict(np.array([[0.2], [0.9]]))
        assert prediction.mean.shape == prediction.std.shape == (2, 1)
        return float(prediction.std[0, 0]), float(prediction.std[1, 0])

    for regressor in (
        make_pipeline(PolynomialFeatures(3), LinearRegression()),
        make_pipeline(PolynomialFeatures(3), BayesianRidge()),
        GaussianProcessRegressor(alpha=1e-3, optimizer=None),
    ):
        near, far = make_and_predict(regressor)
        assert near < far


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("is_normalising", [False, True])
def test_what_an_estimator_is_given(mode: str, is_normalising: bool) -> None:
    RecordingEstimator.is_normalising = is_normalising
    searcher = make(RecordingEstimator(), mode=mode)
    values = [3.0, 1.0, 7.0, math.nan, 5.0]
    for trial_id, value in enumerate(values):
        tell(searcher, trial_id, searcher._get_random_config(), value)
    searcher.get_config(trial_id="99")
    x, y, update_params = RecordingEstimator.calls[-1]
    assert update_params
    assert x.shape == (5, 5)
    assert np.all((x >= 0.0) & (x <= 1.0))
    sign = 1.0 if mode == "min" else -1.0
    # What is not finite is as bad as the worst.
    raw = sign * np.array([3.0, 1.0, 7.0, 7.0 if mode == "min" else 1.0, 5.0])
    expected = (raw - raw.mean()) / raw.std() if is_normalising else raw
    assert y == pytest.approx(expected)
    reason = searcher.explain_last()
    assert 0.0 < reason["mean"] < 8.0
    assert searcher.model_parameters() == {"depth": 3}


def test_it_is_fitted_once_for_the_same_data() -> None:
    searcher = filled(RecordingEstimator(), 6)
    for trial_id in range(100, 103):
        searcher.register_pending(str(trial_id), searcher.get_config(trial_id=str(trial_id)))
    assert len(RecordingEstimator.calls) == 1
    tell(searcher, 7, searcher._get_random_config(), 1.0)
    searcher.get_config(trial_id="103")
    assert [len(y) for _, y, _ in RecordingEstimator.calls] == [6, 7]


def test_it_is_optimised_locally_if_there_is_a_gradient() -> None:
    space = {"x": uniform(0.0, 1.0), "y": uniform(0.0, 1.0)}
    found = []
    for estimator in (QuadraticEstimator(), BayesianRidgeEstimator()):
        searcher = filled(estimator, 4, lambda config: config["x"], space=space)
        config = searcher.get_config(trial_id="99")
        found.append([config["x"], config["y"]])
    assert found[0] == pytest.approx(QuadraticEstimator.minimum, abs=1e-3)


def test_gradients_are_scaled_like_predictions() -> None:
    space = {"x": uniform(0.0, 1.0), "y": uniform(0.0, 1.0)}
    searcher = filled(QuadraticEstimator(), 4, lambda config: 50.0 * config["x"], space=space)
    data = searcher.model_data("loss")
    searcher._fit_models(data)
    bound, _ = searcher._bind(searcher._condition_models(data), data, 0)
    x = np.random.RandomState(0).uniform(0.1, 0.9, (5, 2))
    _, gradient = bound.values_with_gradient(x)
    for k in range(2):
        step = 1e-6 * np.eye(2)[k]
        numerical = (bound.values(x + step) - bound.values(x - step)) / 2e-6
        assert gradient[:, k] == pytest.approx(numerical, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("scoring", "name"),
    [
        (None, "ei"),
        (EIAcquisitionFunction, "ei"),
        (LCBAcquisitionFunction, "lcb"),
        (lambda: LCBAcquisitionFunction(2.0), "lcb"),
        (LCBAcquisitionFunction(2.0), "lcb"),
    ],
)
def test_scoring_classes(scoring: Any, name: str) -> None:
    searcher = filled(BayesianRidge(), scoring_class=scoring)
    assert searcher.get_config(trial_id="99") is not None
    assert searcher.explain_last()["acquisition"] == name


@pytest.mark.parametrize(
    "estimator",
    [RandomForestRegressor(5), BayesianRidgeEstimator(), SVR()],
    ids=lambda e: str(e)[:9],
)
def test_saved_in_the_middle_it_goes_on_alike(estimator: Any) -> None:
    searcher = filled(estimator)
    searcher.get_config(trial_id="98")
    saved = dill.loads(dill.dumps(searcher))
    cloned = filled(estimator).clone_from_state(searcher.get_state())
    for trial_id in range(100, 104):
        chosen = [s.get_config(trial_id=str(trial_id)) for s in (searcher, saved, cloned)]
        assert chosen[0] is not None
        assert chosen[0] == chosen[1] == chosen[2]
        for other in (searcher, saved, cloned):
            other.register_pending(str(trial_id), chosen[0])
            if trial_id % 2:
                tell(other, trial_id, chosen[0], loss(chosen[0]))


def test_another_space() -> None:
    searcher = filled(BayesianRidgeEstimator(), 10)
    searcher.get_config(trial_id="98")
    report = searcher.edit_space({**SPACE, "x": uniform(0.5, 1.0), "y": randint(1, 5)}, {"y": 1})
    assert report.kept + report.outside == 10
    config = searcher.get_config(trial_id="99")
    assert config["x"] >= 0.5
    assert 1 <= config["y"] <= 5
    assert searcher.explain_last()["kind"] == "model"


def test_only_listed_configurations_each_once() -> None:
    listed = [{"x": x / 10, "rate": 0.1, "kind": "a"} for x in range(5)]
    searcher = make(BayesianRidge(), restrict_configurations=listed)
    chosen = []
    for trial_id in range(6):
        config = searcher.get_config(trial_id=str(trial_id))
        chosen.append(config)
        if config is not None:
            tell(searcher, trial_id, config, loss(config))
    assert chosen[5] is None
    assert sorted(config["x"] for config in chosen[:5]) == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_too_few_data_for_a_regressor(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        searcher = filled(KNeighborsRegressor(5), 2)
        assert searcher.get_config(trial_id="99") is not None
    assert searcher.explain_last()["kind"] == "random"
    assert "n_neighbors" in caplog.text


class WrongShape(SKLearnPredictor):
    def predict(self, X: np.ndarray) -> Any:
        return np.zeros((len(X), 2)), np.ones(len(X))


class OnlyMeans(SKLearnPredictor):
    def predict(self, X: np.ndarray) -> Any:
        return np.zeros(len(X))


class Returns(SKLearnEstimator):
    def __init__(self, returned: Any) -> None:
        self.returned = returned

    def fit(self, X: np.ndarray, y: np.ndarray, update_params: bool) -> Any:
        return self.returned


class NotANumber(SKLearnPredictor):
    def predict(self, X: np.ndarray) -> Any:
        return np.full(len(X), np.nan), np.full(len(X), np.nan)


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (WrongShape(), "WrongShape"),
        (OnlyMeans(), "a pair"),
        (None, "must return a SKLearnPredictor"),
    ],
)
def test_a_wrong_estimator_is_told(returned: Any, text: str) -> None:
    with pytest.raises(SchedulerError, match=text):
        filled(Returns(returned)).get_config(trial_id="99")


def test_predictions_that_are_not_numbers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        searcher = filled(Returns(NotANumber()))
        assert searcher.get_config(trial_id="99") is not None
    json.dumps(searcher.explain_last(), allow_nan=False)


class HalfDone(SKLearnEstimator):
    pass


class LooksLikeOne:
    def fit(self, X: Any, y: Any, update_params: bool) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("estimator", [None, BayesianRidge, LooksLikeOne(), object()])
def test_what_is_no_estimator_is_refused(estimator: Any) -> None:
    with pytest.raises(SchedulerError, match="estimator="):
        make(estimator)


def test_what_is_not_implemented_says_so() -> None:
    with pytest.raises(NotImplementedError, match="HalfDone must implement fit"):
        HalfDone().fit(np.zeros((1, 1)), np.zeros(1), True)
    with pytest.raises(NotImplementedError, match="predict"):
        SKLearnPredictor().predict(np.zeros((1, 1)))
    with pytest.raises(NotImplementedError, match="backward_gradient"):
        SKLearnPredictor().backward_gradient(np.zeros(1), {})
    HalfDone().set_params(HalfDone().get_params())


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(SchedulerError, match="num_initial_candidates=0"):
        make(BayesianRidge(), num_initial_candidates=0)
    with pytest.raises(SchedulerError, match="num_initial_random_choices=-1"):
        make(BayesianRidge(), num_initial_random_choices=-1)
    with pytest.raises(SchedulerError, match="scoring_class='ei'"):
        make(BayesianRidge(), scoring_class="ei")
    with pytest.raises(SchedulerError, match="further metrics"):
        make(BayesianRidge(), scoring_class=CEIAcquisitionFunction)
    with pytest.raises(SchedulerError, match="mode='min'"):
        FIFOScheduler(SPACE, metric="loss", mode="max", searcher=make(BayesianRidge(), mode="min"))
    with pytest.raises(SchedulerError, match="HyperbandScheduler"):
        HyperbandScheduler(SPACE, metric="loss", searcher=make(BayesianRidge()))
