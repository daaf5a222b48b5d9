"""Any regressor with `fit` and `predict` as a model with standard deviations."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.optimizer.schedulers.searchers.sklearn.estimator import (
    SKLearnEstimator,
    SKLearnPredictor,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["RegressorEstimator"]

# ruff: noqa: N803 - the names are those of scikit-learn

_NUM_BOOTSTRAP = 10


class RegressorEstimator(SKLearnEstimator):
    """A regressor as scikit-learn has them, as a `SKLearnEstimator`.

    Standard deviations come from `predict(X, return_std=True)` where the regressor has it; from the
    spread of the members of a forest or of bagging; and from everything else by the bootstrap: ten
    more copies are fitted to data drawn with replacement, and their spread is taken.

    Each fit is one of a fresh copy. Targets are normalised.

    Args:
        regressor: The regressor. It is not changed itself. Where its `random_state` is None, a seed
            takes its place, so that a run can be repeated.
        random_seed: That seed.
    """

    def __init__(self, regressor: Any, random_seed: int) -> None:
        self.regressor = copy.deepcopy(regressor)
        self._random_seed = random_seed
        if hasattr(self.regressor, "get_params"):
            seeds = {
                name: random_seed % 2**31
                for name, value in self.regressor.get_params().items()
                if name.split("__")[-1] == "random_state" and value is None
            }
            if seeds:
                self.regressor.set_params(**seeds)

    @property
    def normalize_targets(self) -> bool:
        """See `SKLearnEstimator.normalize_targets`."""
        return True

    def fit(self, X: FloatArray, y: FloatArray, update_params: bool) -> SKLearnPredictor:  # noqa: ARG002
        """See `SKLearnEstimator.fit`."""
        fitted = self._fitted(X, y)
        if _returns_std(fitted):
            return ReturnStdPredictor(fitted)
        members = _members(fitted)
        if members is not None:
            return SpreadPredictor(None, members)
        # The same draws for the same number of data, whatever came before.
        random_state = np.random.RandomState((self._random_seed + len(y)) % 2**32)
        copies: list[Member] = []
        for _ in range(_NUM_BOOTSTRAP):
            rows = random_state.randint(len(y), size=len(y))
            copies.append((self._fitted(X[rows], y[rows]), None))
        return SpreadPredictor(fitted, copies)

    def _fitted(self, X: FloatArray, y: FloatArray) -> Any:
        fresh = copy.deepcopy(self.regressor)
        fresh.fit(X, y)
        return fresh


Member = tuple[Any, Any]  # a regressor, and the columns that it takes (None for all)


def _last_step(regressor: Any) -> Any:
    """The regressor at the end of a pipeline."""
    while hasattr(regressor, "steps"):
        regressor = regressor.steps[-1][1]
    return regressor


def _returns_std(regressor: Any) -> bool:
    predict: Callable[..., Any] = _last_step(regressor).predict
    return "return_std" in inspect.signature(predict).parameters


def _members(regressor: Any) -> list[Member] | None:
    """Members whose predictions a regressor averages; None for other ones."""
    ensembles: Any = sys.modules.get("sklearn.ensemble")
    if ensembles is None:
        return None
    if isinstance(regressor, ensembles.BaggingRegressor):
        return list(zip(regressor.estimators_, regressor.estimators_features_, strict=True))
    if isinstance(regressor, (ensembles.RandomForestRegressor, ensembles.ExtraTreesRegressor)):
        return [(tree, None) for tree in regressor.estimators_]
    return None


class ReturnStdPredictor(SKLearnPredictor):
    """A fitted regressor that tells standard deviations itself.

    Args:
        regressor: The regressor.
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def predict(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `SKLearnPredictor.predict`."""
        mean, std = self.regressor.predict(X, return_std=True)
        return np.ravel(mean), np.ravel(std)


class SpreadPredictor(SKLearnPredictor):
    """Fitted regressors whose predictions differ.

    Args:
        main: Predicts the means; None for the average of the members.
        members: Their predictions spread by the standard deviation.
    """

    def __init__(self, main: Any, members: list[Member]) -> None:
        self.main = main
        self.members = members

    def predict(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `SKLearnPredictor.predict`."""
        predicted = np.stack(
            [
                np.ravel(member.predict(X if columns is None else X[:, columns]))
                for member, columns in self.members
            ]
        )
        mean = predicted.mean(axis=0) if self.main is None else np.ravel(self.main.predict(X))
        return mean, predicted.std(axis=0)
