"""The classifiers of BORE by their names."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.extras import require

__all__ = ["CLASSIFIERS", "chance_of_good", "fit_classifier", "make_classifier"]

_FOLDS = 3


def make_classifier(name: str, options: Mapping[str, Any], seed: int) -> Any:
    """A classifier that is not fitted yet.

    Args:
        name: One of `CLASSIFIERS`.
        options: Arguments of the class of scikit-learn (or xgboost) that it is; for `mlp` also
            `n_hidden`, `epochs` and `learning_rate`.
        seed: Of its own randomness.

    Raises:
        SchedulerError: If the name is not known, or the class does not take an argument.
        MissingDependencyError: If its library is not installed.
    """
    if name not in _MAKERS:
        raise SchedulerError(
            f"classifier={name!r} is not known; there are {', '.join(CLASSIFIERS)}"
        )
    try:
        return _MAKERS[name]({"random_state": seed, **options})
    except TypeError as error:
        raise SchedulerError(f"classifier_kwargs of classifier={name!r}: {error}") from error


def _xgboost(given: dict[str, Any]) -> Any:
    module = require("xgboost", extra="blackbox", purpose="BORE with classifier='xgboost'")
    return module.XGBClassifier(**{"n_jobs": 1, **given})


def _random_forest(given: dict[str, Any]) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**{"n_estimators": 100, "min_samples_leaf": 2, **given})


def _mlp(given: dict[str, Any]) -> Any:
    from sklearn.neural_network import MLPClassifier

    names = {"epochs": "max_iter", "learning_rate": "learning_rate_init"}
    own = {names.get(name, name): value for name, value in given.items()}
    hidden = own.pop("n_hidden", 32)
    # 100 epochs of stochastic gradients learn little from some dozens of observations; L-BFGS does.
    solver = "adam" if "learning_rate_init" in own else "lbfgs"
    usual = {"hidden_layer_sizes": (hidden,), "max_iter": 100, "solver": solver}
    return MLPClassifier(**{**usual, **own})


def _gaussian_process(given: dict[str, Any]) -> Any:
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    # Without an amplitude of its own, the process can't tell good from bad by much.
    kernel = ConstantKernel(10.0, (0.1, 1e3)) * Matern(0.3, (0.03, 3.0), nu=2.5)
    return GaussianProcessClassifier(**{"kernel": kernel, **given})


def _logistic_regression(given: dict[str, Any]) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(**given)


_MAKERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "xgboost": _xgboost,
    "rf": _random_forest,
    "mlp": _mlp,
    "gp": _gaussian_process,
    "logreg": _logistic_regression,
}
CLASSIFIERS = tuple(_MAKERS)


def fit_classifier(model: Any, features: np.ndarray, labels: np.ndarray, calibrate: bool) -> Any:
    """Fit a classifier; with `calibrate`, its chances are corrected by cross-validation."""
    if calibrate:
        from sklearn.calibration import CalibratedClassifierCV

        folds = min(_FOLDS, int(np.bincount(labels).min()))
        if folds >= 2:
            model = CalibratedClassifierCV(model, cv=folds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small networks that stop before they have converged
        model.fit(features, labels)
    return model


def chance_of_good(model: Any, features: np.ndarray) -> np.ndarray:
    """Predicted chance of label 1, shape (n,)."""
    chances: np.ndarray = model.predict_proba(features)[:, -1]
    return chances
