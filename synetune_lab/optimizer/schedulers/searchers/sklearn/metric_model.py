"""An estimator of the user's as the model of a metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.prediction import Prediction
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
    MetricModel,
    NotEnoughDataError,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.targets import scaled_targets
from synetune_lab.optimizer.schedulers.searchers.sklearn.estimator import SKLearnPredictor
from synetune_lab.optimizer.schedulers.searchers.sklearn.regressors import RegressorEstimator

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import ModelData
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.refit import RefitRule
    from synetune_lab.optimizer.schedulers.searchers.sklearn.estimator import SKLearnEstimator

    FloatArray = npt.NDArray[np.float64]

__all__ = ["EstimatorModel"]

# Below, two predictions can't be told apart; it is a share of the targets' deviation.
_SMALLEST_STD = 1e-9


class EstimatorModel(MetricModel):
    """A model that an estimator fits. It is fitted once for the same data.

    Args:
        estimator: The estimator.
        rule: When its own parameters are fitted as well.
    """

    def __init__(self, estimator: SKLearnEstimator, rule: RefitRule) -> None:
        super().__init__(rule)
        self.estimator = estimator
        self._update_params = True
        self._is_fitted = False
        self._last: tuple[FloatArray, FloatArray, ConditionedEstimator] | None = None

    @property
    def is_fitted(self) -> bool:
        """See `MetricModel.is_fitted`."""
        return self._is_fitted

    def fit(self, data: ModelData, random_state: np.random.RandomState) -> None:  # noqa: ARG002
        """Have the next `condition` fit the estimator's own parameters as well."""
        self._update_params = self._is_fitted = True
        self._last = None

    def condition(self, data: ModelData) -> ConditionedEstimator:
        """See `MetricModel.condition`.

        Raises:
            NotEnoughDataError: If the estimator can't be fitted.
        """
        if self._last is not None:
            x, targets, found = self._last
            if np.array_equal(x, data.x) and np.array_equal(targets, data.targets):
                return found
        mean, std = 0.0, 1.0
        if not self.estimator.normalize_targets:
            scaled = scaled_targets(data.targets)
            mean, std = scaled.mean, scaled.std
        with _numerical_failures(self.estimator):
            # It gets copies: what it does to them does not matter.
            predictor = self.estimator.fit(
                data.x.copy(), data.targets.copy(), update_params=self._update_params
            )
        if not hasattr(predictor, "predict"):
            raise SchedulerError(
                f"{type(self.estimator).__name__}.fit must return a SKLearnPredictor, got "
                f"{predictor!r}"
            )
        self._update_params = False
        made = ConditionedEstimator(_posterior(predictor, mean, std))
        self._last = data.x, data.targets, made
        return made

    def __getstate__(self) -> dict[str, Any]:
        # A forest is large, and fitted again in no time.
        dropped = {"_last": None} if isinstance(self.estimator, RegressorEstimator) else {}
        return {**vars(self), **dropped}

    def parameters(self) -> dict[str, Any]:
        """What `get_params` of the estimator returns."""
        return dict(self.estimator.get_params())


@dataclass(frozen=True)
class ConditionedEstimator:
    """A fitted estimator (see `Conditioned`); it knows no fantasies."""

    posterior: PredictorPosterior

    def at(self, level: int) -> PredictorPosterior:  # noqa: ARG002
        """See `Conditioned.at`."""
        return self.posterior

    def with_fantasies(self, *_: Any) -> ConditionedEstimator:
        """See `Conditioned.with_fantasies`: nothing is imagined."""
        return self


def _posterior(predictor: Any, mean: float, std: float) -> PredictorPosterior:
    own = getattr(type(predictor), "backward_gradient", None)
    if own is None or own is SKLearnPredictor.backward_gradient:
        return PredictorPosterior(predictor, mean, std)
    return DifferentiablePosterior(predictor, mean, std)


@dataclass(frozen=True)
class PredictorPosterior:
    """Predictions of a predictor, for targets of mean 0 and variance 1.

    Attributes:
        predictor: The predictor.
        mean: What the targets' mean was when it was fitted.
        std: Their standard deviation.
    """

    predictor: Any
    mean: float
    std: float

    def predict(self, x: FloatArray) -> Prediction:
        """Means (m, 1) and standard deviations (m, 1) at points (m, d).

        Raises:
            SchedulerError: If the predictor returns other shapes.
            NotEnoughDataError: If it fails for a numerical reason.
        """
        name = type(self.predictor).__name__
        with _numerical_failures(self.predictor):
            returned = self.predictor.predict(x)
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise SchedulerError(
                f"{name}.predict must return a pair of means and standard deviations, got "
                f"{type(returned).__name__}"
            )
        means, stds = (np.asarray(part, dtype=np.float64) for part in returned)
        if not means.size == stds.size == len(x):
            raise SchedulerError(
                f"{name}.predict must return means and standard deviations of shape ({len(x)},), "
                f"got {means.shape} and {stds.shape}"
            )
        means, stds = means.reshape(-1, 1), stds.reshape(-1, 1)
        return Prediction(
            (means - self.mean) / self.std, np.maximum(stds / self.std, _SMALLEST_STD)
        )


@dataclass(frozen=True)
class DifferentiablePosterior(PredictorPosterior):
    """One whose predictor has a `backward_gradient`."""

    def predict_with_pullback(
        self, x: FloatArray
    ) -> tuple[Prediction, Callable[[FloatArray, FloatArray], FloatArray]]:
        """Prediction, and the pullback to the points."""

        def to_inputs(by_mean: FloatArray, by_std: FloatArray) -> FloatArray:
            with _numerical_failures(self.predictor):
                rows = [
                    self.predictor.backward_gradient(
                        point, {"mean": head_mean / self.std, "std": head_std / self.std}
                    )
                    for point, head_mean, head_std in zip(x, by_mean, by_std, strict=True)
                ]
            return np.asarray(rows, dtype=np.float64).reshape(x.shape)

        return self.predict(x), to_inputs


@contextmanager
def _numerical_failures(of: object) -> Iterator[None]:
    """Turn what scikit-learn raises on data that it can't use into `NotEnoughDataError`."""
    try:
        yield
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise NotEnoughDataError(f"{type(of).__name__}: {error}") from error
