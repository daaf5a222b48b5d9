"""Cost model with a spline of one number of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.surrogates.cost_models.scikit_learn import Dataset, NonLinearCostModel

if TYPE_CHECKING:
    from synetune_lab.surrogates.cost_models.base import Config

__all__ = ["UnivariateSplineCostModel"]

_MOST_KNOTS = 5


class UnivariateSplineCostModel(NonLinearCostModel):
    """c1 is a spline of one number that is read off the configuration.

    A least-squares spline with at most five knots inside, at quantiles of the data, so that its
    error says how well b0 fits. Values of c1 of one configuration are replaced by their mean, which
    weighs as much as there are. With little data the degree falls; with one place only, c1 is
    constant. Outside of the data it goes on with the value at their end.

    Args:
        scalar_attribute: Name of the number in configurations, or a function that computes it from
            one.
        input_range: Smallest and largest value of that number.
        spline_degree: Degree of the spline, from 1 to 5.

    Raises:
        SchedulerError: If `input_range` is empty or the degree out of range.
    """

    def __init__(
        self,
        scalar_attribute: str | Callable[[Config], float],
        input_range: tuple[float, float],
        spline_degree: int = 3,
    ) -> None:
        super().__init__()
        lower, upper = input_range
        if not lower < upper:
            raise SchedulerError(f"input_range={input_range!r} must be an interval (lower, upper)")
        if isinstance(spline_degree, bool) or spline_degree not in range(1, 6):
            raise SchedulerError(f"spline_degree={spline_degree!r} must be an integer from 1 to 5")
        self.scalar_attribute = scalar_attribute
        self.input_range = (float(lower), float(upper))
        self.spline_degree = spline_degree

    def _scalar(self, config: Config) -> float:
        read = self.scalar_attribute
        return float(config[read] if isinstance(read, str) else read(config))

    def transform_dataset(self, dataset: Dataset, num_data0: int, res_min: int) -> dict[str, Any]:
        """See `NonLinearCostModel.transform_dataset`."""
        groups: dict[tuple[Any, ...], list[float]] = {}
        places: dict[tuple[Any, ...], float] = {}
        for config, value in dataset[num_data0:]:
            key = tuple(sorted((name, str(entry)) for name, entry in config.items()))
            places[key] = self._scalar(config)
            groups.setdefault(key, []).append(value)
        own = [(self._scalar(config), value, 1.0) for config, value in dataset[:num_data0]]
        own += [
            (places[key], float(np.mean(values)), float(len(values)))
            for key, values in groups.items()
        ]
        x, targets, weights = np.array(own, dtype=np.float64).T
        return {
            "x": np.clip(x, *self.input_range),
            "targets": targets,
            "weights": weights,
            "num_data0": num_data0,
            "res_min": res_min,
            "degree": self.spline_degree,
        }

    @staticmethod
    def fit_regressor(b0: float, **kwargs: Any) -> tuple[float, Any]:
        """See `NonLinearCostModel.fit_regressor`; the criterion is the mean squared error."""
        x, weights, num_data0 = kwargs["x"], kwargs["weights"], kwargs["num_data0"]
        targets = kwargs["targets"].copy()
        targets[:num_data0] = (targets[:num_data0] - b0) / kwargs["res_min"]
        model = _fit_spline(x, targets, weights, kwargs["degree"])
        errors = np.square(_evaluate(model, x) - targets)
        return float(np.average(errors, weights=weights)), model

    def predict_c1_values(self, candidates: Sequence[Config]) -> np.ndarray:
        """See `NonLinearCostModel.predict_c1_values`."""
        return _evaluate(self._model, np.array([self._scalar(config) for config in candidates]))


def _fit_spline(x: np.ndarray, y: np.ndarray, weights: np.ndarray, degree: int) -> Any:
    """A least-squares spline; the constant itself if there is only one place."""
    from scipy.interpolate import LSQUnivariateSpline

    make: Any = LSQUnivariateSpline
    places, group = np.unique(x, return_inverse=True)
    total = np.bincount(group, weights)
    means = np.bincount(group, weights * y) / total
    if len(places) == 1:
        return float(means[0])
    degree = min(degree, len(places) - 1)
    # Half as many knots as there are places to spare, so that each is held by data on both sides.
    count = min(_MOST_KNOTS, (len(places) - degree - 1) // 2)
    knots = np.quantile(places, np.linspace(0.0, 1.0, count + 2)[1:-1])
    # Places on [0, 1], which keeps the equations well conditioned.
    lower, upper = float(places[0]), float(places[-1])
    return (
        lower,
        upper,
        make(
            (places - lower) / (upper - lower),
            means,
            (knots - lower) / (upper - lower),
            w=np.sqrt(total),
            k=degree,
        ),
    )


def _evaluate(model: Any, x: np.ndarray) -> np.ndarray:
    if isinstance(model, float):
        return np.full(len(x), model)
    lower, upper, spline = model
    values: np.ndarray = spline((np.clip(x, lower, upper) - lower) / (upper - lower))
    return values
