"""Regressors by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synetune_lab.errors import BlackboxError
from synetune_lab.extras import require

__all__ = ["make_surrogate"]

_SCIKIT_LEARN = {
    "KNeighborsRegressor": "sklearn.neighbors",
    "MLPRegressor": "sklearn.neural_network",
    "RandomForestRegressor": "sklearn.ensemble",
}


def make_surrogate(surrogate: Any = None, surrogate_kwargs: Mapping[str, Any] | None = None) -> Any:
    """A regressor.

    Args:
        surrogate: `KNeighborsRegressor`, `MLPRegressor`, `RandomForestRegressor`, `XGBRegressor`;
            or a regressor as scikit-learn has them, which is returned; None for the default.
        surrogate_kwargs: Arguments of its constructor.

    Raises:
        BlackboxError: If the name is not known.
    """
    if surrogate is not None and not isinstance(surrogate, str):
        return surrogate
    options = dict(surrogate_kwargs or {})
    if surrogate is None:
        surrogate, options = "KNeighborsRegressor", {"n_neighbors": 1, **options}
    if surrogate == "XGBRegressor":
        return require("xgboost", extra="blackbox").XGBRegressor(**options)
    if surrogate not in _SCIKIT_LEARN:
        raise BlackboxError(
            f"surrogate={surrogate!r} is not known; there are {[*_SCIKIT_LEARN, 'XGBRegressor']}"
        )
    import importlib

    return getattr(importlib.import_module(_SCIKIT_LEARN[surrogate]), surrogate)(**options)
