"""The classifiers of BORE by their names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.extras import require

__all__ = ["CLASSIFIERS", "chance_of_good", "fit_classifier", "make_classifier"]

CLASSIFIERS = ("xgboost", "rf", "mlp", "gp", "logreg")
_FOLDS = 3


def make_classifier(name: str, options: Mapping[str, Any], seed: int) -> Any:
    """A classifier that is not fitted yet.

    Args:
        name: One of `CLASSIFIERS`.
        options: Its arguments.
        seed: Of its own randomness.

    Raises:
        SchedulerError: If the name is not known.
        MissingDependencyError: If its library is not installed.
    """
    given = {"random_state": seed, **options}
    if name == "xgboost":
        module = require("xgboost", extra="blackbox", purpose="BORE with classifier='xgboost'")
        return module.XGBClassifier(**{"n_jobs": 1, **given})
    if name == "rf":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(**{"n_estimators": 100, "min_samples_leaf": 2, **given})
    if name == "mlp":
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(**{"hidden_layer_sizes": (32, 32), "max_iter": 100, **given})
    if name == "gp":
        from sklearn.gaussian_process import GaussianProcessClassifier
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern

        # Without an amplitude of its own, the process can't tell good from bad by much.
        kernel = ConstantKernel(10.0, (0.1, 1e3)) * Matern(0.3, (0.03, 3.0), nu=2.5)
        return GaussianProcessClassifier(**{"kernel": kernel, **given})
    if name == "logreg":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(**given)
    raise SchedulerError(f"classifier={name!r} is not known; there are {', '.join(CLASSIFIERS)}")


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
