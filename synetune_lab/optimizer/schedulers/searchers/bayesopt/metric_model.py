"""The surrogate model of one metric: its parameters, and its posterior given data."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from synetune_lab.gp.incremental import IncrementalPosterior
from synetune_lab.gp.mcmc import GaussianProcessMCMC

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from synetune_lab.gp.prediction import Prediction
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.refit import RefitRule

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = [
    "AtLevel",
    "Conditioned",
    "GPMetricModel",
    "MetricModel",
    "ModelData",
    "NotEnoughDataError",
]

logger = logging.getLogger(__name__)


class NotEnoughDataError(Exception):
    """A model can't be made of the observations that there are."""


@dataclass(frozen=True)
class ModelData:
    """Observations of one metric.

    Attributes:
        x: Encoded configurations, shape (n, d).
        levels: Resource of each, shape (n,); 0 without resources.
        targets: Scaled values, smaller is better, shape (n,).
        rows: Trial of each, shape (n,).
    """

    x: FloatArray
    levels: IntArray
    targets: FloatArray
    rows: IntArray

    def __len__(self) -> int:
        return len(self.targets)


class Conditioned(Protocol):
    """A model given data."""

    def at(self, level: int) -> Any:
        """Its posterior of configurations at a level (`predict`, `predict_with_pullback`)."""

    def with_fantasies(
        self,
        x: FloatArray,
        levels: IntArray,
        rows: IntArray,
        num_samples: int,
        random_state: np.random.RandomState,
    ) -> Conditioned:
        """Given imagined targets of pending trials as well, in several columns."""


class MetricModel(ABC):
    """A model of one metric with parameters that are fitted from time to time.

    Args:
        rule: When they are.
    """

    def __init__(self, rule: RefitRule) -> None:
        self.rule = rule

    @abstractmethod
    def fit(self, data: ModelData, random_state: np.random.RandomState) -> None:
        """Fit the parameters."""

    @abstractmethod
    def condition(self, data: ModelData) -> Conditioned:
        """The posterior with the parameters as they are."""

    @property
    @abstractmethod
    def is_fitted(self) -> bool:
        """Whether parameters have been fitted."""

    @abstractmethod
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""


class GPMetricModel(MetricModel):
    """A Gaussian process over configurations, or over configurations and resources.

    Args:
        regression: The Gaussian process, or an `IndependentRegression`.
        rule: See `MetricModel`.
        r_max: Maximum resource, if the last coordinate is the resource; None if there is none.
        mcmc: Whether parameters are sampled.
        verbose: Whether each fit is logged.
    """

    def __init__(
        self,
        regression: Any,
        rule: RefitRule,
        r_max: int | None = None,
        mcmc: bool = False,
        verbose: bool = False,
    ) -> None:
        super().__init__(rule)
        self.regression = regression
        self.r_max = r_max
        self._mcmc = GaussianProcessMCMC(regression) if mcmc else None
        self._verbose = verbose
        self.theta: FloatArray | None = None  # (p,), or (s, p) for samples
        is_plain = not mcmc and hasattr(regression, "extended_factor")
        self._incremental = IncrementalPosterior(regression) if is_plain else None

    @property
    def is_fitted(self) -> bool:
        """See `MetricModel.is_fitted`."""
        return self.theta is not None

    def points(self, x: FloatArray, levels: IntArray) -> FloatArray:
        """Inputs of the process."""
        return x if self.r_max is None else with_resource(x, levels, self.r_max)

    def fit(self, data: ModelData, random_state: np.random.RandomState) -> None:
        """See `MetricModel.fit`."""
        points = self.points(data.x, data.levels)
        if self._mcmc is not None:
            self.theta = self._mcmc.fit(points, data.targets, random_state)
        else:
            is_full = self.rule.is_full(len(data)) or self.theta is None
            self.theta = self.regression.fit(
                points, data.targets, random_state, self.theta, is_full, self.rule.memory
            )
        if self._verbose:
            logger.info("fit of %d observations: %s", len(data), self.parameters())

    def condition(self, data: ModelData) -> Conditioned:
        """See `MetricModel.condition`."""
        theta = self.theta
        if theta is None:
            theta = self.regression.vector.initial
        points = self.points(data.x, data.levels)
        posterior: Any
        if self._mcmc is not None:
            posterior = self._mcmc.posterior(np.atleast_2d(theta), points, data.targets)
        elif self._incremental is not None:
            posterior = self._incremental.posterior(theta, points, data.targets)
        else:
            posterior = self.regression.posterior(theta, points, data.targets)
        return ConditionedProcess(posterior, self.r_max)

    def parameters(self) -> dict[str, float]:
        """See `MetricModel.parameters`; the first sample's, of several."""
        if self.theta is None:
            return {}
        values: dict[str, float] = self.regression.vector.to_dict(np.atleast_2d(self.theta)[0])
        return values

    def to_targets(self, scaled: FloatArray) -> FloatArray:
        """Predictions in the scale of targets, where the model transforms them."""
        transform = getattr(self.regression, "target_transform", None)
        if transform is None or self.theta is None:
            return scaled
        power = self.parameters()["boxcox_lambda"]
        back: FloatArray = transform.inverse(power, scaled)
        return back


