"""Models of a second reported value, beside the one of the metric: a constraint, a cost."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import InvalidReportError, SchedulerError
from synetune_lab.gp.prediction import Prediction
from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
    MetricModel,
    ModelData,
)
from synetune_lab.optimizer.schedulers.searchers.bayesopt.model_searcher import EI_JITTER

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.optimizer.schedulers.searchers.bayesopt.metric_model import (
        Conditioned,
        GPMetricModel,
    )
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.trial_data import TrialData

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "ConstantPosterior",
    "ConstraintModel",
    "LogCostModel",
    "check_second_name",
    "data_of_same_trials",
    "made_acquisition",
    "reported_number",
    "tamed_costs",
]

# Constraint values are cut at so many times the median of their sizes.
_LARGEST_SIZE = 10.0
_LARGEST_EXPONENT = 700.0
# Costs this many times above or below their median are cut: clocks err.
_WIDEST_COSTS = 1e6


def reported_number(owner: object, trial_id: str, result: Mapping[str, Any], name: str) -> float:
    """The number that a report holds as `name`; NaN and infinities are numbers here.

    Raises:
        InvalidReportError: If it is missing or not a number.
    """
    value = result.get(name)
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        return float(value)
    what = f"{name}={value!r}" if name in result else f"no {name!r}"
    raise InvalidReportError(
        f"trial {trial_id} sent a report with {what}, but {type(owner).__name__} needs a number "
        f"there in each; it has {', '.join(repr(key) for key in result) or 'nothing'}"
    )


def check_second_name(name: str, value: str | None, metric: str) -> str:
    """Check that the second value is another one than the metric.

    Raises:
        SchedulerError: If it is the same.
    """
    if value is None or value == metric:
        raise SchedulerError(
            f"search_options: {name}={value!r} must be the name of another reported value than the "
            f"metric {metric!r}"
        )
    return value


def made_acquisition(
    cls: type[Any], kwargs: Mapping[str, Any] | None, jitter: float = EI_JITTER
) -> Any:
    """An acquisition function with arguments of the user, and the jitter of other searchers.

    Raises:
        SchedulerError: If an argument is unknown or out of range.
    """
    try:
        return cls(**{"jitter": jitter, **dict(kwargs or {})})
    except TypeError as error:
        raise SchedulerError(f"search_options: acq_function_kwargs={kwargs!r}: {error}") from error


def data_of_same_trials(trials: TrialData, name: str, data: ModelData) -> ModelData:
    """Values of `name` as they were reported, of the trials that the main model learns from.

    Args:
        trials: All that is known of trials.
        name: Name of the second value; it has one level.
        data: What the main model learns from.
    """
    observed = trials.of(name)
    rows = np.array(observed.rows, dtype=np.intp)
    values = np.array(observed.values, dtype=np.float64)
    kept = np.isin(rows, data.rows)
    rows = rows[kept]
    return ModelData(trials.vectors(rows), np.zeros(len(rows), dtype=np.intp), values[kept], rows)


@dataclass(frozen=True)
class ConstantPosterior:
    """The same mean everywhere, for sure."""

    mean: float

    def at(self, level: int) -> ConstantPosterior:  # noqa: ARG002
        """See `Conditioned.at`."""
        return self

    def predict(self, x: FloatArray) -> Prediction:
        """Means (m, 1) and standard deviations (m, 1) at points (m, d)."""
        return Prediction(np.full((len(x), 1), self.mean), np.zeros((len(x), 1)))


class TransformedModel(MetricModel):
    """A Gaussian process of transformed values, whose predictions are transformed back.

    Its data hold values as they were reported. No fantasies are drawn from it.

    Args:
        inner: The model of transformed values.
    """

    def __init__(self, inner: GPMetricModel) -> None:
        super().__init__(inner.rule)
        self.inner = inner

    @abstractmethod
    def _transformed(self, values: FloatArray) -> tuple[FloatArray, float, float]:
        """Values with mean 0 and variance 1, and the mean and deviation that they had."""

    @abstractmethod
    def _back(self, posterior: Any, mean: float, std: float) -> Any:
        """A posterior in the units of reported values."""

    @property
    def is_fitted(self) -> bool:
        """See `MetricModel.is_fitted`."""
        return self.inner.is_fitted

    def parameters(self) -> dict[str, float]:
        """See `MetricModel.parameters`."""
        return self.inner.parameters()

    def fit(self, data: ModelData, random_state: np.random.RandomState) -> None:
        """See `MetricModel.fit`."""
        self.inner.fit(replace(data, targets=self._transformed(data.targets)[0]), random_state)

    def condition(self, data: ModelData) -> Conditioned:
        """See `MetricModel.condition`."""
        targets, mean, std = self._transformed(data.targets)
        conditioned = self.inner.condition(replace(data, targets=targets))
        return ConditionedTransformed(conditioned, lambda p: self._back(p, mean, std))


@dataclass(frozen=True)
class ConditionedTransformed:
    """A transformed model given data (see `Conditioned`)."""

    inner: Conditioned
    back: Callable[[Any], Any]

    def at(self, level: int) -> Any:
        """See `Conditioned.at`."""
        return self.back(self.inner.at(level))

    def with_fantasies(self, *args: Any) -> ConditionedTransformed:
        """See `Conditioned.with_fantasies`."""
        return ConditionedTransformed(self.inner.with_fantasies(*args), self.back)


class ConstraintModel(TransformedModel):
    """A Gaussian process of a constraint, feasible where it is at most 0.

    How far a value is from 0 matters little when it is far, and would drown what is near: values
    are cut at ten times the median of their sizes. NaN and infinity count as the largest value
    there is, and as infeasible in any case; minus infinity as the smallest.
    """

    def _transformed(self, values: FloatArray) -> tuple[FloatArray, float, float]:
        plain = tamed_constraint(values)
        unit = float(np.max(np.abs(plain), initial=0.0)) or 1.0
        mean, std = float(np.mean(plain / unit)), float(np.std(plain / unit))
        if not std > 1e-14:
            std = 1.0
        return (plain / unit - mean) / std, mean * unit, std * unit

    def _back(self, posterior: Any, mean: float, std: float) -> Any:
        return ShiftedPosterior(posterior, mean, std)


def tamed_constraint(values: FloatArray) -> FloatArray:
    """Constraint values, finite and of sizes that a model can take; signs stay."""
    finite = np.isfinite(values)
    sizes = np.abs(values[finite])
    sizes = sizes[sizes > 0.0]
    usual = float(np.median(sizes)) if len(sizes) else 1.0
    most = min(_LARGEST_SIZE * usual, float(np.max(sizes, initial=usual)))
    cut = np.clip(np.where(finite, values, 0.0), -most, most)
    worst = float(np.max(cut[finite], initial=-most))
    best = float(np.min(cut[finite], initial=most))
    # Without an infeasible value to go by, one is made up of the usual size.
    worst = worst if worst > 0.0 else usual
    best = best if best <= 0.0 else -usual
    unknown = np.where(values == -np.inf, best, worst)
    return np.where(finite, cut, unknown)


@dataclass(frozen=True)
class ShiftedPosterior:
    """A posterior in other units: `std` times the value plus `mean`."""

    inner: Any
    mean: float
    std: float

    def _shifted(self, inner: Prediction) -> Prediction:
        return Prediction(self.std * inner.mean + self.mean, self.std * inner.std)

    def predict(self, x: FloatArray) -> Prediction:
        """Prediction at points (m, d)."""
        return self._shifted(self.inner.predict(x))

    def predict_with_pullback(
        self, x: FloatArray
    ) -> tuple[Prediction, Callable[[FloatArray, FloatArray], FloatArray]]:
        """Prediction, and the pullback to the points."""
        inner, pullback = self.inner.predict_with_pullback(x)
        return self._shifted(inner), lambda by_mean, by_std: pullback(
            self.std * by_mean, self.std * by_std
        )


class LogCostModel(TransformedModel):
    """A Gaussian process of the logarithm of costs; it predicts the median of the cost.

    A cost of zero counts as the smallest positive one: clocks are coarse. Those that are a million
    times above or below the median are brought nearer. If all trials cost the
    same, that is predicted everywhere, and nothing is fitted.
    """

    def _transformed(self, values: FloatArray) -> tuple[FloatArray, float, float]:
        logs = _log_costs(values)
        mean, std = float(np.mean(logs)), float(np.std(logs))
        std = std if std > 0.0 else 1.0
        return (logs - mean) / std, mean, std

    def _back(self, posterior: Any, mean: float, std: float) -> Any:
        return ExponentialPosterior(posterior, mean, std)

    def fit(self, data: ModelData, random_state: np.random.RandomState) -> None:
        """See `MetricModel.fit`."""
        if not _is_constant(_log_costs(data.targets)):
            super().fit(data, random_state)

    def condition(self, data: ModelData) -> Any:
        """See `MetricModel.condition`."""
        logs = _log_costs(data.targets)
        if _is_constant(logs):
            return ConstantPosterior(1.0)
        return super().condition(data)


def tamed_costs(values: FloatArray) -> FloatArray:
    """Costs without those that are far larger than all others."""
    positive = values[values > 0.0]
    if not len(positive):
        return values
    tamed: FloatArray = np.minimum(values, _WIDEST_COSTS * float(np.median(positive)))
    return tamed


def _log_costs(values: FloatArray) -> FloatArray:
    positive = values[values > 0.0]
    if not len(positive):
        return np.zeros(len(values))
    least = max(float(positive.min()), float(np.median(positive)) / _WIDEST_COSTS)
    logs: FloatArray = np.log(np.maximum(tamed_costs(values), least))
    return logs


def _is_constant(values: FloatArray) -> bool:
    return len(values) == 0 or bool(np.all(values == values[0]))


@dataclass(frozen=True)
class ExponentialPosterior:
    """The median exp(std · z + mean) of a value whose logarithm has a posterior; no deviations."""

    inner: Any
    mean: float
    std: float

    def _exponential(self, inner: FloatArray) -> FloatArray:
        exponents = np.clip(self.std * inner + self.mean, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
        values: FloatArray = np.exp(exponents)
        return values

    def predict(self, x: FloatArray) -> Prediction:
        """Medians (m, k) at points (m, d), and zeros."""
        inner = self.inner.predict(x)
        return Prediction(self._exponential(inner.mean), np.zeros_like(inner.std))

    def predict_with_pullback(
        self, x: FloatArray
    ) -> tuple[Prediction, Callable[[FloatArray, FloatArray], FloatArray]]:
        """Prediction, and the pullback to the points."""
        inner, pullback = self.inner.predict_with_pullback(x)
        values = self._exponential(inner.mean)

        def to_inputs(by_mean: FloatArray, by_std: FloatArray) -> FloatArray:
            back: FloatArray = pullback(self.std * values * by_mean, np.zeros_like(by_std))
            return back

        return Prediction(values, np.zeros_like(inner.std)), to_inputs
