"""Cost models that are linear in features of the configuration.

Shapes: n configurations, m reports, d0 and d1 features of c0 and c1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.surrogates.cost_models.base import Config, CostData, CostModel, CostValue

__all__ = ["BiasOnlyLinearCostModel", "LinearCostModel"]

# Penalties to choose from, for features and targets that are scaled to root mean square 1.
_PENALTIES = np.logspace(-8.0, 3.0, 23)


class LinearCostModel(CostModel):
    """Fits c0(x) = f0(x) · w0 and c1(x) = f1(x) · w1 by ridge regression.

    Both weight vectors are fitted together to all reports, since c(x, r) = c0(x) + r · c1(x) is
    linear in them. Features are scaled first; the penalty is the one with the least squared error
    when each report is left out in turn. To make one, subclass it and write `feature_matrices`.
    """

    def __init__(self) -> None:
        self._weights: tuple[np.ndarray, np.ndarray] | None = None

    def feature_matrices(self, candidates: Sequence[Config]) -> tuple[np.ndarray, np.ndarray]:
        """Features of configurations (for subclasses).

        Args:
            candidates: n configurations.

        Returns:
            Features of c0, shape (n, d0), and of c1, shape (n, d1).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement feature_matrices")

    @property
    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """The fitted weights w0, shape (d0,), and w1, shape (d1,).

        Raises:
            SchedulerError: If `update` was not called before.
        """
        if self._weights is None:
            raise SchedulerError(f"{type(self).__name__} has no data yet: call update first")
        return self._weights

    def update(self, data: CostData) -> None:
        """Fit the weights (see `CostModel.update`)."""
        rows = list(data.rows())
        features0, features1 = self.feature_matrices([config for config, _, _ in rows])
        levels = np.array([level for _, level, _ in rows], dtype=np.float64)
        targets = np.array([cost for _, _, cost in rows])
        design = np.concatenate([features0, levels[:, None] * features1], axis=1)
        weights = _ridge(design, targets)
        self._weights = weights[: features0.shape[1]], weights[features0.shape[1] :]

    def sample_joint(self, candidates: Sequence[Config]) -> list[CostValue]:
        """Evaluate the fitted model, cut off at 0 (see `CostModel.sample_joint`)."""
        weights0, weights1 = self.weights
        if not candidates:
            return []
        features0, features1 = self.feature_matrices(candidates)
        c0 = np.maximum(features0 @ weights0, 0.0).tolist()
        c1 = np.maximum(features1 @ weights1, 0.0).tolist()
        return [CostValue(*pair) for pair in zip(c0, c1, strict=True)]


def _ridge(design: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Ridge regression without an intercept: (m, d), (m,) -> weights (d,)."""
    from sklearn.linear_model import Ridge, RidgeCV

    scale_x = np.sqrt(np.mean(np.square(design), axis=0))
    scale_x[scale_x == 0.0] = 1.0
    scale_y = float(np.sqrt(np.mean(np.square(targets)))) or 1.0
    if len(targets) > 1:
        model: Any = RidgeCV(alphas=_PENALTIES, fit_intercept=False)
    else:
        # With one report none can be left out.
        model = Ridge(alpha=_PENALTIES[0], fit_intercept=False)
    model.fit(design / scale_x, targets / scale_y)
    weights: np.ndarray = np.ravel(model.coef_) * (scale_y / scale_x)
    return weights


class BiasOnlyLinearCostModel(LinearCostModel):
    """The simplest one: all configurations cost the same."""

    def feature_matrices(self, candidates: Sequence[Config]) -> tuple[np.ndarray, np.ndarray]:
        """Ones, shape (n, 1), twice."""
        ones = np.ones((len(candidates), 1))
        return ones, ones