@dataclass(frozen=True)
class ConditionedProcess:
    """A Gaussian process given data (see `Conditioned`)."""

    posterior: Any
    r_max: int | None

    def at(self, level: int) -> Any:
        """See `Conditioned.at`."""
        if self.r_max is None:
            return self.posterior
        return AtLevel(self.posterior, encoded_resource(level, self.r_max))

    def with_fantasies(
        self,
        x: FloatArray,
        levels: IntArray,
        rows: IntArray,  # noqa: ARG002 - for models of curves
        num_samples: int,
        random_state: np.random.RandomState,
    ) -> ConditionedProcess:
        """See `Conditioned.with_fantasies`."""
        points = x if self.r_max is None else with_resource(x, levels, self.r_max)
        samples = self.posterior.sample_joint(points, num_samples, random_state)
        return ConditionedProcess(self.posterior.extend(points, samples), self.r_max)


@dataclass(frozen=True)
class AtLevel:
    """A posterior over (x, u) as one over x, at a fixed resource u."""

    posterior: Any
    resource: float

    def _points(self, x: FloatArray) -> FloatArray:
        return np.column_stack([x, np.full(len(x), self.resource)])

    def predict(self, x: FloatArray) -> Prediction:
        """Prediction at points (m, d)."""
        prediction: Prediction = self.posterior.predict(self._points(x))
        return prediction

    def predict_mean(self, x: FloatArray) -> FloatArray:
        """Means (m, k) at points (m, d)."""
        return predicted_mean(self.posterior, self._points(x))

    def predict_with_pullback(
        self, x: FloatArray
    ) -> tuple[Prediction, Callable[[FloatArray, FloatArray], FloatArray]]:
        """Prediction, and the pullback to the points."""
        prediction, pullback = self.posterior.predict_with_pullback(self._points(x))
        return prediction, lambda by_mean, by_std: pullback(by_mean, by_std)[:, :-1]

    def sample_joint(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Samples at points (m, d): shape (m, num_samples)."""
        samples: FloatArray = self.posterior.sample_joint(
            self._points(x), num_samples, random_state
        )
        return samples

    @property
    def num_columns(self) -> int:
        """Number of columns of predictions."""
        return int(self.posterior.num_columns)

    def column(self, index: int) -> AtLevel:
        """The posterior of one column."""
        return AtLevel(self.posterior.column(index), self.resource)

    def extend(self, x: FloatArray, targets: FloatArray, **kwargs: Any) -> AtLevel:
        """The posterior with more data at this level."""
        return AtLevel(self.posterior.extend(self._points(x), targets, **kwargs), self.resource)


def predicted_mean(posterior: Any, x: FloatArray) -> FloatArray:
    """Means of a posterior, without the standard deviations where it can leave them out."""
    if hasattr(posterior, "predict_mean"):
        means: FloatArray = posterior.predict_mean(x)
        return means
    prediction: Prediction = posterior.predict(x)
    return prediction.mean


def encoded_resource(level: int, r_max: int) -> float:
    """The coordinate of a resource: 1 to r_max, evenly in [0, 1]."""
    return (level - 0.5) / r_max


def with_resource(x: FloatArray, levels: IntArray, r_max: int) -> FloatArray:
    """Points with the coordinate of their resource as the last one."""
    return np.column_stack([x, (np.asarray(levels, dtype=np.float64) - 0.5) / r_max])
