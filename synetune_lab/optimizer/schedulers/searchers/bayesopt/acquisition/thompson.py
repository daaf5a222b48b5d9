"""Thompson sampling from marginals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from synetune_lab.gp.prediction import Prediction
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import FloatArray

__all__ = ["IndependentThompsonSampling"]


class IndependentThompsonSampling:
    """Scores each input by a draw from its own predictive distribution; the smallest comes first.

    Draws are independent of each other, which takes no joint covariance. With several columns a
    draw is from one of them, each equally likely.

    Args:
        random_state: Source of the draws.
    """

    def __init__(self, random_state: np.random.RandomState) -> None:
        self.random_state = random_state

    def score(self, prediction: Prediction) -> FloatArray:
        """Draw for each of m inputs: shape (m,)."""
        mean, std = prediction.mean, prediction.std
        rows = np.arange(len(mean))
        columns = np.zeros_like(rows)
        if mean.shape[1] > 1:
            columns = self.random_state.randint(mean.shape[1], size=len(mean))
        deviation = std[rows, columns if std.shape[1] > 1 else 0]
        noise = self.random_state.standard_normal(len(mean))
        draws: FloatArray = mean[rows, columns] + deviation * noise
        return draws
