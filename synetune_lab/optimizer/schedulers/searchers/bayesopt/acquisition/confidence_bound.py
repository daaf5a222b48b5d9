"""Lower confidence bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import (
    LARGEST,
    SMALLEST,
    AcquisitionFunction,
    Sensitivity,
    checked_number,
)

if TYPE_CHECKING:
    from synetune_lab.gp.prediction import Prediction
    from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition.base import FloatArray

__all__ = ["LCBAcquisitionFunction"]


class LCBAcquisitionFunction(AcquisitionFunction):
    """Mean minus `kappa` standard deviations, averaged over columns.

    Srinivas, Krause, Kakade, Seeger 2010, https://arxiv.org/abs/0912.3995.

    Args:
        kappa: Weight of the standard deviation, larger than 0. The larger, the more is explored.

    Raises:
        SchedulerError: If `kappa` is not larger than 0, or not finite.
    """

    needs_current_best = False

    def __init__(self, kappa: float = 1.0) -> None:
        self.kappa = checked_number("kappa", kappa, SMALLEST, LARGEST, "finite and larger than 0")

    def value(
        self,
        prediction: Prediction,
        best: FloatArray | None = None,
        others: Mapping[str, Prediction] | None = None,
    ) -> FloatArray:
        """See `AcquisitionFunction.value`."""
        del best, others
        deviation = np.mean(prediction.std, axis=1)
        return np.asarray(np.mean(prediction.mean, axis=1) - self.kappa * deviation)

    def value_with_gradient(
        self,
        prediction: Prediction,
        best: FloatArray | None = None,
        others: Mapping[str, Prediction] | None = None,
    ) -> tuple[FloatArray, Sensitivity, dict[str, Sensitivity]]:
        """See `AcquisitionFunction.value_with_gradient`."""
        mean, std = prediction.mean, prediction.std
        slope = Sensitivity(
            np.full_like(mean, 1.0 / mean.shape[1]), np.full_like(std, -self.kappa / std.shape[1])
        )
        return self.value(prediction, best, others), slope, {}
