"""Cost models with a constant start-up cost and a regression for the cost of a unit of resource."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.surrogates.cost_models.base import Config, CostData, CostModel, CostValue

__all__ = ["NonLinearCostModel", "ScikitLearnCostModel"]

_GRID_SIZE = 21

Dataset = list[tuple[Config, float]]


class NonLinearCostModel(CostModel):
    """c0(x) = b0 is a constant, and c1(x) a regression model, fitted for several b0.

    Data come in two parts. Of configurations seen at the lowest level r, (c(x, r) - b0) / r is a
    value of c1(x) that depends on b0; between successive levels of one trial, the cost of a unit of
    resource is a value of c1(x) that does not. The better the two agree, the smaller the criterion
    that `fit_regressor` returns, and the b0 with the least is kept. From trials with one level each
    b0 can't be told, and is 0.

    To make one, write `transform_dataset`, `fit_regressor` and `predict_c1_values`.
    """

    def __init__(self) -> None:
        self._b0: float | None = None
        self._model: Any = None

    @property
    def b0(self) -> float:
        """The start-up cost.

        Raises:
            SchedulerError: If `update` was not called before.
        """
        if self._b0 is None:
            raise SchedulerError(f"{type(self).__name__} has no data yet: call update first")
        return self._b0

    def transform_dataset(self, dataset: Dataset, num_data0: int, res_min: int) -> dict[str, Any]:
        """Make arguments of `fit_regressor` (for subclasses).

        Args:
            dataset: Pairs of a configuration and a number: costs at the lowest level first, values
                of c1 after them.
            num_data0: How many are costs at the lowest level.
            res_min: That level.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement transform_dataset")

    @staticmethod
    def fit_regressor(b0: float, **kwargs: Any) -> tuple[float, Any]:
        """Fit c1, given b0 (for subclasses).

        Args:
            b0: The start-up cost.
            kwargs: What `transform_dataset` returned.

        Returns:
            The criterion (smaller is better) and the model.
        """
        raise NotImplementedError("a subclass must implement fit_regressor")

    def predict_c1_values(self, candidates: Sequence[Config]) -> np.ndarray:
        """Values of c1, shape (n,) (for subclasses)."""
        raise NotImplementedError(f"{type(self).__name__} must implement predict_c1_values")

    def update(self, data: CostData) -> None:
        """Choose b0 and fit c1 (see `CostModel.update`)."""
        dataset, num_data0, res_min = _data_for_c1_regression(data)
        arguments = self.transform_dataset(dataset, num_data0, res_min)
        # The start can't cost more than all that was paid at the lowest level.
        highest = min(cost for _, cost in dataset[:num_data0])
        if num_data0 == len(dataset):
            highest = 0.0
        self._b0 = _minimizer(lambda b0: self.fit_regressor(b0, **arguments)[0], highest)
        self._model = self.fit_regressor(self._b0, **arguments)[1]

    def sample_joint(self, candidates: Sequence[Config]) -> list[CostValue]:
        """Evaluate the fitted model, cut off at 0 (see `CostModel.sample_joint`)."""
        b0 = self.b0
        if not candidates:
            return []
        c1 = np.maximum(self.predict_c1_values(candidates), 0.0)
        return [CostValue(b0, value) for value in c1.tolist()]


def _data_for_c1_regression(data: CostData) -> tuple[Dataset, int, int]:
    """Costs at the lowest level, then values of c1; how many of the former; and that level."""
    res_min = min(level for _, level, _ in data.rows())
    lowest: Dataset = []
    slopes: Dataset = []
    for config, costs in data.evaluations:
        levels = sorted(costs)
        if levels and levels[0] == res_min:
            lowest.append((config, float(costs[res_min])))
        for before, after in pairwise(levels):
            slopes.append((config, (costs[after] - costs[before]) / (after - before)))
    return [*lowest, *slopes], len(lowest), res_min


def _minimizer(criterion: Callable[[float], float], highest: float) -> float:
    """Where a function is least on [0, highest]: on a grid first, which is then refined."""
    from scipy.optimize import minimize_scalar

    if highest <= 0.0:
        return 0.0
    grid = np.linspace(0.0, highest, _GRID_SIZE).tolist()
    values = [criterion(b0) for b0 in grid]
    best = int(np.argmin(values))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, _GRID_SIZE - 1)])
    refined = minimize_scalar(criterion, bounds=around, method="bounded")
    return float(refined.x) if float(refined.fun) < values[best] else grid[best]


class ScikitLearnCostModel(NonLinearCostModel):
    """c1 is a regression model of scikit-learn.

    Numbers in configurations are features as they are, scaled to mean 0 and standard deviation 1;
    texts and truth values are one-hot.

    Args:
        model_type: `ridge` (all products of two features, penalty by leaving one out), `svr`
            (support vectors) or `random_forest`. None stands for `ridge`.

    Raises:
        SchedulerError: If the type is not known.
    """

    def __init__(self, model_type: str | None = None) -> None:
        super().__init__()
        self.model_type = "ridge" if model_type is None else model_type
        if self.model_type not in _MAKERS:
            raise SchedulerError(
                f"model_type={model_type!r} is not known; there are {', '.join(_MAKERS)}"
            )

    def transform_dataset(self, dataset: Dataset, num_data0: int, res_min: int) -> dict[str, Any]:
        """See `NonLinearCostModel.transform_dataset`."""
        from sklearn.feature_extraction import DictVectorizer

        self._vectorizer = DictVectorizer(sparse=False)
        features = self._vectorizer.fit_transform([_readable(config) for config, _ in dataset])
        return {
            "model_type": self.model_type,
            "features": features,
            "targets": np.array([value for _, value in dataset], dtype=np.float64),
            "num_data0": num_data0,
            "res_min": res_min,
        }

    @staticmethod
    def fit_regressor(b0: float, **kwargs: Any) -> tuple[float, Any]:
        """See `NonLinearCostModel.fit_regressor`; the criterion is the mean squared error."""
        features, targets = kwargs["features"], kwargs["targets"].copy()
        num_data0 = kwargs["num_data0"]
        targets[:num_data0] = (targets[:num_data0] - b0) / kwargs["res_min"]
        scale = float(np.sqrt(np.mean(np.square(targets)))) or 1.0
        model = _MAKERS[kwargs["model_type"]](len(targets)).fit(features, targets / scale)
        predicted = scale * model.predict(features)
        return float(np.mean(np.square(predicted - targets))), (model, scale)

    def predict_c1_values(self, candidates: Sequence[Config]) -> np.ndarray:
        """See `NonLinearCostModel.predict_c1_values`."""
        model, scale = self._model
        features = self._vectorizer.transform([_readable(config) for config in candidates])
        values: np.ndarray = scale * model.predict(features)
        return values


def _readable(config: Config) -> dict[str, Any]:
    """Numbers as they are, and everything else as texts, which scikit-learn makes one-hot."""
    return {
        name: value if type(value) in (int, float) else str(value) for name, value in config.items()
    }


def _ridge(count: int) -> Any:
    from sklearn.linear_model import Ridge, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    # With one value none can be left out.
    regression = RidgeCV(alphas=np.logspace(-6.0, 3.0, 19)) if count > 1 else Ridge()
    return make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False), regression)


def _svr(count: int) -> Any:
    del count
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    return make_pipeline(StandardScaler(), SVR(C=10.0, epsilon=0.01))


def _random_forest(count: int) -> Any:
    del count
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=20, random_state=0)


_MAKERS: dict[str, Callable[[int], Any]] = {
    "ridge": _ridge,
    "svr": _svr,
    "random_forest": _random_forest,
}
